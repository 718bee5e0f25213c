// What the alarm path has just read from the journal, for who follows the feed at its end: read, decoded and written out once, however many follow. The
// path's own memory of what decoders have learned is never shared: what may depend on it is decoded again by the feed's own catalogue.
import type { Message } from '#contracts/message.ts'
import type { Decoded, Reading } from '#contracts/reading.ts'
import { CLOCK_IDENTITY, CLOCK_TOPIC, NATIVE_PREFIX } from '#contracts/topic.ts'
import type { FeedEntry } from '../dashboard/api/feed.ts'

export type JustRead = {
  /** one message of the path, in the order of the journal */
  keep(message: Message, decoded: Pick<Decoded, 'readings'>): void
  /** what at most `max` messages behind `afterSeq` say; undefined where the next one is not kept */
  after(afterSeq: number, max: number): { cursor: number; entries: FeedEntry[] } | undefined
  /** what one message says, read by whom ever */
  said(message: Message): FeedEntry[]
}
type Kept = { message: Message; readings: readonly Reading[]; entries: FeedEntry[] | undefined }

/** who is further behind reads the journal; and after as many that nobody asked for, nobody follows, and nothing is kept */
const MESSAGES_MAX = 2_000
const BYTES_MAX = 8 * 1024 * 1024

export function createJustRead(o: {
  decode(message: Message): Pick<Decoded, 'readings'>
  placed(reading: Reading): Reading
  messagesMax?: number
  bytesMax?: number
}): JustRead {
  const { messagesMax = MESSAGES_MAX, bytesMax = BYTES_MAX } = o
  /** without a gap; the first `gone` of them are let go, and taken out now and then */
  let kept: Kept[] = []
  let gone = 0
  let bytes = 0
  /** messages since somebody asked */
  let unasked = messagesMax

  const entriesOf = (seq: number, readings: readonly Reading[]): FeedEntry[] =>
    readings.map(reading => ({ seq, reading: o.placed(reading) }))
  const said = (message: Message): FeedEntry[] =>
    isTick(message)
      ? [{ seq: message.seq, tick: new Date(message.receivedAtMs).toISOString() }]
      : entriesOf(message.seq, o.decode(message).readings)

  function letAllGo(): void {
    kept = []
    gone = bytes = 0
  }

  function letGo(): void {
    while (kept.length - gone > messagesMax || (bytes > bytesMax && gone < kept.length)) bytes -= kept[gone++]!.message.payload.length
    if (gone <= messagesMax) return
    kept = kept.slice(gone)
    gone = 0
  }
  return {
    said,
    keep(message, { readings }) {
      if (unasked >= messagesMax) return
      unasked += 1
      if (unasked === messagesMax) return letAllGo()
      const last = kept.at(-1)
      if (last !== undefined && message.seq <= last.message.seq) return
      if (last !== undefined && message.seq !== last.message.seq + 1) letAllGo()
      kept.push({ message, readings, entries: undefined })
      bytes += message.payload.length
      letGo()
    },
    after(afterSeq, max) {
      unasked = 0
      const first = kept[gone]
      if (first === undefined || afterSeq + 1 < first.message.seq) return undefined
      const from = gone + (afterSeq + 1 - first.message.seq)
      const to = Math.min(kept.length, from + max)
      if (from >= to) return undefined
      const entries: FeedEntry[] = []
      for (let i = from; i < to; i++) {
        const one = kept[i]!
        one.entries ??= isAlone(one.message) ? entriesOf(one.message.seq, one.readings) : said(one.message)
        for (const entry of one.entries) entries.push(entry)
      }
      return { cursor: kept[to - 1]!.message.seq, entries }
    },
  }
}

const isTick = ({ topic, identity }: Message): boolean => topic === CLOCK_TOPIC && identity === CLOCK_IDENTITY
/** It says the same whatever was read before it. */
const isAlone = ({ topic }: Message): boolean =>
  topic.startsWith(NATIVE_PREFIX) && (topic.endsWith('/telemetry') || topic.endsWith('/event'))
