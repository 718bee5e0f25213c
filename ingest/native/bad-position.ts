// A native message against the schema only by its positions, and that says something of an alarm: read without them, so that a GPS without a fix
// loses no fire. docs/decisions/0009-a-bad-position-costs-only-the-position.md
import { isRecord, record } from '../compose.ts'
import { numbersHint } from '../district.ts'
import type { Note } from '../time.ts'
import type { NativeReading } from './payload.ts'
import { isReading, violationOf } from './schema.ts'

const POSITION = /^((?:\/[^/]+)*\/position)(?:\/|$)/

/** What is wrong with its positions, and the message without them where it says something of an alarm; undefined where more is wrong. `value` is changed. */
export function withoutBadPositions(value: unknown): { payload?: NativeReading; note: Note } | undefined {
  const places = new Set<string>()
  for (const { instancePath, keyword } of isReading.errors ?? []) {
    const place = POSITION.exec(instancePath)?.[1]
    if (place !== undefined) places.add(place)
    else if (!WRAPPERS.has(keyword)) return undefined
  }
  const { reason } = violationOf(isReading)
  if (places.size === 0) return undefined
  const hints = [...places].flatMap(place => hintOf(taken(value, place)) ?? [])
  if (!isReading(value)) return undefined
  const where = [...places][0] ?? '/position'
  const note = { code: 'position-invalid', reason: [reason, ...hints].join('; '), where } as const
  return saysOfAlarm(value) ? { payload: value, note: { ...note, reason: `used without its position: ${note.reason}` } } : { note }
}

/** They fail because something inside them does. */
const WRAPPERS: ReadonlySet<string> = new Set(['oneOf', 'anyOf', 'allOf', 'if'])

/** On or off: an alarm that cannot be cleared is a false one. */
function saysOfAlarm(value: unknown): boolean {
  const { alarms, smoke, camera } = record(value)
  const { detections, audio } = record(camera)
  return (
    Object.keys(record(alarms)).length > 0 ||
    record(smoke)['state'] !== undefined ||
    [detections, audio].some(seen => Array.isArray(seen) && seen.length > 0)
  )
}

/** What stood at that JSON pointer; it stands there no longer. */
function taken(value: unknown, pointer: string): unknown {
  const names = pointer.slice(1).split('/')
  let here = value
  for (const name of names.slice(0, -1)) here = (here as Record<string, unknown> | undefined)?.[name]
  if (!isRecord(here)) return undefined
  const { position } = here
  delete here['position']
  return position
}

function hintOf(position: unknown): string | null {
  const { lat, lon } = record(position)
  return typeof lat === 'number' && typeof lon === 'number' ? numbersHint(lat, lon) : null
}
