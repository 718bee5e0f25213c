// What is known of one device now: a reading folded into it, in place, and a reading made richer by what is known. It judges nothing.
import type { Device } from '#contracts/device.ts'
import { isEvidence, type AlarmFlags, type DeviceKind, type Reading } from '#contracts/reading.ts'
import { counted, missingIn, type Counter, type GapTotals } from './gaps.ts'

/** Metrics and state entries remembered per device; further names are shown in the reading only. */
const ENTRIES_MAX = 96

/** A device with what the fold needs beside it: its counter, and whether people registered it. */
export type Entry = Counter & { device: Device; registered?: true }

export const stranger = (reading: Reading): Device => ({
  deviceId: reading.deviceId,
  kind: reading.kind,
  alarms: {},
  metrics: {},
  gaps: 0,
  readings: 0,
})

export const copyOf = (entry: Entry): Entry => {
  const { device } = entry
  const copy: Device = { ...device, alarms: { ...device.alarms }, metrics: { ...device.metrics } }
  if (device.state !== undefined) copy.state = { ...device.state }
  return { ...entry, device: copy }
}

/** In place: a device is read far less often than it is heard. */
export function foldIn(entry: Entry, reading: Reading, totals: GapTotals): void {
  const counter = counted(entry, reading, totals.rangesMax())
  if (counter !== entry) count(entry, counter, totals)
  const { device } = entry
  takeKind(entry, reading)
  describe(device, reading)
  device.family = reading.source.family
  device.lastReceivedAt = reading.receivedAt
  device.readings += 1
  if (reading.online !== undefined) device.online = reading.online
  else if (isMeasurement(reading)) device.online = true
  if (isNews(device, reading)) bringUpToDate(device, reading)
}

/** Of that only what `enriched` looks at later: for whoever folds millions of readings in and asks of no device what it measures now. */
export function foldInWho(entry: Entry, reading: Reading): void {
  const { device } = entry
  takeKind(entry, reading)
  describe(device, reading)
  if (!isNews(device, reading)) return
  device.lastTs = reading.ts
  if (reading.position !== undefined) device.position = reading.position
}

function takeKind({ device, registered }: Entry, reading: Reading): void {
  // what a person registered stands; one registered as `other` may say once what it is, but nothing that would be sent to fires
  const isSettled = registered === true && (device.kind !== 'other' || IS_SENT.has(reading.kind))
  if (!isSettled && reading.kind !== 'other' && (device.kind === 'other' || reading.online === undefined || isMeasurement(reading)))
    device.kind = reading.kind
}

/** What was stored, cached or retained is not the state of now; an older event does not overwrite a newer one. */
function isNews(device: Device, { ts, flags: { history, stale, retained } }: Reading): boolean {
  if (history === true || stale === true || retained === true) return false
  return device.lastTs === undefined || ts >= device.lastTs
}

const IS_SENT: ReadonlySet<DeviceKind> = new Set(['micro-station', 'drone', 'dock'])

/** The counter is the entry with its counting moved on. */
function count(entry: Entry, counter: Counter, totals: GapTotals): void {
  totals.changed(entry.device.deviceId, entry, counter)
  const { seq, boot, ts, missing, forgotten } = counter
  if (seq !== undefined) entry.seq = seq
  if (boot !== undefined) entry.boot = boot
  else if (entry.boot !== undefined) delete entry.boot
  if (ts !== undefined) entry.ts = ts
  if (missing !== undefined) entry.missing = missing
  if (forgotten !== undefined) entry.forgotten = forgotten
  entry.device.gaps = missingIn(entry)
}

function bringUpToDate(device: Device, reading: Reading): void {
  device.lastTs = reading.ts
  device.alarms = alarmsNow(device.alarms, reading)
  device.metrics = bounded(device.metrics, reading.metrics)
  if (reading.state !== undefined) device.state = bounded(device.state ?? {}, reading.state)
  if (reading.batteryPct !== undefined) device.batteryPct = reading.batteryPct
  if (reading.position !== undefined) device.position = reading.position
}

/** A test shows as a test, leaves no alarm behind and never covers a real one; the next reading that is none ends it. */
function alarmsNow(known: AlarmFlags, reading: Reading): AlarmFlags {
  if (known.test === undefined && isEvidence(reading)) return Object.assign(known, reading.alarms)
  const { test: _test, ...before } = known
  if (isEvidence(reading)) return Object.assign(before, reading.alarms)
  const inAlarm = HAZARDS.some(flag => before[flag] === true)
  return inAlarm ? before : { ...before, test: true }
}

const HAZARDS = ['fire', 'smoke', 'heat', 'co', 'gas', 'flame', 'manualCall'] as const

function describe(device: Device, { about, place, source, position }: Reading): void {
  if (about !== undefined) {
    const { thresholds: _thresholds, address: _address, ...known } = about
    Object.assign(device, known)
    if (position !== undefined) device.position = position
  }
  const via = about?.via ?? source.gateway
  if (via !== undefined) device.via = via
  if (about?.model === undefined && source.model !== undefined) device.model = source.model
  if (place !== undefined) device.place = place
}

const isMeasurement = (reading: Reading): boolean => hasAny(reading.metrics) || hasAny(reading.alarms)

function hasAny(object: object): boolean {
  for (const _ in object) return true
  return false
}

/** What is known, with what is given written into it; beyond the bound what is new has to stay out. */
function bounded<T>(known: Record<string, T>, given: Record<string, T>): Record<string, T> {
  let isNew = false
  for (const name in given) if (!(name in known)) isNew = true
  if (isNew) {
    let n = 0
    for (const _ in { ...known, ...given }) n++
    if (n > ENTRIES_MAX) return Object.fromEntries(Object.entries({ ...given, ...known, ...given }).slice(0, ENTRIES_MAX))
  }
  for (const name in given) known[name] = given[name] as T
  return known
}

/** The same reading where nothing more is known of its device. */
export function enriched(reading: Reading, { kind, place, position, expectNextS }: Device): Reading {
  const isKnown = reading.kind === 'other' && kind !== 'other'
  const isPlaced = reading.place === undefined && place !== undefined
  const isAt = reading.position === undefined && position !== undefined
  const isExpected = reading.about?.expectNextS === undefined && expectNextS !== undefined
  if (!isKnown && !isPlaced && !isAt && !isExpected) return reading
  const richer: Reading = { ...reading }
  if (isKnown) richer.kind = kind
  if (isPlaced) richer.place = place
  if (isAt) richer.position = position
  if (isExpected) richer.about = { ...reading.about, expectNextS }
  return richer
}
