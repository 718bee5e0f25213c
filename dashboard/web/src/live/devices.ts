// Every device the live socket told of, as columns: what the map draws is read straight out of these arrays.
// Bounded: beyond MAX_DEVICES further ones are counted as not drawn, and the page says so.
import { DEVICE_CONDITIONS, type DeviceCondition } from '#contracts/device.ts'
import type { DeviceRow } from '#contracts/live.ts'

export const MAX_DEVICES = 200_000

export type DeviceTable = {
  /** grows with every change; what draws compares it */
  version: number
  rows: DeviceRow[]
  /** longitude, latitude per row, NaN where not known; WGS-84 */
  lonLat: Float64Array
  /** index into DEVICE_CONDITIONS per row */
  codes: Uint8Array
  notDrawn: number
  reset(rows: readonly DeviceRow[]): void
  apply(rows: readonly DeviceRow[], removed?: readonly string[]): void
  find(deviceId: string): DeviceRow | undefined
}

export const codeOf = (condition: string): number => {
  const code = DEVICE_CONDITIONS.indexOf(condition as DeviceCondition)
  return code === -1 ? DEVICE_CONDITIONS.indexOf('unknown') : code
}
export const CODE = Object.fromEntries(DEVICE_CONDITIONS.map((name, code) => [name, code])) as Record<DeviceCondition, number>

export const createDeviceTable = (capacity = MAX_DEVICES): DeviceTable => {
  const places = new Map<string, number>()

  const room = (): void => {
    if (table.rows.length < table.codes.length) return
    const size = Math.max(1024, table.codes.length * 2)
    const lonLat = new Float64Array(size * 2)
    lonLat.set(table.lonLat)
    const codes = new Uint8Array(size)
    codes.set(table.codes)
    table.lonLat = lonLat
    table.codes = codes
  }
  const write = (at: number, row: DeviceRow): void => {
    table.rows[at] = row
    table.lonLat[at * 2] = row[3] ?? Number.NaN
    table.lonLat[at * 2 + 1] = row[2] ?? Number.NaN
    table.codes[at] = codeOf(row[4])
  }
  const upsert = (row: DeviceRow): void => {
    const known = places.get(row[0])
    if (known !== undefined) return write(known, row)
    if (table.rows.length >= capacity) {
      table.notDrawn += 1
      return
    }
    room()
    places.set(row[0], table.rows.length)
    write(table.rows.length, row)
  }
  /** The last row moves into the hole, so the columns stay dense. */
  const remove = (deviceId: string): void => {
    const at = places.get(deviceId)
    if (at === undefined) return
    places.delete(deviceId)
    const last = table.rows.pop()
    if (last === undefined || last[0] === deviceId) return
    places.set(last[0], at)
    write(at, last)
  }

  const table: DeviceTable = {
    version: 0,
    rows: [],
    lonLat: new Float64Array(0),
    codes: new Uint8Array(0),
    notDrawn: 0,
    reset(rows) {
      places.clear()
      table.rows = []
      table.notDrawn = 0
      for (const row of rows) upsert(row)
      table.version += 1
    },
    apply(rows, removed = []) {
      if (rows.length === 0 && removed.length === 0) return
      for (const deviceId of removed) remove(deviceId)
      for (const row of rows) upsert(row)
      table.version += 1
    },
    find: deviceId => {
      const at = places.get(deviceId)
      return at === undefined ? undefined : table.rows[at]
    },
  }
  return table
}
