// Tasmota: tele/{topic}/SENSOR, STATE and LWT, Zigbee devices behind it (ZbReceived). Times are local text without zone unless the device
// was told to add one, or the epoch: without it, server time. Format: tasmota.github.io docs, "MQTT" and "Zigbee".
import type { AlarmFlag, DeviceKind } from '#contracts/reading.ts'
import { coerceBoolean } from '../coerce.ts'
import { at, isRecord, num, record, scaled, str, within, type Found, type JsonObject } from '../compose.ts'
import type { DecoderMemory } from '../decoder.ts'
import { parseRfc3339, stamp, type Stamp } from '../time.ts'

const SENSOR_ENTRIES_MAX = 64

/** With the command `Time 1` or `Time 2` (JSON format) the epoch stands beside the text, or in its place. */
export function timeOf(body: JsonObject, receivedAtMs: number): Stamp {
  const given = str(body, 'Time')
  const epochS = num(body, 'Epoch') ?? num(body, 'Time')
  const clockMs = epochS === undefined ? undefined : epochS * 1000
  return stamp({
    deviceMs: clockMs ?? (given === undefined ? undefined : parseRfc3339(given)),
    ...(given !== undefined && { given }),
    source: 'device',
    receivedAtMs,
    where: '/Time',
  })
}

/** A sensor message: the device's own sensors, and one reading for each Zigbee device in it. */
export function sensorsOf(topic: string, body: JsonObject, time: Stamp, memory: DecoderMemory): Found[] {
  const found = zigbeeIn(topic, record(body['ZbReceived'])).map(([address, value]) => zigbeeDevice(topic, address, value, time, memory))
  const own = ownSensors(body)
  if (Object.keys(own.metrics).length + Object.keys(own.alarms).length + Object.keys(own.state).length === 0) return found
  return [{ deviceId: `tasmota:${topic}`, kind: own.kind, time, metrics: own.metrics, alarms: own.alarms, state: own.state }, ...found]
}

/** By address, or without it where the topic has it (SetOption119). */
function zigbeeIn(topic: string, received: JsonObject): [address: string, value: JsonObject][] {
  const named = Object.entries(received)
    .slice(0, SENSOR_ENTRIES_MAX)
    .flatMap(([address, value]): [string, JsonObject][] => (isRecord(value) ? [[address, value]] : []))
  if (named.length > 0 || Object.keys(received).length === 0) return named
  return [[topic.split('/').at(-1) ?? topic, received]]
}

type Sensors = { kind: DeviceKind } & Required<Pick<Found, 'metrics' | 'alarms' | 'state'>>

/** key -> metric and factor; temperature and pressure depend on the units the message names */
const VALUES: Readonly<Record<string, [name: string, unit: string, factor: number]>> = {
  Humidity: ['humidity', 'pct', 1],
  Illuminance: ['illuminance', 'lx', 1],
  CarbonDioxide: ['co2', 'ppm', 1],
  eCO2: ['eco2', 'ppm', 1],
  Distance: ['distance', 'm', 0.01],
  Power: ['power', 'w', 1],
  Voltage: ['mains', 'v', 1],
  Current: ['current', 'a', 1],
  Total: ['energy', 'kwh', 1],
}
const PRESSURE_KPA: Readonly<Record<string, number>> = { hPa: 0.1, mmHg: 0.133322, inHg: 3.38639 }

function ownSensors(body: JsonObject): Sensors {
  const sensors: Sensors = { kind: 'other', metrics: {}, alarms: {}, state: {} }
  for (const [name, value] of Object.entries(body).slice(0, SENSOR_ENTRIES_MAX)) {
    if (isRecord(value) && name !== 'ZbReceived') takeSensor(name, value, body, sensors)
    else if (/^Switch\d+$/.test(name)) takeSwitch(name, value, sensors)
  }
  return sensors
}

const FLAG_WORDS: readonly [RegExp, AlarmFlag, DeviceKind][] = [
  [/smoke/i, 'smoke', 'smoke'],
  [/heat/i, 'heat', 'heat'],
  [/gas/i, 'gas', 'gas'],
  [/leak|flood/i, 'leak', 'water-leak'],
]

/** A switch input is what is wired to it: only its name could tell, and Tasmota sends none. */
function takeSwitch(name: string, value: unknown, sensors: Sensors): void {
  const on = coerceBoolean(value)
  if (on !== undefined) sensors.state[name] = on
}

function takeSensor(name: string, value: JsonObject, body: JsonObject, sensors: Sensors): void {
  for (const [key, given] of Object.entries(value).slice(0, SENSOR_ENTRIES_MAX)) {
    const number = typeof given === 'boolean' ? undefined : num(given)
    if (number === undefined) continue
    if (key === 'Temperature') put(sensors, name, 'temperature', 'c', body['TempUnit'] === 'F' ? ((number - 32) * 5) / 9 : number)
    else if (key === 'Pressure')
      put(sensors, name, 'pressure', 'kpa', scaled(number, PRESSURE_KPA[str(body, 'PressureUnit') ?? 'hPa'] ?? 0.1))
    else if (Object.hasOwn(VALUES, key)) {
      const [metric, unit, factor] = VALUES[key] ?? ['', '', 1]
      put(sensors, name, metric, unit, scaled(number, factor))
    } else if (/^(?:A\d|MQ\w*|Range\d?|Gas|CO|Smoke\w*)$/i.test(key)) put(sensors, name, snake(key), 'raw', number)
    else continue
    if (sensors.kind === 'other') sensors.kind = 'environment'
  }
}

/** The first sensor has the plain name, further ones the sensor's: `temperature_c`, `ds18b20_2_temperature_c`. */
function put(sensors: Sensors, sensor: string, name: string, unit: string, value: number | undefined): void {
  if (value === undefined) return
  const plain = `${name}_${unit}`
  sensors.metrics[Object.hasOwn(sensors.metrics, plain) ? `${snake(sensor)}_${plain}` : plain] = value
}

const snake = (name: string): string => {
  const key = name
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .toLowerCase()
    .slice(0, 32)
  return /^[a-z]/.test(key) ? key : `s_${key}`
}

/** IAS zone types (ZCL 8.2.2.2.1) */
const ZONES: Readonly<Record<number, [AlarmFlag | undefined, DeviceKind]>> = {
  0x0d: [undefined, 'other'],
  0x15: [undefined, 'door'],
  0x28: ['smoke', 'smoke'],
  0x2a: ['leak', 'water-leak'],
  0x2b: ['co', 'co'],
  0x2c: ['manualCall', 'manual-call'],
}
const ZIGBEE_FLAGS: Readonly<Record<string, [AlarmFlag, DeviceKind | undefined]>> = {
  Fire: ['smoke', 'smoke'],
  Smoke: ['smoke', 'smoke'],
  Water: ['leak', 'water-leak'],
  CO: ['co', 'co'],
  Gas: ['gas', 'gas'],
  PersonalEmergency: ['manualCall', 'manual-call'],
  Panic: ['manualCall', 'manual-call'],
  Tamper: ['tamper', undefined],
}

function zigbeeDevice(topic: string, address: string, value: JsonObject, time: Stamp, memory: DecoderMemory): Found {
  const gateway = topic.split('/')[0] ?? topic
  const device = str(value, 'Device') ?? address
  const key = `zone/${gateway}/${device}`
  const learned = num(value, 'ZoneType') ?? num(value, '0500/0001')
  if (learned !== undefined) memory.set(key, learned)
  const zone = ZONES[learned ?? num(memory.get(key)) ?? -1]
  const alarms: Found['alarms'] & object = {}
  let kind: DeviceKind | undefined = zone?.[1]
  for (const [name, [flag, of]] of Object.entries(ZIGBEE_FLAGS)) {
    const on = Object.hasOwn(value, name) ? coerceBoolean(value[name]) : undefined
    if (on === undefined) continue
    alarms[flag] = on
    kind = of ?? kind
  }
  const named = FLAG_WORDS.find(([pattern]) => pattern.test(str(value, 'Name') ?? '') || pattern.test(str(value, 'ModelId') ?? ''))
  const unknownZone = zone === undefined && kind === undefined && named === undefined
  const alarmFlag = zone === undefined ? (named?.[1] ?? (unknownZone ? 'preAlarm' : undefined)) : zone[0]
  Object.assign(alarms, zoneAlarms(zoneStatus(value), alarmFlag, alarms))
  const metrics = {
    temperature_c: num(value, 'Temperature'),
    humidity_pct: num(value, 'Humidity'),
    pressure_kpa: scaled(num(value, 'Pressure'), 0.1),
    illuminance_lx: num(value, 'Illuminance'),
    battery_v: num(value, 'BatteryVoltage'),
  }
  const isClimate = metrics.temperature_c !== undefined || metrics.humidity_pct !== undefined
  return {
    deviceId: `tasmota:${gateway}/${device}`,
    kind: kind ?? named?.[2] ?? (isClimate ? 'environment' : 'other'),
    time,
    metrics,
    alarms,
    batteryPct: within(num(value, 'BatteryPercentage'), 0, 100),
    lqi: num(value, 'LinkQuality'),
    gateway: `tasmota:${gateway}`,
    state: {
      name: str(value, 'Name'),
      contact: at(value, 'Contact'),
      occupancy: at(value, 'Occupancy'),
      ...(unknownZone && alarms.preAlarm === true && { zone: 'alarm of a zone of unknown type' }),
    },
  } as Found
}

/** `ZoneStatus`, or the raw command "0500<00": the status is its first two bytes, low byte first. */
function zoneStatus(value: JsonObject): number | undefined {
  const raw = str(value, '0500<00')
  if (raw !== undefined && /^[0-9a-fA-F]{4}/.test(raw)) return Number.parseInt(raw.slice(2, 4) + raw.slice(0, 2), 16)
  return num(value, 'ZoneStatus') ?? num(value, 'ZoneStatusChange')
}

function zoneAlarms(status: number | undefined, flag: AlarmFlag | undefined, given: Found['alarms'] & object): Found['alarms'] & object {
  if (status === undefined || status < 0 || status > 0xffff) return {}
  const bit = (n: number): boolean => ((status >> n) & 1) === 1
  const alarm = bit(0) || bit(1)
  return {
    ...(flag !== undefined && { [flag]: alarm || given[flag] === true }),
    tamper: bit(2),
    lowBattery: bit(3),
    fault: bit(6) || bit(9),
    mainPowerFault: bit(7),
    test: bit(8),
  }
}
