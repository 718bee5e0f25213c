// The alarm's way from the sensor to the crew on scene as steps with durations. Missing stages are left out, never guessed; the sensor
// has a clock of its own, so its step can be negative, and is then said as it is.
import type { Waterfall } from '#contracts/alarm.ts'
import { stagesOf, type Stage } from '#contracts/waterfall.ts'

export type Step = { stage: Stage; atMs: number; /** since the stage before; null = first */ tookMs: number | null }

export const stepsOf = (waterfall: Waterfall): Step[] =>
  stagesOf(waterfall)
    .filter(({ status }) => status === 'known')
    .map(({ stage, at = '', ms = 0 }, i) => ({ stage, atMs: Date.parse(at), tookMs: i === 0 ? null : ms }))

/** From the broker to the queue: what this system itself took, in ms; null where an end is missing. */
export const ownLatencyMs = (waterfall: Waterfall): number | null => {
  const from = Date.parse(waterfall.brokerAt ?? '')
  const to = Date.parse(waterfall.incidentAt ?? waterfall.alarmAt ?? '')
  return Number.isNaN(from) || Number.isNaN(to) ? null : to - from
}

/** Width of a bar, 4..100 %, on a logarithmic scale: milliseconds and minutes share the picture. */
export const barPct = (tookMs: number): number => Math.min(100, Math.max(4, (Math.log10(Math.abs(tookMs) + 1) / 6) * 100))
