// Alarm panels that report to a receiver: DC-09 style lines with Contact-ID (ADM-CID and dialects) or SIA codes; TCP comes through an adapter.
// The line's clock has no zone: event time is that of arrival, and only a time that is right in no zone is told as the clock's mistake. A restoral
// clears what it names, a test is a test.
import type { Decoded } from '#contracts/reading.ts'
import { flagOfSia, flagsOfCid, isTest } from '../alarm-panel-dc09/events.ts'
import { linesIn, type Line } from '../alarm-panel-dc09/line.ts'
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
  const text = textOf(input.payload)
  if (input.payload.length === 0) return ignored('an empty message')
  if (!text.ok) return rejected('decoder-failed', text.reason, '/')
  const lines = linesIn(text.text)
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
  if (line.token === 'NULL') return [{ deviceId: panel, kind: 'panel', time, online: true }]
  const events = line.data.includes('|') ? line.data.slice(line.data.indexOf('|') + 1) : line.data
  const cid = [...events.matchAll(/(?:^|\D)([136])(\d{3}) ([0-9A-F]{2}) (\d{3})/g)].slice(0, EVENTS_MAX)
  if (cid.length > 0)
    return cid.map(match => ({ ...contactId(panel, match[1] ?? '', match[2] ?? '', match[3] ?? '', match[4] ?? ''), time }))
  const sia = [...events.matchAll(/(?:^|[/N])(?:ri\d{1,4}\/?)?([A-Z]{2})(\d{0,4})/g)].slice(0, EVENTS_MAX)
  return sia.map(match => ({ ...siaEvent(panel, match[1] ?? '', match[2] ?? ''), time }))
}

const ZONE_STEP_MS = 900_000
const ZONE_MOST_MS = 14 * 3_600_000
const CLOCK_OFF_MS = 120_000

/** The standard says UTC, panels often say local time: a clock is right that differs by a whole number of quarter hours, as zones do. */
function isRightSomewhere(text: string, receivedAtMs: number): boolean {
  const [, hour = '', minute = '', second = '', month = '', day = '', year = ''] = STAMP.exec(text) ?? []
  const offMs = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) - receivedAtMs
  const restMs = Math.abs(offMs) % ZONE_STEP_MS
  return Math.abs(offMs) <= ZONE_MOST_MS && Math.min(restMs, ZONE_STEP_MS - restMs) <= CLOCK_OFF_MS
}
const STAMP = /^(\d{2}):(\d{2}):(\d{2}),(\d{2})-(\d{2})-(\d{4})$/

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

function siaEvent(panel: string, code: string, zone: string): Found {
  const [flag, on] = flagOfSia(code) ?? []
  const isZone = zone !== '' && Number(zone) > 0
  return {
    deviceId: isZone ? `${panel}/${zone.padStart(3, '0')}` : panel,
    kind: isZone ? 'panel-component' : 'panel',
    alarms: flag === undefined ? {} : { [flag]: on },
    state: { event: code },
  }
}
