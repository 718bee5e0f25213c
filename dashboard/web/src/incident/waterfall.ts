// The alarm's way from sensor to acknowledgement as steps with durations. Missing stages are left out, never guessed; the sensor
// has a clock of its own, so its step can be negative, and is then said as it is.
import type { Waterfall } from '#contracts/alarm.ts'

export const STAGES = ['sensor', 'broker', 'disk', 'rule', 'alarm', 'incident', 'shown', 'acknowledged'] as const
export type Stage = (typeof STAGES)[number]
export type Step = { stage: Stage; atMs: number; /** since the stage before; null = first */ tookMs: number | null }

export const stepsOf = (waterfall: Waterfall): Step[] => {
  const steps: Step[] = []
  for (const stage of STAGES) {
    const at = waterfall[`${stage}At`]
    const atMs = at === undefined ? Number.NaN : Date.parse(at)
    if (Number.isNaN(atMs)) continue
    const before = steps.at(-1)
    steps.push({ stage, atMs, tookMs: before === undefined ? null : atMs - before.atMs })
  }
  return steps
}

/** From the broker to the queue: what this system itself took, in ms; null where an end is missing. */
export const ownLatencyMs = (waterfall: Waterfall): number | null => {
  const from = Date.parse(waterfall.brokerAt ?? '')
  const to = Date.parse(waterfall.incidentAt ?? waterfall.alarmAt ?? '')
  return Number.isNaN(from) || Number.isNaN(to) ? null : to - from
}

/** Width of a bar, 4..100 %, on a logarithmic scale: milliseconds and minutes share the picture. */
export const barPct = (tookMs: number): number => Math.min(100, Math.max(4, (Math.log10(Math.abs(tookMs) + 1) / 6) * 100))
