// What NB-IoT detectors of Chinese makers put inside a platform's envelope: Li'an (Alarm_Status), Wanlin (devState), Huaqiang ("PU" frames),
// and the standard names of the platforms' own models. A status says one thing: what it does not say stays as it was.
import { coerceNumber } from '../coerce.ts'
import { num, type Found, type JsonObject } from '../compose.ts'
import { objectPart } from '../lorawan/decoded-object.ts'

export type Part = Partial<Found> & { atMs?: number; unread?: string }

type Alarms = Readonly<NonNullable<Found['alarms']>>

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
/** Wanlin: 0 is the heartbeat of a detector that has nothing to say. */
const WANLIN: Readonly<Record<number, Alarms>> = {
  0: { smoke: false },
  1: { smoke: true },
  2: { heat: true },
  3: { tamper: true, removed: true },
  4: { lowBattery: true },
  5: { test: true },
}

export function serviceData(data: JsonObject): Part {
  const lian = num(data, 'Alarm_Status')
  if (lian !== undefined) return lianPart(data, lian)
  const wanlin = num(data, 'devState')
  if (wanlin !== undefined) return wanlinPart(data, wanlin)
  return standardPart(data)
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

function wanlinPart(data: JsonObject, status: number): Part {
  return {
    kind: 'smoke',
    // tenths of a degree are likely, not proven
    metrics: { temperature_raw: num(data, 'temperature'), smoke_raw: num(data, 'smokescope'), signal_raw: num(data, 'signal') },
    alarms: { ...WANLIN[status] },
    ...defined({ batteryPct: num(data, 'electricQuantity') }),
    state: { status },
    ...(WANLIN[status] === undefined && { unread: `devState ${status} is not documented` }),
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
  battery_state: 'low_battery',
  temperature_value: 'temperature',
}

function standardPart(data: JsonObject): Part {
  const renamed = Object.fromEntries(
    Object.entries(data)
      .slice(0, 128)
      .map(([name, value]) => [Object.hasOwn(RENAMED, name) ? (RENAMED[name] ?? name) : name, stateWord(name, value)]),
  )
  const { rsrp: _rsrp, RSRP: _upper, sinr: _sinr, ...rest } = renamed
  const { kind, metrics, alarms, state, batteryPct } = objectPart(rest)
  const rsrp = dbm(num(data, 'rsrp') ?? num(data, 'RSRP'))
  return {
    ...defined({ kind, batteryPct, rsrpDbm: rsrp, rssiDbm: rsrp, snrDb: num(data, 'sinr') }),
    ...defined({ metrics, alarms, state }),
  } as Part
}

/** A state of 2 or more is a higher step of the alarm that 1 is. */
const stateWord = (name: string, value: unknown): unknown => {
  const number = coerceNumber(value)
  return name.endsWith('_state') && number !== undefined ? (number === 0 ? 0 : 1) : value
}

const defined = <T extends object>(value: T): Partial<T> =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as Partial<T>

const PU_BYTES = 52
/** Huaqiang counts seconds from 2018-09-10 00:00 in Beijing. */
const PU_EPOCH_MS = Date.UTC(2018, 8, 9, 16)
const PU_SMOKE = 0x08

export const isPu = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x55

/** A general report: no checksum, so the lengths have to agree. A string says what is wrong. */
export function puFrame(bytes: Uint8Array): Part | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length !== PU_BYTES) return `a PU report has ${PU_BYTES} bytes, not ${bytes.length}`
  if ((view.getUint16(11) & 0x3ff) !== 27) return 'a PU report that does not carry 27 bytes'
  if ((view.getUint16(11) & 0x0c00) !== 0) return 'an encrypted PU report'
  const device = bytes[7] ?? 0
  const alert = bytes[27] ?? 0
  const rsrp = -(bytes[38] ?? 0)
  return {
    kind: device === PU_SMOKE ? 'smoke' : 'other',
    atMs: PU_EPOCH_MS + view.getUint32(13) * 1000,
    metrics: { temperature_c: (bytes[33] ?? 0) - 100, battery_v: view.getUint16(30) / 100 },
    batteryPct: bytes[32] ?? 0,
    rssiDbm: rsrp,
    rsrpDbm: rsrp,
    state: { deviceType: device, deviceCode: bytes[28], selfTestFailed: (bytes[47] ?? 0) !== 0 },
    // the bits of other models mean other things
    ...(device === PU_SMOKE
      ? { alarms: { smoke: (alert & 1) !== 0, lowBattery: (alert & 4) !== 0, fault: (alert & 0x80) !== 0 || (bytes[28] ?? 0) !== 0 } }
      : { unread: `alert bits ${alert} of device type ${device} are not documented` }),
  }
}
