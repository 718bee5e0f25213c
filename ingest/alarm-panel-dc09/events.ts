// Event codes of receiver lines: Contact-ID (SIA DC-05) three digits, SIA DC-03 two letters. A qualifier says new, restored, or still there.
import type { AlarmFlag } from '#contracts/reading.ts'

const ONE: Readonly<Record<string, readonly AlarmFlag[]>> = {
  '110': ['fire'],
  '111': ['fire', 'smoke'],
  '112': ['fire'],
  // water flows in the sprinklers
  '113': ['fire'],
  '114': ['fire', 'heat'],
  '115': ['manualCall'],
  '116': ['fire', 'smoke'],
  '117': ['fire', 'flame'],
  '118': ['preAlarm'],
  '137': ['tamper'],
  '144': ['tamper'],
  '145': ['tamper'],
  '151': ['gas'],
  '154': ['leak'],
  '158': ['heat'],
  '162': ['co'],
  '163': ['levelLow'],
  '201': ['pressureLow'],
  '204': ['levelLow'],
  '205': ['started'],
  '206': ['fault'],
  '301': ['mainPowerFault'],
  '302': ['lowBattery'],
  '309': ['lowBattery'],
  '311': ['backupPowerFault'],
  '383': ['tamper'],
  '384': ['lowBattery'],
  '393': ['chamberDirty'],
}
const RANGES: readonly [from: number, to: number, flag: AlarmFlag][] = [
  [110, 119, 'fire'],
  [200, 203, 'supervisory'],
  [300, 349, 'fault'],
  [350, 359, 'lineFault'],
  [370, 389, 'fault'],
  [570, 579, 'shielded'],
]

export function flagsOfCid(event: string): readonly AlarmFlag[] {
  if (Object.hasOwn(ONE, event)) return ONE[event] ?? []
  const code = Number(event)
  const range = RANGES.find(([from, to]) => code >= from && code <= to)
  return range === undefined ? [] : [range[2]]
}

/** 601 manual, 602 periodic, 604 to 607 tests of the installation */
export const isTest = (event: string): boolean => /^60[1-7]$/.test(event)

/** The first letter of two of SIA DC-03 is what is watched: fire, sprinkler, heat, gas, water, panic button, a zone of unknown type. */
const WATCHED: Readonly<Record<string, AlarmFlag>> = {
  F: 'fire',
  S: 'fire',
  K: 'heat',
  G: 'gas',
  W: 'leak',
  P: 'manualCall',
  U: 'preAlarm',
}
type Said = readonly [flag: AlarmFlag, on: boolean]
/** The second is what happened to it; `it` stands for what is watched. A restoral ends alarm and trouble. */
const HAPPENED: Readonly<Record<string, readonly (readonly [AlarmFlag | 'it', boolean])[]>> = {
  A: [['it', true]],
  M: [['it', true]],
  G: [['preAlarm', true]],
  H: [['it', false]],
  C: [['it', false]],
  R: [
    ['it', false],
    ['fault', false],
  ],
  T: [['fault', true]],
  J: [['fault', false]],
  Y: [['fault', true]],
  B: [['shielded', true]],
  U: [['shielded', false]],
  S: [['supervisory', true]],
  V: [['supervisory', false]],
}
const ELSE: Readonly<Record<string, Said>> = {
  // cross zoning of a leak guard, a change of state of an expander, pressure: not what the letters above say
  SM: ['fault', true],
  FL: ['silenced', true],
  FW: ['fault', true],
  FZ: ['fault', true],
  FQ: ['fault', false],
  AS: ['chamberDirty', true],
  AN: ['chamberDirty', false],
  TA: ['tamper', true],
  TT: ['tamper', true],
  TR: ['tamper', false],
  TH: ['tamper', false],
  TJ: ['tamper', false],
  ES: ['tamper', true],
  EJ: ['tamper', false],
  ET: ['fault', true],
  EM: ['fault', true],
  ER: ['fault', false],
  EN: ['fault', false],
  AT: ['mainPowerFault', true],
  AR: ['mainPowerFault', false],
  YT: ['lowBattery', true],
  YR: ['lowBattery', false],
  XT: ['lowBattery', true],
  XR: ['lowBattery', false],
  LT: ['lineFault', true],
  LR: ['lineFault', false],
  NT: ['lineFault', true],
  NR: ['lineFault', false],
  YC: ['lineFault', true],
  YK: ['lineFault', false],
  YA: ['fault', true],
  SP: ['pressureLow', true],
}
/** They begin with the letter of something watched and say something else. */
const APART: ReadonlySet<string> = new Set(['SC', 'UG', 'UX', 'UY', 'PC', 'SG', 'PG', 'PM', 'UM', 'UC'])

export function flagsOfSia(code: string): readonly Said[] {
  const known = Object.hasOwn(ELSE, code) ? ELSE[code] : undefined
  if (known !== undefined) return [known]
  const [of = '', what = ''] = code
  const watched = Object.hasOwn(WATCHED, of) && !APART.has(code) ? WATCHED[of] : undefined
  if (watched === undefined || !Object.hasOwn(HAPPENED, what)) return []
  return (HAPPENED[what] ?? []).map(([flag, on]): Said => [flag === 'it' ? watched : flag, on])
}

/** A zone that went off while tested (fire, gas ...), tests of the transmitter by hand, an area whose test begins. */
export const isTestOfSia = (code: string): boolean => /^(?:[FSKGWP]X|RX|TX|FI|TP|TS)$/.test(code)
/** The panel's own periodic word that it is there: no detector is tested. */
export const isAutomaticTest = (code: string): boolean => code === 'RP'
