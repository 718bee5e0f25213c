// Readings written as a timeline: `at(30, { alarms: { smoke: true } })`. Event time is seconds after START; they arrive 50 ms later.
import type { AlarmSignal } from '#contracts/alarm.ts'
import type { Reading } from '#contracts/reading.ts'
import type { Fold } from '../../rules/fold.ts'
import { ruleSetOf } from '../../rules/load.ts'
import type { Rule, RuleSet } from '../../rules/schema.ts'

export const START = Date.UTC(2026, 0, 5, 22, 40)
const ARRIVES_AFTER_MS = 50

export const isoAt = (s: number): string => new Date(START + Math.round(s * 1000)).toISOString()

export function at(s: number, said: Partial<Reading> = {}, arrivesAtS = s): Reading {
  return {
    deviceId: 'd1',
    kind: 'smoke',
    ts: isoAt(s),
    tsSource: 'device',
    receivedAt: new Date(START + Math.round(arrivesAtS * 1000) + ARRIVES_AFTER_MS).toISOString(),
    place: { building: 'b2', floor: '14', room: '1405' },
    metrics: {},
    alarms: {},
    flags: {},
    source: { family: 'native' },
    ...said,
  }
}

/** A value every `everyS` seconds from `fromS` to `toS`; `value` is a constant or a function of the seconds. */
export function series(metric: string, fromS: number, toS: number, everyS: number, value: number | ((s: number) => number)): Reading[] {
  const readings: Reading[] = []
  for (let s = fromS; s <= toS; s += everyS) readings.push(at(s, { metrics: { [metric]: typeof value === 'number' ? value : value(s) } }))
  return readings
}

export function ruleOf(kind: string, parameters: Record<string, unknown>, more: Partial<Rule> = {}): Rule {
  return {
    id: `test-${kind}`,
    version: 1,
    kind,
    scope: {},
    alarm: { kind: kind === 'device-test' ? 'test' : 'fire-alarm', severity: 4, latching: true },
    text: { zh: '测试 {value}', en: 'test {value} of {device}' },
    parameters,
    ...more,
  }
}

export const setOf = (...rules: Rule[]): RuleSet => ruleSetOf('test', rules)

export const play = (fold: Fold, readings: readonly Reading[], fromSeq = 1): AlarmSignal[] =>
  readings.flatMap((reading, i) => fold.apply(reading, fromSeq + i))

/** What happened, short: "+fire-alarm d1 30 s", "-d1". */
export const shortOf = (signals: readonly AlarmSignal[]): string[] =>
  signals.filter(s => s.type !== 'update').map(s => `${s.type === 'raise' ? '+' : '-'}${((Date.parse(s.at) - START) / 1000).toFixed(0)}`)

export const raises = (signals: readonly AlarmSignal[]) => signals.filter(s => s.type === 'raise')
