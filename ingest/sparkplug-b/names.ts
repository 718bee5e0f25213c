// What names and units of Sparkplug metrics mean: a unit makes a metric, the end of a boolean's name makes a flag. Without, raw and state.
import type { AlarmFlag } from '#contracts/reading.ts'
import { measureOf } from '../zigbee2mqtt/properties.ts'

const UNITS: Readonly<Record<string, string>> = {
  c: '°C',
  degc: '°C',
  'deg c': '°C',
  celsius: '°C',
  percent: '%',
  volts: 'V',
  volt: 'V',
  amps: 'A',
  watts: 'W',
  metre: 'm',
  meter: 'm',
  meters: 'm',
}
const MORE_UNITS: Readonly<Record<string, [ending: string, factor: number]>> = {
  bar: ['kpa', 100],
  mbar: ['kpa', 0.1],
  psi: ['kpa', 6.894757],
  'l/s': ['lps', 1],
  'l/min': ['lps', 1 / 60],
  'm3/h': ['lps', 1 / 3.6],
  'm³/h': ['lps', 1 / 3.6],
  'm/s': ['mps', 1],
}

export function measured(key: string, unit: string): { metric: string; factor?: number } | undefined {
  const plain = unit.trim()
  const more = Object.hasOwn(MORE_UNITS, plain.toLowerCase()) ? MORE_UNITS[plain.toLowerCase()] : undefined
  if (more !== undefined) return { metric: `${key}_${more[0]}`, factor: more[1] }
  const name = Object.hasOwn(UNITS, plain.toLowerCase()) ? (UNITS[plain.toLowerCase()] ?? plain) : plain
  const known = measureOf(key, name)
  return known === undefined ||
    known.metric.endsWith('_raw') ||
    !/^(?:°C|%|ppm|LEL|%LEL|hPa|kPa|Pa|MPa|m|cm|mm|L|mV|V|A|mA|W|kWh|kg|lx|s|°)$/.test(name)
    ? undefined
    : known
}

/** The end of the name must say it: a "smoke extract fan running" is no smoke. */
export const FLAGS: readonly [RegExp, AlarmFlag][] = [
  [/(?:^|_)smoke(?:_(?:alarm|detected|detector|detection))?$/, 'smoke'],
  [/(?:^|_)fire(?:_(?:alarm|detected))?$/, 'fire'],
  [/(?:^|_)(?:flame|flame_detected)$/, 'flame'],
  [/(?:^|_)heat_(?:alarm|detected)$/, 'heat'],
  [/(?:^|_)gas(?:_(?:alarm|leak|detected))$/, 'gas'],
  [/(?:^|_)(?:leak|leak_detected|flood|flooding)(?:_alarm)?$/, 'leak'],
  [/(?:^|_)(?:low_pressure|pressure_low)(?:_alarm)?$/, 'pressureLow'],
  [/(?:^|_)(?:high_pressure|pressure_high)(?:_alarm)?$/, 'pressureHigh'],
  [/(?:^|_)(?:low_level|level_low)(?:_alarm)?$/, 'levelLow'],
  [/(?:^|_)(?:high_level|level_high)(?:_alarm)?$/, 'levelHigh'],
  [/(?:^|_)(?:manual_call|call_point)(?:_\w+)?$/, 'manualCall'],
  [/(?:^|_)(?:mains|power)_(?:fail|failure|fault|lost)$/, 'mainPowerFault'],
  [/(?:^|_)(?:tamper|intrusion)$/, 'tamper'],
  [/(?:^|_)(?:fault|trip|tripped|failure)$/, 'fault'],
]

export function snake(name: string): string {
  const key = name
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .replaceAll(/[^A-Za-z0-9]+/g, '_')
    .replaceAll(/^_+|_+$/g, '')
    .toLowerCase()
    .slice(-56)
  return /^[a-z]/.test(key) ? key : `m_${key.replace(/^_+/, '')}`.slice(0, 56)
}
