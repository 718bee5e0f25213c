// One reading's part in an alarm, written the same way by every kind.
import type { Evidence } from '#contracts/alarm.ts'
import type { Observation } from './kind.ts'

type What = { what: string; value: Evidence['value']; threshold?: number; note?: string }

export function evidenceOf(o: Observation, { what, value, threshold, note }: What): Evidence {
  return {
    seq: o.seq,
    deviceId: o.reading.deviceId,
    ts: o.reading.ts,
    receivedAt: o.reading.receivedAt,
    what,
    value,
    ...(threshold !== undefined && { threshold }),
    ...(note !== undefined && { note }),
  }
}

/** What must be kept of a reading so that it can be shown as evidence later. */
export type Mark = { seq: number; ts: string; receivedAt: string; value: number }

export const markOf = (o: Observation, value: number): Mark => ({ seq: o.seq, ts: o.reading.ts, receivedAt: o.reading.receivedAt, value })

export const evidenceFrom = (deviceId: string, { value, ...mark }: Mark, what: Omit<What, 'value'>): Evidence => ({
  ...mark,
  deviceId,
  ...what,
  value,
})
