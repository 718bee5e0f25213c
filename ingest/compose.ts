// Puts readings together from what a decoder found: absent stays absent, numbers are finite, what a vendor sends along is bounded.
// It knows no vendor. `retained` comes from whoever received the message, not from the publisher's retain bit (see below).
import type { AlarmFlag, AlarmFlags, Decoded, Reading } from '#contracts/reading.ts'
import { coerceNumber } from './coerce.ts'
import { rejected, type DecodeInput } from './decoder.ts'
import { iso, serverStamp, type Note, type Stamp } from './time.ts'
import { measured } from './units.ts'

export const METRICS_MAX = 128
export const STATE_ENTRIES_MAX = 64
const STATE_CHARS_MAX = 2_048
const ID_CHARS_MAX = 256
const TEXT_CHARS_MAX = 1_024
/** Readings one message may become; no documented format carries more. */
export const READINGS_MAX = 1_024

export type Found = Partial<Omit<Reading, 'ts' | 'tsSource' | 'deviceTs' | 'receivedAt' | 'source' | 'flags' | 'metrics' | 'alarms'>> & {
  deviceId: string
  kind: Reading['kind']
  /** server time where it is missing */
  time?: Stamp
  metrics?: Record<string, number | undefined>
  alarms?: Partial<Record<AlarmFlag, boolean | undefined>>
  flags?: Reading['flags']
  model?: string | undefined
  gateway?: string | undefined
  /** what has to be looked at, beside its time */
  notes?: Note[] | undefined
}

/**
 * A message taken out of another broker's store (a subscription of ours) says so in the header `retained: true`: it is not news.
 * The retain bit of a device's own PUBLISH says only that the broker shall keep a copy: an ESPHome fire bears it and is live.
 */
export const isRetainedCopy = (input: DecodeInput): boolean => input.headers?.['retained'] === 'true'

export function readingOf(input: DecodeInput, family: string, found: Found): Reading {
  const {
    time = serverStamp(input.receivedAtMs),
    metrics,
    alarms,
    flags,
    model,
    gateway,
    state,
    text,
    deviceId,
    notes: _notes,
    ...rest
  } = found
  const { note: _, ...when } = time
  const kept = stateOf(state)
  const test = flags?.test === true || alarms?.test === true
  return dropped({
    ...rest,
    ...numbers(found),
    deviceId: deviceId.slice(0, ID_CHARS_MAX),
    ...when,
    receivedAt: iso(input.receivedAtMs),
    metrics: Object.fromEntries(Object.entries(measured(metrics ?? {})).slice(0, METRICS_MAX)),
    alarms: { ...flagsOf(alarms ?? {}), ...(test && { test: true }) },
    flags: { ...dropped(flags ?? {}), ...(test && { test: true }), ...(isRetainedCopy(input) && { retained: true }) },
    ...(kept !== undefined && { state: kept }),
    ...(text !== undefined && text !== '' && { text: text.slice(0, TEXT_CHARS_MAX) }),
    source: dropped({ family, model, topic: input.topic, gateway }),
  }) as Reading
}

/** Readings with the notes their times gave; too many are cut and noted. */
export function composed(input: DecodeInput, family: string, found: readonly Found[], more: readonly Note[] = []): Decoded {
  if (found.length === 0) return rejected('decoder-failed', 'nothing in the message could be read as a reading', '/')
  const notes = [
    ...found.slice(0, READINGS_MAX).flatMap(f => [...(f.time?.note === undefined ? [] : [f.time.note]), ...(f.notes ?? [])]),
    ...more,
  ]
  if (found.length > READINGS_MAX)
    notes.push({ code: 'decoder-failed', reason: `${found.length - READINGS_MAX} readings too many were left out`, where: '/' })
  const readings = found.slice(0, READINGS_MAX).map(f => readingOf(input, family, f))
  return { readings, ...(notes.length > 0 && { notes: notes.slice(0, 16) }) }
}

const flagsOf = (alarms: Found['alarms'] & object): AlarmFlags =>
  Object.fromEntries(Object.entries(alarms).filter(([, on]) => typeof on === 'boolean'))

function dropped<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined && v !== null)) as T
}

/** Out of range is not measured: a battery of 32767 % is none. */
function numbers({ batteryPct, rssiDbm, rsrpDbm, snrDb, lqi, seq, boot }: Found): Partial<Reading> {
  return {
    batteryPct: within(batteryPct, 0, 100),
    rssiDbm: within(rssiDbm, -200, 50),
    rsrpDbm: within(rsrpDbm, -200, 50),
    snrDb: within(snrDb, -100, 100),
    lqi: within(lqi, 0, 255),
    seq: within(seq, 0, Number.MAX_SAFE_INTEGER),
    boot: within(boot, 0, Number.MAX_SAFE_INTEGER),
  } as Partial<Reading>
}

export const within = (value: number | undefined, min: number, max: number): number | undefined =>
  value !== undefined && value >= min && value <= max ? value : undefined

function stateOf(state: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  if (state === undefined) return undefined
  const entries = Object.entries(state).filter(([name, value]) => name !== '__proto__' && name.length <= 128 && isSmall(value))
  return entries.length === 0 ? undefined : Object.fromEntries(entries.slice(0, STATE_ENTRIES_MAX))
}

const isSmall = (value: unknown): boolean =>
  value !== undefined && value !== null && value !== '' && (JSON.stringify(value)?.length ?? Infinity) <= STATE_CHARS_MAX

export type JsonObject = Record<string, unknown>
export const isRecord = (value: unknown): value is JsonObject => typeof value === 'object' && value !== null && !Array.isArray(value)
export const record = (value: unknown): JsonObject => (isRecord(value) ? value : {})
export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : [])

/** The value at a path of own properties, undefined where the path ends. */
export function at(value: unknown, ...path: string[]): unknown {
  let here = value
  for (const key of path) {
    if (!isRecord(here) || !Object.hasOwn(here, key)) return undefined
    here = here[key]
  }
  return here
}

export const num = (value: unknown, ...path: string[]): number | undefined => coerceNumber(at(value, ...path))
export function str(value: unknown, ...path: string[]): string | undefined {
  const found = path.length === 0 ? value : at(value, ...path)
  return typeof found === 'string' && found !== '' ? found.slice(0, ID_CHARS_MAX) : undefined
}

/** Decimal scaling without binary dust: 605 * 0.1 is 60.5. */
export const scaled = (value: number | undefined, factor: number): number | undefined =>
  value === undefined || !Number.isFinite(value * factor) ? undefined : Number((value * factor).toPrecision(12))

/**
 * Entrances that are not MQTT, and bridges that carry a family's bytes as they are, put them on `in/{family}/{source}`:
 * the source is the peer (host, serial, product) that the bytes came from.
 */
export const entranceOf = (family: string, topic: string): string | undefined =>
  topic.startsWith(`in/${family}/`) ? topic.slice(`in/${family}/`.length, 512) : undefined

const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
/** For the cheap scan of mayCarryAlarm. JSON may spell any letter as an escape: then nothing is ruled out. */
export function mentions(bytes: Uint8Array, pattern: RegExp): boolean {
  const text = latin1(bytes)
  return pattern.test(text) || text.includes('\\u')
}

const HEX = /^(?:[0-9a-fA-F]{2})+$/
/** Bytes that came as hex text (spaces and line ends allowed), else the bytes themselves. */
export function unhexed(payload: Uint8Array): { bytes: Uint8Array; wasText: boolean } {
  const text = payload.length <= 65_536 ? latin1(payload).replaceAll(/[\s"]/g, '') : ''
  return HEX.test(text) ? { bytes: Uint8Array.from(Buffer.from(text, 'hex')), wasText: true } : { bytes: payload, wasText: false }
}
