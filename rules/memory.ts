// What the fold remembers, one row a device: clocks, the state of each rule, and the open alarms. Rows are opaque JSON to whoever
// stores them. Bounded: DEVICES_MAX devices; beyond it the one unheard for longest and without an open alarm is forgotten.
import type { DeviceClock } from './device-clock.ts'
import type { Episode } from './episode.ts'

export const DEVICES_MAX = 400_000
/** How many of the longest unheard are looked at for one without an open alarm. */
const EVICTION_LOOK = 1_000
const KINDS_ROW = '#kinds'

export type DeviceMemory = {
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
  dirty(): StateRows
  size(): number
}

/** `kinds`: rule id -> kind name now. State of a rule whose kind changed, or that is gone, is not used. */
export function createMemory(kinds: Record<string, string>, rows: Iterable<[string, string]> = [], devicesMax = DEVICES_MAX): Memory {
  const { devices, written } = restored(kinds, rows)
  const changed = new Set<string>()
  const forgotten = new Set<string>()
  let kindsWritten = written
  return {
    touch(deviceId) {
      const device = devices.get(deviceId) ?? { clocks: {}, states: {}, open: {} }
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
      if (!kindsWritten && out.length > 0) {
        out.push([KINDS_ROW, JSON.stringify(kinds)])
        kindsWritten = true
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

function restored(
  kinds: Record<string, string>,
  rows: Iterable<[string, string]>,
): { devices: Map<string, DeviceMemory>; written: boolean } {
  const devices = new Map<string, DeviceMemory>()
  let before: Record<string, string> = {}
  for (const [key, json] of rows) {
    if (key === KINDS_ROW) before = JSON.parse(json) as Record<string, string>
    else devices.set(key, JSON.parse(json) as DeviceMemory)
  }
  const stale = Object.keys(before).filter(id => before[id] !== kinds[id])
  if (stale.length > 0) {
    for (const device of devices.values()) {
      for (const id of stale) {
        delete device.states[id]
        delete device.open[id]
      }
    }
  }
  return { devices, written: stale.length === 0 && Object.keys(kinds).every(id => before[id] === kinds[id]) }
}
