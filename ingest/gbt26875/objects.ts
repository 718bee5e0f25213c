// What the objects of an upload say, by the tables of GB/T 26875.3-2011 (chapter 8 and annexes). A bit that is set counts whatever bit 0
// says: every fire frame seen in the field has bit 0 = 0 ("test"), and to call those tests would lose real fires. A bit that is not set
// clears only where bit 0 says normal operation.
import type { AlarmFlag, DeviceKind } from '#contracts/reading.ts'
import { scaled, type Found } from '../compose.ts'

export type Bits = { alarms: NonNullable<Found['alarms']>; state: Record<string, unknown>; isNormal: boolean }

const STATUS: Readonly<Record<number, AlarmFlag>> = {
  1: 'fire',
  2: 'fault',
  3: 'shielded',
  4: 'supervisory',
  5: 'started',
  6: 'feedback',
  8: 'mainPowerFault',
  9: 'backupPowerFault',
  10: 'lineFault',
}
const TRANSMITTER: Readonly<Record<number, AlarmFlag>> = {
  1: 'fire',
  2: 'fault',
  3: 'mainPowerFault',
  4: 'backupPowerFault',
  5: 'lineFault',
  6: 'lineFault',
}

function bitsOf(status: number, table: Readonly<Record<number, AlarmFlag>>): NonNullable<Found['alarms']> {
  const isNormal = (status & 1) === 1
  const alarms: NonNullable<Found['alarms']> = {}
  for (const [n, flag] of Object.entries(table)) {
    if ((status >> Number(n)) & 1) alarms[flag] = true
    else if (isNormal) alarms[flag] ??= false
  }
  return alarms
}

/** Status of a system or a component, two bytes. */
export function statusOf(status: number): Bits {
  const bit = (n: number): boolean => ((status >> n) & 1) === 1
  return {
    alarms: bitsOf(status, STATUS),
    isNormal: bit(0),
    state: {
      status,
      normalOperation: bit(0),
      ...(bit(7) && { delayed: true }),
      ...(bit(11) && { manual: true }),
      ...(bit(12) && { configurationChanged: true }),
      ...(bit(13) && { reset: true }),
    },
  }
}

/** Of a component bit 8 is its supply, and what is above is reserved: some panels leave anything there. */
export const componentStatusOf = (status: number): Bits => statusOf(status & 0x01ff)

export const transmitterOf = (status: number): Bits => ({
  alarms: bitsOf(status, TRANSMITTER),
  isNormal: (status & 1) === 1,
  state: { status, normalOperation: (status & 1) === 1 },
})

/** Operations of a panel (type 4) and of a transmitter (type 24): what somebody did there. */
export function operationOf(operation: number, operator: number, isTransmitter: boolean): Pick<Found, 'alarms' | 'state' | 'flags'> {
  const bit = (n: number): boolean => ((operation >> n) & 1) === 1
  const did = ['reset', 'silence', 'manual-alarm', 'alarm-cleared', 'self-check', isTransmitter ? 'duty-answer' : 'confirm', 'test'].filter(
    (_, n) => bit(n),
  )
  return {
    alarms: {
      ...(bit(1) && { silenced: true }),
      ...(bit(2) && { manualCall: true }),
      ...(bit(3) && { manualCall: false }),
      ...(bit(6) && { test: true }),
      // somebody answered: a duty check that was missed before is over
      ...(isTransmitter && bit(5) && { supervisory: false }),
    },
    flags: { ...(bit(6) && { test: true }) },
    state: { operation: did.join(' '), operator, ...(isTransmitter && bit(5) && { dutyCheckAnswered: true }) },
  }
}

/** Component types of table 6 that a kind of ours stands for. */
export function kindOfComponent(type: number): DeviceKind {
  if ((type >= 10 && type <= 13) || type === 74) return 'gas'
  if (type >= 16 && type <= 18) return 'electrical-fire'
  if (type === 23 || type === 24) return 'manual-call'
  // 52 sees flames and feels heat: the one combination without smoke
  if ((type >= 30 && type <= 37) || type === 52) return 'heat'
  if ((type >= 40 && type <= 44) || (type >= 50 && type <= 53)) return 'smoke'
  if (type === 78) return 'camera'
  if (type === 92) return 'level'
  if (type === 96) return 'flow'
  return type === 99 ? 'pressure' : 'panel-component'
}

const FLAME_TYPES: ReadonlySet<number> = new Set([61, 62, 69])

/** What a component means by its fire bit, beside fire. */
export function fireOf(kind: DeviceKind, type: number, fire: boolean | undefined): NonNullable<Found['alarms']> {
  if (fire === undefined) return {}
  if (FLAME_TYPES.has(type)) return { flame: fire }
  return kind === 'manual-call'
    ? { manualCall: fire }
    : kind === 'gas'
      ? { gas: fire }
      : kind === 'smoke'
        ? { smoke: fire }
        : kind === 'heat'
          ? { heat: fire }
          : {}
}

/** Analog types of table 8: metric and size of one step. */
const ANALOG: Readonly<Record<number, [metric: string, factor: number]>> = {
  1: ['events_count', 1],
  2: ['level_m', 0.01],
  3: ['temperature_c', 0.1],
  4: ['pressure_kpa', 100],
  5: ['pressure_kpa', 0.1],
  6: ['gas_lel_pct', 0.1],
  7: ['duration_s', 1],
  8: ['voltage_v', 0.1],
  9: ['current_a', 0.1],
  10: ['flow_lps', 0.1],
  11: ['air_flow_lps', 100 / 60],
  12: ['air_speed_mps', 1],
}

export function analogOf(type: number, value: number): Record<string, number | undefined> {
  const [metric, factor] = ANALOG[type] ?? [`analog_${type}_raw`, 1]
  return { [metric]: scaled(value, factor) }
}

const gb18030 = new TextDecoder('gb18030')
/** 31 bytes, padded with spaces or zeros; a zero may stand in the middle. */
export const textOf = (bytes: Uint8Array): string =>
  gb18030
    .decode(bytes)
    .replaceAll(/[\0\uFFFD]/g, '')
    .trim()
