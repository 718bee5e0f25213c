// The device directory: what is known of each device now, folded from readings and from what people registered.
// It judges nothing: whether a device is stale or in alarm is asked of contracts/device.ts with a clock.
import type { DeviceGaps } from '#contracts/accounting.ts'
import type { Device } from '#contracts/device.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { isEvidence, type AlarmFlags, type DeviceKind, type Reading } from '#contracts/reading.ts'

import { counted, gapTotals, missingIn, RANGES_MAX, type Counter } from './gaps.ts'

type StateRows = [key: string, json: string | null][]

/** At this many, the device that was heard longest ago and never registered makes room; registered devices are never dropped. */
export const DEVICES_MAX = 200_000
/** Metrics and state entries remembered per device; further names are shown in the reading only. */
const ENTRIES_MAX = 96

/** A device with what the fold needs beside it: its counter, and whether people registered it. */
type Entry = Counter & { device: Device; registered?: true }

export type Directory = {
  /** folds a reading in; the reading comes back with the place, position and kind that are known of its device */
  apply(r: Reading): { reading: Reading; device: Device }
  /** @throws FengsuiError conflict when the directory is full of registered devices */
  register(d: Partial<Device> & { deviceId: string; kind: DeviceKind }): Device
  remove(deviceId: string): boolean
  get(deviceId: string): Device | undefined
  all(): Iterable<Device>
  size(): number
  /** messages that devices counted and that never came; the devices that miss most, by name */
  gaps(topMax: number): { missing: number; forgotten: number; devices: number; top: DeviceGaps[] }
  /** rows changed since the last call; null = removed */
  dirty(): StateRows
  /** devices changed since the last call */
  touched(): Device[]
}

export function createDirectory(o: { rows?: Iterable<[string, string]>; devicesMax?: number }): Directory {
  const devicesMax = o.devicesMax ?? DEVICES_MAX
  // in order of last hearing, so that the first unregistered entry is the one to go
  const entries = new Map([...(o.rows ?? [])].map(([id, json]) => [id, entryOf(json)] as const).sort(byLastHeard))
  // ids that stand in storage: only their removal must be told, so that what nobody collects stays bounded too
  const stored = new Set(entries.keys())
  const unsaved = new Set<string>()
  const unseen = new Set<string>()
  const totals = gapTotals()
  for (const [id, entry] of entries) totals.changed(id, undefined, entry)

  const put = (entry: Entry): void => {
    const { deviceId } = entry.device
    totals.changed(deviceId, entries.get(deviceId), entry)
    entries.delete(deviceId)
    entries.set(deviceId, entry)
    unsaved.add(deviceId)
    unseen.add(deviceId)
  }
  const remove = (deviceId: string): boolean => {
    totals.changed(deviceId, entries.get(deviceId), undefined)
    if (!entries.delete(deviceId)) return false
    if (stored.has(deviceId)) unsaved.add(deviceId)
    else unsaved.delete(deviceId)
    unseen.delete(deviceId)
    return true
  }
  const makeRoom = (): boolean => {
    if (entries.size < devicesMax) return true
    for (const [deviceId, { registered }] of entries) if (registered !== true) return remove(deviceId)
    return false
  }

  return {
    apply(reading) {
      const before = entries.get(reading.deviceId)
      const after = folded(before ?? { device: stranger(reading) }, reading, totals.rangesMax())
      if (before !== undefined || makeRoom()) put(after)
      return { reading: enriched(reading, after.device), device: after.device }
    },
    register(given) {
      const before = entries.get(given.deviceId)
      if (before === undefined && !makeRoom())
        throw new FengsuiError(
          'conflict',
          `the directory holds ${devicesMax} registered devices: remove some before adding ${given.deviceId}`,
        )
      const blank: Device = { deviceId: given.deviceId, kind: given.kind, alarms: {}, metrics: {}, gaps: 0, readings: 0 }
      const entry: Entry = { ...before, device: { ...blank, ...before?.device, ...given }, registered: true }
      put(entry)
      return entry.device
    },
    remove,
    get: deviceId => entries.get(deviceId)?.device,
    all: function* all() {
      for (const { device } of entries.values()) yield device
    },
    size: () => entries.size,
    gaps(topMax) {
      const top: Entry[] = []
      for (const id of topMax === 0 ? [] : totals.ids) {
        const entry = entries.get(id)
        // one pass: a district where every device misses something is not sorted whole each time somebody looks
        if (entry === undefined || (top.length === topMax && entry.device.gaps <= (top.at(-1)?.device.gaps ?? 0))) continue
        const at = top.findIndex(other => other.device.gaps < entry.device.gaps)
        top.splice(at < 0 ? top.length : at, 0, entry)
        if (top.length > topMax) top.pop()
      }
      return { missing: totals.sums.missing, forgotten: totals.sums.forgotten, devices: totals.ids.size, top: top.map(gapsOf) }
    },
    dirty() {
      const rows = [...unsaved].map((id): StateRows[number] => [id, entries.has(id) ? JSON.stringify(entries.get(id)) : null])
      for (const [id, json] of rows) {
        if (json === null) stored.delete(id)
        else stored.add(id)
      }
      unsaved.clear()
      return rows
    },
    touched() {
      const devices = [...unseen].flatMap(id => entries.get(id)?.device ?? [])
      unseen.clear()
      return devices
    },
  }
}

/** Earlier versions counted what was missing without remembering the numbers. */
function entryOf(json: string): Entry {
  const entry = JSON.parse(json) as Entry
  const isCountOnly = entry.device.gaps > 0 && entry.missing === undefined && entry.forgotten === undefined
  return isCountOnly ? { ...entry, forgotten: entry.device.gaps } : entry
}

const byLastHeard = ([, a]: readonly [string, Entry], [, b]: readonly [string, Entry]): number =>
  (a.device.lastReceivedAt ?? '') < (b.device.lastReceivedAt ?? '') ? -1 : 1

const stranger = (reading: Reading): Device => ({
  deviceId: reading.deviceId,
  kind: reading.kind,
  alarms: {},
  metrics: {},
  gaps: 0,
  readings: 0,
})

const gapsOf = ({ device, missing = [], forgotten = 0 }: Entry): DeviceGaps => ({
  deviceId: device.deviceId,
  ...(device.name !== undefined && { name: device.name }),
  missing: device.gaps,
  ranges: missing,
  forgotten,
})

/** A device is copied once and then written field by field; who was handed the device of before keeps it as it was. */
function folded(entry: Entry, reading: Reading, rangesMax = RANGES_MAX): Entry {
  const counter = counted(entry, reading, rangesMax)
  const device: Device = { ...entry.device }
  if (reading.kind !== 'other') device.kind = reading.kind
  describe(device, reading)
  device.family = reading.source.family
  device.lastReceivedAt = reading.receivedAt
  device.gaps = missingIn(counter)
  device.readings += 1
  if (reading.online !== undefined) device.online = reading.online
  else if (isMeasurement(reading)) device.online = true
  // what was stored, cached or retained is not the state of now; an older event does not overwrite a newer one
  const { history, stale, retained } = reading.flags
  const isNow = !(history === true || stale === true || retained === true)
  if (isNow && (device.lastTs === undefined || reading.ts >= device.lastTs)) bringUpToDate(device, reading)
  // the counter is the entry with its counting moved on
  return { ...(counter as Entry), device }
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
function alarmsNow({ test: _test, ...before }: AlarmFlags, reading: Reading): AlarmFlags {
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

function bounded<T>(before: Record<string, T>, given: Record<string, T>): Record<string, T> {
  const merged = Object.assign({ ...before }, given)
  let count = 0
  for (const _ in merged) count++
  return count <= ENTRIES_MAX ? merged : Object.fromEntries(Object.entries({ ...given, ...before, ...given }).slice(0, ENTRIES_MAX))
}

/** The same reading where nothing more is known of its device. */
function enriched(reading: Reading, { kind, place, position, expectNextS }: Device): Reading {
  const more: Partial<Reading> = {}
  if (reading.kind === 'other' && kind !== 'other') more.kind = kind
  if (reading.place === undefined && place !== undefined) more.place = place
  if (reading.position === undefined && position !== undefined) more.position = position
  if (reading.about?.expectNextS === undefined && expectNextS !== undefined) more.about = { ...reading.about, expectNextS }
  return hasAny(more) ? { ...reading, ...more } : reading
}
