// Where each consumer of the feed stands, what comes next for it, and waiting for news. The cursor is durable and moves only by an
// acknowledgement; a consumer's rows (what its rules remember) are stored in the same transaction. Knows nothing of HTTP.
import { FengsuiError } from '#contracts/errors.ts'
import type { Reading } from '#contracts/reading.ts'

/** `tick`: the journal's own clock said that time has passed, which rules on silence need. */
export type FeedEntry = FeedReading | { seq: number; tick: string }
/** `text`: the reading as it goes over a stream, written once for all who follow */
export type FeedReading = { seq: number; reading: Reading; text?: string }
export type FeedParts = {
  feed: {
    head(): number
    /** what the next `maxMessages` journal messages after `afterSeq` say; a message is never cut in two */
    read(afterSeq: number, maxMessages: number): FeedEntry[]
    /** the same out of memory, where these messages have just been read by somebody else; `cursor`: the last of them */
    recent?(afterSeq: number, maxMessages: number): { cursor: number; entries: FeedEntry[] } | undefined
    cursors: {
      get(consumer: string): number
      has(consumer: string): boolean
      set(consumer: string, seq: number): void
      rows(consumer: string): [string, string][]
      commit(consumer: string, seq: number, rows: [string, string | null][]): void
      all(): Record<string, number>
      bytes(): number
    }
  }
}
export type Start = 'start' | 'head' | number
/** `head`: of the journal when it was read */
export type Batch = { cursor: number; head: number; readings: FeedReading[]; ticks: { off: number; at: string }[] }
export type Wanted = { reading(reading: Reading): boolean; ticks: boolean }
/** One waiting request: resolves at news, at the time limit, or when `gone` aborts. */
export type FeedSource = {
  positionOf(consumer: string, from: Start | undefined): number
  /** An older acknowledgement that comes late is harmless: the cursor never goes back. @throws FengsuiError invalid-request */
  acknowledge(consumer: string, ack: number, rows?: [string, string | null][]): number
  rows(consumer: string): [string, string][]
  next(after: number, limit: number, wanted: Wanted): Batch
  /** @throws FengsuiError too-many-requests when as many wait already as may */
  news(seen: number, ms: number, onGone: (go: () => void) => () => void): Promise<void>
  /** calls back with its place when the consumer has acknowledged something; call the result to hear no more */
  acknowledged(consumer: string, heard: (position: number) => void): () => void
  head(): number
  isClosed(): boolean
  wake(): void
  close(): void
}

/** how soon a waiting request sees news that nobody announced */
const POLL_MS = 50
/** requests that may wait at once; beyond it they are refused with 429 */
const WAITING_MAX = 200
/** messages looked through in one request when a filter lets little pass: bounds the time of one answer */
const SCAN_MAX = 20_000
/** names of consumers, those of incidents too; each is a row that nobody takes away */
export const CONSUMERS_MAX = 1_000
/** what the rows of all consumers may take; then only rows are taken away */
export const ROWS_BYTES_MAX = 512 * 1024 * 1024
/** keeps consumers of the feed apart from the rooms' own cursors */
const NAMESPACE = 'feed:'

export function createFeedSource({ feed }: FeedParts): FeedSource {
  const waiting = new Set<() => void>()
  const listeners = new Map<string, Set<(position: number) => void>>()
  let closed = false
  let seenHead = -1
  /** of the journal when it was looked at last */
  let lastHead = 0
  const wake = () => {
    for (const go of waiting) go()
  }
  const timer = setInterval(() => {
    if (waiting.size === 0) return
    try {
      const head = feed.head()
      if (head !== seenHead) wake()
      seenHead = head
    } catch {
      // who waits reads again, meets the same error, and is told: a timer's throw would end the process and its alarms with it
      wake()
    }
  }, POLL_MS)

  /**
   * A consumer without a cursor starts at the head, or where `from` says, and that is on disk before it is told: a kill right behind it must
   * not let it begin at another head. An existing one goes on where it was.
   */
  function positionOf(consumer: string, from: Start | undefined): number {
    const name = NAMESPACE + consumer
    if (feed.cursors.has(name)) return feed.cursors.get(name)
    refuseFurther(feed.cursors)
    const start = from === 'start' ? 0 : typeof from === 'number' ? Math.min(from, feed.head()) : feed.head()
    feed.cursors.set(name, start)
    return start
  }

  return {
    positionOf,
    acknowledge(consumer, ack, rows = []) {
      if (ack > feed.head()) throw new FengsuiError('invalid-request', 'ack is beyond the head: it must be a cursor of this feed')
      const position = positionOf(consumer, undefined)
      if (rows.some(([, value]) => value !== null) && feed.cursors.bytes() > ROWS_BYTES_MAX)
        throw new FengsuiError(
          'disk-reserve',
          `what consumers store takes ${ROWS_BYTES_MAX / 1024 / 1024} MiB, which is all it may: take rows away`,
        )
      if (rows.length > 0) feed.cursors.commit(NAMESPACE + consumer, Math.max(ack, position), rows)
      else if (ack > position) feed.cursors.set(NAMESPACE + consumer, ack)
      for (const heard of listeners.get(consumer) ?? []) heard(Math.max(ack, position))
      return Math.max(ack, position)
    },
    rows: consumer => feed.cursors.rows(NAMESPACE + consumer),
    next(after, limit, wanted) {
      let cursor = after
      for (let scanned = 0; scanned < SCAN_MAX; scanned += limit) {
        const near = feed.recent?.(cursor, limit)
        if (near !== undefined) {
          cursor = near.cursor
          lastHead = Math.max(lastHead, cursor)
          const batch = batchOf(cursor, lastHead, near.entries, wanted)
          if (batch.readings.length > 0 || batch.ticks.length > 0) return batch
          continue
        }
        const head = (lastHead = feed.head())
        if (cursor >= head) break
        // no more than there is: whoever asks for more has the journal's end looked at twice
        const found = feed.read(cursor, Math.min(limit, head - cursor))
        // messages without a reading leave no trace in the answer, but the cursor must pass them
        cursor = found.at(-1)?.seq ?? Math.min(cursor + limit, head)
        const batch = batchOf(cursor, head, found, wanted)
        if (batch.readings.length > 0 || batch.ticks.length > 0) return batch
      }
      return { cursor, head: lastHead, readings: [], ticks: [] }
    },
    news(seen, ms, onGone) {
      if (waiting.size >= WAITING_MAX) throw new FengsuiError('too-many-requests', `${WAITING_MAX} requests wait on the feed already`)
      seenHead = Math.max(seenHead, seen)
      return new Promise(resolve => {
        const done = () => {
          clearTimeout(limit)
          waiting.delete(done)
          forget()
          resolve()
        }
        const limit = setTimeout(done, ms)
        waiting.add(done)
        const forget = onGone(done)
      })
    },
    acknowledged(consumer, heard) {
      const all = listeners.get(consumer) ?? new Set()
      listeners.set(consumer, all.add(heard))
      return () => {
        all.delete(heard)
        if (all.size === 0) listeners.delete(consumer)
      }
    },
    head: feed.head,
    isClosed: () => closed,
    wake,
    close() {
      closed = true
      clearInterval(timer)
      wake()
    },
  }
}

/** @throws FengsuiError conflict */
export function refuseFurther(cursors: { all(): Record<string, number> }): void {
  if (Object.keys(cursors.all()).length >= CONSUMERS_MAX)
    throw new FengsuiError('conflict', `${CONSUMERS_MAX} consumers of the feed are known, and no more: take a name that is there`)
}

/** One line of a stream. */
export function lineOf({ cursor, head, readings, ticks }: Batch): string {
  const texts = readings.map(entry => (entry.text ??= `{"off":${entry.seq},${JSON.stringify(entry.reading).slice(1)}`))
  return `{"cursor":${cursor},"head":${head},"readings":[${texts.join(',')}],"ticks":${ticks.length === 0 ? '[]' : JSON.stringify(ticks)}}\n`
}

function batchOf(cursor: number, head: number, found: FeedEntry[], wanted: Wanted): Batch {
  const batch: Batch = { cursor, head, readings: [], ticks: [] }
  for (const entry of found) {
    if ('tick' in entry) {
      if (wanted.ticks) batch.ticks.push({ off: entry.seq, at: entry.tick })
    } else if (wanted.reading(entry.reading)) batch.readings.push(entry)
  }
  return batch
}
