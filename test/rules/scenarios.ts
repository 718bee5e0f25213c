// One story a kind, for the conformance suite: a rule, readings that make exactly one alarm and end it, and a story with a silence in
// it that must make none (`gap`). A kind without a story here fails the suite.
import type { Reading } from '#contracts/reading.ts'
import type { Rule } from '../../rules/schema.ts'
import { at, ruleOf, series } from './timeline.ts'

export type Scenario = {
  rule: Rule
  /** rules whose alarms the rule weighs */
  beside?: Rule[]
  /** the rule says something about another's alarm, and makes none of its own */
  remarks?: true
  story: Reading[]
  /** readings after which the alarm would be due if a silence counted; absent where one reading is enough */
  gap?: Reading[]
}

const smoke = (s: number, on: boolean) => at(s, { alarms: { smoke: on } })
const SMOKE = { ...ruleOf('device-alarm', { flags: ['smoke'] }), id: 'beside-smoke' }
const WATER = { ...ruleOf('device-alarm', { flags: ['pressureLow'] }), id: 'beside-water' }
WATER.alarm = { kind: 'pressure-low', severity: 3, latching: false }
/** another device of the same building, 11 m further north for each step */
const other = (n: number, s: number, said: object) =>
  at(s, { deviceId: `d1-${n}`, position: { lat: 31.9 + n * 1e-4, lon: 118.8 }, ...said })
const HERE = { position: { lat: 31.9, lon: 118.8 } }
/** somebody else far away, who makes the journal's time pass */
const passing = (fromS: number, toS: number, everyS: number): Reading[] =>
  series('humidity_pct', fromS, toS, everyS, 50).map(r => ({ ...r, deviceId: 'd1-clock', place: { building: 'far' } }))
const inTime = (readings: Reading[]): Reading[] => readings.toSorted((a, b) => Date.parse(a.receivedAt) - Date.parse(b.receivedAt))
const warm = (fromS: number, toS: number, value: (s: number) => number) => series('temperature_c', fromS, toS, 10, value)
const hazy = (fromS: number, toS: number, value: (s: number) => number): Reading[] =>
  series('obscuration_db_per_m', fromS, toS, 10, value).map(r => ({ ...r, deviceId: 'd1-2' }))
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
  sustained: {
    rule: ruleOf('sustained', {
      metric: 'pressure_kpa',
      direction: 'below',
      limit: 139,
      clearAt: 150,
      forS: 60,
      offDelayS: 30,
      believedS: 40,
    }),
    story: inTime([
      ...series('pressure_kpa', 0, 10, 10, 300),
      at(20, { metrics: { pressure_kpa: 120 } }),
      at(50, { metrics: { pressure_kpa: 120 } }),
      at(130, { metrics: { pressure_kpa: 145 } }),
      at(140, { metrics: { pressure_kpa: 300 } }),
      ...passing(5, 205, 10),
    ]),
    gap: [
      at(0, { metrics: { pressure_kpa: 120 } }),
      at(10, { metrics: { pressure_kpa: 120 } }),
      at(500, { metrics: { pressure_kpa: 300 } }),
    ],
  },
  'sensor-fault': {
    rule: ruleOf('sensor-fault', {
      metric: 'temperature_c',
      min: -60,
      max: 1370,
      badReadings: 2,
      stuckS: 3_600,
      stuckReadings: 20,
      jump: 10,
      jumpWithinS: 60,
      jumps: 4,
      quietBelow: 45,
      offDelayS: 60,
    }),
    story: [...warm(0, 30, () => 19), ...warm(40, 60, () => -127), ...warm(70, 160, s => 19 + s / 1000)],
    gap: [at(0, { metrics: { temperature_c: 21 } }), ...series('temperature_c', 36_000, 36_300, 60, 21)],
  },
  'clock-fault': {
    rule: ruleOf('clock-fault', { readings: 2 }),
    story: [
      at(0),
      at(10, { deviceTs: '2012-06-01T00:00:00.000Z', tsSource: 'server' }),
      at(20, { deviceTs: '2012-06-01T00:00:10.000Z', tsSource: 'server' }),
      ...[30, 40, 50, 60].map(s => at(s)),
    ],
  },
  'gone-quiet': {
    rule: ruleOf('gone-quiet', { expectS: 60, intervals: 2, leastS: 100, settleS: 20, massPart: 0.5, massSeverity: 3 }),
    story: inTime([...series('temperature_c', 0, 300, 60, 21), ...passing(5, 905, 10), ...series('temperature_c', 800, 860, 60, 21)]),
  },
  fuse: {
    rule: ruleOf('fuse', {
      within: 'room',
      terms: [
        { metric: 'obscuration_db_per_m', from: 0.03, to: 0.1, weight: 1, level: { ...LEVEL, risePerH: 0.02, fallPerH: 0.6 } },
        { metric: 'temperature_c', from: 2, to: 8, weight: 1, level: LEVEL },
      ],
      raiseAt: 1,
      clearAt: 0.4,
      signs: 2,
      onReadings: 2,
      freshS: 60,
      offDelayS: 30,
    }),
    story: inTime([
      ...warm(0, 60, () => 21),
      ...hazy(3, 63, () => 0.02),
      ...warm(70, 120, () => 27),
      ...hazy(73, 123, () => 0.1),
      ...warm(130, 200, () => 21),
      ...hazy(133, 203, () => 0.02),
    ]),
    gap: inTime([...warm(0, 60, () => 21), ...hazy(3, 63, () => 0.02), ...warm(70, 80, () => 27), ...hazy(500, 510, () => 0.1)]),
  },
  corroborate: {
    rule: ruleOf('corroborate', { within: 'building', counts: { 'fire-alarm': 1 }, devices: 2, sum: 2, otherSort: 0.5, windowS: 600 }),
    beside: [SMOKE],
    story: [
      smoke(0, true),
      smoke(10, true),
      other(1, 20, { alarms: { smoke: true } }),
      other(1, 30, { alarms: { smoke: false } }),
      other(1, 35, { alarms: { smoke: true } }),
      smoke(40, false),
      other(1, 50, { alarms: { smoke: false } }),
    ],
    gap: [smoke(0, true), other(1, 2_000, { alarms: { smoke: true } })],
  },
  cluster: {
    rule: ruleOf('cluster', { counts: { 'fire-alarm': 1 }, devices: 3, sum: 3, buildings: 1, withinM: 60, windowS: 300 }),
    beside: [SMOKE],
    story: [
      at(0, { ...HERE, alarms: { smoke: true } }),
      other(1, 10, { alarms: { smoke: true } }),
      other(3, 20, { alarms: { smoke: true } }),
      at(30, { ...HERE, alarms: { smoke: false } }),
      other(1, 40, { alarms: { smoke: false } }),
      other(3, 50, { alarms: { smoke: false } }),
    ],
    gap: [
      at(0, { ...HERE, alarms: { smoke: true } }),
      other(1, 10, { alarms: { smoke: true } }),
      other(3, 900, { alarms: { smoke: true } }),
    ],
  },
  confirm: {
    rule: ruleOf('confirm', {
      prior: { 'fire-alarm': 0.6 },
      detections: ['fire'],
      confidenceMin: 0.5,
      withinM: 100,
      raiseAt: 0.8,
      severity: 1,
      nothingSeen: 0.8,
      windowS: 600,
    }),
    beside: [SMOKE],
    remarks: true,
    story: [
      at(0, { ...HERE, alarms: { smoke: true } }),
      other(2, 10, { kind: 'camera', detections: [] }),
      other(2, 20, { kind: 'camera', detections: [{ class: 'fire', confidence: 0.9 }] }),
      at(30, { ...HERE, alarms: { smoke: false } }),
    ],
  },
  risk: {
    rule: ruleOf('risk', {
      within: 'building',
      counts: { 'fire-alarm': 1, 'pressure-low': 1 },
      night: 0.5,
      nightFromH: 22,
      nightToH: 6,
      utcOffsetMinutes: 0,
      raiseAt: 2.5,
    }),
    beside: [SMOKE, WATER],
    story: [
      other(1, 0, { kind: 'pressure', alarms: { pressureLow: true } }),
      smoke(10, true),
      smoke(20, false),
      other(1, 30, { kind: 'pressure', alarms: { pressureLow: false } }),
    ],
  },
}
