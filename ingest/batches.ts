// The journal read on and decoded, batch by batch: what is to be stored, what is to be held, and what the decoders had learned at the
// end of each batch. It runs ahead of the store by one batch, so nothing here knows what has been stored; and it writes nothing.
import type { Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import { ACCOUNTING_ROOM, outcomeOf, type Accounting } from './accounting.ts'
import type { Areas } from './areas.ts'
import type { Catalogue } from './catalogue.ts'
import { heldOf, passedOverOf } from './held.ts'
import { createRepeats, REPEAT_WINDOW_MESSAGES } from './repeats.ts'
import type { RoomRows, StoreEntry } from './stores/store.ts'

/** Messages read at once; between two bites the requests in flight and questions get their turn. */
const BITE_MESSAGES = 250
/** A batch of large messages (pictures, flight logs) ends early. */
const BATCH_BYTES_MAX = 16 * 1024 * 1024
/** reads that met the same damaged group before it is passed over: a bad read of a disk may be a good one a second later */
const DAMAGED_READS_MAX = 5

export type Extent = { firstSeq: number; lastSeq: number }
export type Batch = {
  entries: StoreEntry[]
  held: QuarantineEntry[]
  rows: RoomRows[]
  messages: number
  upTo: number
  duplicates: number
  /** more is likely to follow at once */
  full: boolean
  /** a group that nobody can read, instead of messages */
  passedOver?: { group: Extent; error: FengsuiError }
}

export type BatchesParts = {
  reader: { read(afterSeq: number, maxMessages: number): Message[]; head(): number; groupAt(seq: number): Extent | undefined }
  catalogue: Pick<Catalogue, 'decode' | 'dirty' | 'restore'>
  areas: Areas
  accounting: Accounting
  messagesMax: number
  clock: Clock
}

export type Batches = {
  /** takes up what was saved at `position` */
  begin(position: number, saved: Record<'catalogue' | 'areas' | 'accounting', Iterable<[string, string]>>): void
  /** undefined = nothing new. Rejects when the journal cannot be read now; the next call tries the same again */
  take(): Promise<Batch | undefined>
}

/** rooms whose rows a batch carries and begin() wants back */
export const SAVED_ROOMS = { catalogue: 'catalogue', areas: 'areas', accounting: ACCOUNTING_ROOM } as const

export function createBatches({ reader, catalogue, areas, accounting, messagesMax, clock }: BatchesParts): Batches {
  const repeats = createRepeats()
  let readAt = 0
  let damagedReads = 0

  /** What is only to be remembered, not to be stored: nothing from a group that is damaged. */
  function readBefore(at: number, position: number): Message[] {
    try {
      return reader.read(at, Math.min(BITE_MESSAGES, position - at))
    } catch (error) {
      if (isDamage(error)) return []
      throw error
    }
  }

  function prime(position: number): void {
    for (let at = Math.max(0, position - REPEAT_WINDOW_MESSAGES); at < position;) {
      const before = readBefore(at, position)
      repeats.prime(before.filter(({ seq }) => seq <= position))
      const last = before.at(-1)?.seq ?? reader.groupAt(at + 1)?.lastSeq
      if (last === undefined) break
      at = last
    }
  }

  /** The next few messages; none where the batch must end: at the head, or before a place that cannot be read. */
  function bite(batch: Batch): Message[] {
    try {
      const messages = reader.read(readAt, Math.min(BITE_MESSAGES, messagesMax - batch.messages))
      damagedReads = 0
      return messages
    } catch (error) {
      if (batch.messages > 0) return []
      if (!isDamage(error)) throw error
      damagedReads += 1
      const group = damagedReads < DAMAGED_READS_MAX ? undefined : reader.groupAt(readAt + 1)
      if (group === undefined) throw error
      passOver(batch, group, error)
      return []
    }
  }

  /** One group that nobody can read does not hold up the history behind it. */
  function passOver(batch: Batch, group: Extent, error: FengsuiError): void {
    batch.held.push(passedOverOf(group, error, clock.nowMs()))
    batch.passedOver = { group, error }
    accounting.count('passed-over', { messages: group.lastSeq - readAt })
    damagedReads = 0
    batch.full = true
    batch.upTo = readAt = group.lastSeq
  }

  function decodeInto(batch: Batch, messages: readonly Message[]): void {
    // retention has removed what lay before: only where the store had to begin again
    const gone = (messages[0]?.seq ?? 0) - 1 - readAt
    if (gone > 0) accounting.count('passed-over', { messages: gone })
    for (const message of messages) decodeOne(batch, message)
    batch.messages += messages.length
    batch.upTo = readAt = messages.at(-1)?.seq ?? readAt
  }

  function decodeOne(batch: Batch, message: Message): void {
    const decoded = catalogue.decode(message)
    if (repeats.isRepeat(message, decoded)) {
      batch.duplicates += 1
      accounting.count('duplicate')
      return
    }
    for (const reading of decoded.readings) {
      const area = areas.of(reading)
      batch.entries.push({ seq: message.seq, reading, ...(area !== undefined && { area }) })
    }
    const held = heldOf(message, decoded)
    if (held !== undefined) batch.held.push(held)
    accounting.count(outcomeOf(decoded), { noted: held !== undefined && decoded.readings.length > 0 })
  }

  return {
    begin(position, saved) {
      catalogue.restore(saved.catalogue)
      areas.restore(saved.areas)
      accounting.restore(saved.accounting, position)
      prime(position)
      readAt = position
    },
    async take() {
      areas.refresh()
      const batch: Batch = { entries: [], held: [], rows: [], messages: 0, upTo: readAt, duplicates: 0, full: false }
      let bytes = 0
      while (!batch.full) {
        const messages = bite(batch)
        if (messages.length === 0) break
        decodeInto(batch, messages)
        bytes += messages.reduce((sum, { payload }) => sum + payload.byteLength, 0)
        batch.full = batch.messages >= messagesMax || bytes >= BATCH_BYTES_MAX
        if (!batch.full) await otherWork()
      }
      if (batch.messages === 0 && batch.passedOver === undefined) return undefined
      const learned = { room: SAVED_ROOMS.catalogue, rows: catalogue.dirty() }
      batch.rows.push(learned, { room: SAVED_ROOMS.areas, rows: areas.dirty() }, accounting.rows(batch.upTo))
      return batch
    },
  }
}

const otherWork = (): Promise<void> => new Promise(resolve => setImmediate(resolve))
const isDamage = (error: unknown): error is FengsuiError => error instanceof FengsuiError && error.code === 'journal-damaged'
