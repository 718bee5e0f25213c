// Status of Shelly components (`smoke:0`, `flood:0`, `devicepower:0`, ...) as alarms and metrics. Format: shelly-api-docs, Gen2+ components.
// A status may name only what changed: what it leaves out stays as it was.
import type { DeviceKind } from '#contracts/reading.ts'
import { coerceBoolean } from '../coerce.ts'
import { at, isRecord, list, num, str, within, type Found, type JsonObject } from '../compose.ts'

export type Status = Required<Pick<Found, 'metrics' | 'alarms' | 'state'>> & {
  kinds: DeviceKind[]
  batteryPct?: number | undefined
  rssiDbm?: number | undefined
  firmware?: string | undefined
  /** seconds between two wakings of a battery device */
  wakeS?: number | undefined
  /** what it leaves out is not there; else it names only what changed */
  isFull: boolean
}

export const emptyStatus = (isFull = false): Status => ({ metrics: {}, alarms: {}, state: {}, kinds: [], isFull })

type Reader = (value: JsonObject, status: Status, id: string) => void

const detector =
  (flag: 'smoke' | 'leak' | 'gas' | 'co', kind: DeviceKind): Reader =>
  (value, status) => {
    const alarm = coerceBoolean(at(value, 'alarm') ?? undefined)
    const mute = coerceBoolean(at(value, 'mute') ?? undefined)
    if (alarm !== undefined) status.alarms[flag] = alarm
    if (mute !== undefined) status.alarms.silenced = mute
    takeErrors(value, status)
    status.kinds.push(kind)
  }

/** overtemp, cable_unplugged, out_of_range, ...: what a component has not in order is a fault of the device. They are named only while they last. */
function takeErrors(value: JsonObject, status: Status): void {
  const given = at(value, 'errors')
  const errors = list(given).filter(error => typeof error === 'string')
  if (errors.length > 0) {
    status.state['errors'] = [...list(status.state['errors']), ...errors].slice(0, 8)
    status.alarms.fault = true
  } else if (status.isFull || Array.isArray(given)) status.alarms.fault ??= false
}

/** The first of several sensors has the plain name, the others their number: `temperature_c`, `temperature_101_c`. */
function metric(status: Status, name: string, unit: string, value: number | undefined, id: string): void {
  if (value === undefined) return
  const plain = `${name}_${unit}`
  status.metrics[Object.hasOwn(status.metrics, plain) ? `${name}_${id}_${unit}` : plain] = value
}

const power: Reader = (value, status, id) => {
  metric(status, 'power', 'w', num(value, 'apower'), id)
  metric(status, 'mains', 'v', num(value, 'voltage'), id)
  metric(status, 'current', 'a', num(value, 'current'), id)
  metric(status, 'device_temperature', 'c', num(value, 'temperature', 'tC'), id)
  const output = coerceBoolean(at(value, 'output'))
  if (output !== undefined) status.state[`output${id}`] = output
  takeErrors(value, status)
}

/** Meters of one phase (em1) and of three (em). */
const meter: Reader = (value, status, id) => {
  metric(status, 'power', 'w', num(value, 'act_power') ?? num(value, 'total_act_power'), id)
  metric(status, 'current', 'a', num(value, 'current') ?? num(value, 'total_current'), id)
  metric(status, 'mains', 'v', num(value, 'voltage') ?? num(value, 'a_voltage'), id)
  for (const phase of ['b', 'c']) metric(status, `mains_${phase}`, 'v', num(value, `${phase}_voltage`), id)
  takeErrors(value, status)
}

const READERS: Readonly<Record<string, Reader>> = {
  smoke: detector('smoke', 'smoke'),
  flood: detector('leak', 'water-leak'),
  gas: detector('gas', 'gas'),
  co: detector('co', 'co'),
  temperature(value, status, id) {
    metric(status, 'temperature', 'c', num(value, 'tC'), id)
    status.kinds.push('environment')
  },
  humidity(value, status, id) {
    metric(status, 'humidity', 'pct', num(value, 'rh'), id)
    status.kinds.push('environment')
  },
  illuminance: (value, status, id) => metric(status, 'illuminance', 'lx', num(value, 'lux'), id),
  voltmeter: (value, status, id) => metric(status, 'input', 'v', num(value, 'voltage'), id),
  devicepower(value, status) {
    status.batteryPct = within(num(value, 'battery', 'percent'), 0, 100)
    status.metrics['battery_v'] = num(value, 'battery', 'V')
    const external = coerceBoolean(at(value, 'external', 'present'))
    if (external !== undefined) status.state['externalPower'] = external
  },
  switch: power,
  cover: power,
  light: power,
  pm1: power,
  em: meter,
  em1: meter,
  // of a gateway's Bluetooth sensors only the value is sent, not what it measures
  bthomesensor(value, status, id) {
    const said = at(value, 'value')
    if (typeof said === 'number') metric(status, `bthome_${id}`, 'raw', said, id)
    else if (typeof said === 'boolean' || typeof said === 'string') status.state[`bthome${id}`] = said
  },
  bthomedevice(value, status, id) {
    metric(status, `bthome_${id}_battery`, 'pct', within(num(value, 'battery'), 0, 100), id)
  },
  presence: (value, status, id) => metric(status, 'present', 'count', num(value, 'num_objects'), id),
  input(value, status, id) {
    const state = at(value, 'state')
    if (typeof state === 'boolean') status.state[`input${id}`] = state
  },
  wifi(value, status) {
    status.rssiDbm = num(value, 'rssi')
  },
  sys(value, status) {
    status.wakeS = within(num(value, 'wakeup_period'), 1, 31 * 86_400)
  },
}

/** `key` is the component with its number; what is not known is passed over. */
export function readComponent(key: string, value: unknown, status: Status): void {
  const [component = '', id = '0'] = key.split(':')
  if (!isRecord(value) || !Object.hasOwn(READERS, component) || !/^\d{1,5}$/.test(id)) return
  READERS[component]?.(value, status, id)
}

const FLAG_OF: Readonly<Record<string, [flag: 'smoke' | 'leak' | 'gas' | 'co', kind: DeviceKind]>> = {
  smoke: ['smoke', 'smoke'],
  flood: ['leak', 'water-leak'],
  gas: ['gas', 'gas'],
  co: ['co', 'co'],
}

/** Events of a detector are said in words, of some versions with the component in front; a test of the siren is a test. */
export function readEvent(event: unknown, status: Status): void {
  const component = str(event, 'component')?.split(':')[0] ?? ''
  const name = str(event, 'event')?.replace(`${component}.`, '')
  const [flag, kind] = (Object.hasOwn(FLAG_OF, component) ? FLAG_OF[component] : undefined) ?? []
  if (flag === undefined || kind === undefined || name === undefined) return
  if (name === 'alarm' || name === 'alarm_on') status.alarms[flag] = true
  else if (name === 'alarm_off') status.alarms[flag] = false
  else if (name === 'alarm_test') status.alarms.test = true
  else if (name === 'cable_unplugged') status.alarms.fault = true
  else if (name === 'cable_plugged') status.alarms.fault = false
  else status.state['event'] = name
  status.kinds.push(kind)
}

const GRAVER: readonly DeviceKind[] = ['smoke', 'co', 'gas', 'water-leak', 'environment']
export const graverKind = (kinds: readonly DeviceKind[]): DeviceKind | undefined => GRAVER.find(kind => kinds.includes(kind))

/** Names of models tell the kind before the first status: shellyplussmoke-..., shellyfloodg4-... */
export function kindByName(name: string): DeviceKind | undefined {
  const word = /smoke|flood|gas|ht(?:g3)?-/.exec(name.toLowerCase())?.[0]
  return word === undefined
    ? undefined
    : word === 'smoke'
      ? 'smoke'
      : word === 'flood'
        ? 'water-leak'
        : word === 'gas'
          ? 'gas'
          : 'environment'
}
