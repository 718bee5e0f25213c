// The last minutes of one metric of one device, for the small chart beside the evidence.
import type { Alarm } from '#contracts/alarm.ts'
import type { Api } from '../api.ts'

export type Series = { metric: string; points: [tsMs: number, value: number][] }
/** What was measured in a stretch of time; the chart spans the stretch, so it also shows when measuring began. */
export type History = { series: Series; fromMs: number; toMs: number }

const TEN_MIN_MS = 600_000
const SIXTY_MIN_MS = 3_600_000
const POINTS = 240

/** What the chart is about; without a metric, the device's most telling one is drawn. */
export type Subject = { deviceId: string; metric?: string; threshold?: number }

/** The newest evidence that is a number; where the alarm rests on flags alone, the device that gave them. */
export const subjectOf = (alarm: Alarm): Subject | null => {
  const measured = alarm.evidence.findLast(one => typeof one.value === 'number' && !one.what.includes('.'))
  if (measured !== undefined) {
    const { deviceId, what, threshold } = measured
    return { deviceId, metric: what, ...(threshold === undefined ? {} : { threshold }) }
  }
  const deviceId = alarm.evidence.at(-1)?.deviceId ?? alarm.deviceId
  return deviceId === undefined ? null : { deviceId }
}

/** In the order in which a fire shows in them. */
const TELLING = ['obscuration_db_per_m', 'smoke', 'co_ppm', 'gas_lel_pct', 'temperature', 'pressure', 'level', 'current']

/** The series to draw where no evidence names one; null = the device measures nothing. */
export const mostTelling = (series: readonly Series[]): Series | null => {
  const withPoints = series.filter(one => one.points.length > 0)
  for (const name of TELLING) {
    const found = withPoints.find(one => one.metric.startsWith(name))
    if (found !== undefined) return found
  }
  return withPoints[0] ?? null
}

/** From ten minutes before the alarm until now; at most an hour, so a long-standing alarm shows the hour it began in. */
export const windowOf = (raisedAtMs: number, nowMs: number): { fromMs: number; toMs: number } => {
  const fromMs = Math.min(raisedAtMs, nowMs) - TEN_MIN_MS
  return { fromMs, toMs: Math.min(nowMs, fromMs + SIXTY_MIN_MS) }
}

export const readHistory = async (
  api: Api,
  o: { subject: Subject; fromMs: number; toMs: number },
  signal: AbortSignal,
): Promise<History | null> => {
  const query = new URLSearchParams({
    from: new Date(o.fromMs).toISOString(),
    to: new Date(o.toMs).toISOString(),
    points: String(POINTS),
    ...(o.subject.metric === undefined ? {} : { metric: o.subject.metric }),
  })
  const answer = await api.get<{ series: Series[] }>(`devices/${encodeURIComponent(o.subject.deviceId)}/readings?${query}`, signal)
  const series = mostTelling(answer.series)
  return series === null ? null : { series, fromMs: o.fromMs, toMs: o.toMs }
}
