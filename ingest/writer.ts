// Reads the journal from where the store stands, decodes, and writes batches until the store takes them: for ever, in order,
// never past a batch that is not stored. What cannot be read goes to quarantine before the position moves on.
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import type { Reading } from '#contracts/reading.ts'
import type { Account } from '#contracts/accounting.ts'
import { ACCOUNTING_ROOM, allRefused, createAccounting, outcomeOf } from './accounting.ts'
import type { Catalogue } from './catalogue.ts'
import { createFirstTime } from './first-time.ts'
import { heldOf, passedOverOf, refusedEntry } from './held.ts'
import { createRepeats, REPEAT_WINDOW_MESSAGES } from './repeats.ts'
import type { ReadingStore, RoomRows, StoreEntry } from './stores/store.ts'

/** messages read and stored at once */
export const BATCH_MESSAGES_MAX = 2_000
/** how long a lone message waits for company: many small commits cost more than they give */
const LINGER_MS = 100
/** a lost wake-up costs at most this much */
const POLL_MS = 1_000
const BACK_OFF_FIRST_MS = 250
const BACK_OFF_MAX_MS = 10_000
/** reads that met the same damaged group before it is passed over: a bad read of a disk may be a good one a second later */
const DAMAGED_READS_MAX = 5

export type StoreWriterParts = {
  reader: { read(afterSeq: number, maxMessages: number): Message[]; head(): number; groupAt(seq: number): Extent | undefined }
  catalogue: Pick<Catalogue, 'decode' | 'dirty' | 'restore'>
  /** one of its own, not the core's: gaps would be counted twice. Readings are stored with the kind it knows. */
  directory?: { apply(r: Reading): { reading: Reading } }
  store: ReadingStore
  quarantine: { put(entries: readonly QuarantineEntry[]): void }
  log: Log
  meter: Meter
  clock: Clock
  /** 0..1, for the jitter of retries */
  random?: () => number
}

export type StoreWriter = {
  /** a newer head was committed */
  wake(head: number): void
  status(): { position: number; head: number; ok: boolean; detail: string }
  /** where every message up to the position ended */
  account(): Account
  /** returns when the batch in hand is stored or its try has failed; the rest stays in the journal */
  close(): Promise<void>
}

type Extent = { firstSeq: number; lastSeq: number }
type Batch = { entries: StoreEntry[]; held: QuarantineEntry[]; rows: RoomRows[]; messages: number; upTo: number; duplicates: number }

export function startStoreWriter(parts: StoreWriterParts): StoreWriter {
  const { reader, catalogue, store, log, meter, clock } = parts
  const random = parts.random ?? Math.random
  const repeats = createRepeats()
  const accounting = createAccounting()
  const isFirst = createFirstTime()
  const labels = { store: store.name }
  const closing = new AbortController()
  let position = 0
  let announced = 0
  let failure: string | null = null
  let failures = 0
  let damagedReads = 0
  const passedOver = { messages: 0, last: '' }
  let wakeUp: () => void = () => {}

  async function run(): Promise<void> {
    await untilDone('start', begin)
    while (!closing.signal.aborted) {
      const messages = await untilDone('read the journal', readNext)
      meter.gauge('fengsui_journal_lag', Math.max(0, headNow() - position), { consumer: 'store' })
      if (messages === undefined || messages.length === 0) await waitForMessages()
      else await storeBatch(decodeBatch(messages))
      if (messages !== undefined && messages.length < BATCH_MESSAGES_MAX) await pause(LINGER_MS)
    }
  }

  async function begin(): Promise<void> {
    position = await store.position()
    catalogue.restore(await store.rows('catalogue'))
    accounting.restore(await store.rows(ACCOUNTING_ROOM), position)
    const from = Math.max(0, position - REPEAT_WINDOW_MESSAGES)
    for (let at = from; at < position;) {
      const before = readBefore(at)
      repeats.prime(before.filter(({ seq }) => seq <= position))
      const last = before.at(-1)?.seq ?? reader.groupAt(at + 1)?.lastSeq
      if (last === undefined) break
      at = last
    }
  }

  /** What is only to be remembered, not to be stored: nothing from a group that is damaged. */
  function readBefore(at: number): Message[] {
    try {
      return reader.read(at, Math.min(BATCH_MESSAGES_MAX, position - at))
    } catch (error) {
      if (isDamage(error)) return []
      throw error
    }
  }

  async function readNext(): Promise<Message[]> {
    try {
      const messages = reader.read(position, BATCH_MESSAGES_MAX)
      damagedReads = 0
      return messages
    } catch (error) {
      damagedReads = isDamage(error) ? damagedReads + 1 : 0
      const group = damagedReads < DAMAGED_READS_MAX ? undefined : reader.groupAt(position + 1)
      if (group === undefined || !isDamage(error)) throw error
      await passOver(group, error)
      return reader.read(position, BATCH_MESSAGES_MAX)
    }
  }

  /** One group that nobody can read does not hold up the history behind it. */
  async function passOver(group: Extent, error: FengsuiError): Promise<void> {
    hold([passedOverOf(group, error, clock.nowMs())])
    const messages = group.lastSeq - position
    accounting.count('passed-over', { messages })
    try {
      await store.write([], group.lastSeq, [accounting.rows(group.lastSeq)], () => {})
    } catch (unwritten) {
      accounting.count('passed-over', { messages: -messages })
      throw unwritten
    }
    position = group.lastSeq
    damagedReads = 0
    passedOver.messages += group.lastSeq - group.firstSeq + 1
    passedOver.last = `${group.firstSeq}-${group.lastSeq}`
    log.error({ err: error, ...group }, 'the store writer passes over a damaged group of the journal')
  }

  function decodeBatch(messages: readonly Message[]): Batch {
    const batch: Batch = {
      entries: [],
      held: [],
      rows: [],
      messages: messages.length,
      upTo: messages.at(-1)?.seq ?? position,
      duplicates: 0,
    }
    for (const message of messages) {
      const decoded = catalogue.decode(message)
      if (repeats.isRepeat(message, decoded)) {
        batch.duplicates += 1
        accounting.count('duplicate')
        continue
      }
      for (const reading of decoded.readings)
        batch.entries.push({ seq: message.seq, reading: parts.directory?.apply(reading).reading ?? reading })
      const held = heldOf(message, decoded)
      if (held !== undefined) batch.held.push(held)
      accounting.count(outcomeOf(decoded), { noted: held !== undefined && decoded.readings.length > 0 })
    }
    batch.rows.push({ room: 'catalogue', rows: catalogue.dirty() }, accounting.rows(batch.upTo))
    return batch
  }

  async function storeBatch(batch: Batch): Promise<void> {
    if (batch.held.length > 0) await untilDone('write to quarantine', async () => hold(batch.held))
    const startedMs = clock.nowMs()
    let refusedReadings = 0
    let messagesRefused = 0
    const stored = await untilDone('write to the store', async () => {
      await store.write(batch.entries, batch.upTo, batch.rows, refusals => {
        refusedReadings = refusals.length
        messagesRefused = allRefused(refusals, batch.entries)
        hold(refusals.map(refusal => refusedEntry(refusal, batch.entries)))
      })
      return true
    })
    if (stored !== true) return
    meter.observe('fengsui_store_write_seconds', (clock.nowMs() - startedMs) / 1000, labels)
    position = batch.upTo
    accounting.allRefused(messagesRefused)
    meter.count('fengsui_readings_stored_total', labels, batch.entries.length - refusedReadings)
    meter.count('fengsui_messages_stored_total', labels, batch.messages)
    if (batch.duplicates > 0) meter.count('fengsui_messages_duplicate_total', {}, batch.duplicates)
  }

  function hold(entries: readonly QuarantineEntry[]): void {
    parts.quarantine.put(entries)
    for (const { code, reason, where, topic, identity, seq, disposition } of entries) {
      meter.count('fengsui_quarantined_total', { code })
      if (!isFirst([code, identity, topic].join('\n'))) continue
      log.warn(
        { code, reason, where, topic, identity, seq, disposition },
        'put in quarantine; further ones of this kind are counted, not logged',
      )
    }
  }

  /** Tries for ever, ever more slowly; undefined only when closing. */
  async function untilDone<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    for (let tries = 0; ; tries++) {
      try {
        const result = await work()
        failure = null
        return result
      } catch (error) {
        failures += 1
        failure = `cannot ${what}: ${error instanceof Error ? error.message : String(error)}`
        meter.count('fengsui_store_failures_total', labels)
        log.error({ err: error, position, tries: tries + 1 }, `the store writer cannot ${what}; it tries again`)
      }
      if (closing.signal.aborted) return undefined
      const mostMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(tries, 10))
      await pause(mostMs * (0.5 + random() / 2))
      if (closing.signal.aborted) return undefined
    }
  }

  const headNow = (): number => Math.max(announced, reader.head())

  function waitForMessages(): Promise<void> {
    return announced > position ? Promise.resolve() : pause(POLL_MS, woken => (wakeUp = woken))
  }

  /** Ends early when closing, or when `early` is called. */
  function pause(ms: number, early: (end: () => void) => void = () => {}): Promise<void> {
    if (closing.signal.aborted) return Promise.resolve()
    return new Promise(resolve => {
      const end = (): void => {
        clearTimeout(timer)
        closing.signal.removeEventListener('abort', end)
        resolve()
      }
      const timer = setTimeout(end, ms)
      closing.signal.addEventListener('abort', end)
      early(end)
    })
  }

  const running = run()
  return {
    wake(head) {
      announced = Math.max(announced, head)
      wakeUp()
    },
    status() {
      const head = headNow()
      const where = head > position ? `${head - position} messages behind` : `at ${position}`
      const notice = store.notice === undefined ? '' : `; ${store.notice}`
      const lost = passedOver.messages === 0 ? '' : `; ${passedOver.messages} messages passed over, last the damaged ${passedOver.last}`
      return {
        position,
        head,
        ok: failure === null && lost === '',
        detail: `${failure ?? where}${failures > 0 ? `; ${failures} failures so far` : ''}${lost}${notice}`,
      }
    },
    account: () => accounting.account(position),
    async close() {
      closing.abort()
      await running
    },
  }
}

const isDamage = (error: unknown): error is FengsuiError => error instanceof FengsuiError && error.code === 'journal-damaged'
