// The edge: broker and journal. Who are you, may you publish here, is there room, is it on disk.
import type { Clock } from '#contracts/clock.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { CLOCK_IDENTITY, CLOCK_TOPIC } from '#contracts/topic.ts'
import type { Credentials } from '../broker/credentials.ts'
import type { Broker } from '../broker/index.ts'
import type { Settings } from '../settings.ts'
import { makeDataDir, KEPT_CURSOR, RULES_CURSOR, STORE_CURSOR, type Edge, type Parts } from './ports.ts'

/** Broker and journal: who are you, may you publish here, is there room, is it on disk. */
export async function createEdge(settings: Settings, parts: Parts, committed: (head: number) => void): Promise<Edge> {
  const { createMeter } = await import('../processes/metrics.ts')
  const { openJournal } = await import('../journal/index.ts')
  const { openCredentials } = await import('../broker/credentials.ts')
  const { startBroker } = await import('../broker/index.ts')
  const { openQuarantine } = await import('../ingest/quarantine.ts')
  const { createRefusals } = await import('../ingest/refusals.ts')
  const { loadDecoders } = await import('../ingest/catalogue.ts')
  const { createLanes } = await import('../ingest/lanes.ts')
  const { answerOver, hostOver } = await import('./answering.ts')
  const { openEntrances } = await import('./entrances.ts')
  const { openRegistrations } = await import('../ingest/registrations.ts')

  await using stack = new AsyncDisposableStack()
  const { clock, log } = parts
  const dir = makeDataDir(settings)
  const { meter, snapshot } = createMeter()
  // the door never waits for it: refusals that cannot be written now are written a second later
  const quarantine = stack.adopt(openQuarantine({ dir, clock, meter, busyMs: 20 }), q => q.close())
  const refusals = stack.adopt(createRefusals({ quarantine, log, meter, clock }), r => r.close())
  const credentials = stack.adopt(openCredentials({ dir, clock }), c => c.close())
  const kept = {
    keepMs: settings.journal.keepDays * DAY_MS,
    keepBytes: settings.journal.keepBytes,
    neededBy: [RULES_CURSOR, KEPT_CURSOR, STORE_CURSOR],
    diskReserveBytes: settings.diskReserveBytes,
  }
  const journal = stack.adopt(await openJournal({ dir, log, meter, clock, onCommit: committed, ...kept }), j => j.close())
  const laneOf = createLanes(await loadDecoders())
  const { host, mqttPort: port, maxPayloadBytes, anonymousDevices: anonymous, deviceRate, proxyProtocol } = settings
  const ways = {
    host,
    port,
    tlsPort: settings.mqttsPort,
    wsPort: settings.mqttWsPort,
    wssPort: settings.mqttWssPort,
    tls: settings.tls ?? undefined,
    proxyProtocol,
  }
  const registrations = stack.adopt(openRegistrations({ dir }), r => r.close())
  const provision = ({ deviceId, subject, fingerprint }: { deviceId: string; subject: string; fingerprint: string }): boolean => {
    if (!credentials.provision(deviceId)) return false
    registrations.put([{ deviceId, kind: 'other' }])
    log.info({ deviceId, subject, fingerprint }, 'registered by its certificate')
    return true
  }
  const door = {
    ...ways,
    dir,
    credentials,
    provision: settings.tls?.autoRegister === true ? provision : undefined,
    maxPayloadBytes,
    anonymous,
    deviceRate,
    laneOf,
  }
  stack.defer(writeClock(journal, clock, settings.clockMs))
  const append = (message: InboundMessage) => journal.append(message, laneOf(message.topic)(message.payload, 0, message.payload.byteLength))
  const entrances = stack.adopt(await openEntrances(settings, { ...parts, dir, meter, append, refused: refusals.add }), e => e.close())
  const broker = stack.adopt(await startBroker({ ...door, journal, log, meter, clock, refused: refusals.add }), b => b.close())
  stack.adopt(await answerOver(broker, clock, meter), a => a.close())
  const { sparkplugHostId } = settings.entrances
  if (sparkplugHostId !== null) stack.defer(await hostOver(broker, sparkplugHostId, clock))

  stack.defer(watchCredentials(credentials, broker))

  const running = stack.move()
  return {
    port: broker.port,
    append: async message => void (await append(message)),
    ports: broker.ports,
    publish: async (topic, payload) => void ((await entrances.send(topic, payload)) || (await broker.publish(topic, payload, { qos: 1 }))),
    withdraw: async (topic, payload) => broker.withdraw(topic, payload),
    disconnect: async username => broker.disconnect(username),
    health: async () => [
      {
        room: 'broker',
        ok: broker.problem() === null,
        detail: broker.problem() ?? `${broker.connections()} connected on ${portsOf(broker.ports)}`,
      },
      { room: 'journal', ...journal.healthy() },
      ...entrances.lines(),
    ],
    metrics: snapshot,
    close: () => running.disposeAsync(),
  }
}

/**
 * Credentials taken away or replaced on the command line, or by a core that could not reach us: their connections end. A gateway that lost
 * a device, by whichever process, loses what it subscribed to for it.
 */
export function watchCredentials(
  credentials: Pick<Credentials, 'endedSince' | 'leftSince' | 'identity'>,
  broker: Pick<Broker, 'disconnect' | 'recheck' | 'recheckWaiting'>,
): () => void {
  broker.recheckWaiting(credentials.identity)
  let { upTo } = credentials.endedSince(null)
  let { upTo: leftUpTo } = credentials.leftSince(null)
  const timer = setInterval(() => {
    const ended = credentials.endedSince(upTo)
    upTo = ended.upTo
    for (const username of ended.usernames) broker.disconnect(username)
    const left = credentials.leftSince(leftUpTo)
    leftUpTo = left.upTo
    for (const identity of left.gateways.map(gateway => credentials.identity(gateway))) if (identity !== undefined) broker.recheck(identity)
  }, LOOK_FOR_ENDED_MS)
  return () => clearInterval(timer)
}

const LOOK_FOR_ENDED_MS = 500

const portsOf = (ports: Record<string, number | undefined>): string =>
  Object.entries(ports)
    .map(([name, port]) => `${name} ${port}`)
    .join(', ')

/** Time passes in the journal though all devices are silent. One that the disk refuses is lost: then nobody is heard either. */
function writeClock(journal: { append(message: InboundMessage): Promise<unknown> }, clock: Clock, everyMs: number): () => void {
  if (everyMs === 0) return () => {}
  const origin = { identity: CLOCK_IDENTITY, clientId: CLOCK_IDENTITY, topic: CLOCK_TOPIC, qos: 1, retain: false, dup: false } as const
  const timer = setInterval(() => {
    journal.append({ ...origin, receivedAtMs: clock.nowMs(), payload: new Uint8Array() }).catch(() => {})
  }, everyMs)
  return () => clearInterval(timer)
}

const DAY_MS = 86_400_000
