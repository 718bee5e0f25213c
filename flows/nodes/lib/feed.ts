// Follows the feed of readings over one stream: works through a batch, and acknowledges only what the flow has done. At least once: after
// a crash, a deploy or a lost answer the same readings come again. The server sends no more than `limit` readings ahead.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Reading } from '../../../contracts/reading.ts'
import { acknowledging } from './acknowledging.ts'
import type { Keepers } from './keeper.ts'
import type { Tracked } from './progress.ts'
import type { Request } from './server-node.ts'

/** A reading and its place in the journal; several readings of one message share it. */
export type FeedReading = Reading & { off: number }
/** The journal's own clock said that it is `at`. */
export type FeedTick = { off: number; at: string }
type Line = { cursor: number; head: number; readings: FeedReading[]; ticks?: FeedTick[] }

export type Feed = {
  request: Request
  consumer: string
  limit: number
  kinds: string
  areas: string
  ticks: boolean
  /** one reading after the other, each finished before the next begins; otherwise a batch at once */
  inOrder: boolean
  keepers: Keepers
  /** hands one reading or tick to the flow */
  deliver(entry: FeedReading | FeedTick): Tracked
  /** after each batch and each failure */
  report(state: { cursor: number; head: number; problem?: string }): void
  late(entry: FeedReading | FeedTick): void
  signal: AbortSignal
}

/** the server says something at least every 10 s; silence beyond this is a dead line */
const SILENT_MS_MAX = 25_000
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 5000

/** Runs until `signal` aborts. Never throws: what goes wrong is reported and tried again. */
export async function follow(feed: Feed): Promise<void> {
  let retryMs = RETRY_MS_MIN
  /** finished in this life; what the server sends again of it is passed over */
  let done = 0
  let head = 0
  const acks = acknowledging(feed, problem => feed.report({ cursor: acks.committed(), head, ...(problem !== null && { problem }) }))
  while (!feed.signal.aborted) {
    try {
      for await (const line of linesOf(feed)) {
        head = Math.max(head, line.head)
        if (!(await work(feed, line, done))) return
        if (line.cursor > done) {
          done = line.cursor
          acks.push(done, feed.keepers.changed(feed.consumer), line.readings.length)
        }
        if (!acks.isFailing()) feed.report({ cursor: acks.committed(), head: Math.max(head, done) })
        retryMs = RETRY_MS_MIN
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

/** true = every reading is finished (or was late, which is said); false = the flows were deployed anew, nothing of this is acknowledged */
async function work(feed: Feed, { readings, ticks = [] }: Line, done: number): Promise<boolean> {
  const entries = ticks.length === 0 ? readings : [...readings, ...ticks].sort((a, b) => a.off - b.off)
  const one = async (entry: FeedReading | FeedTick): Promise<void> => {
    if (feed.signal.aborted || entry.off <= done) return
    const { outcome, drop, isDone } = feed.deliver(entry)
    if (isDone) return
    feed.signal.addEventListener('abort', drop, { once: true })
    if ((await outcome) === 'late') feed.late(entry)
    feed.signal.removeEventListener('abort', drop)
  }
  if (feed.inOrder) for (const entry of entries) await one(entry)
  else await Promise.all(entries.map(one))
  return !feed.signal.aborted
}

async function* linesOf(feed: Feed): AsyncGenerator<Line> {
  const query = new URLSearchParams({ credit: String(feed.limit) })
  if (feed.kinds !== '') query.set('kinds', feed.kinds)
  if (feed.areas !== '') query.set('areas', feed.areas)
  if (feed.ticks) query.set('ticks', 'true')
  const silence = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const alive = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => silence.abort(new Error(`the feed said nothing for ${SILENT_MS_MAX / 1000} s`)), SILENT_MS_MAX)
  }
  alive()
  try {
    const signal = AbortSignal.any([feed.signal, silence.signal])
    const response = await feed.request(`/api/v1/feed/${encodeURIComponent(feed.consumer)}/stream?${query.toString()}`, { signal })
    if (!response.ok || response.body === null) throw new Error(`the feed answered ${response.status} ${await reasonOf(response)}`)
    const decoder = new TextDecoder()
    let rest = ''
    for await (const chunk of response.body) {
      alive()
      const parts = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n')
      rest = parts.pop() ?? ''
      for (const part of parts) {
        clearTimeout(timer) // how long the flow takes is not the server's silence
        yield JSON.parse(part) as Line
        alive()
      }
    }
  } finally {
    clearTimeout(timer)
  }
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
