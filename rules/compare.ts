// What another rule set would change: alarms that come in addition, that are gone, that come earlier or later. Alarm ids contain the
// rule's version, so that two sets never share one; here an alarm is what people would call the same: rule, device, about the same time.
import type { Backtest } from './backtest.ts'
import type { BacktestAlarm } from './score.ts'

/** Alarms of one rule and device that lie further apart are two different ones. */
const SAME_WITHIN_MS = 600_000

export type Shift = { recording: string; rule: string; deviceId: string; raisedAt: string; wasAt: string; byS: number }
export type Difference = {
  /** only in the new set */
  added: ({ recording: string } & BacktestAlarm)[]
  /** only in the old set */
  removed: ({ recording: string } & BacktestAlarm)[]
  earlier: Shift[]
  later: Shift[]
  same: number
  /** labelled fires that only one of the two found, or that they found at different times; null = missed */
  fires: { recording: string; what: string; detectedAfterS: number | null; wasAfterS: number | null }[]
}

/** What changes from `old` to `next`, both over the same recordings. */
export function differenceOf(old: Backtest, next: Backtest): Difference {
  const difference: Difference = { added: [], removed: [], earlier: [], later: [], same: 0, fires: [] }
  for (const [i, after] of next.recordings.entries()) {
    const before = old.recordings[i]
    if (before === undefined) continue
    paired(after.name, before.alarms, after.alarms, difference)
    for (const [n, fire] of after.fires.entries()) {
      const wasAfterS = before.fires[n]?.detectedAfterS ?? null
      const { what, detectedAfterS } = fire
      if (wasAfterS !== detectedAfterS) difference.fires.push({ recording: after.name, what, detectedAfterS, wasAfterS })
    }
  }
  return difference
}

/** First alarms of the same rule and device, then, of what is left, of the same kind and device: a rule may have been renamed. */
function paired(recording: string, before: BacktestAlarm[], after: BacktestAlarm[], into: Difference): void {
  const byRule = matched(before, after, alarm => `${alarm.rule}\t${alarm.deviceIds.join()}`)
  const byKind = matched(byRule.before, byRule.after, alarm => `${alarm.kind}\t${alarm.deviceIds.join()}`)
  for (const [was, is] of [...byRule.pairs, ...byKind.pairs]) {
    const byMs = Date.parse(is.raisedAt) - Date.parse(was.raisedAt)
    if (byMs === 0) into.same++
    else {
      const shift = {
        recording,
        rule: is.rule,
        deviceId: is.deviceIds.join(),
        raisedAt: is.raisedAt,
        wasAt: was.raisedAt,
        byS: byMs / 1000,
      }
      ;(byMs < 0 ? into.earlier : into.later).push(shift)
    }
  }
  into.removed.push(...byKind.before.map(alarm => ({ recording, ...alarm })))
  into.added.push(...byKind.after.map(alarm => ({ recording, ...alarm })))
}

type Matched = { pairs: [BacktestAlarm, BacktestAlarm][]; before: BacktestAlarm[]; after: BacktestAlarm[] }

/** Of each identity in order of time, those that lie near each other. */
function matched(before: BacktestAlarm[], after: BacktestAlarm[], identity: (alarm: BacktestAlarm) => string): Matched {
  const waiting = new Map<string, BacktestAlarm[]>()
  for (const alarm of before.toSorted(byTime)) waiting.set(identity(alarm), [...(waiting.get(identity(alarm)) ?? []), alarm])
  const pairs: Matched['pairs'] = []
  const left: BacktestAlarm[] = []
  for (const alarm of after.toSorted(byTime)) {
    const candidates = waiting.get(identity(alarm)) ?? []
    const at = candidates.findIndex(other => Math.abs(Date.parse(other.raisedAt) - Date.parse(alarm.raisedAt)) <= SAME_WITHIN_MS)
    const [partner] = at < 0 ? [] : candidates.splice(at, 1)
    if (partner === undefined) left.push(alarm)
    else pairs.push([partner, alarm])
  }
  return { pairs, before: [...waiting.values()].flat(), after: left }
}

const byTime = (a: BacktestAlarm, b: BacktestAlarm): number => (a.raisedAt < b.raisedAt ? -1 : a.raisedAt > b.raisedAt ? 1 : 0)
