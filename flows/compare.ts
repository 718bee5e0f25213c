// What a candidate raised over the same readings against the flows in force: what came in addition, what is gone, what came earlier or later.
// Pure. An alarm is the same where its key is; else of the same rule and subject within ten minutes.
import type { Played, TrialAlarm } from './trials.ts'

export type Shifted = TrialAlarm & { wasAt: string; byS: number }
export type FlowDifference = { added: TrialAlarm[]; removed: TrialAlarm[]; earlier: Shifted[]; later: Shifted[]; same: number }

const SAME_WITHIN_MS = 600_000
const LISTED_MAX = 1000

export function flowDifference(before: Played, after: Played): FlowDifference {
  const left = [...before.alarms]
  const difference: FlowDifference = { added: [], removed: [], earlier: [], later: [], same: 0 }
  const take = (test: (other: TrialAlarm) => boolean): TrialAlarm | undefined => {
    const at = left.findIndex(test)
    return at < 0 ? undefined : left.splice(at, 1)[0]
  }
  const open: TrialAlarm[] = []
  for (const alarm of after.alarms) {
    if (take(other => other.key === alarm.key && other.at === alarm.at) === undefined) open.push(alarm)
    else difference.same++
  }
  for (const alarm of open) {
    const was = take(
      other =>
        other.rule === alarm.rule &&
        other.subject === alarm.subject &&
        Math.abs(Date.parse(other.at) - Date.parse(alarm.at)) <= SAME_WITHIN_MS,
    )
    if (was === undefined) difference.added.push(alarm)
    else if (was.at === alarm.at) difference.same++
    else {
      const byS = (Date.parse(alarm.at) - Date.parse(was.at)) / 1000
      ;(byS < 0 ? difference.earlier : difference.later).push({ ...alarm, wasAt: was.at, byS })
    }
  }
  difference.removed = left
  for (const list of [difference.added, difference.removed, difference.earlier, difference.later]) list.splice(LISTED_MAX)
  return difference
}
