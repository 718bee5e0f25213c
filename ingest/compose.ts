// Puts readings together from what a decoder found: absent stays absent, numbers are finite, what a vendor sends along is bounded.
// It knows no vendor. `retained` comes from whoever received the message, not from the publisher's retain bit (see below).
import type { AlarmFlag, AlarmFlags, Decoded, Reading } from '#contracts/reading.ts'
import { coerceNumber } from './coerce.ts'
import { rejected, type DecodeInput } from './decoder.ts'
import { iso, serverStamp, type Note, type Stamp } from './time.ts'

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

/** Written one by one: spreading what is mostly absent costs more than the decoder itself. */
export function readingOf(input: DecodeInput, family: string, found: Found): Reading {
  const time = found.time ?? serverStamp(input.receivedAtMs)
  const flags = flagsKept(found.flags)
  const alarms = alarmsKept(found.alarms)
  if (flags.test === true || alarms.test === true) flags.test = alarms.test = true
  if (isRetainedCopy(input)) flags.retained = true
  const reading: Reading = {
    deviceId: found.deviceId.slice(0, ID_CHARS_MAX),
    kind: found.kind,
    ts: time.ts,
    tsSource: time.tsSource,
    receivedAt: iso(input.receivedAtMs),
    metrics: metricsKept(found.metrics),
    alarms,
    flags,
    source: { family, topic: input.topic },
  }
  if (isGiven(time.deviceTs)) reading.deviceTs = time.deviceTs
  if (isGiven(found.model)) reading.source.model = found.model
  if (isGiven(found.gateway)) reading.source.gateway = found.gateway
  takeNumbers(reading, found)
  takeRest(reading, found)
  const state = stateOf(found.state)
  if (state !== undefined) reading.state = state
  if (isGiven(found.text) && found.text !== '') reading.text = found.text.slice(0, TEXT_CHARS_MAX)
  return reading
}

const isGiven = <T>(value: T | null | undefined): value is T => value !== undefined && value !== null

function takeRest(reading: Reading, { msgId, position, place, detections, thermal, online, about }: Found): void {
  if (isGiven(msgId)) reading.msgId = msgId
  if (isGiven(position)) reading.position = position
  if (isGiven(place)) reading.place = place
  if (isGiven(detections)) reading.detections = detections
  if (isGiven(thermal)) reading.thermal = thermal
  if (isGiven(online)) reading.online = online
  if (isGiven(about)) reading.about = about
}

/** Out of range is not measured: a battery of 32767 % is none. */
function takeNumbers(reading: Reading, { batteryPct, rssiDbm, rsrpDbm, snrDb, lqi, seq, boot }: Found): void {
  if (isWithin(batteryPct, 0, 100)) reading.batteryPct = batteryPct
  if (isWithin(rssiDbm, -200, 50)) reading.rssiDbm = rssiDbm
  if (isWithin(rsrpDbm, -200, 50)) reading.rsrpDbm = rsrpDbm
  if (isWithin(snrDb, -100, 100)) reading.snrDb = snrDb
  if (isWithin(lqi, 0, 255)) reading.lqi = lqi
  if (isWithin(seq, 0, Number.MAX_SAFE_INTEGER)) reading.seq = seq
  if (isWithin(boot, 0, Number.MAX_SAFE_INTEGER)) reading.boot = boot
}

const isWithin = (value: number | undefined, min: number, max: number): value is number =>
  value !== undefined && value >= min && value <= max

function metricsKept(given: Found['metrics']): Reading['metrics'] {
  const kept: Reading['metrics'] = {}
  let count = 0
  for (const name in given) {
    const value = given[name]
    if (value === undefined || !Number.isFinite(value)) continue
    if (++count > METRICS_MAX) break
    kept[name] = value
  }
  return kept
}

function alarmsKept(given: Found['alarms']): AlarmFlags {
  const kept: AlarmFlags = {}
  for (const name in given) {
    const on = given[name as AlarmFlag]
    if (typeof on === 'boolean') kept[name as AlarmFlag] = on
  }
  return kept
}

function flagsKept(given: Reading['flags'] | undefined): Reading['flags'] {
  const kept: Reading['flags'] = {}
  if (given === undefined) return kept
  if (isGiven(given.history)) kept.history = given.history
  if (isGiven(given.stale)) kept.stale = given.stale
  if (isGiven(given.retained)) kept.retained = given.retained
  if (isGiven(given.test)) kept.test = given.test
  return kept
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
