// The canary: once a minute a message goes the way of an alarm, from the door over the disk and the alarm path into the queue's database, and its
// times are shown. It stops short of being an alarm: no rule judges it, nothing is raised, told or sent. One that does not arrive is itself an alarm.
import type { Clock, Log } from '#contracts/clock.ts'
import type { RoomHealth } from '#contracts/live.ts'
import type { Message } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'
import { CANARY_ID, CANARY_TOPIC } from '#contracts/topic.ts'

/** A fresh way to the door each time: one that was opened long ago proves less. Rejects when it was not acknowledged. */
export type SendCanary = (payload: string) => Promise<void>

export type CanaryParts = {
  everyMs: number
  send: SendCanary
  /** one small commit into the queue's database */
  keep(at: string): void
  clock: Clock
  log: Log
  meter: Meter
}
export type Canary = {
  /** each message of the journal as the alarm path takes it */
  see(message: Message): void
  line(): RoomHealth
  close(): void
}
/** `flight`: its acknowledgement may be on its way back when the queue has it already */
type Way = { flight: Flight; judgedMs: number; queuedMs: number }
type Flight = { n: number; from: number; acknowledgedMs: number | null; isSeen: boolean }

/** GB 26875.1 4.1.2.1 allows ten seconds from the device to the centre. */
export const LATE_MS = 10_000
/** times of this many are remembered: an hour, at one a minute */
const KEPT = 60
const FIRST_MS = 5_000

const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
const ms = (value: number | null): string => (value === null ? '?' : `${Math.round(value)} ms`)

export function startCanary({ everyMs, send, keep, clock, log, meter }: CanaryParts): Canary {
  // not by the clock: one that is set on by minutes makes nothing late
  const begunMs = performance.now()
  const passed: number[] = []
  let n = 0
  let flight: Flight | null = null
  let last: { arrivedMs: number; way: Way } | null = null
  let doorSays: string | null = null
  let queueSays: string | null = null
  let isLate = false

  function fly(): void {
    n += 1
    const mine: Flight = { n, from: performance.now(), acknowledgedMs: null, isSeen: false }
    flight = mine
    send(JSON.stringify({ n })).then(
      () => {
        mine.acknowledgedMs = performance.now() - mine.from
        doorSays = null
      },
      (error: Error) => {
        doorSays = `the door does not take it: ${error.message}`
      },
    )
  }

  function see({ topic, identity, payload }: Message): void {
    if (topic !== CANARY_TOPIC || identity !== CANARY_ID || flight === null || flight.isSeen) return
    const mine = flight
    if (Buffer.from(payload).toString('latin1') !== JSON.stringify({ n: mine.n })) return
    mine.isSeen = true
    const judgedMs = performance.now() - mine.from
    // after the batch in hand: an alarm of the same batch would be committed then
    setImmediate(() => land(mine, judgedMs))
  }

  function land(mine: Flight, judgedMs: number): void {
    try {
      keep(new Date(clock.nowMs()).toISOString())
      queueSays = null
    } catch (error) {
      queueSays = `the queue does not take it: ${(error as Error).message}`
      return
    }
    const queuedMs = performance.now() - mine.from
    last = { arrivedMs: performance.now(), way: { flight: mine, judgedMs, queuedMs } }
    passed.push(queuedMs)
    if (passed.length > KEPT) passed.shift()
    meter.observe('fengsui_canary_seconds', queuedMs / 1000)
    meter.gauge('fengsui_canary_late', 0)
    if (isLate) log.info({ tookMs: Math.round(queuedMs) }, 'the canary arrives again')
    isLate = false
  }

  /** Late: none has arrived for an interval and ten seconds. */
  function look(): boolean {
    const sinceMs = performance.now() - (last?.arrivedMs ?? begunMs)
    if (sinceMs <= everyMs + LATE_MS) return false
    if (!isLate) log.error({ reason: doorSays ?? queueSays }, 'the canary did not arrive: the way of an alarm is not open')
    isLate = true
    meter.gauge('fengsui_canary_late', 1)
    return true
  }

  const timer = setInterval(fly, everyMs)
  // the door opens last
  const first = setTimeout(fly, Math.min(everyMs, FIRST_MS))
  return {
    see,
    line() {
      const problem = doorSays ?? queueSays
      if (look())
        return { room: 'canary', ok: false, troubles: ['late'], detail: `it did not arrive${problem === null ? '' : `: ${problem}`}` }
      if (last === null) return { room: 'canary', ok: true, detail: 'under way for the first time' }
      const { way, arrivedMs } = last
      const stages = `acknowledged after ${ms(way.flight.acknowledgedMs)}, read by the rules' process after ${ms(way.judgedMs)}, in the queue's database after ${ms(way.queuedMs)}`
      const age = `${Math.round((performance.now() - arrivedMs) / 1000)} s ago`
      return {
        room: 'canary',
        ok: true,
        detail: `${stages}; ${age}; of the last ${passed.length}: half within ${ms(middle(passed))}, longest ${ms(Math.max(...passed))}`,
      }
    },
    close() {
      clearInterval(timer)
      clearTimeout(first)
    },
  }
}
