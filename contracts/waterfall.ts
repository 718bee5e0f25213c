// The way of an alarm as stages: when each had it, and how long after the one before. The times add up: the sum of all is the last time less
// the first. A stage can be negative: a device's clock runs ahead, or somebody at the desk took it before the message was delivered.
import type { Waterfall } from './alarm.ts'

export const STAGES = ['sensor', 'broker', 'disk', 'rule', 'alarm', 'incident', 'notified', 'heard', 'accepted'] as const
export type Stage = (typeof STAGES)[number]
export type StageTime = { stage: Stage; at: string; /** since the stage before that is known; 0 for the first */ ms: number }

const timeOf = (w: Waterfall, stage: Stage): string | undefined => w[`${stage}At`]

export const stagesOf = (w: Waterfall): StageTime[] => {
  let before: number | undefined
  return STAGES.flatMap(stage => {
    const at = timeOf(w, stage)
    if (at === undefined) return []
    const ms = Date.parse(at)
    const since = before === undefined ? 0 : ms - before
    before = ms
    return [{ stage, at, ms: since }]
  })
}
