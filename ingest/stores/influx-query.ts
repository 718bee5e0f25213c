// One device's values, or a district's by step, out of InfluxDB by InfluxQL over /query, which 1.x, 2.x and 3 Core answer alike.
// Short series come whole and are thinned here with their true times; long ones are thinned by the server to parts of the range.
import { FengsuiError } from '#contracts/errors.ts'
import { downsample } from './downsample.ts'
import { ROLLUP_MEASUREMENT } from './influx-lines.ts'
import { MINUTE_MS, minutesOf, pointsWithin, type Aggregate, type AggregateQuery, type Series, type StoreQuery } from './store.ts'

/** Values of one metric fetched whole; a longer series is thinned by the server. */
export const VALUES_WHOLE_MAX = 50_000
const QUERY_TIMEOUT_MS = 15_000

type Target = { url: string; bucket: string; headers: Record<string, string> }
type InfluxSeries = { name: string; columns: string[]; values: (number | string | null)[][] }
type Answer = { results?: { series?: InfluxSeries[]; error?: string }[]; error?: string }

export async function queryInflux(target: Target, q: StoreQuery, valuesWholeMax = VALUES_WHOLE_MAX): Promise<Series[]> {
  if (q.toMs <= q.fromMs) return []
  const points = pointsWithin(q.points)
  const where = `"device" = ${literal(q.deviceId)} AND time >= ${q.fromMs}ms AND time < ${q.toMs}ms`
  const field = q.metric === undefined ? '*' : identifier(q.metric)
  // the first column is the time
  const counts = (await ask(target, `SELECT count(${field}) FROM /.*/ WHERE ${where}`)).flatMap(({ values }) =>
    values.flatMap(row => row.slice(1)),
  )
  const longest = Math.max(0, ...counts.map(Number).filter(count => Number.isFinite(count)))
  if (longest === 0) return []
  const found =
    longest <= valuesWholeMax
      ? byMetric(await ask(target, `SELECT ${field} FROM /.*/ WHERE ${where}`), name => name)
      : await thinned(target, q, field, where, points)
  return [...found]
    .map(([metric, list]): Series => ({ metric, points: downsample(list.sort(byTime), { fromMs: q.fromMs, toMs: q.toMs, max: points }) }))
    .sort((a, b) => (a.metric < b.metric ? -1 : 1))
}

/** The minimum stands at the beginning of its part, the maximum in the middle: the server does not say when within it they were. */
async function thinned(
  target: Target,
  q: StoreQuery,
  field: string,
  where: string,
  points: number,
): Promise<Map<string, [number, number][]>> {
  const widthMs = Math.max(1, Math.ceil((q.toMs - q.fromMs) / Math.max(1, Math.floor(points / 2))))
  const alias = q.metric === undefined ? ['', ''] : [` AS "min_${q.metric}"`, ` AS "max_${q.metric}"`]
  const select = `SELECT min(${field})${alias[0] ?? ''}, max(${field})${alias[1] ?? ''} FROM /.*/ WHERE ${where} GROUP BY time(${widthMs}ms) fill(none)`
  const series = await ask(target, select)
  const low = byMetric(series, column => (column.startsWith('min_') ? column.slice(4) : undefined))
  const high = byMetric(series, column => (column.startsWith('max_') ? column.slice(4) : undefined))
  for (const [metric, list] of high) {
    const lows = low.get(metric) ?? []
    low.set(metric, [...lows, ...list.map(([ts, value]): [number, number] => [Math.min(ts + Math.floor(widthMs / 2), q.toMs - 1), value])])
  }
  return low
}

function byMetric(series: InfluxSeries[], metricOf: (column: string) => string | undefined): Map<string, [number, number][]> {
  const found = new Map<string, [number, number][]>()
  for (const { columns, values } of series) {
    for (const [index, column] of columns.entries()) {
      const metric = column === 'time' || column === 'device' ? undefined : metricOf(column)
      if (metric === undefined) continue
      const list = found.get(metric) ?? []
      for (const row of values) if (typeof row[index] === 'number') list.push([Number(row[0]), row[index]])
      if (list.length > 0) found.set(metric, list)
    }
  }
  return found
}

/** What the rollup points say; the run that is still open is not among them. */
export async function aggregateInflux(target: Target, q: AggregateQuery): Promise<(Aggregate & { sum: number })[]> {
  const { from, to, step } = minutesOf(q)
  if (to <= from) return []
  const where = [
    `"metric" = ${literal(q.metric)}`,
    ...(q.area === undefined ? [] : [`"area" = ${literal(q.area)}`]),
    ...(q.kind === undefined ? [] : [`"kind" = ${literal(q.kind)}`]),
    `time >= ${from * MINUTE_MS}ms AND time < ${to * MINUTE_MS}ms`,
  ].join(' AND ')
  const select = 'SELECT sum("count"), sum("sum"), min("min"), max("max")'
  const series = await ask(target, `${select} FROM "${ROLLUP_MEASUREMENT}" WHERE ${where} GROUP BY time(${step}m) fill(none)`)
  return (series[0]?.values ?? []).map(row => {
    const [t = 0, count = 0, sum = 0, min = 0, max = 0] = row.map(Number)
    return { t, count, sum, mean: sum / count, min, max }
  })
}

const byTime = (a: [number, number], b: [number, number]): number => a[0] - b[0]
const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'").replaceAll('\n', ' ')}'`
const identifier = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', ' ')}"`

async function ask({ url, bucket, headers }: Target, query: string): Promise<InfluxSeries[]> {
  const address = `${url}/query?db=${encodeURIComponent(bucket)}&epoch=ms&q=${encodeURIComponent(query)}`
  let response: Response
  try {
    response = await fetch(address, { headers, signal: AbortSignal.timeout(QUERY_TIMEOUT_MS) })
  } catch (cause) {
    throw new FengsuiError('room-unavailable', `InfluxDB at ${new URL(url).origin} does not answer the query`, { cause })
  }
  const text = await response.text()
  if (!response.ok) throw new FengsuiError('room-unavailable', `InfluxDB answered the query with ${response.status}: ${text.slice(0, 256)}`)
  const answer = JSON.parse(text) as Answer
  const error = answer.error ?? answer.results?.find(result => result.error !== undefined)?.error
  // before the first write there is no database yet: nothing is stored, which is an answer
  if (error?.startsWith('database not found') === true) return []
  if (error !== undefined) throw new FengsuiError('room-unavailable', `InfluxDB did not understand the query: ${error}`)
  return answer.results?.flatMap(result => result.series ?? []) ?? []
}
