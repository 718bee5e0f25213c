// What enters beside our own broker, wired: each entrance that is set up gets its port or its connections, the same way into the journal,
// and a line on /readyz. None is on by default.
import type { Clock, Log } from '#contracts/clock.ts'
import type { RoomHealth } from '#contracts/live.ts'
import type { InboundMessage } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'
import { openZone, type Zone } from '#contracts/zone.ts'
import type { Intake, Refusal } from '../ingest/intake.ts'
import type { Settings } from '../settings.ts'

export type EntranceParts = {
  dir: string
  clock: Clock
  log: Log
  meter: Meter
  append(message: InboundMessage): Promise<unknown>
  refused(refusal: Refusal): void
}
export type Entrances = {
  /** a line for each entrance that is on */
  lines(): RoomHealth[]
  /** A way down that does not lead over our broker. false = there is none. @throws FengsuiError not-found, room-unavailable: there is, and it is closed now */
  send(topic: string, payload: string): Promise<boolean>
  close(): Promise<void>
}
type Line = () => RoomHealth
type Way = (topic: string, payload: string) => Promise<boolean>
type Opened = { lines: Line[]; way?: Way }
type Common = Pick<EntranceParts, 'clock' | 'log' | 'meter'> & { host: string; intake: Intake; isKnown?: (deviceId: string) => boolean }

export async function openEntrances(settings: Settings, parts: EntranceParts): Promise<Entrances> {
  const { bridgesFile, push, registeredOnly, dc09KeysFile, sparkplugHostId: _, ...ports } = settings.entrances
  if (bridgesFile === null && push === null && Object.values(ports).every(port => port === 0))
    return { lines: () => [], send: async () => false, close: async () => {} }

  await using stack = new AsyncDisposableStack()
  const { clock, log, meter } = parts
  const { createIntake } = await import('../ingest/intake.ts')
  const intake = createIntake({ ...parts, maxPayloadBytes: settings.maxPayloadBytes, ratePerS: settings.deviceRate })
  const isKnown = registeredOnly ? { isKnown: await registered(parts.dir, clock, stack) } : {}
  const common: Common = { host: settings.host, intake, clock, log, meter, ...isKnown }
  const lines: Line[] = []
  const ways: Way[] = []
  const take = ({ lines: more, way }: Opened): void => {
    lines.push(...more)
    if (way !== undefined) ways.push(way)
  }
  if (ports.gbt26875Port !== 0) take(await openGateway(common, ports.gbt26875Port, openZone(settings.timeZone), stack))
  if (ports.dc09Port !== 0) lines.push(await openPanels(common, ports.dc09Port, dc09KeysFile, stack))
  if (ports.meokonPort !== 0) lines.push(await openTerminals(common, ports.meokonPort, stack))
  if (ports.mavlinkPort !== 0) lines.push(await openDrones(common, ports.mavlinkPort, stack))
  if (push !== null) lines.push(await openPush(common, push, stack))
  if (bridgesFile !== null) take(await openBridges(common, bridgesFile, stack))
  const running = stack.move()
  return {
    lines: () => lines.map(line => line()),
    async send(topic, payload) {
      for (const way of ways) if (await way(topic, payload)) return true
      return false
    },
    close: () => running.disposeAsync(),
  }
}

async function openGateway(common: Common, port: number, zone: Zone, stack: AsyncDisposableStack): Promise<Opened> {
  const { startGateway } = await import('../ingest/gbt26875/gateway.ts')
  const gateway = stack.adopt(await startGateway({ ...common, port, zone }), g => g.close())
  const { ORDER_TOPIC } = await import('../ingest/commands/gbt26875.ts')
  return {
    lines: [() => ({ room: 'gbt26875', ok: true, detail: `${gateway.connected()} transmitters connected on port ${gateway.port}` })],
    async way(topic, payload) {
      if (!topic.startsWith(ORDER_TOPIC)) return false
      gateway.obey(topic.slice(ORDER_TOPIC.length), payload)
      return true
    },
  }
}

async function openPanels(common: Common, port: number, keysFile: string | null, stack: AsyncDisposableStack): Promise<Line> {
  const { startReceiver } = await import('../ingest/alarm-panel-dc09/receiver.ts')
  const { readPanelKeys } = await import('../ingest/alarm-panel-dc09/keys.ts')
  const keys = keysFile === null ? {} : { keyOf: readPanelKeys(keysFile) }
  const receiver = stack.adopt(await startReceiver({ ...common, ...keys, port }), r => r.close())
  return () => ({ room: 'dc09', ok: true, detail: `${receiver.connections()} panels connected on port ${receiver.port}` })
}

async function openTerminals(common: Common, port: number, stack: AsyncDisposableStack): Promise<Line> {
  const { startReceiver } = await import('../ingest/meokon/receiver.ts')
  const receiver = stack.adopt(await startReceiver({ ...common, port }), r => r.close())
  return () => ({ room: 'meokon', ok: true, detail: `${receiver.connections()} terminals connected on port ${receiver.port}` })
}

async function openDrones(common: Common, port: number, stack: AsyncDisposableStack): Promise<Line> {
  const { startListener } = await import('../ingest/mavlink/listener.ts')
  const listener = stack.adopt(await startListener({ ...common, port }), l => l.close())
  return () => ({ room: 'mavlink', ok: true, detail: `${listener.vehicles()} vehicles heard on port ${listener.port}` })
}

async function openPush(common: Common, { port, file }: { port: number; file: string }, stack: AsyncDisposableStack): Promise<Line> {
  const { readPushSources } = await import('../ingest/push/config.ts')
  const { startPush } = await import('../ingest/push/server.ts')
  const sources = readPushSources(file)
  const server = stack.adopt(await startPush({ ...common, port, sources }), s => s.close())
  return () => ({ room: 'push', ok: true, detail: `${sources.length} sources, ${server.requests()} requests on port ${server.port}` })
}

async function openBridges({ intake, log, meter, clock }: Common, file: string, stack: AsyncDisposableStack): Promise<Opened> {
  const { readBridges } = await import('../ingest/bridges/config.ts')
  const { startBridge } = await import('../ingest/bridges/mqtt.ts')
  const { startStream } = await import('../ingest/cameras/stream.ts')
  const config = readBridges(file)
  const { createAnswering } = await import('./answering.ts')
  const answering = await createAnswering(clock, meter)
  const bridges = config.mqtt.map(one => stack.adopt(startBridge({ config: one, intake, log, clock, answering }), b => b.close()))
  const cameras = config.cameras.map(one => stack.adopt(startStream({ config: one, intake, log, clock }), s => s.close()))
  const line = (room: string, entrance: string, all: readonly { name: string; status(): { ok: boolean; detail: string } }[]): Line[] => {
    if (all.length === 0) return []
    return [
      () => {
        const off = all.map(one => ({ name: one.name, ...one.status() })).filter(one => !one.ok)
        meter.gauge('fengsui_entrance_connections', all.length - off.length, { entrance })
        const named = off.slice(0, 5).map(({ name, detail }) => `${name}: ${detail}`)
        return { room, ok: off.length === 0, detail: [`${all.length - off.length} of ${all.length} connected`, ...named].join('; ') }
      },
    ]
  }
  return {
    lines: [...line('bridges', 'bridge', bridges), ...line('cameras', 'camera', cameras)],
    async way(topic, payload) {
      for (const bridge of bridges) if (await bridge.publish(topic, payload)) return true
      return false
    },
  }
}

/** Who is registered, or has something registered behind it. Looked up again when asked and a second has passed. */
async function registered(dir: string, clock: Clock, stack: AsyncDisposableStack): Promise<(deviceId: string) => boolean> {
  const { openRegistrations } = await import('../ingest/registrations.ts')
  const { createRegister } = await import('../ingest/register.ts')
  const registrations = stack.adopt(openRegistrations({ dir }), r => r.close())
  return createRegister(registrations.since, clock.nowMs)
}
