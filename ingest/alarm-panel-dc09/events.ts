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

/** Two letters of SIA DC-03; the second tells alarm from restoral. */
const SIA: Readonly<Record<string, [AlarmFlag, boolean]>> = {
  FA: ['fire', true],
  FR: ['fire', false],
  FH: ['fire', false],
  FT: ['fault', true],
  FJ: ['fault', false],
  KA: ['heat', true],
  KR: ['heat', false],
  KH: ['heat', false],
  GA: ['gas', true],
  GR: ['gas', false],
  GH: ['gas', false],
  WA: ['leak', true],
  WR: ['leak', false],
  WH: ['leak', false],
  PA: ['manualCall', true],
  PR: ['manualCall', false],
  TA: ['tamper', true],
  TR: ['tamper', false],
  AT: ['mainPowerFault', true],
  AR: ['mainPowerFault', false],
  YT: ['lowBattery', true],
  YR: ['lowBattery', false],
  SP: ['pressureLow', true],
}
export const flagOfSia = (code: string): [AlarmFlag, boolean] | undefined => (Object.hasOwn(SIA, code) ? SIA[code] : undefined)
