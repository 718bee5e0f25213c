// User information transmission devices that speak JSON through a transparent product of a platform: {c, tm, b: [{id, v}]}. `c` says what kind of
// message it is (21 alarm, 22 pre-alarm, 23 fault, 24 itself, 25 its panel, 26 and 27 components), `v` what became of the part `id` of the site.
import { isRecord, list, num, str, type JsonObject } from '../compose.ts'
import type { Alarms, Part } from './part.ts'

const PARTS_MAX = 256
const COMMANDS: ReadonlySet<number> = new Set([21, 22, 23, 24, 25, 26, 27])
const PRE_ALARM = 22
const FAULT = 23
/** of the device and of the panel behind it: their numbers are not documented */
const STATES: ReadonlySet<number> = new Set([24, 25])

const VALUES: Readonly<Record<string, Alarms>> = {
  '-2': {},
  '-1': {},
  '0': { smoke: false, heat: false, fire: false },
  '1': { smoke: true },
  '2': { heat: true },
  '3': { fault: true },
  '4': { lowBattery: true },
  '5': { tamper: true },
}

export const isTransmitter = (value: JsonObject): boolean => COMMANDS.has(num(value, 'c') ?? 0) && value['b'] !== undefined

export function transmitterParts(value: JsonObject): Part[] {
  const command = num(value, 'c') ?? 0
  const atMs = num(value, 'tm')
  const parts = (isRecord(value['b']) ? [value['b']] : list(value['b'])).filter(isRecord).slice(0, PARTS_MAX)
  const read = parts.map(part => partOf(part, command, atMs))
  return read.length > 0 ? read : [{ kind: 'panel', ...(atMs !== undefined && { atMs }), unread: `message ${command} without parts` }]
}

function partOf(part: JsonObject, command: number, atMs: number | undefined): Part {
  const given = part['v']
  const code = typeof given === 'string' || typeof given === 'number' ? String(given).slice(0, 8) : ''
  const known = Object.hasOwn(VALUES, code) ? VALUES[code] : undefined
  const id = str(part, 'id')
    ?.replaceAll(/[^\w.:-]/g, '')
    .slice(0, 64)
  return {
    kind: STATES.has(command) ? 'panel' : 'panel-component',
    ...(id !== undefined && id !== '' && !STATES.has(command) && { sub: id }),
    ...(atMs !== undefined && { atMs }),
    ...(!STATES.has(command) && known !== undefined && { alarms: meant(command, code, known) }),
    state: { command, value: code },
    ...((STATES.has(command) || known === undefined) && { unread: `value ${code} of message ${command} is not documented` }),
  }
}

/** Of a message that is about pre-alarms or faults, 1 and 0 say whether. */
function meant(command: number, code: string, known: Alarms): Alarms {
  if (code !== '0' && code !== '1') return known
  if (command === PRE_ALARM) return { preAlarm: code === '1' }
  return command === FAULT ? { fault: code === '1' } : known
}
