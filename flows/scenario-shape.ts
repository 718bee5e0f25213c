// Whether a scenario is one: every word known, every number a number, and no longer than can be played. A story with a slip in it would be played as
// something else than its author meant, and the gate would say nothing of it. Pure.
import type { Text } from '#contracts/alarm.ts'
import { ALARM_FLAGS, DEVICE_KINDS } from '#contracts/reading.ts'

const READINGS_MAX = 100_000
/** of a story, from its first reading to its end */
const SPAN_S_MAX = 31 * 86_400
const CHARS_SHOWN = 40

type Check = (value: unknown) => boolean
type Shape = Record<string, [fits: Check, zh: string, en: string]>

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)
const within =
  (min: number, max: number): Check =>
  value =>
    isNumber(value) && value >= min && value <= max
const whole =
  (min: number, max: number): Check =>
  value =>
    Number.isInteger(value) && within(min, max)(value)
const isText: Check = value => typeof value === 'string' && value !== '' && value.length <= 200
const isBoolean: Check = value => typeof value === 'boolean'
const valuesOf =
  (fits: Check, known?: readonly string[]): Check =>
  value =>
    isObject(value) && Object.entries(value).every(([key, one]) => fits(one) && (known?.includes(key) ?? true))
const isMetric: Check = value => isNumber(value) || (Array.isArray(value) && value.length === 2 && value.every(isNumber))
const isTime: Check = value =>
  typeof value === 'string' &&
  /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/.test(value) &&
  !Number.isNaN(Date.parse(value))

const SECONDS: Shape[string] = [within(0, SPAN_S_MAX), `0 到 ${SPAN_S_MAX} 秒`, `seconds, 0 to ${SPAN_S_MAX}`]
const YES_NO: Shape[string] = [isBoolean, 'true 或 false', 'true or false']
const OBJECT: Shape[string] = [isObject, '对象', 'an object']
const TEXT: Shape[string] = [isText, '文字', 'text']

const SCENARIO: Shape = {
  name: TEXT,
  expect: [value => value === 'alarm' || value === 'no-alarm', '"alarm" 或 "no-alarm"', '"alarm" or "no-alarm"'],
  count: [whole(1, READINGS_MAX), '1 以上的整数', 'a whole number, 1 or more'],
  withinS: SECONDS,
  untilS: SECONDS,
  startsAt: [isTime, '带时区的时间,如 2026-03-01T12:00:00Z', 'a time with its zone, as 2026-03-01T12:00:00Z'],
  recording: TEXT,
  readings: [value => Array.isArray(value) && value.length > 0 && value.every(isObject), '读数列表', 'a list of readings'],
}
const TOLD: Shape = {
  deviceId: TEXT,
  kind: [value => DEVICE_KINDS.includes(value as never), DEVICE_KINDS.join('、'), `one of ${DEVICE_KINDS.join(', ')}`],
  atS: SECONDS,
  everyS: [within(0.001, SPAN_S_MAX), `大于 0、不超过 ${SPAN_S_MAX} 的秒数`, `seconds, more than 0, at most ${SPAN_S_MAX}`],
  times: [whole(1, Number.MAX_SAFE_INTEGER), '1 以上的整数', 'a whole number, 1 or more'],
  metrics: [valuesOf(isMetric), '数字,或 [从, 到]', 'numbers, or [from, to]'],
  alarms: [valuesOf(isBoolean, ALARM_FLAGS), `true 或 false:${ALARM_FLAGS.join('、')}`, `true or false of ${ALARM_FLAGS.join(', ')}`],
  flags: [
    valuesOf(isBoolean, ['history', 'stale', 'retained', 'test']),
    'history、stale、retained、test',
    'true or false of history, stale, retained, test',
  ],
  place: [
    valuesOf(isText, ['area', 'grid', 'building', 'floor', 'room']),
    'area、grid、building、floor、room 的文字',
    'texts of area, grid, building, floor, room',
  ],
  state: OBJECT,
  detections: [value => Array.isArray(value) && value.every(isObject), '对象列表', 'a list of objects'],
  online: YES_NO,
  batteryPct: [within(0, 100), '0 到 100', '0 to 100'],
}

/** null = sound; else the first thing that is wrong. */
export function wrongScenario(one: Record<string, unknown>): Text | null {
  const { readings = [], recording } = one
  const wrong = misfit('', one, SCENARIO, ['expect'])
  if (wrong !== null) return wrong
  if ((recording === undefined) === (one['readings'] === undefined))
    return { zh: '需要 readings 或 recording,且只要其中之一', en: 'readings or a recording are needed, and only one of them' }
  let count = 0
  for (const [i, told] of (readings as Record<string, unknown>[]).entries()) {
    const slip = misfit(`readings[${i}]`, told, TOLD, ['deviceId', 'kind'])
    if (slip !== null) return slip
    const { atS = 0, everyS = 0, times = 1 } = told as { atS?: number; everyS?: number; times?: number }
    if (times > 1 && everyS === 0) return { zh: `readings[${i}]:有 times 就需要 everyS`, en: `readings[${i}]: times needs everyS` }
    if (atS + (times - 1) * everyS > SPAN_S_MAX)
      return { zh: `readings[${i}]:超过 ${SPAN_S_MAX} 秒`, en: `readings[${i}]: the story lasts longer than ${SPAN_S_MAX} s` }
    count += times
  }
  return count > READINGS_MAX ? { zh: `读数超过 ${READINGS_MAX} 条`, en: `more than ${READINGS_MAX} readings` } : null
}

function misfit(where: string, one: Record<string, unknown>, shape: Shape, needed: readonly string[]): Text | null {
  const at = (key: string): string => (where === '' ? key : `${where}.${key}`).slice(0, CHARS_SHOWN * 2)
  const missing = needed.find(key => one[key] === undefined)
  if (missing !== undefined) return { zh: `缺少 ${at(missing)}`, en: `${at(missing)} is missing` }
  for (const [key, value] of Object.entries(one)) {
    if (!Object.hasOwn(shape, key)) {
      const known = Object.keys(shape)
      return { zh: `不认识 ${at(key)};可用:${known.join('、')}`, en: `${at(key)} is not known; known are ${known.join(', ')}` }
    }
    const [fits, zh, en] = shape[key]!
    if (!fits(value)) return { zh: `${at(key)} 应为 ${zh}`, en: `${at(key)} must be ${en}` }
  }
  return null
}
