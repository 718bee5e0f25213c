// What the fold remembers, one row a device: clocks, the state of each rule, and the open alarms. Rows are opaque JSON to whoever
// stores them. Bounded: DEVICES_MAX devices; beyond it the one unheard for longest and without an open alarm is forgotten.
import type { DeviceClock } from './device-clock.ts'
import type { Episode } from './episode.ts'

export const DEVICES_MAX = 400_000
/** How many of the longest unheard are looked at for one without an open alarm. */
const EVICTION_LOOK = 1_000
const KINDS_ROW = '#kinds'

export type DeviceMemory = {
  /** the era it was last touched in; state of rules that came later is not its own any more. Absent = 0 */
  era?: number
  clocks: { measured?: DeviceClock; server?: DeviceClock }
  /** rule id -> the kind's state */
  states: Record<string, unknown>
  /** rule id -> its open alarm */
  open: Record<string, Episode>
}

export type StateRows = [key: string, json: string | null][]

export type Memory = {
  /** moves the device to the young end and marks its row for the next dirty() */
  touch(deviceId: string): DeviceMemory
  /** other rules from now on: those with the same id and kind keep their state. Costs nothing a device: each is seen to when touched. */
  use(kinds: Kinds): void
  dirty(): StateRows
  size(): number
}

/** rule id -> kind name */
type Kinds = Record<string, string>
/**
 * Every set with other ids or kinds begins an era. `since` = the era in which a rule of this id and kind came into force; a device last
 * touched before that has nothing of it, or something of a rule that was gone in between.
 */
type Era = { now: number; rules: Record<string, [kind: string, since: number]> }

/** `kinds`: the rules now. State of a rule whose kind changed, or that was gone in between, is not used. */
export function createMemory(kinds: Kinds, rows: Iterable<[string, string]> = [], devicesMax = DEVICES_MAX): Memory {
  const { devices, era: before } = restored(rows)
  const changed = new Set<string>()
  const forgotten = new Set<string>()
  let era = eraOf(kinds, before)
  /** `due`: even if no device changed, since without it a restart could take a rule that came back for one that never went */
  let eraRow: 'written' | 'with-devices' | 'due' = era === before ? 'written' : 'with-devices'
  return {
    use(next) {
      const after = eraOf(next, era)
      if (after !== era) eraRow = 'due'
      era = after
    },
    touch(deviceId) {
      const device = devices.get(deviceId) ?? { era: era.now, clocks: {}, states: {}, open: {} }
      if ((device.era ?? 0) !== era.now) catchUp(device, era)
      devices.delete(deviceId)
      devices.set(deviceId, device)
      changed.add(deviceId)
      if (devices.size > devicesMax) {
        const gone = longestUnheard(devices)
        devices.delete(gone)
        changed.delete(gone)
        forgotten.add(gone)
      }
      forgotten.delete(deviceId)
      return device
    },
    dirty() {
      const out: StateRows = [...forgotten].map(id => [id, null])
      for (const id of changed) out.push([id, JSON.stringify(devices.get(id))])
      if (eraRow === 'due' || (eraRow === 'with-devices' && out.length > 0)) {
        out.push([KINDS_ROW, JSON.stringify(era)])
        eraRow = 'written'
      }
      changed.clear()
      forgotten.clear()
      return out
    },
    size: () => devices.size,
  }
}

function longestUnheard(devices: Map<string, DeviceMemory>): string {
  let looked = 0
  let oldest = ''
  for (const [id, device] of devices) {
    if (looked === 0) oldest = id
    if (Object.keys(device.open).length === 0) return id
    if (++looked >= EVICTION_LOOK) break
  }
  return oldest
}

function eraOf(kinds: Kinds, before: Era): Era {
  const ids = Object.keys(kinds)
  const isSame = (id: string) => before.rules[id]?.[0] === kinds[id]
  if (ids.length === Object.keys(before.rules).length && ids.every(isSame)) return before
  const now = before.now + 1
  return {
    now,
    rules: Object.fromEntries(Object.entries(kinds).map(([id, kind]) => [id, [kind, isSame(id) ? before.rules[id]![1] : now]])),
  }
}

function catchUp(device: DeviceMemory, era: Era): void {
  const touched = device.era ?? 0
  const isIts = (id: string) => (era.rules[id]?.[1] ?? Infinity) <= touched
  for (const id of Object.keys(device.states)) if (!isIts(id)) delete device.states[id]
  for (const id of Object.keys(device.open)) if (!isIts(id)) delete device.open[id]
  device.era = era.now
}

function restored(rows: Iterable<[string, string]>): { devices: Map<string, DeviceMemory>; era: Era } {
  const devices = new Map<string, DeviceMemory>()
  let era: Era = { now: 0, rules: {} }
  for (const [key, json] of rows) {
    if (key === KINDS_ROW) era = eraFrom(JSON.parse(json) as Era | Kinds)
    else devices.set(key, JSON.parse(json) as DeviceMemory)
  }
  return { devices, era }
}

/** Rows written before there were eras name the kinds only. */
function eraFrom(row: Era | Kinds): Era {
  if (typeof row.now === 'number') return row as Era
  return { now: 0, rules: Object.fromEntries(Object.entries(row as Kinds).map(([id, kind]) => [id, [kind, 0]])) }
}
