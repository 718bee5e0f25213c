// The device directory: what is known of each device now, folded from readings and from what people registered.
// It judges nothing: whether a device is stale or in alarm is asked of contracts/device.ts with a clock.
import type { DeviceGaps } from '#contracts/accounting.ts'
import type { Device } from '#contracts/device.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { DeviceKind, Reading } from '#contracts/reading.ts'
import type { Frozen, StateRows } from '#contracts/state-rows.ts'
import { copyOf, enriched, foldIn, foldInWho, stranger, type Entry } from './device-now.ts'
import { gapTotals } from './gaps.ts'

/** At this many, the device that was heard longest ago and never registered makes room; registered devices are never dropped. */
export const DEVICES_MAX = 200_000
/** lists of what changed are rid of removed devices beyond this and twice the devices there are */
const LISTED_MIN = 1_000

export type Directory = {
  /** folds a reading in; the reading comes back with the place, position and kind that are known of its device */
  apply(r: Reading): { reading: Reading }
  /** @throws FengsuiError conflict when the directory is full of registered devices */
  register(d: Partial<Device> & { deviceId: string; kind: DeviceKind }): Device
  remove(deviceId: string): boolean
  /** a device that was given away stays as it was then; what is heard later is written to a copy */
  get(deviceId: string): Device | undefined
  all(): Iterable<Device>
  size(): number
  /** those that people registered, heard or not; to be looked at, not kept: they change with the next reading */
  registered(): Iterable<Device>
  /** messages that devices counted and that never came; the devices that miss most, by name */
  gaps(topMax: number): { missing: number; forgotten: number; devices: number; top: DeviceGaps[] }
  /** the rows changed since the last call as they are now, or all, however late they are taken; null = removed */
  freeze(isFull?: boolean): Frozen
  /** all of them at once */
  dirty(): StateRows
  /** devices changed since the last call */
  touched(): Device[]
}

/** `onlyWho`: devices are known well enough for `apply` to answer the same, and no more: neither what they measure nor what was missed. */
export function createDirectory(o: { rows?: Iterable<[string, string]>; devicesMax?: number; onlyWho?: boolean }): Directory {
  const take: typeof foldIn = o.onlyWho === true ? foldInWho : foldIn
  const devicesMax = o.devicesMax ?? DEVICES_MAX
  const slots = new Map<string, Slot>()
  // in order of last hearing, so that the first unregistered entry is the one to go
  const order: Slot = slotOf('', { device: { deviceId: '', kind: 'other', alarms: {}, metrics: {}, gaps: 0, readings: 0 } })
  let unsaved: Slot[] = []
  let unseen: Slot[] = []
  /** removed, and standing in storage still */
  const gone = new Set<string>()
  const totals = gapTotals()
  for (const [id, entry] of [...(o.rows ?? [])].map(([key, json]) => [key, entryOf(json)] as const).sort(byLastHeard)) {
    const slot = slotOf(id, entry)
    slot.isStored = true
    slots.set(id, slot)
    append(order, slot)
    totals.changed(id, undefined, entry)
  }

  function added(id: string, entry: Entry): Slot {
    const slot = slotOf(id, entry)
    slot.isStored = gone.delete(id)
    slots.set(id, slot)
    append(order, slot)
    totals.changed(id, undefined, entry)
    noted(slot)
    return slot
  }
  function noted(slot: Slot): void {
    if (!slot.isUnsaved) {
      slot.isUnsaved = true
      unsaved.push(slot)
    }
    if (!slot.isUnseen) {
      slot.isUnseen = true
      unseen.push(slot)
    }
  }
  function moved(slot: Slot): void {
    unlink(slot)
    append(order, slot)
    noted(slot)
  }
  const remove = (deviceId: string): boolean => {
    const slot = slots.get(deviceId)
    if (slot === undefined) return false
    totals.changed(deviceId, slot.entry, undefined)
    slots.delete(deviceId)
    unlink(slot)
    if (slot.isStored) gone.add(deviceId)
    slot.isGone = true
    dropGone()
    return true
  }
  /** What nobody collects stays bounded too. */
  function dropGone(): void {
    const isThere = ({ isGone }: Slot) => !isGone
    if (unsaved.length > 2 * slots.size + LISTED_MIN) unsaved = unsaved.filter(isThere)
    if (unseen.length > 2 * slots.size + LISTED_MIN) unseen = unseen.filter(isThere)
  }
  const makeRoom = (): boolean => {
    if (slots.size < devicesMax) return true
    for (let slot = order.newer; slot !== order; slot = slot.newer) if (slot.entry.registered !== true) return remove(slot.id)
    return false
  }

  function freeze(isFull = false): Frozen {
    const rows: StateRows = isFull ? [] : [...gone].map(id => [id, null])
    gone.clear()
    const kept = isFull ? [...slots.values()] : unsaved.filter(slot => !slot.isGone)
    for (const slot of unsaved) slot.isUnsaved = false
    unsaved = []
    // what is held is not changed any more: the next reading is folded into a copy
    for (const slot of kept) slot.isShown = slot.isStored = true
    const entries = kept.map(({ entry }) => entry)
    return {
      take(max) {
        const portion = rows.splice(0, max)
        while (portion.length < max) {
          const entry = entries.pop()
          if (entry === undefined) break
          portion.push([entry.device.deviceId, JSON.stringify(entry)])
        }
        return portion
      },
    }
  }

  return {
    apply(reading) {
      const slot = slots.get(reading.deviceId)
      if (slot === undefined) {
        const entry: Entry = { device: stranger(reading) }
        take(entry, reading, totals)
        if (makeRoom()) added(reading.deviceId, entry)
        return { reading: enriched(reading, entry.device) }
      }
      if (slot.isShown) {
        slot.entry = copyOf(slot.entry)
        slot.isShown = false
      }
      take(slot.entry, reading, totals)
      moved(slot)
      return { reading: enriched(reading, slot.entry.device) }
    },
    register(given) {
      const { deviceId, kind } = given
      const known = slots.get(deviceId)
      if (known === undefined && !makeRoom())
        throw new FengsuiError('conflict', `the directory holds ${devicesMax} registered devices: remove some before adding ${deviceId}`)
      const before = known?.entry
      const blank: Device = { deviceId, kind, alarms: {}, metrics: {}, gaps: 0, readings: 0 }
      const entry: Entry = { ...before, device: { ...blank, ...before?.device, ...given }, registered: true }
      const slot = known ?? added(deviceId, entry)
      slot.entry = entry
      moved(slot)
      return shown(slot)
    },
    remove,
    get(deviceId) {
      const slot = slots.get(deviceId)
      return slot && shown(slot)
    },
    all: function* all() {
      // not by the order of hearing: whoever reads in portions would miss what moves meanwhile
      for (const slot of slots.values()) yield shown(slot)
    },
    size: () => slots.size,
    *registered() {
      // not `shown`: it is looked at and let go, so that the next reading need not copy it
      for (const { entry } of slots.values()) if (entry.registered === true) yield entry.device
    },
    gaps(topMax) {
      const top: Entry[] = []
      for (const id of topMax === 0 ? [] : totals.ids) {
        const entry = slots.get(id)?.entry
        // one pass: a district where every device misses something is not sorted whole each time somebody looks
        if (entry === undefined || (top.length === topMax && entry.device.gaps <= (top.at(-1)?.device.gaps ?? 0))) continue
        const at = top.findIndex(other => other.device.gaps < entry.device.gaps)
        top.splice(at < 0 ? top.length : at, 0, entry)
        if (top.length > topMax) top.pop()
      }
      return { missing: totals.sums.missing, forgotten: totals.sums.forgotten, devices: totals.ids.size, top: top.map(gapsOf) }
    },
    freeze,
    dirty: () => freeze().take(Infinity),
    touched() {
      const devices: Device[] = []
      for (const slot of unseen) {
        slot.isUnseen = false
        if (!slot.isGone) devices.push(shown(slot))
      }
      unseen = []
      return devices
    },
  }
}

/** A device's entry with its place in the order of last hearing; a ring that begins and ends at the order itself. */
type Slot = {
  id: string
  entry: Entry
  older: Slot
  newer: Slot
  /** its id stands in storage: only then must its removal be told */
  isStored: boolean
  isUnsaved: boolean
  isUnseen: boolean
  /** somebody holds the device as it is now */
  isShown: boolean
  isGone: boolean
}

function slotOf(id: string, entry: Entry): Slot {
  const slot = { id, entry, isStored: false, isUnsaved: false, isUnseen: false, isShown: false, isGone: false } as Slot
  slot.older = slot
  slot.newer = slot
  return slot
}

function shown(slot: Slot): Device {
  slot.isShown = true
  return slot.entry.device
}

function unlink({ older, newer }: Slot): void {
  older.newer = newer
  newer.older = older
}

function append(order: Slot, slot: Slot): void {
  slot.older = order.older
  slot.newer = order
  order.older.newer = slot
  order.older = slot
}

/** Earlier versions counted what was missing without remembering the numbers. */
function entryOf(json: string): Entry {
  const entry = JSON.parse(json) as Entry
  const isCountOnly = entry.device.gaps > 0 && entry.missing === undefined && entry.forgotten === undefined
  return isCountOnly ? { ...entry, forgotten: entry.device.gaps } : entry
}

const byLastHeard = ([, a]: readonly [string, Entry], [, b]: readonly [string, Entry]): number =>
  (a.device.lastReceivedAt ?? '') < (b.device.lastReceivedAt ?? '') ? -1 : 1

const gapsOf = ({ device, missing = [], forgotten = 0 }: Entry): DeviceGaps => ({
  deviceId: device.deviceId,
  ...(device.name !== undefined && { name: device.name }),
  missing: device.gaps,
  ranges: missing,
  forgotten,
})
