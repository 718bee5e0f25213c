// One story a kind, for the conformance suite: a rule, readings that make exactly one alarm and end it, and a story with a silence in
// it that must make none (`gap`). A kind without a story here fails the suite.
import type { Reading } from '#contracts/reading.ts'
import type { Rule } from '../../rules/schema.ts'
import { at, ruleOf, series } from './timeline.ts'

export type Scenario = {
  rule: Rule
  story: Reading[]
  /** readings after which the alarm would be due if a silence counted; absent where one reading is enough */
  gap?: Reading[]
}

const smoke = (s: number, on: boolean) => at(s, { alarms: { smoke: on } })
const LEVEL = { learnReadings: 3, risePerH: 30, fallPerH: 30 }

export const SCENARIOS: Record<string, Scenario> = {
  'device-alarm': {
    rule: ruleOf('device-alarm', { flags: ['smoke', 'fire'], detections: ['flame'], confidenceMin: 0.5 }),
    story: [
      smoke(0, false),
      smoke(10, true),
      smoke(20, true),
      at(30, { metrics: { temperature_c: 60 } }),
      at(40, { alarms: { fire: true } }),
      smoke(50, false),
      at(60, { alarms: { fire: false } }),
      smoke(70, false),
    ],
  },
  'device-test': {
    rule: ruleOf('device-test', {}),
    story: [
      at(0, { alarms: { smoke: false } }),
      at(10, { alarms: { smoke: true, test: true } }),
      at(20, { alarms: { smoke: false, test: false } }),
    ],
  },
  presence: {
    rule: ruleOf('presence', {}),
    story: [at(0, { online: true }), at(10, { online: false }), at(20, { online: false }), at(30, { online: true })],
  },
  'state-is': {
    rule: ruleOf('state-is', { state: 'readiness', in: ['not-ready'] }),
    story: [
      at(0, { state: { readiness: 'ready' } }),
      at(10, { state: { readiness: 'not-ready' } }),
      at(20, {}),
      at(30, { state: { readiness: 'ready' } }),
    ],
  },
  threshold: {
    rule: ruleOf('threshold', {
      metric: 'obscuration_db_per_m',
      direction: 'above',
      threshold: 0.1,
      clearAt: 0.05,
      onDelayS: 8,
      onReadings: 3,
      offDelayS: 20,
      maxGapS: 30,
      level: { learnReadings: 3, risePerH: 0.02, fallPerH: 0.6, max: 0.3 },
    }),
    story: [
      ...series('obscuration_db_per_m', 0, 60, 10, 0.05),
      ...series('obscuration_db_per_m', 70, 100, 5, 0.3),
      ...series('obscuration_db_per_m', 110, 150, 10, 0.05),
    ],
    gap: [
      ...series('obscuration_db_per_m', 0, 60, 10, 0.05),
      ...series('obscuration_db_per_m', 70, 75, 5, 0.3),
      at(200, { metrics: { obscuration_db_per_m: 0.3 } }),
    ],
  },
  'rate-of-rise': {
    rule: ruleOf('rate-of-rise', {
      metric: 'temperature_c',
      risePerMin: 8,
      windowS: 120,
      minSpanS: 20,
      minSamples: 5,
      minRise: 8,
      floor: 30,
      maxGapS: 30,
      clearWithin: 5,
      offDelayS: 20,
      level: LEVEL,
    }),
    story: [
      ...series('temperature_c', 0, 60, 10, 21),
      ...series('temperature_c', 65, 200, 5, s => 21 + (s - 60) * 0.3),
      ...series('temperature_c', 205, 260, 5, 25),
    ],
    gap: [
      ...series('temperature_c', 0, 60, 10, 21),
      at(70, { metrics: { temperature_c: 24 } }),
      at(110, { metrics: { temperature_c: 36 } }),
      at(150, { metrics: { temperature_c: 48 } }),
    ],
  },
  'drop-out': {
    rule: ruleOf('drop-out', {
      metric: 'temperature_c',
      minDrop: 3,
      backWithin: 1.5,
      maxOutS: 60,
      quietBelow: 45,
      offDelayS: 60,
      maxGapS: 60,
    }),
    story: [
      ...series('temperature_c', 0, 30, 10, 19),
      at(35, { metrics: { temperature_c: 6 } }),
      ...series('temperature_c', 40, 130, 10, 19),
    ],
    gap: [
      at(0, { metrics: { temperature_c: 19 } }),
      at(10, { metrics: { temperature_c: 6 } }),
      at(400, { metrics: { temperature_c: 19 } }),
    ],
  },
}
