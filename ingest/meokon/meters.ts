// The meter types of MEOKON's protocol V3.3: how many pairs of limits a frame carries, and what each value of a record is. Numbers that are in no
// unit of ours stay raw. Types that are not here are read as whole numbers of 16 bits.
import type { AlarmFlag, DeviceKind } from '#contracts/reading.ts'

export type Form = 's16' | 'u16' | 's32' | 'u32' | 'f32' | 'f64'
export type Value = { name: string; unit: string; factor: number; form: Form }
export type Meter = {
  kind: DeviceKind
  /** pairs of low and high limits, in the form of the values they belong to */
  pairs: number
  values: readonly Value[]
  /** what bits 5, 6 and 7 of the alarm byte mean where they are not the limits of a second value */
  bits?: Readonly<Partial<Record<5 | 6 | 7, AlarmFlag | 'waterRelease'>>>
}

export const BYTES: Readonly<Record<Form, number>> = { s16: 2, u16: 2, s32: 4, u32: 4, f32: 4, f64: 8 }

const v = (name: string, unit: string, factor: number, form: Form = 's16'): Value => ({ name, unit, factor, form })
const one = (kind: DeviceKind, value: Value, more: Partial<Meter> = {}): Meter => ({ kind, pairs: 1, values: [value], ...more })
const two = (kind: DeviceKind, first: Value, second: Value, more: Partial<Meter> = {}): Meter => ({
  kind,
  pairs: 2,
  values: [first, second],
  ...more,
})

const MPA = 1 // thousandths of a megapascal are kilopascals
const pressure = (factor: number, name = 'pressure', form: Form = 's16'): Value => v(name, 'kpa', factor, form)
const level = (factor: number, name = 'level', form: Form = 's16'): Value => v(name, 'm', factor, form)
const degrees = (name = 'temperature'): Value => v(name, 'c', 0.1)
const tilt = v('tilt', 'deg', 1)
const OF_HYDRANTS = { 5: 'tamper', 6: 'tamper', 7: 'waterRelease' } as const

export const METERS: Readonly<Record<number, Meter>> = {
  0: one('pressure', pressure(0.1)),
  1: one('pressure', pressure(MPA)),
  // bar
  2: one('pressure', pressure(1)),
  // psi
  3: one('pressure', pressure(0.6894757293)),
  4: one('pressure', pressure(0.001)),
  // millibar
  5: one('pressure', pressure(0.1)),
  // kgf/cm2
  6: one('pressure', pressure(0.980665)),
  // mmHg
  7: one('pressure', pressure(0.00133322)),
  8: one('level', level(0.01)),
  9: one('level', level(0.001)),
  10: one('level', level(0.001)),
  11: one('environment', degrees()),
  // tenths of a degree Fahrenheit: 32 has to be taken off first
  12: one('environment', v('fahrenheit', 'raw', 0.1)),
  13: one('environment', v('humidity', 'pct', 0.1)),
  14: one('other', v('current', 'a', 0.1)),
  15: one('other', v('mains', 'v', 0.1)),
  16: two('pressure', pressure(MPA, 'static_pressure'), pressure(0.1, 'difference_pressure')),
  17: two('pressure', pressure(MPA), degrees()),
  18: two('environment', v('humidity', 'pct', 0.1), degrees()),
  20: one('water-leak', v('immersion', 'raw', 1)),
  21: two('pressure', pressure(1), pressure(1, 'return_pressure')),
  22: one('pressure', pressure(0.01)),
  23: one('other', tilt),
  24: two('pressure', pressure(MPA), tilt, { bits: OF_HYDRANTS }),
  25: two('environment', degrees(), degrees('second_temperature')),
  27: {
    kind: 'flow',
    pairs: 1,
    values: [
      v('flow', 'lps', 1 / 3.6, 'f32'),
      v('velocity', 'mps', 1, 'f32'),
      v('total', 'raw', 1, 'u32'),
      v('net_total', 'raw', 1, 'u32'),
    ],
  },
  29: { kind: 'level', pairs: 1, values: [level(0.01), level(0.01, 'ultrasonic_level'), level(0.01, 'converted_level')] },
  30: one('level', level(0.01)),
  31: one('gas', v('gas', 'lel_pct', 0.1, 'u16')),
  33: two('level', level(0.01), pressure(MPA)),
  34: one('pressure', pressure(MPA), { bits: { 7: 'waterRelease' } }),
  35: one('pressure', pressure(0.1, 'difference_pressure')),
  36: two('pressure', v('water', 'raw', 1), v('cover', 'raw', 1), { bits: { 5: 'tamper', 6: 'tamper' } }),
  37: one('other', v('cover', 'raw', 1)),
  38: two('level', level(0.01), degrees()),
  39: two('environment', degrees(), v('switch', 'raw', 1), { bits: { 5: 'tamper' } }),
  40: one('level', level(0.01), { bits: { 7: 'tamper' } }),
  42: one('level', level(0.01, 'distance')),
  49: two('level', level(0.01), tilt),
  50: {
    kind: 'pressure',
    pairs: 1,
    values: [pressure(MPA), pressure(MPA, 'second_pressure'), degrees(), degrees('second_temperature'), v('flow', 'lps', 0.01 / 3.6)],
  },
  58: {
    kind: 'pressure',
    pairs: 1,
    values: [pressure(MPA), tilt, v('flow', 'lps', 0.01), degrees()],
    bits: OF_HYDRANTS,
  },
  61: one('pressure', pressure(10, 'pressure', 'u16')),
  63: { kind: 'level', pairs: 2, values: [level(0.001, 'level', 'u16')] },
  65: { kind: 'environment', pairs: 1, values: [degrees(), degrees('second_temperature'), degrees('third_temperature')] },
  66: two('pressure', pressure(MPA), pressure(0.01, 'second_pressure')),
  67: two('other', v('immersion', 'raw', 1), tilt, { bits: { 5: 'tamper', 6: 'tamper' } }),
  80: one('environment', v('temperature', 'c', 0.01)),
  84: one('level', level(0.001, 'level', 's32')),
  88: {
    kind: 'pressure',
    pairs: 1,
    values: [pressure(MPA), pressure(MPA, 'second_pressure'), pressure(MPA, 'third_pressure'), degrees(), v('flow', 'lps', 0.01 / 3.6)],
  },
  90: two('level', level(0.01), level(0.01, 'second_level')),
  93: { kind: 'level', pairs: 1, values: [level(0.01), v('humidity', 'pct', 0.1), degrees()] },
}

/** So many values of 16 bits, each with its limits: what a type that is not here is taken for. */
export const unknownMeter = (values: number): Meter => ({
  kind: 'other',
  pairs: values,
  values: Array.from({ length: values }, (_, i) => v(i === 0 ? 'value' : `value_${i + 1}`, 'raw', 1)),
})

/** The flags of a value's two limits. A threshold of a temperature or a flow is somebody's to look at, no fire. */
export function limitFlags(meter: Meter, value: Value | undefined): readonly [low: AlarmFlag, high: AlarmFlag] {
  if (meter.kind === 'water-leak') return ['leak', 'leak']
  if (meter.kind === 'gas') return ['supervisory', 'gas']
  // of a hydrant's cover the first value is the water in it
  if (value?.unit === 'kpa' || (meter.kind === 'pressure' && value?.name === 'water')) return ['pressureLow', 'pressureHigh']
  return value?.unit === 'm' ? ['levelLow', 'levelHigh'] : ['supervisory', 'supervisory']
}
