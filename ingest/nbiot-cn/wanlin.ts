// Wanlin's detectors, in the three ways they talk: named values (devState), texts of fixed letters (N311V31I...X10T28U99S18, NB9001...NC), and the
// events that its own cloud pushes. An alarm of a panel is told in words only: the words decide, and what they do not tell is a fire.
import type { Decoded, DeviceKind } from '#contracts/reading.ts'
import { composed, num, str, type JsonObject } from '../compose.ts'
import type { DecodeInput } from '../decoder.ts'
import { stamp, type Note } from '../time.ts'
import { defined, type Alarms, type Part } from './part.ts'

/** 0 is the heartbeat of a detector that has nothing to say. */
const DEV_STATES: Readonly<Record<number, Alarms>> = {
  0: { smoke: false },
  1: { smoke: true },
  2: { heat: true },
  3: { tamper: true, removed: true },
  4: { lowBattery: true },
  5: { test: true },
}

export function wanlinPart(data: JsonObject, status: number): Part {
  return {
    kind: 'smoke',
    // tenths of a degree are likely, not proven
    metrics: { temperature_raw: num(data, 'temperature'), smoke_raw: num(data, 'smokescope'), signal_raw: num(data, 'signal') },
    alarms: { ...DEV_STATES[status] },
    ...defined({ batteryPct: num(data, 'electricQuantity') }),
    state: { status },
    ...(DEV_STATES[status] === undefined && { unread: `devState ${status} is not documented` }),
  } as Part
}

/** 10 is the detector's report of its own check, sent by itself: no test by anybody. */
const TEXT_STATES: Readonly<Record<string, Alarms>> = {
  '1': { smoke: true },
  '01': { smoke: true },
  '2': { heat: true },
  '3': { tamper: true, removed: true },
  '4': { lowBattery: true },
  '02': { lowBattery: true },
  '5': { test: true },
  f: { smoke: false },
  '11': { smoke: false },
  '10': {},
}
const METER_STATES: Readonly<Record<string, Alarms>> = {
  '10': {},
  '02': { lowBattery: true },
  '03': { pressureLow: true },
  '13': { pressureLow: false },
  '04': { pressureHigh: true },
  '14': { pressureHigh: false },
}
const DETECTOR = /^N(\d{3})V(\d{1,3})I(\d{15})H([0-9A-Za-z]{19,20})X([0-9a-f]{1,2})T(-?\d{1,3})U(\d{1,3})S(\d{1,3})$/
const METER = /^NB(\d{4})\d{3}\d{15}(\d\d)(\d{4})(\d{4})(\d{4})NC$/
const LEVEL = '9003'

/** undefined = no text of theirs. */
export function wanlinText(given: string): Part | undefined {
  const text = given.length > 128 ? '' : given.trim()
  return detectorText(text) ?? meterText(text)
}

function detectorText(text: string): Part | undefined {
  const [, type, , , , status = '', temperature = '', battery = '', signal = ''] = DETECTOR.exec(text) ?? []
  if (type === undefined) return undefined
  return {
    kind: 'smoke',
    metrics: { temperature_raw: Number(temperature), signal_raw: Number(signal) },
    alarms: { ...TEXT_STATES[status] },
    batteryPct: Number(battery),
    state: { status, deviceType: type },
    ...(TEXT_STATES[status] === undefined && { unread: `status ${status} is not documented` }),
  }
}

/** Meters of pressure and of level; what one step is worth is not documented. */
function meterText(text: string): Part | undefined {
  const [, type, status = '', low = '', high = '', value = ''] = METER.exec(text) ?? []
  if (type === undefined) return undefined
  const isLevel = type === LEVEL
  const { pressureLow, pressureHigh, ...alarms } = { ...METER_STATES[status] }
  const name = isLevel ? 'level' : 'pressure'
  return {
    kind: isLevel ? 'level' : 'pressure',
    metrics: { [`${name}_raw`]: Number(value) },
    alarms: {
      ...alarms,
      ...(pressureLow !== undefined && { [`${name}Low`]: pressureLow }),
      ...(pressureHigh !== undefined && { [`${name}High`]: pressureHigh }),
    },
    about: { thresholds: { [`${name}_low_raw`]: Number(low), [`${name}_high_raw`]: Number(high) } },
    state: { status, deviceType: type },
    ...(METER_STATES[status] === undefined && { unread: `status ${status} is not documented` }),
  }
}

/** By the first three digits of a device's code. */
const KINDS: Readonly<Record<string, DeviceKind>> = { '311': 'smoke', '361': 'gas', '681': 'environment', '868': 'panel' }

/** What the words of an alarm mean, the first that fits. */
const WORDS: readonly [RegExp, keyof Alarms][] = [
  [/防拆|拆除|拆卸|被拆/, 'tamper'],
  [/SOS|求救|求助|紧急|手动|手报/i, 'manualCall'],
  [/一氧化碳/, 'co'],
  [/燃气|可燃|气体|煤气/, 'gas'],
  [/水浸|漏水/, 'leak'],
  [/低电|电量|欠压/, 'lowBattery'],
  [/故障|异常/, 'fault'],
  [/烟/, 'smoke'],
  [/高温|温度/, 'heat'],
]
const OVER = /恢复|解除|消除/
const RESET: Alarms = { fire: false, smoke: false, heat: false, gas: false, manualCall: false }

/** Codes whose meaning is fixed; 0003 and 01 are alarms, which the words tell apart. */
const EVENTS: Readonly<Record<string, Alarms>> = {
  '0001': {},
  '-1': {},
  '0002': {},
  '0006': { fault: true },
  '0007': RESET,
  '0009': {},
  '0010': {},
  '000c': {},
  '000d': {},
  '10': {},
  '11': { smoke: false },
  '02': { lowBattery: true },
  '7': { gas: false, fault: false, lowBattery: false },
  '1001': { gas: true },
  '1002': { fault: true },
  '1003': { lowBattery: true },
  abnormal: { fault: true },
  online: {},
  offline: {},
}
const ALARM_EVENTS: ReadonlySet<string> = new Set(['0003', '01'])

const codeOf = (value: JsonObject): string | undefined => str(value, 'dcode') ?? str(value, 'deviceCode') ?? str(value, 'mac')
const eventOf = (value: JsonObject): string | undefined => {
  const found = value['event'] ?? (value['detail'] as JsonObject | undefined)?.['event']
  return typeof found === 'string' || typeof found === 'number' ? String(found).slice(0, 32) : undefined
}

export const isWanlinEvent = (value: JsonObject): boolean =>
  codeOf(value) !== undefined &&
  (str(value, 'client_id') ?? str(value, 'detail', 'client_id')) !== undefined &&
  eventOf(value) !== undefined

export function wanlinEvent(value: JsonObject, input: DecodeInput, family: string): Decoded {
  const code = codeOf(value) ?? ''
  const event = eventOf(value) ?? ''
  const text = str(value, 'content') ?? ''
  const seconds = num(value, 'eventdate') ?? num(value, 'time')
  const [loop, address] = [str(value, 'loop'), str(value, 'address')]
  const isPart = address !== undefined && !/^0*$/.test(address)
  const panel = `wanlin:${code}`
  const { alarms, unread } = meaningOf(event, text)
  const kind = KINDS[code.slice(0, 3)] ?? 'other'
  const notes: Note[] = unread === undefined ? [] : [{ code: 'decoder-failed', reason: unread, where: '/event' }]
  return composed(
    input,
    family,
    [
      {
        deviceId: isPart ? `${panel}/${loop ?? '0'}.${address}` : panel,
        kind: isPart && kind === 'panel' ? 'panel-component' : kind,
        time: stamp({
          deviceMs: seconds === undefined ? undefined : seconds * 1000,
          source: 'device',
          receivedAtMs: input.receivedAtMs,
          where: '/eventdate',
        }),
        alarms,
        ...((event === 'online' || event === '0002') && { online: true }),
        ...(event === 'offline' && { online: false }),
        state: { event, state: str(value, 'detail', 'state') },
        ...(text !== '' && { text }),
        ...(isPart && { gateway: panel }),
      },
    ],
    notes,
  )
}

function meaningOf(event: string, text: string): { alarms: Alarms; unread?: string } {
  const on = !OVER.test(text)
  if (ALARM_EVENTS.has(event)) {
    const flag = WORDS.find(([words]) => words.test(text))?.[1] ?? (event === '01' ? 'smoke' : 'fire')
    return { alarms: { [flag]: on } }
  }
  const known = Object.hasOwn(EVENTS, event) ? EVENTS[event] : undefined
  const silenced = /消音/.test(text) ? { silenced: true } : {}
  if (known !== undefined) return { alarms: { ...known, ...silenced } }
  // an event nobody documented that speaks of an alarm is looked at
  const unread = `event ${event} is not documented`
  return { alarms: /报警|告警|火/.test(text) && on ? { preAlarm: true } : {}, unread }
}
