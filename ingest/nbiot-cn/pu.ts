// Huaqiang's "PU" frames: smoke detectors (W308) and hydrants (W306). Big endian, no checksum: two lengths have to agree. The bits of an alert mean
// other things in other devices of the maker; those carry no alarm here. A hydrant sends its records again; only the newest is of now.
import type { Found } from '../compose.ts'
import type { Part } from './part.ts'

/** Huaqiang counts seconds from 2018-09-10 00:00 in Beijing. */
const PU_EPOCH_MS = Date.UTC(2018, 8, 9, 16)
const HEAD_BYTES = 25
const COMMON_BYTES = 14
const HYDRANT = 0x06
const SMOKE = 0x08
const SMOKE_BYTES = 27
/** without its records of 8 bytes */
const HYDRANT_BYTES = 31
const RECORDS_MAX = 48

export const isPu = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x55

/** Oldest first. A string says what is wrong. */
export function puFrame(bytes: Uint8Array): Part[] | string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (bytes.length < HEAD_BYTES + COMMON_BYTES)
    return `a PU report of ${bytes.length} bytes, at least ${HEAD_BYTES + COMMON_BYTES} are needed`
  const [dataBytes, encryption] = [view.getUint16(11) & 0x3ff, view.getUint16(11) & 0x0c00]
  if (encryption !== 0) return 'an encrypted PU report'
  if (view.getUint16(2) !== bytes.length - 4 || dataBytes !== bytes.length - HEAD_BYTES)
    return `a PU report that says ${view.getUint16(2)} and ${dataBytes} bytes, ${bytes.length} came`
  const device = view.getUint8(7)
  if (device === SMOKE && dataBytes === SMOKE_BYTES) return [smoke(view)]
  if (device === HYDRANT) return hydrant(view, dataBytes)
  return [{ ...common(view), kind: 'other', unread: `alert bits ${view.getUint8(27)} of device type ${device} are not documented` }]
}

const common = (view: DataView): Part & { state: object } => {
  const rsrp = -view.getUint8(38)
  return {
    atMs: timeAt(view, 13),
    metrics: { temperature_c: view.getUint8(33) - 100, battery_v: volts(view.getUint16(30)) },
    batteryPct: view.getUint8(32),
    rssiDbm: rsrp,
    rsrpDbm: rsrp,
    state: { deviceType: view.getUint8(7), deviceCode: view.getUint8(28) },
  }
}

/** Smoke detectors send hundredths of a volt, hydrants thousandths: none of them holds a battery of more than 10 V. */
const volts = (value: number): number => (value > 1_000 ? value / 1_000 : value / 100)
const timeAt = (view: DataView, at: number): number => PU_EPOCH_MS + view.getUint32(at) * 1000

function smoke(view: DataView): Part {
  const alert = view.getUint8(27)
  const base = common(view)
  return {
    ...base,
    kind: 'smoke',
    state: { ...base.state, selfTestFailed: view.getUint8(47) !== 0 },
    alarms: { smoke: (alert & 1) !== 0, lowBattery: (alert & 4) !== 0, fault: (alert & 0x80) !== 0 || view.getUint8(28) !== 0 },
  }
}

/** Pressures have no documented unit. */
function hydrant(view: DataView, dataBytes: number): Part[] | string {
  const records = dataBytes < HYDRANT_BYTES ? 0 : view.getUint8(55)
  if (dataBytes < HYDRANT_BYTES || records > RECORDS_MAX || dataBytes !== HYDRANT_BYTES + 8 * records)
    return `${records} records do not fit the ${dataBytes} bytes of a hydrant's report`
  const alert = view.getUint8(27)
  const base = common(view)
  const recordAt = (i: number): { atMs: number; metrics: NonNullable<Found['metrics']> } => ({
    atMs: timeAt(view, 56 + 8 * i),
    metrics: { pressure_raw: view.getInt32(60 + 8 * i) },
  })
  // the newest stands first
  const old = Array.from({ length: Math.max(0, records - 1) }, (_, i): Part => ({
    ...recordAt(records - 1 - i),
    kind: 'pressure',
    flags: { history: true },
  }))
  const now: Part = {
    ...base,
    kind: 'pressure',
    metrics: { ...base.metrics, ...(records > 0 && recordAt(0).metrics) },
    alarms: {
      pressureLow: (alert & 1) !== 0,
      pressureHigh: (alert & 2) !== 0,
      lowBattery: (alert & 0x20) !== 0,
      fault: (alert & 0x80) !== 0 || view.getUint8(28) !== 0,
    },
    about: { thresholds: { pressure_low_raw: view.getUint32(43), pressure_high_raw: view.getUint32(47) } },
  }
  return [...old, now]
}
