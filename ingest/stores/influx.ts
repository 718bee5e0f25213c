// Readings in InfluxDB 1.x, 2.x or 3: written as our own lines, read back with InfluxQL, the one language all of them answer.
// Position and open rollups stand in influx.db and move after the server's answer; everything sent may be sent again.
import type { Log } from '#contracts/clock.ts'
import { fieldsOf } from './fields.ts'
import { openProgress } from './influx-progress.ts'
import { aggregateInflux, queryInflux } from './influx-query.ts'
import { lineOf } from './influx-lines.ts'
import { addToRun, withOpenRun, type Stored } from './influx-runs.ts'
import { openSender, type InfluxOptions, type Refused } from './influx-send.ts'
import { timeOf } from './reading-time.ts'
import type { Aggregate, AggregateQuery, ReadingStore, RoomRows, StoreDeps, StoreEntry, StoreRefusal } from './store.ts'

export type { InfluxOptions } from './influx-send.ts'

/** Four requests at a time of 2,500 lines. */
const BATCH_MESSAGES = 10_000
/** How often a question is asked again because a run of rollups ended meanwhile, before writing waits for it. */
const ASKED_BESIDE_WRITES = 2

export async function openInflux(options: InfluxOptions, { log }: StoreDeps): Promise<ReadingStore> {
  const o = { ...options, url: options.url.replace(/\/+$/, '') }
  const progress = openProgress(o.dir)
  const sender = openSender(o, log)
  const target = { url: o.url, bucket: o.bucket, headers: sender.headers }
  let run = progress.run()
  let runsEnded = 0
  // writes are one after the other, whoever calls
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  async function write(batch: readonly StoreEntry[], upTo: number, rows: readonly RoomRows[], refused: Told): Promise<void> {
    await sendEnded()
    const position = progress.position()
    const sent: Stored[] = []
    const bad = await sender.sendAll(linesOf(batch, position, sent))
    if (bad.length > 0) refused(bad.map(({ index, reason }) => ({ ...nameOf(sent[index]), reason })))
    const taken = new Set(bad.map(({ index }) => index))
    save(Math.max(position, upTo), rows, taken.size === 0 ? sent : sent.filter((_, i) => !taken.has(i)))
  }

  function save(position: number, rows: readonly RoomRows[], stored: readonly Stored[]): void {
    const change = addToRun(run, stored)
    try {
      progress.save(position, rows, change)
    } catch (error) {
      // the sums in memory are ahead of what is saved
      run = progress.run()
      throw error
    }
    run = change?.run
    if (change?.begun === true) runsEnded += 1
  }

  /** Points of runs that have ended; once they are acknowledged they are InfluxDB's alone. */
  async function sendEnded(): Promise<void> {
    const lines = progress.unsent()
    const last = lines.at(-1)
    if (last === undefined) return
    const bad = await sender.sendAll(lines.map(({ line }) => line))
    tellRefused(bad, lines, log)
    progress.sent(last.id)
  }

  /** undefined when a run ended while InfluxDB was asked: its sums were counted twice, or not at all. */
  async function aggregateOnce(q: AggregateQuery): Promise<Aggregate[] | undefined> {
    const ended = runsEnded
    const closed = await aggregateInflux(target, q)
    return ended === runsEnded ? withOpenRun(closed, run, q) : undefined
  }

  async function aggregate(q: AggregateQuery): Promise<Aggregate[]> {
    for (let asked = 0; asked < ASKED_BESIDE_WRITES; asked++) {
      if (progress.unsent().length > 0) await inTurn(sendEnded)
      const found = progress.unsent().length > 0 ? undefined : await aggregateOnce(q)
      if (found !== undefined) return found
    }
    return inTurn(async () => {
      await sendEnded()
      return (await aggregateOnce(q)) ?? []
    })
  }

  return {
    name: 'influx',
    batchMessages: BATCH_MESSAGES,
    position: async () => progress.position(),
    rows: async room => progress.rows(room),
    write: (batch, upTo, rows = [], refused = () => {}) => inTurn(() => write(batch, upTo, rows, refused)),
    query: q => queryInflux(target, q),
    aggregate,
    close: async () => {
      await turn
      progress.close()
    },
  }
}

type Told = (refusals: StoreRefusal[]) => void

/** The lines of what is new, each noted in `sent` as it is asked for. */
function* linesOf(batch: readonly StoreEntry[], position: number, sent: Stored[]): Generator<string> {
  for (const entry of batch) {
    if (entry.seq <= position) continue
    const tsMs = timeOf(entry.reading.ts)
    const fields = fieldsOf(entry.reading)
    const line = lineOf(entry.reading, tsMs, fields)
    if (line === undefined) continue
    sent.push({ entry, tsMs, fields })
    yield line
  }
}

const nameOf = (stored: Stored | undefined) => ({ seq: stored?.entry.seq ?? 0, deviceId: stored?.entry.reading.deviceId ?? '' })

function tellRefused(bad: readonly Refused[], lines: readonly { line: string }[], log: Log): void {
  const [first] = bad
  if (first === undefined) return
  log.error(
    { line: lines[first.index]?.line, reason: first.reason, lines: bad.length },
    'InfluxDB refused rollups; they are missing from aggregates',
  )
}
