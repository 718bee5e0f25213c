// Rollups for InfluxDB, which cannot add to a point: a run of messages that arrived in one minute is summed up and written once, as
// points that nothing overwrites. Where a run begins and ends depends on the journal alone, so a replay makes the same points again;
// a reading that comes hours late makes one more point of its minute. Questions add up the points and the run that is still open.
import type { Field } from './fields.ts'
import { rollupLineOf } from './influx-lines.ts'
import { addValue, type Part } from './rollup.ts'
import { MINUTE_MS, minutesOf, type Aggregate, type AggregateQuery, type StoreEntry } from './store.ts'

/** One minute's arrivals may lie in many minutes (buffers of a day, sent at once): at so many sums the run ends early. */
export const RUN_SUMS_MAX = 50_000

/** `arrival` is the minute in which its messages arrived, `firstSeq` the first of them. */
export type Run = { firstSeq: number; arrival: string; sums: Sums }
/** What a batch did: the points of the runs it ended, the run then open, and which of its sums are new or changed. */
export type RunChange = { lines: string[]; run: Run; changed: Set<Part>; begun: boolean }
export type Stored = { entry: StoreEntry; tsMs: number; fields: readonly Field[] }

/** Adds what was stored, in order of seq, value by value: the sum does not depend on how it was cut into batches. */
export function addToRun(open: Run | undefined, stored: readonly Stored[], sumsMax = RUN_SUMS_MAX): RunChange | undefined {
  let change: RunChange | undefined = open && { lines: [], run: open, changed: new Set(), begun: false }
  for (const { entry, tsMs, fields } of stored) {
    const arrival = entry.reading.receivedAt.slice(0, 'YYYY-MM-DDTHH:MM'.length)
    if (change === undefined || change.run.arrival !== arrival || change.run.sums.size >= sumsMax) {
      const lines = change === undefined ? [] : [...change.lines, ...linesOf(change.run)]
      change = { lines, run: { firstSeq: entry.seq, arrival, sums: new Sums() }, changed: new Set(), begun: true }
    }
    addFields(change, entry, Math.floor(tsMs / MINUTE_MS), fields)
  }
  return change
}

/** Sums of readings, found by minute, kind and area first, because a reading has many metrics and one of each of those. */
export class Sums {
  readonly #groups = new Map<string, Map<string, Part>>()
  size = 0

  groupOf({ minute, area, kind }: Pick<Part, 'minute' | 'area' | 'kind'>): Map<string, Part> {
    const key = `${minute} ${kind} ${area}`
    let group = this.#groups.get(key)
    if (group === undefined) this.#groups.set(key, (group = new Map()))
    return group
  }
  put(sum: Part): void {
    this.groupOf(sum).set(sum.metric, sum)
    this.size += 1
  }
  *values(): Iterable<Part> {
    for (const group of this.#groups.values()) yield* group.values()
  }
}

function addFields(
  { run, changed }: RunChange,
  { reading: { kind }, area = '' }: StoreEntry,
  minute: number,
  fields: readonly Field[],
): void {
  const group = run.sums.groupOf({ minute, area, kind })
  for (const [metric, value] of fields) {
    let sum = group.get(metric)
    if (sum === undefined) run.sums.put((sum = { minute, area, kind, metric, count: 1, sum: value, min: value, max: value }))
    else addValue(sum, value)
    changed.add(sum)
  }
}

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
