// Alarm panels that report to a receiver: DC-09 style lines with Contact-ID (ADM-CID and dialects) or SIA codes; TCP comes through an adapter.
// The line's clock has no zone: event time is that of arrival, and only a time that is right in no zone is told as the clock's mistake. A restoral
// clears what it names, a test is a test.
import type { Decoded } from '#contracts/reading.ts'
import { flagsOfCid, flagsOfSia, isAutomaticTest, isTest, isTestOfSia } from '../alarm-panel-dc09/events.ts'
import { linesIn, type Line } from '../alarm-panel-dc09/line.ts'
import { siaEvents, type SiaEvent } from '../alarm-panel-dc09/sia.ts'
import { isRightSomewhere } from '../alarm-panel-dc09/stamp.ts'
import { composed, entranceOf, mentions, type Found } from '../compose.ts'
import { ignored, rejected, type Decoder, type DecodeInput } from '../decoder.ts'
import { textOf } from '../json.ts'
import { serverStamp } from '../time.ts'

const FAMILY = 'alarm-panel-dc09'
const EVENTS_MAX = 32

export const decoder: Decoder = {
  family: FAMILY,
  claims: topic => entranceOf(FAMILY, topic) !== undefined,
  decode,
  // only a chunk of nothing but NULL lines is surely none
  mayCarryAlarm: payload => !mentions(payload, /"NULL"/) || mentions(payload, /"(?!NULL")[A-Z0-9*-]+"/),
}

function decode(input: DecodeInput): Decoded {
  if (input.payload.length === 0) return ignored('an empty message')
  // CRC and length are of bytes: only what is shown is read as text
  const lines = linesIn(Buffer.from(input.payload.buffer, input.payload.byteOffset, input.payload.byteLength).toString('latin1'))
  const faults = lines.flatMap(line => ('fault' in line ? [{ code: 'decoder-failed', reason: line.fault, where: '/' }] : []))
  const found = lines.flatMap(line => ('fault' in line ? [] : readingsOf(line, input)))
  if (found.length > 0) return composed(input, FAMILY, found, faults)
  const [fault] = faults
  return fault === undefined ? ignored('no event in the line') : rejected(fault.code, fault.reason, fault.where)
}

function readingsOf(line: Line, input: DecodeInput): Found[] {
  const panel = `dc09:${line.account}`
  const { stampText } = line
  const isRight = stampText === undefined || isRightSomewhere(stampText, input.receivedAtMs)
  const time = { ...serverStamp(input.receivedAtMs), ...(!isRight && { deviceTs: stampText }) }
  // a line that names no account says of nobody that he is there
  if (line.account === '') return []
  if (line.token === 'NULL') return [{ deviceId: panel, kind: 'panel', time, online: true }]
  const events = line.data.includes('|') ? line.data.slice(line.data.indexOf('|') + 1) : line.data
  const more = extendedOf(line.extended)
  const cid = [...events.matchAll(/(?:^|\D)([136])(\d{3}) ([0-9A-F]{2}) (\d{3})/g)].slice(0, EVENTS_MAX)
  const found =
    cid.length > 0
      ? cid.map(match => contactId(panel, match[1] ?? '', match[2] ?? '', match[3] ?? '', match[4] ?? ''))
      : siaEvents(events).map(event => siaEvent(panel, event))
  const position = positionOf(more.state)
  const shared = { ...(more.text !== undefined && { text: more.text }), ...(position !== undefined && { position }), time }
  return found.map(one => ({ ...one, ...shared, state: { ...one.state, ...more.state } }))
}

/** Texts are of Windows-1252 by the standard, and UTF-8 of some panels. */
function shown(bytes: string): string {
  const raw = Buffer.from(bytes, 'latin1')
  const text = textOf(raw)
  return text.ok ? text.text : new TextDecoder('windows-1252').decode(raw)
}

/** What a panel of later versions says beside the event; of the hash, the keys and the addresses nothing is kept. */
const EXTENDED: Readonly<Record<string, string>> = {
  H: 'occurredAt',
  L: 'location',
  O: 'building',
  R: 'room',
  S: 'site',
  V: 'verification',
  X: 'longitude',
  Y: 'latitude',
}
const EXTENDED_CHARS_MAX = 256

/** X118E50.123: degrees, side, minutes */
const ARC = /^(\d{1,3})([EWNS])(\d{1,2}(?:\.\d{1,6})?)$/
function degrees(text: string | undefined, sides: string): number | undefined {
  const [, whole, side = '', minutes] = ARC.exec(text ?? '') ?? []
  if (whole === undefined || !sides.includes(side)) return undefined
  const value = Number(whole) + Number(minutes) / 60
  return Number((side === 'W' || side === 'S' ? -value : value).toFixed(7))
}

function positionOf({ longitude, latitude }: Record<string, string>): Found['position'] {
  const [lat, lon] = [degrees(latitude, 'NS'), degrees(longitude, 'EW')]
  const isPlace = lat !== undefined && lon !== undefined && Math.abs(lat) <= 90 && Math.abs(lon) <= 180 && (lat !== 0 || lon !== 0)
  return isPlace ? { lat, lon } : undefined
}

function extendedOf(extended: readonly string[]): { text?: string; state: Record<string, string> } {
  const state: Record<string, string> = {}
  let text: string | undefined
  for (const one of extended) {
    const value = shown(one.slice(1, EXTENDED_CHARS_MAX)).trim()
    const name = Object.hasOwn(EXTENDED, one[0] ?? '') ? EXTENDED[one[0] ?? ''] : undefined
    if (value === '') continue
    if (one[0] === 'I') text = value
    else if (name !== undefined) state[name] = value
  }
  return { ...(text !== undefined && { text }), state }
}

/** Q 1 is new, 3 restored, 6 reported before and still there. */
function contactId(panel: string, qualifier: string, event: string, partition: string, zone: string): Found {
  const on = qualifier !== '3'
  const flags = flagsOfCid(event)
  const test = isTest(event)
  const isZone = zone !== '000'
  return {
    deviceId: isZone ? `${panel}/${zone}` : panel,
    kind: isZone ? 'panel-component' : 'panel',
    alarms: { ...Object.fromEntries(flags.map(flag => [flag, on])), ...(test && on && { test: true }) },
    flags: { ...(test && on && { test: true }) },
    state: { event, qualifier, partition },
  }
}

function siaEvent(panel: string, { code, zone, area, peripheral, user, text, isOld }: SiaEvent): Found {
  const test = isTestOfSia(code)
  const isZone = zone !== '' && /[^0]/.test(zone)
  return {
    deviceId: isZone ? `${panel}/${zone.padStart(3, '0')}` : panel,
    kind: isZone ? 'panel-component' : 'panel',
    alarms: { ...Object.fromEntries(flagsOfSia(code)), ...(test && { test: true }) },
    flags: { ...(test && { test: true }) },
    ...(isAutomaticTest(code) && { online: true }),
    ...(text !== undefined && { text: shown(text) }),
    state: { event: code, area, peripheral, user, ...(isOld && { old: true }) },
  }
}
