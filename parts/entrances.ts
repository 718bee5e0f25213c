// What enters beside our own broker, wired: each entrance that is set up gets its port or its connections, the same way into the journal,
// and a line on /readyz. None is on by default.
import type { Clock, Log } from '#contracts/clock.ts'
import type { RoomHealth } from '#contracts/live.ts'
import type { InboundMessage } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Refusal } from '../ingest/intake.ts'
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
  close(): Promise<void>
}

export async function openEntrances(settings: Settings, parts: EntranceParts): Promise<Entrances> {
  const { gbt26875Port, registeredOnly } = settings.entrances
  await using stack = new AsyncDisposableStack()
  const lines: (() => RoomHealth)[] = []
  if (gbt26875Port === 0) return { lines: () => [], close: async () => {} }

  const { clock, log, meter } = parts
  const { createIntake } = await import('../ingest/intake.ts')
  const intake = createIntake({ ...parts, maxPayloadBytes: settings.maxPayloadBytes, ratePerS: settings.deviceRate })
  const common = {
    host: settings.host,
    intake,
    clock,
    log,
    meter,
    ...(registeredOnly && { isKnown: await registered(parts.dir, clock, stack) }),
  }

  if (gbt26875Port !== 0) {
    const { startGateway } = await import('../ingest/gbt26875/gateway.ts')
    const gateway = stack.adopt(await startGateway({ ...common, port: gbt26875Port }), g => g.close())
    lines.push(() => ({ room: 'gbt26875', ok: true, detail: `${gateway.connected()} transmitters connected on port ${gateway.port}` }))
  }
  const running = stack.move()
  return { lines: () => lines.map(line => line()), close: () => running.disposeAsync() }
}

/** Who is registered, or has something registered behind it. Looked up again when asked and a second has passed. */
async function registered(dir: string, clock: Clock, stack: AsyncDisposableStack): Promise<(deviceId: string) => boolean> {
  const { openRegistrations } = await import('../ingest/registrations.ts')
  const { createRegister } = await import('../ingest/register.ts')
  const registrations = stack.adopt(openRegistrations({ dir }), r => r.close())
  return createRegister(registrations.since, clock.nowMs)
}
