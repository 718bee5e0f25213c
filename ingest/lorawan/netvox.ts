// Netvox report frames (fPort 6): version 1, device type, report type, eight bytes. Format: Netvox LoRaWAN Application Command and the
// manuals of RA02A, RA02C, RA02G and RA07. A battery of 0.0 V is mains; 0xFFFF is a sensor that is not there.
import { scaled } from '../compose.ts'
import { view, type CodecResult, type Part } from './part.ts'

type Report = {
  model: string
  kind: NonNullable<Part['kind']>
  read(data: DataView, type: number): Pick<Part, 'metrics' | 'alarms'> | undefined
}

const flag = (data: DataView, at: number): boolean => data.getUint8(at) !== 0
const u16 = (data: DataView, at: number, factor: number): number | undefined =>
  data.getUint16(at) === 0xffff ? undefined : scaled(data.getUint16(at), factor)
const i16 = (data: DataView, at: number, factor: number): number | undefined =>
  data.getUint16(at) === 0xffff ? undefined : scaled(data.getInt16(at), factor)

const climate: Report['read'] = (data, type) =>
  type === 1 ? { metrics: { temperature_c: scaled(data.getInt16(1), 0.01), humidity_pct: scaled(data.getUint16(3), 0.01) } } : undefined
const leak: Report['read'] = (data, type) => (type === 1 ? { alarms: { leak: flag(data, 1) } } : undefined)

/** Offsets are behind the report type: byte 0 is the battery. */
const REPORTS: Readonly<Record<number, Report>> = {
  0x01: { model: 'R711', kind: 'environment', read: climate },
  0x05: { model: 'RA07', kind: 'environment', read: ra07 },
  0x06: {
    model: 'R311W',
    kind: 'water-leak',
    read: (data, type) => (type === 1 ? { alarms: { leak: flag(data, 1) || flag(data, 2) } } : undefined),
  },
  0x09: { model: 'R726', kind: 'environment', read: ra07 },
  0x0a: {
    model: 'RA02A',
    kind: 'smoke',
    read: (data, type) =>
      type === 1
        ? { alarms: { smoke: flag(data, 1), heat: flag(data, 2) }, metrics: { temperature_c: scaled(data.getInt16(3), 0.1) } }
        : undefined,
  },
  0x0b: { model: 'R718A', kind: 'environment', read: climate },
  0x0d: { model: 'RA07Y', kind: 'environment', read: ra07 },
  0x11: {
    model: 'RA02C',
    kind: 'co',
    read: (data, type) => (type === 1 ? { alarms: { co: flag(data, 1), heat: flag(data, 2) } } : undefined),
  },
  0x12: { model: 'R718WB', kind: 'water-leak', read: leak },
  0x13: { model: 'R718AB', kind: 'environment', read: climate },
  0x32: { model: 'R718WA', kind: 'water-leak', read: leak },
  0xd7: {
    model: 'RA02G',
    kind: 'smoke',
    read: (data, type) =>
      type === 1 ? { alarms: { smoke: flag(data, 1), tamper: flag(data, 3), mainPowerFault: flag(data, 4) } } : undefined,
  },
}

function ra07(data: DataView, type: number): ReturnType<Report['read']> {
  const names: Readonly<Record<number, Record<string, number | undefined>>> = {
    1: { pm1_raw: u16(data, 1, 1), pm25_raw: u16(data, 3, 1), pm10_raw: u16(data, 5, 1) },
    2: { pm1_raw: u16(data, 1, 1), pm25_raw: u16(data, 3, 1), pm10_raw: u16(data, 5, 1) },
    5: { o3_ppm: u16(data, 1, 0.1), co_ppm: u16(data, 3, 0.1), no_ppm: u16(data, 5, 0.1) },
    6: { no2_ppm: u16(data, 1, 0.1), so2_ppm: u16(data, 3, 0.1), h2s_ppm: u16(data, 5, 0.1) },
    7: { co2_ppm: u16(data, 1, 0.1), nh3_ppm: u16(data, 3, 0.1), noise_db: u16(data, 5, 0.1) },
    12: { temperature_c: i16(data, 1, 0.01), humidity_pct: u16(data, 3, 0.01), wind_speed_mps: u16(data, 5, 0.01) },
    13: { wind_direction_deg: u16(data, 1, 1) },
    14: { voc_raw: u16(data, 1, 0.1) },
  }
  return { metrics: names[type] ?? {} }
}

export const isNetvox = (bytes: Uint8Array): boolean => bytes.length === 11 && bytes[0] === 1 && REPORTS[bytes[1] ?? -1] !== undefined

export function netvox(bytes: Uint8Array): CodecResult {
  const report = REPORTS[bytes[1] ?? -1]
  if (bytes.length !== 11 || report === undefined) return { fault: 'not a Netvox report of 11 bytes of a device type that is read here' }
  const type = bytes[2] ?? 0
  const facts = { kind: report.kind, model: `Netvox ${report.model}` }
  // 0x81 and above are answers to commands, report type 0 is the version
  if (bytes[0] !== 1 || type === 0) return { parts: [facts] }
  const data = view(bytes.subarray(3))
  const found = report.read(data, type)
  if (found === undefined) return { fault: `report type ${type} of a Netvox ${report.model} is not documented` }
  const battery = data.getUint8(0)
  const isBattery = (battery & 0x7f) > 0
  return {
    parts: [
      {
        ...facts,
        metrics: { ...found.metrics, battery_v: isBattery ? scaled(battery & 0x7f, 0.1) : undefined },
        alarms: { ...found.alarms, lowBattery: isBattery ? (battery & 0x80) !== 0 : undefined },
      },
    ],
  }
}
