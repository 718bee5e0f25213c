// Stores what the journal holds, from where the store stands: batch after batch until the store takes them, for ever, in order, never
// past a batch that is not stored; behind, the next batch is decoded while one is written. What cannot be read is held before the position moves.
import type { Account } from '#contracts/accounting.ts'
import type { Clock, Log } from '#contracts/clock.ts'
import type { Trouble } from '#contracts/live.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import { allRefused, createAccounting } from './accounting.ts'
import { createAreas, type Areas } from './areas.ts'
import { createBatches, SAVED_ROOMS, type Batch, type BatchesParts } from './batches.ts'
import { createFirstTime } from './first-time.ts'
import { refusedEntry } from './held.ts'
import { StoreAsksToWait, type ReadingStore } from './stores/store.ts'

/** how long a lone message waits for company: many small commits cost more than they give */
const LINGER_MS = 100
const LINGER_MAX_MS = 1_000
/** A store that keeps up leaves the cores to the alarms for this many times as long as its last batch took. */
const LINGER_TIMES = 9
/** a lost wake-up costs at most this much */
const POLL_MS = 1_000
const LOOK = 'see where the journal ends'
const BACK_OFF_FIRST_MS = 250
const BACK_OFF_MAX_MS = 10_000

export type StoreWriterParts = Pick<BatchesParts, 'reader' | 'catalogue'> & {
  /** where devices stand, for the rollups */
  areas?: Areas
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
  status(): { position: number; head: number; ok: boolean; detail: string; troubles: Trouble[] }
  /** where every message up to the position ended */
  account(): Account
  /** returns when the batch in hand is stored or its try has failed; the rest stays in the journal */
  close(): Promise<void>
}

export function startStoreWriter(parts: StoreWriterParts): StoreWriter {
  const { reader, catalogue, store, log, meter, clock, areas = createAreas() } = parts
  const random = parts.random ?? Math.random
  const accounting = createAccounting()
  const batches = createBatches({ reader, catalogue, areas, accounting, messagesMax: store.batchMessages, clock })
  const isFirst = createFirstTime()
  const labels = { store: store.name }
  const closing = new AbortController()
  let position = 0
  let announced = 0
  let newest = 0
  /** what does not work now, by what was being done */
  const failing = new Map<string, string>()
  let failures = 0
  const passedOver = { messages: 0, last: '' }
  let wakeUp: () => void = () => {}

  async function run(): Promise<void> {
    await untilDone('start', begin)
    let next: Promise<Batch | undefined> | undefined
    while (!closing.signal.aborted) {
      const begunMs = performance.now()
      const batch = await (next ?? takeBatch())
      // behind: decode the next batch while this one is written
      next = batch?.full === true ? takeBatch() : undefined
      if (batch !== undefined) await storeBatch(batch)
      const tookMs = performance.now() - begunMs
      if (batch === undefined) await waitForMessages()
      if (next === undefined) await pause(Math.min(LINGER_MAX_MS, Math.max(LINGER_MS, tookMs * LINGER_TIMES)))
    }
    await next
  }

  async function begin(): Promise<void> {
    position = await store.position()
    const { catalogue: learned, areas: places, accounting: account } = SAVED_ROOMS
    const saved = { catalogue: await store.rows(learned), areas: await store.rows(places), accounting: await store.rows(account) }
    batches.begin(position, saved)
  }

  const takeBatch = (): Promise<Batch | undefined> => untilDone('read the journal', batches.take)

  async function storeBatch(batch: Batch): Promise<void> {
    // closing ends the tries: then the position must not move past what is not held
    const isHeld = batch.held.length === 0 || (await untilDone('write to quarantine', async () => (hold(batch.held), true)))
    if (isHeld !== true) return
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
    accounting.stored(position, messagesRefused)
    meter.count('fengsui_readings_stored_total', labels, batch.entries.length - refusedReadings)
    meter.count('fengsui_messages_stored_total', labels, batch.messages)
    if (batch.duplicates > 0) meter.count('fengsui_messages_duplicate_total', {}, batch.duplicates)
    if (batch.passedOver !== undefined) tellPassedOver(batch.passedOver)
  }

  function tellPassedOver({ group, error }: NonNullable<Batch['passedOver']>): void {
    passedOver.messages += group.lastSeq - group.firstSeq + 1
    passedOver.last = `${group.firstSeq}-${group.lastSeq}`
    log.error({ err: error, ...group }, 'the store writer passes over a damaged group of the journal')
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
      let askedMs = 0
      try {
        const result = await work()
        failing.delete(what)
        return result
      } catch (error) {
        failures += 1
        askedMs = error instanceof StoreAsksToWait ? error.waitMs : 0
        failing.set(what, `cannot ${what}: ${error instanceof Error ? error.message : String(error)}`)
        meter.count('fengsui_store_failures_total', labels)
        log.error({ err: error, position, tries: tries + 1 }, `the store writer cannot ${what}; it tries again`)
      }
      if (closing.signal.aborted) return undefined
      const mostMs = Math.min(BACK_OFF_MAX_MS, BACK_OFF_FIRST_MS * 2 ** Math.min(tries, 10))
      await pause(askedMs + mostMs * (0.5 + random() / 2))
      if (closing.signal.aborted) return undefined
    }
  }

  /** Where nobody can say how long the journal is, what can be read of it is stored all the same. */
  function headNow(): number {
    try {
      newest = Math.max(announced, reader.head())
      failing.delete(LOOK)
    } catch (error) {
      failing.set(LOOK, `cannot ${LOOK}: ${error instanceof Error ? error.message : String(error)}`)
    }
    return newest
  }

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
        ok: failing.size === 0 && lost === '',
        troubles: [...(failing.size > 0 ? ['failing' as const] : []), ...(lost === '' ? [] : ['passed-over' as const])],
        detail: `${[...failing.values()][0] ?? where}${failures > 0 ? `; ${failures} failures so far` : ''}${lost}${notice}`,
      }
    },
    account: () => accounting.account(position),
    async close() {
      closing.abort()
      await running
    },
  }
}
