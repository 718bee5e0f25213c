// What core does because time passes, as steps that stand by themselves (ticking.ts): the queue's deadlines, people to be told, commands, the
// devices that were registered on the command line, and how many of those expected were heard.
import type { AlarmSignal } from '#contracts/alarm.ts'
import type { Clock } from '#contracts/clock.ts'
import type { Device } from '#contracts/device.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Registration, Registrations } from '../ingest/registrations.ts'
import type { Fold } from '../rules/fold.ts'
import type { TickStep } from '../ticking.ts'

type Parts = {
  clock: Clock
  meter: Meter
  registrations: Pick<Registrations, 'since'>
  directory: { register(device: Registration): Device; remove(deviceId: string): void; registered(): Iterable<Device> }
  fold: Pick<Fold, 'expect' | 'forget'>
  video: { remove(deviceId: string): unknown }
  /** registrations taken off up to this change are known to be */
  removed: { upTo: number }
  see(devices: Device[]): void
  add(signals: AlarmSignal[]): void
  tallyOf(registered: Iterable<Device>, nowMs: number): { expected: number; heard: number; never: number }
  /** journal place up to which messages are judged, and where the journal ended at the start */
  position(): number
  headAtStart: number
  queue(nowMs: number, isCatchingUp: boolean): void
  tell(nowMs: number): void
  command(): void
}

/** how often the registered devices are held against those that were heard */
const TALLY_EVERY_MS = 30_000
/** What crews answered while this was down is in the journal. Reading on takes seconds; then deadlines go on, whatever waits there. */
const CATCH_UP_MS_MAX = 10_000

export function timeAlone(parts: Parts): TickStep[] {
  const { clock, meter, registrations, directory, fold, removed } = parts
  const startedMs = performance.now()
  let seenChange = 0
  let talliedAtMs = -Infinity

  const isCatchingUp = (): boolean => parts.position() < parts.headAtStart && performance.now() - startedMs < CATCH_UP_MS_MAX

  function followRegistrations(): void {
    for (const { change, deviceId, device } of registrations.since(seenChange)) {
      if (device) {
        const known = directory.register(device)
        parts.see([known])
        if (known.lastReceivedAt === undefined) parts.add(fold.expect([known]))
      } else if (change > removed.upTo) {
        directory.remove(deviceId)
        parts.video.remove(deviceId)
        parts.add(fold.forget(deviceId))
        removed.upTo = change
      }
      seenChange = change
    }
  }

  function tally(): void {
    if (Math.abs(clock.nowMs() - talliedAtMs) < TALLY_EVERY_MS) return
    talliedAtMs = clock.nowMs()
    const { expected, heard, never } = parts.tallyOf(directory.registered(), talliedAtMs)
    meter.gauge('fengsui_devices_expected', expected)
    meter.gauge('fengsui_devices_heard', heard)
    meter.gauge('fengsui_devices_never_heard', never)
  }

  return [
    { what: 'deadlines, offers and ends of shelving', work: () => parts.queue(clock.nowMs(), isCatchingUp()) },
    { what: 'people to be told', work: () => (isCatchingUp() ? undefined : parts.tell(clock.nowMs())) },
    { what: 'commands to devices', work: parts.command },
    { what: 'registered devices', work: followRegistrations },
    { what: 'the count of devices', work: tally },
  ]
}
