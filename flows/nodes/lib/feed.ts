// Follows the feed of readings: asks for the next batch only when this one is finished, and acknowledges only what the flow has done.
// At least once: after a crash, a deploy or a lost answer the same readings come again. At most `limit` readings are in memory.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reading } from '../../../contracts/reading.ts'
import type { Tracked } from './progress.ts'
import type { Request } from './server-node.ts'

/** A reading and its place in the journal; several readings of one message share it. */
export type FeedReading = Reading & { off: number }
type Batch = { cursor: number; head: number; readings: FeedReading[] }

export type Feed = {
  request: Request
  consumer: string
  limit: number
  kinds: string
  areas: string
  /** one reading after the other, each finished before the next begins; otherwise a batch at once */
  inOrder: boolean
  /** hands one reading to the flow */
  deliver(reading: FeedReading): Tracked
  /** after each batch and each failure */
  report(state: { cursor: number; head: number; problem?: string }): void
  late(reading: FeedReading): void
  signal: AbortSignal
}

const WAIT_MS = 20_000
/** an answer may take the long poll and this much */
const ANSWER_MS_MAX = 10_000
const IDLE_MS_MIN = 50
const RETRY_MS_MIN = 250
const RETRY_MS_MAX = 15_000

/** Runs until `signal` aborts. Never throws: what goes wrong is reported and tried again. */
export async function follow(feed: Feed): Promise<void> {
  let ack: number | undefined
  let retryMs = RETRY_MS_MIN
  let known = { cursor: 0, head: 0 }
  while (!feed.signal.aborted) {
    try {
      const askedMs = performance.now()
      // the first answer comes at once: it says where we are
      const batch = await ask(feed, ack, ack === undefined ? 0 : WAIT_MS)
      known = { cursor: ack ?? known.cursor, head: batch.head }
      if (!(await work(feed, batch.readings))) return
      ack = Math.max(ack ?? 0, batch.cursor)
      known = { cursor: ack, head: Math.max(batch.head, ack) }
      feed.report(known)
      retryMs = RETRY_MS_MIN
      if (batch.readings.length === 0 && performance.now() - askedMs < IDLE_MS_MIN)
        await sleep(IDLE_MS_MIN, undefined, { signal: feed.signal })
    } catch (error) {
      if (feed.signal.aborted) return
      feed.report({ ...known, problem: error instanceof Error ? error.message : String(error) })
      // the place is asked for anew: what was acknowledged meanwhile is the server's word
      ack = undefined
      await sleep(retryMs * (0.5 + Math.random() / 2), undefined, { signal: feed.signal }).catch(() => {})
      retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
    }
  }
}

/** true = every reading is finished (or was late, which is said); false = the flows were deployed anew, nothing of this is acknowledged */
async function work(feed: Feed, readings: FeedReading[]): Promise<boolean> {
  const one = async (reading: FeedReading): Promise<void> => {
    if (feed.signal.aborted) return
    const { outcome, drop } = feed.deliver(reading)
    feed.signal.addEventListener('abort', drop, { once: true })
    if ((await outcome) === 'late') feed.late(reading)
    feed.signal.removeEventListener('abort', drop)
  }
  if (feed.inOrder) for (const reading of readings) await one(reading)
  else await Promise.all(readings.map(one))
  return !feed.signal.aborted
}

async function ask(feed: Feed, ack: number | undefined, waitMs: number): Promise<Batch> {
  const query = new URLSearchParams({ limit: String(feed.limit), wait: String(waitMs) })
  if (ack !== undefined) query.set('ack', String(ack))
  if (feed.kinds !== '') query.set('kinds', feed.kinds)
  if (feed.areas !== '') query.set('areas', feed.areas)
  const signal = AbortSignal.any([feed.signal, AbortSignal.timeout(waitMs + ANSWER_MS_MAX)])
  const response = await feed.request(`/api/v1/feed/${encodeURIComponent(feed.consumer)}?${query.toString()}`, { signal })
  if (!response.ok) throw new Error(`the feed answered ${response.status} ${await reasonOf(response)}`)
  return (await response.json()) as Batch
}

/** The API's own words, bounded. */
export async function reasonOf(response: Response): Promise<string> {
  const text = await response.text().catch(() => '')
  try {
    const { code, message } = JSON.parse(text) as { code?: string; message?: string }
    return `${code ?? ''} ${message ?? ''}`.trim().slice(0, 200)
  } catch {
    return text.slice(0, 200)
  }
}
