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
  // panic buttons, as the P of DC-03; 121 is duress, of which nobody may know
  '120': ['manualCall'],
  '122': ['manualCall'],
  '123': ['manualCall'],
  '137': ['tamper'],
  // an alarm of nobody knows what: somebody has to look
  '140': ['preAlarm'],
  '141': ['fault'],
  '142': ['fault'],
  '143': ['fault'],
  '144': ['tamper'],
  '145': ['tamper'],
  // a sensor that is not heard any more
  '147': ['fault'],
  '150': ['preAlarm'],
  '151': ['gas'],
  // cold: pipes may freeze
  '153': ['supervisory'],
  '154': ['leak'],
  '158': ['heat'],
  '159': ['supervisory'],
  '161': ['supervisory'],
  '162': ['co'],
  '163': ['levelLow'],
  '201': ['pressureLow'],
  '204': ['levelLow'],
  '205': ['started'],
  '206': ['fault'],
  '301': ['mainPowerFault'],
  '302': ['lowBattery'],
  // resets and changed settings: nothing is out of order, and nothing will restore them
  '305': [],
  '306': [],
  '313': [],
  '339': [],
  '309': ['lowBattery'],
  '311': ['backupPowerFault'],
  '314': ['mainPowerFault'],
  '338': ['lowBattery'],
  '341': ['tamper'],
  '342': ['mainPowerFault'],
  '344': ['lineFault'],
  '383': ['tamper'],
  '384': ['lowBattery'],
  // too sensitive, not enough, drifted
  '385': ['chamberDirty'],
  '386': ['chamberDirty'],
  '391': ['fault'],
  '392': ['chamberDirty'],
  '393': ['chamberDirty'],
  '608': ['fault'],
  '912': ['silenced'],
  '922': ['supervisory'],
  '923': ['shielded'],
  '924': ['fault'],
  '926': ['mainPowerFault'],
  '927': ['fault'],
}
const RANGES: readonly [from: number, to: number, flag: AlarmFlag][] = [
  [110, 119, 'fire'],
  // alarms of no class that is defined: somebody has to look
  [164, 199, 'preAlarm'],
  [200, 203, 'supervisory'],
  [300, 349, 'fault'],
  [350, 359, 'lineFault'],
  [370, 389, 'fault'],
  [520, 527, 'shielded'],
  [570, 579, 'shielded'],
]

export function flagsOfCid(event: string): readonly AlarmFlag[] {
  if (Object.hasOwn(ONE, event)) return ONE[event] ?? []
  const code = Number(event)
  const range = RANGES.find(([from, to]) => code >= from && code <= to)
  return range === undefined ? [] : [range[2]]
}

/** 601 by hand, 602 and 608 periodic, 604 fire, 607 and 611 to 615 points that somebody walks along, 704 by the installer */
export const isTest = (event: string): boolean => /^(?:60[12478]|61[1345]|704)$/.test(event)

/** The first letter of two of SIA DC-03 is what is watched: fire, sprinkler, heat, gas, water, frost, panic and emergency buttons, a zone of unknown type. */
const WATCHED: Readonly<Record<string, AlarmFlag>> = {
  F: 'fire',
  S: 'fire',
  K: 'heat',
  G: 'gas',
  W: 'leak',
  Z: 'supervisory',
  P: 'manualCall',
  Q: 'manualCall',
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
  UX: ['preAlarm', true],
  UZ: ['fault', true],
  IA: ['fault', true],
  IR: ['fault', false],
  // an output: sirens are on them
  OU: ['fault', true],
  OV: ['fault', false],
  YM: ['backupPowerFault', true],
  YP: ['fault', true],
  YQ: ['fault', false],
  YI: ['fault', true],
  YJ: ['fault', false],
  YH: ['fault', false],
  YX: ['fault', true],
  YZ: ['fault', false],
  YD: ['fault', true],
  YE: ['fault', false],
  YF: ['fault', true],
  YU: ['fault', true],
  YS: ['lineFault', true],
  XQ: ['lineFault', true],
  XH: ['lineFault', false],
  XL: ['lineFault', true],
  XC: ['lineFault', false],
  XS: ['tamper', true],
  XJ: ['tamper', false],
  // the test has ended
  FK: ['test', false],
  TE: ['test', false],
}
/** They begin with the letter of something watched and say something else. */
const APART: ReadonlySet<string> = new Set(['SC', 'UG', 'UY', 'ZY', 'PC', 'SG', 'PG', 'PM', 'UM', 'UC'])

export function flagsOfSia(code: string): readonly Said[] {
  const known = Object.hasOwn(ELSE, code) ? ELSE[code] : undefined
  // a battery that is well again is also there again
  if (code === 'YR') return [known ?? ['lowBattery', false], ['backupPowerFault', false]]
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
