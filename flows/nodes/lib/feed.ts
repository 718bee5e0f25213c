// Follows the feed of readings over one stream: works through a batch, and acknowledges only what the flow has done. At least once: after
// a crash, a deploy or a lost answer the same readings come again. The server sends no more than `limit` readings ahead.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reading } from '../../../contracts/reading.ts'
import { acknowledging } from './acknowledging.ts'
import type { Api } from './http.ts'
import type { Keepers } from './keeper.ts'
import type { Tracked } from './progress.ts'
import { unfinished } from './unfinished.ts'

/** A reading and its place in the journal; several readings of one message share it. */
export type FeedReading = Reading & { off: number }
/** The journal's own clock said that it is `at`. */
export type FeedTick = { off: number; at: string }
type Entry = FeedReading | FeedTick
type Line = { cursor: number; head: number; readings: FeedReading[]; ticks?: FeedTick[] }

export type Feed = {
  api: Api
  consumer: string
  limit: number
  kinds: string
  areas: string
  ticks: boolean
  /** one reading after the other: the next begins when nothing is left of this one but alarms on their way; otherwise a batch at once */
  inOrder: boolean
  keepers: Keepers
  /** hands one reading or tick to the flow */
  deliver(entry: Entry): Tracked
  /** after each batch and each failure */
  report(state: { cursor: number; head: number; problem?: string }): void
  late(entry: Entry): void
  signal: AbortSignal
}

const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 5000

/** Runs until `signal` aborts. Never throws: what goes wrong is reported and tried again. */
export async function follow(feed: Feed): Promise<void> {
  let retryMs = RETRY_MS_MIN
  /** went through the flow in this life; what the server sends again of it is passed over */
  let done = 0
  let head = 0
  const acks = acknowledging(feed, problem => feed.report({ cursor: acks.committed(), head, ...(problem !== null && { problem }) }))
  const open = unfinished(acks.push)
  feed.signal.addEventListener('abort', open.drop, { once: true })

  /** One line of the feed. Answers false when the flows were deployed anew meanwhile: nothing of it is acknowledged. */
  async function work({ cursor, readings, ticks = [] }: Line): Promise<boolean> {
    const entries: Entry[] = ticks.length === 0 ? readings : [...readings, ...ticks].sort((a, b) => a.off - b.off)
    const batch = open.begin(cursor, readings.length)
    const together: Promise<void>[] = []
    for (const entry of entries) {
      if (feed.signal.aborted) return false
      if (entry.off <= done) continue
      const tracked = feed.deliver(entry)
      if (tracked.isDone) continue
      const passed = batch.wait(tracked, outcome => void (outcome === 'late' && feed.late(entry)))
      if (feed.inOrder) await passed
      else together.push(passed)
    }
    if (together.length > 0) await Promise.all(together)
    if (feed.signal.aborted) return false
    if (cursor > done) {
      done = cursor
      batch.end(feed.keepers.changed(feed.consumer))
    }
    return true
  }

  while (!feed.signal.aborted) {
    try {
      const lines = await feed.api.lines(pathOf(feed), feed.signal)
      try {
        for (;;) {
          const next = lines.next()
          const text = typeof next === 'string' ? next : await next
          if (text === null) break
          const line = JSON.parse(text) as Line
          head = Math.max(head, line.head)
          if (!(await work(line))) return
          if (!acks.isFailing()) feed.report({ cursor: acks.committed(), head: Math.max(head, done) })
          retryMs = RETRY_MS_MIN
        }
      } finally {
        lines.close()
      }
      // the server ended the stream: it is closing, or somebody else reads under this name
      await sleep(retryMs, undefined, { signal: feed.signal }).catch(() => {})
    } catch (error) {
      if (feed.signal.aborted) return
      feed.report({ cursor: acks.committed(), head, problem: error instanceof Error ? error.message : String(error) })
      await sleep(retryMs * (0.5 + Math.random() / 2), undefined, { signal: feed.signal }).catch(() => {})
      retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
    }
  }
}

function pathOf({ consumer, limit, kinds, areas, ticks }: Feed): string {
  const query = new URLSearchParams({ credit: String(limit) })
  if (kinds !== '') query.set('kinds', kinds)
  if (areas !== '') query.set('areas', areas)
  if (ticks) query.set('ticks', 'true')
  return `/api/v1/feed/${encodeURIComponent(consumer)}/stream?${query.toString()}`
}
