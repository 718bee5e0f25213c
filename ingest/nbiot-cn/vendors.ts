// What NB-IoT detectors of Chinese makers put inside a platform's envelope as named values: Li'an (Alarm_Status), Wanlin (wanlin.ts), and the
// standard names of the platforms' own models. A status says one thing: what it does not say stays as it was.
import { coerceBoolean, coerceNumber } from '../coerce.ts'
import { num, type JsonObject } from '../compose.ts'
import { objectPart } from '../lorawan/decoded-object.ts'
import { defined, type Alarms, type Part } from './part.ts'
import { wanlinPart, wanlinText } from './wanlin.ts'

/** Li'an: 3, 8, 9 (mute commands) and 12 (online) say nothing of an alarm. */
const LIAN: Readonly<Record<number, Alarms>> = {
  1: { smoke: true },
  2: { silenced: true },
  4: { lowBattery: true },
  5: { fault: true },
  6: { fault: true },
  7: { smoke: false, silenced: false, lowBattery: false, fault: false },
  10: { tamper: true, removed: true },
  11: { tamper: false, removed: false },
  13: { fault: true },
  14: { smoke: true, test: true },
}
const VALUES_MAX = 128

export function serviceData(data: JsonObject): Part {
  const lian = num(data, 'Alarm_Status')
  if (lian !== undefined) return lianPart(data, lian)
  const wanlin = num(data, 'devState')
  if (wanlin !== undefined) return wanlinPart(data, wanlin)
  const text = Object.values(data)
    .slice(0, VALUES_MAX)
    .map(value => (typeof value === 'string' ? wanlinText(value) : undefined))
    .find(part => part !== undefined)
  return text ?? standardPart(data)
}

/** Signal strengths are given as positive numbers by some: no receiver has +114 dBm. */
const dbm = (value: number | undefined): number | undefined => (value === undefined ? undefined : -Math.abs(value))

function lianPart(data: JsonObject, status: number): Part {
  const rsrp = dbm(num(data, 'RSRP'))
  return {
    kind: 'smoke',
    metrics: { temperature_c: num(data, 'TData') },
    alarms: { ...LIAN[status] },
    ...defined({ batteryPct: num(data, 'Battery_Level'), rssiDbm: rsrp, rsrpDbm: rsrp, snrDb: num(data, 'SNR') ?? num(data, 'SINR') }),
    ...(status === 12 && { online: true }),
    state: { status },
    ...(LIAN[status] === undefined && ![3, 8, 9, 12].includes(status) && { unread: `Alarm_Status ${status} is not documented` }),
  } as Part
}

/** Names of the platforms' own models: `smoke_state`, `gas_sensor_state`, `battery_value`, ... */
const RENAMED: Readonly<Record<string, string>> = {
  gas_sensor_state: 'gas_state',
  smoke_sensor_state: 'smoke_state',
  battery_value: 'battery',
  battery_voltage: 'battery_voltage',
  tamper_state: 'tamper_status',
  tamper_alarm: 'tamper_alarm',
  fault_state: 'fault',
  error_code: 'fault',
  battery_state: 'low_battery',
  temperature_value: 'temperature',
}
/** 0 is in order, anything else a number of what is not. */
const COUNTED: ReadonlySet<string> = new Set(['error_code'])

function standardPart(data: JsonObject): Part {
  const renamed = Object.fromEntries(
    Object.entries(data)
      .slice(0, VALUES_MAX)
      .map(([name, value]) => [Object.hasOwn(RENAMED, name) ? (RENAMED[name] ?? name) : name, stateWord(name, value)]),
  )
  const { rsrp: _rsrp, RSRP: _upper, sinr: _sinr, ...rest } = renamed
  const { kind, metrics, alarms, state, batteryPct } = objectPart(rest)
  const rsrp = dbm(num(data, 'rsrp') ?? num(data, 'RSRP'))
  const general = Object.keys(alarms ?? {}).length === 0 ? generalAlarm(data) : undefined
  if (general !== undefined) {
    const unread = `${general.name} does not say of what`
    return { ...defined({ kind, batteryPct, metrics, state }), alarms: { preAlarm: general.on }, ...(general.on && { unread }) } as Part
  }
  const isRead = [metrics, alarms, state].some(one => Object.keys(one ?? {}).length > 0) || batteryPct !== undefined || rsrp !== undefined
  return {
    ...defined({ kind, batteryPct, rsrpDbm: rsrp, rssiDbm: rsrp, snrDb: num(data, 'sinr') }),
    ...defined({ metrics, alarms, state }),
    ...(!isRead && { unread: `none of its names is known: ${namesOf(data)}` }),
  } as Part
}

const GENERAL = /^(?:alarm|warn(?:ing)?)(?:_?(?:state|status|flag|type|code))?$/i

/** An alarm that does not say of what: somebody has to look. */
function generalAlarm(data: JsonObject): { name: string; on: boolean } | undefined {
  for (const [name, value] of Object.entries(data).slice(0, VALUES_MAX)) {
    const number = coerceNumber(value)
    const on = coerceBoolean(value) ?? (number === undefined ? undefined : number !== 0)
    if (GENERAL.test(name) && on !== undefined) return { name: name.slice(0, 32), on }
  }
  return undefined
}

const namesOf = (data: JsonObject): string =>
  Object.keys(data)
    .slice(0, 5)
    .map(name => name.slice(0, 32))
    .join(', ')

/** Of a valve or a fan the number says which way it is. */
const ALARM_STATE = /^(?:smoke|gas|co|fire|heat|alarm|tamper|fault|battery|leak|water)(?:_\w+)?_state$/
/** A state of 2 or more is a higher step of the alarm that 1 is. */
const stateWord = (name: string, value: unknown): unknown => {
  const number = coerceNumber(value)
  return (ALARM_STATE.test(name) || COUNTED.has(name)) && number !== undefined ? (number === 0 ? 0 : 1) : value
}
