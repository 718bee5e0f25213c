// The last minutes of one metric of one device, for the small chart beside the evidence.
import type { Alarm, Evidence } from '#contracts/alarm.ts'
import type { Api } from '../api.ts'

export type Series = { metric: string; points: [tsMs: number, value: number][] }

const TEN_MIN_MS = 600_000
const SIXTY_MIN_MS = 3_600_000
const POINTS = 240

/** The newest evidence that is a number: what the chart is about. Undefined where the alarm rests on flags alone. */
export const charted = (alarm: Alarm): Evidence | undefined => alarm.evidence.findLast(one => typeof one.value === 'number')

/** From ten minutes before the alarm until now; at most an hour, so a long-standing alarm shows the hour it began in. */
export const windowOf = (raisedAtMs: number, nowMs: number): { fromMs: number; toMs: number } => {
  const fromMs = Math.min(raisedAtMs, nowMs) - TEN_MIN_MS
  return { fromMs, toMs: Math.min(nowMs, fromMs + SIXTY_MIN_MS) }
}

export const readHistory = async (
  api: Api,
  o: { deviceId: string; metric: string; fromMs: number; toMs: number },
  signal: AbortSignal,
): Promise<Series | null> => {
  const query = new URLSearchParams({
    from: new Date(o.fromMs).toISOString(),
    to: new Date(o.toMs).toISOString(),
    metric: o.metric,
    points: String(POINTS),
  })
  const answer = await api.get<{ series: Series[] }>(`devices/${encodeURIComponent(o.deviceId)}/readings?${query}`, signal)
  return answer.series.find(series => series.metric === o.metric) ?? null
}
