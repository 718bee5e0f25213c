// Sends what the outbox holds through the notifiers: when, how often, and when to give up is decided here, for all of them alike. It
// never stands in the way of a commit; everything it must remember is in the row, so a restart goes on where the last one ended.
import { FengsuiError } from '#contracts/errors.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import type { Trouble } from '#contracts/live.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Deliveries } from './deliveries.ts'
import { watchFailing } from './failing.ts'
import { sendWithin } from './sending.ts'
import type { Notifier, Outcome } from './notifiers/notifier.ts'
import type { OutboxRow } from './outbox.ts'

/** sendings open at once, a channel that does not say otherwise; each is of another incident or recipient */
export const IN_FLIGHT_MAX = 4
export const RETRY_MS_MIN = 2_000
export const RETRY_MS_MAX = 300_000
/** after this long, and at least one attempt, an event is no news any more */
export const GIVE_UP_MS = 72 * 3_600_000
/** undelivered rows of one channel at which the health line turns; they are kept all the same */
export const WAITING_MAX = 100_000
/** a lost wake-up, and a retry that comes due, cost at most this much */
const POLL_MS = 250

export type NotifyOptions = {
  dispatch: Deliveries
  notifiers: readonly Notifier[]
  clock: Clock
  log: Log
  meter: Meter
  /** 0 to 1, for the jitter */
  random?: () => number
}

export type Notify = {
  /** something may have been written to the outbox */
  wake(): void
  status(): ChannelStatus & { troubles?: Trouble[] }
  /** Stops what is under way; it is sent again after the next start, under the same key. */
  close(): Promise<void>
}

/** Doubles from 2 s to 5 min, each cut by up to a half, so that many rows do not come back at once. `failures` from 1. */
export const retryMs = (failures: number, random: number): number =>
  Math.round(Math.min(RETRY_MS_MAX, RETRY_MS_MIN * 2 ** Math.min(failures - 1, 30)) * (0.5 + random / 2))

/** Nobody was asked, so nobody failed. */
const isUnsent = (outcome: Outcome): boolean => outcome.outcome === 'never' && outcome.unsent === true

type ChannelStatus = { ok: boolean; detail: string }
type Channel = { pump(): void; status(): ChannelStatus & { isFailing: boolean }; settled(): Promise<unknown> }

const openChannel = (notifier: Notifier, o: Required<NotifyOptions>, closing: AbortSignal): Channel => {
  const { dispatch, clock, log, meter } = o
  const channel = notifier.name
  const inFlightMax = notifier.inFlightMax ?? IN_FLIGHT_MAX
  const inFlight = new Map<number, Promise<void>>()
  /** asked for by the other side, or our own database failed: nothing of this channel is sent before */
  let held = { fromMs: 0, untilMs: 0 }
  let failure: string | null = null
  /** why the last sending did not succeed */
  let trouble: string | null = null
  const failing = watchFailing()

  /** A clock that is set back ends it: sooner than asked for is better than much later. */
  const isHeld = (nowMs: number): boolean => nowMs >= held.fromMs && nowMs < held.untilMs
  const hold = (nowMs: number, forMs: number): void => {
    held = { fromMs: nowMs, untilMs: Math.max(isHeld(nowMs) ? held.untilMs : 0, nowMs + forMs) }
  }

  const settle = (row: OutboxRow, outcome: Outcome): void => {
    const nowMs = clock.nowMs()
    if (!isUnsent(outcome)) trouble = outcome.outcome === 'delivered' ? null : outcome.reason
    const about = { channel, notification: row.notification.id, attempt: row.attempts + 1 }
    if (outcome.outcome === 'delivered') {
      dispatch.delivered(row)
      meter.count('fengsui_notifications_total', { channel, outcome: 'delivered' })
      log.info(about, 'told outside')
    } else if (outcome.outcome === 'never' || nowMs - row.createdMs >= GIVE_UP_MS) {
      dispatch.gaveUp(row, outcome.reason)
      meter.count('fengsui_notifications_total', { channel, outcome: 'gave-up' })
      log.error({ ...about, reason: outcome.reason }, 'gave up telling outside; the incident says so in its timeline')
    } else {
      const waitMs = Math.max(retryMs(row.attempts + 1, o.random()), outcome.afterMs ?? 0)
      if (outcome.afterMs !== undefined) hold(nowMs, outcome.afterMs)
      dispatch.later(row, nowMs + waitMs, outcome.reason)
      meter.count('fengsui_notifications_total', { channel, outcome: 'retry' })
      log.warn({ ...about, reason: outcome.reason, waitMs }, 'could not be told outside; it is tried again')
    }
    failure = null
  }

  /** What our own database refuses is said in the health line and tried again: the row is still there, and so is its key. */
  const guarded = (work: () => void): void => {
    try {
      work()
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error)
      hold(clock.nowMs(), RETRY_MS_MIN)
      log.error({ err: error, channel }, 'the outbox cannot be read or written; it is tried again')
    }
  }

  const attempt = async (row: OutboxRow): Promise<Outcome> => {
    const address = dispatch.addressOf(row)
    // not the channel's fault
    if (address === null) return { outcome: 'never', reason: 'there is nobody to tell on this channel any more', unsent: true }
    const outcome = await sendWithin(notifier, row.notification, closing, { ...address })
    if (!closing.aborted && !isUnsent(outcome)) failing.note(clock.nowMs(), outcome.outcome === 'delivered')
    return outcome
  }

  const deliver = async (row: OutboxRow): Promise<void> => {
    const outcome = await attempt(row)
    // a stop is nobody's failure: the row stays as it was
    if (!closing.aborted || outcome.outcome === 'delivered') guarded(() => settle(row, outcome))
    inFlight.delete(row.seq)
    pump()
  }

  const pump = (): void => {
    const nowMs = clock.nowMs()
    if (closing.aborted || isHeld(nowMs) || inFlight.size >= inFlightMax) return
    guarded(() => {
      const rows = dispatch.due(channel, nowMs, inFlightMax * 2).filter(row => !inFlight.has(row.seq))
      if (rows.length === 0) failure = null
      for (const row of rows.slice(0, inFlightMax - inFlight.size)) inFlight.set(row.seq, deliver(row))
    })
  }

  /** Asked for by the health page, which must answer also when our own database does not. */
  const status = (): ChannelStatus & { isFailing: boolean } => {
    try {
      const { waiting, oldestMs } = dispatch.backlog(channel)
      const since = oldestMs === null ? '' : `, the oldest since ${new Date(oldestMs).toISOString()}`
      const said = failing.words(clock.nowMs())
      const isFailing = said !== null || waiting >= WAITING_MAX
      const why = [said, failure ?? trouble].filter(one => one !== null)
      return { ok: failure === null && !isFailing, isFailing, detail: [`${channel}: ${waiting} waiting${since}`, ...why].join(', ') }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      return { ok: false, isFailing: false, detail: `${channel}: the outbox cannot be read: ${why}` }
    }
  }
  return { pump, status, settled: () => Promise.all(inFlight.values()) }
}

export const startNotify = (given: NotifyOptions): Notify => {
  const o = { random: Math.random, ...given }
  const names = o.notifiers.map(n => n.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) throw new FengsuiError('setting-invalid', `two notifiers are called ${twice}`)
  const closing = new AbortController()
  const channels = o.notifiers.map(notifier => openChannel(notifier, o, closing.signal))
  const wake = (): void => {
    for (const channel of channels) channel.pump()
  }
  const poll = channels.length === 0 ? undefined : setInterval(wake, POLL_MS)
  // not within the caller's turn
  setImmediate(wake)

  return {
    wake: () => void setImmediate(wake),
    status() {
      const all = channels.map(channel => channel.status())
      return {
        ok: all.every(s => s.ok),
        detail: all.map(s => s.detail).join('; ') || 'nobody outside is told',
        ...(all.some(s => s.isFailing) && { troubles: ['failing' as const] }),
      }
    },
    async close() {
      closing.abort()
      clearInterval(poll)
      await Promise.all(channels.map(channel => channel.settled()))
    },
  }
}
