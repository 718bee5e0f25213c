// The device's own verdict: an alarm flag that is on, or an object its camera recognised.
// One alarm an episode and a device, however many flags and repeats it sends; absent never clears, false does.
import { ALARM_FLAGS, type AlarmFlag, type Reading } from '#contracts/reading.ts'
import { defineKind, nothing } from '../kind.ts'
import { latched, timesOff, stillOff, withTimes, type Latch, type Statement } from '../latch.ts'

export type DeviceAlarmParameters = {
  flags: AlarmFlag[]
  /** classes of detections that count as a flag; a reading that lists detections without the class says "looked, saw none" */
  detections?: string[]
  /** 0..1; a detection without a stated confidence counts */
  confidenceMin?: number
  /** graver findings: beside one of them this one is not raised; it can wait for the next message */
  behind?: AlarmFlag[]
}

export const DETECTIONS_MAX = 4

const waits = ({ behind }: DeviceAlarmParameters, { alarms }: Reading): boolean => behind?.some(flag => alarms[flag] === true) === true

function statementsOf(p: DeviceAlarmParameters, reading: Reading): Statement[] {
  const said: Statement[] = []
  for (const flag of p.flags) {
    const on = reading.alarms[flag]
    if (on !== undefined) said.push({ name: flag, on, what: `alarms.${flag}`, value: on })
  }
  if (reading.detections === undefined) return said
  for (const name of p.detections ?? []) {
    const seen = reading.detections.filter(d => d.class === name && (d.confidence ?? 1) >= (p.confidenceMin ?? 0))
    const best = seen.reduce((max, d) => Math.max(max, d.confidence ?? 1), 0)
    said.push({ name: `seen:${name}`, on: seen.length > 0, what: `detections.${name}`, value: seen.length > 0 ? best : false })
  }
  return said
}

export const deviceAlarm = defineKind<DeviceAlarmParameters, Latch>({
  name: 'device-alarm',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['flags'],
    // one that looks at nothing would never speak
    anyOf: [{ properties: { flags: { minItems: 1 } } }, { required: ['detections'] }],
    additionalProperties: false,
    properties: {
      flags: { type: 'array', maxItems: ALARM_FLAGS.length, uniqueItems: true, items: { enum: ALARM_FLAGS.filter(f => f !== 'test') } },
      detections: { type: 'array', minItems: 1, maxItems: DETECTIONS_MAX, uniqueItems: true, items: { type: 'string', maxLength: 32 } },
      confidenceMin: { type: 'number', minimum: 0, maximum: 1 },
      behind: { type: 'array', minItems: 1, maxItems: ALARM_FLAGS.length, uniqueItems: true, items: { enum: ALARM_FLAGS } },
    },
  },
  stateBytesMax: 1_500,
  shuffled: 'same-subjects',
  byShape: true,
  wants: (p, reading) => {
    for (const flag of p.flags) if (reading.alarms[flag] !== undefined) return true
    return p.detections !== undefined && reading.detections !== undefined
  },
  step: (p, state, o) => {
    const all = statementsOf(p, o.reading)
    const said = waits(p, o.reading) ? all.filter(({ on }) => !on) : all
    return said.length === 0 ? nothing(state) : latched(state, o, said)
  },
  // nothing is on: only the times of the words move. What was seen, and the episode before, stand in the state that is kept
  rest: {
    size: p => p.flags.length,
    settle: (p, state, n, at) => state !== undefined && timesOff(state, p.flags, n, at),
    isKept: true,
    state: (p, n, at, kept) => kept && withTimes(kept, p.flags, n, at),
    calm: (p, n, at, { reading, tMs }) =>
      !waits(p, reading) &&
      (p.detections === undefined || reading.detections === undefined) &&
      stillOff(tMs, reading.alarms, p.flags, n, at),
  },
})
