// Rollups for InfluxDB, which cannot add to a point: a run of messages that arrived in one minute is summed up and written once, as
// points that nothing overwrites. Where a run begins and ends depends on the journal alone, so a replay makes the same points again;
// a reading that comes hours late makes one more point of its minute. Questions add up the points and the run that is still open.
import type { Fields } from './fields.ts'
import { rollupLineOf } from './influx-lines.ts'
import { Rollup, type Part } from './rollup.ts'
import { MINUTE_MS, minutesOf, type Aggregate, type AggregateQuery, type StoreEntry } from './store.ts'

/** One minute's arrivals may lie in many minutes (buffers of a day, sent at once): at so many sums the run ends early. */
export const RUN_SUMS_MAX = 50_000

/** `arrival` is the minute in which its messages arrived, `firstSeq` the first of them. */
export type Run = { firstSeq: number; arrival: string; sums: Rollup }
/** What a batch did: the points of the runs it ended, the run then open, and which of its sums are new or changed. */
export type RunChange = { lines: string[]; run: Run; changed: Set<Part>; begun: boolean }
export type Stored = { entry: StoreEntry; tsMs: number; fields: Fields }

/** Adds what was stored, in order of seq, value by value: the sum does not depend on how it was cut into batches. */
export function addToRun(open: Run | undefined, stored: readonly Stored[], sumsMax = RUN_SUMS_MAX): RunChange | undefined {
  let run = open
  let touched = new Set<Part[]>()
  const lines: string[] = []
  for (const { entry, tsMs, fields } of stored) {
    const { kind, receivedAt } = entry.reading
    if (run === undefined || run.sums.size >= sumsMax || !isOfMinute(receivedAt, run.arrival)) {
      if (run !== undefined) lines.push(...linesOf(run))
      run = { firstSeq: entry.seq, arrival: receivedAt.slice(0, 'YYYY-MM-DDTHH:MM'.length), sums: new Rollup() }
      touched = new Set()
    }
    touched.add(run.sums.add(kind, entry.area ?? '', tsMs, fields))
  }
  return run && { lines, run, changed: new Set([...touched].flat()), begun: run !== open }
}

const isOfMinute = (time: string, minute: string): boolean => time.startsWith(minute)

const linesOf = (run: Run): string[] => Array.from(run.sums.values(), sum => rollupLineOf(sum, run.firstSeq))

/** The points already in InfluxDB (`closed`) together with those of the open run. */
export function withOpenRun(closed: readonly (Aggregate & { sum: number })[], run: Run | undefined, q: AggregateQuery): Aggregate[] {
  const { from, to, step } = minutesOf(q)
  const byStep = new Map(closed.map(row => [row.t, { ...row }]))
  for (const { minute, area, kind, metric, ...part } of run?.sums.values() ?? []) {
    const wanted = metric === q.metric && (q.area ?? area) === area && (q.kind ?? kind) === kind && minute >= from && minute < to
    if (!wanted) continue
    const t = Math.floor(minute / step) * step * MINUTE_MS
    const held = byStep.get(t)
    if (held === undefined) byStep.set(t, { t, mean: 0, ...part })
    else Object.assign(held, added(held, part))
  }
  return [...byStep.values()].sort((a, b) => a.t - b.t).map(({ t, count, sum, min, max }) => ({ t, count, mean: sum / count, min, max }))
}

type Totals = Pick<Part, 'count' | 'sum' | 'min' | 'max'>
const added = (a: Totals, b: Totals): Totals => ({
  count: a.count + b.count,
  sum: a.sum + b.sum,
  min: Math.min(a.min, b.min),
  max: Math.max(a.max, b.max),
})
