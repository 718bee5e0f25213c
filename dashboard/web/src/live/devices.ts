// Every device the live socket told of, as columns: what the map draws is read straight out of these arrays, and a live tick writes
// into them. Bounded: beyond MAX_DEVICES further ones are counted as not drawn, and the page says so.
import { DEVICE_CONDITIONS, type DeviceCondition } from '#contracts/device.ts'
import type { DeviceRow } from '#contracts/live.ts'
import { eachRow, type RowsFrame } from '#contracts/live-rows.ts'
import { createCellGrid, type CellGrid } from './cell-grid.ts'

export const MAX_DEVICES = 200_000

export type DeviceTable = {
  /** grows with every change */
  version: number
  /** grows when what is drawn changes: a position or a condition, not the time of hearing */
  looks: number
  rows: DeviceRow[]
  /** longitude, latitude per row, NaN where not known; WGS-84 */
  lonLat: Float64Array
  /** index into DEVICE_CONDITIONS per row */
  codes: Uint8Array
  /** number of the grid cell per row */
  cells: Int32Array
  grid: CellGrid
  notDrawn: number
  reset(rows: readonly DeviceRow[]): void
  /** a new picture begins that is told in parts: what stands here stays until the last one, numbers begin anew */
  begin(): void
  /** everything has been told: what was not is gone */
  complete(): void
  /** a part is still to come */
  partial: boolean
  apply(rows: readonly DeviceRow[], removed?: readonly string[]): void
  /** condition and hearing of devices told of before; false when one was not, unless a part that may name it is still to come */
  applySmall(frame: RowsFrame): boolean
  find(deviceId: string): DeviceRow | undefined
}

export const codeOf = (condition: string): number => {
  const code = DEVICE_CONDITIONS.indexOf(condition as DeviceCondition)
  return code === -1 ? DEVICE_CONDITIONS.indexOf('unknown') : code
}
export const CODE = Object.fromEntries(DEVICE_CONDITIONS.map((name, code) => [name, code])) as Record<DeviceCondition, number>

const NOWHERE = -1
const LEFT_OUT = -2

export const createDeviceTable = (capacity = MAX_DEVICES): DeviceTable => {
  const places = new Map<string, number>()
  const grid = createCellGrid()
  /** row by the server's number of the device */
  let byNumber = new Int32Array(1024).fill(NOWHERE)

  /** in which picture a row was last told */
  let pictures = new Uint8Array(0)
  let picture = 0

  const room = (): void => {
    if (table.rows.length < table.codes.length) return
    const size = Math.max(1024, table.codes.length * 2)
    const lonLat = new Float64Array(size * 2)
    lonLat.set(table.lonLat)
    const codes = new Uint8Array(size)
    codes.set(table.codes)
    const cells = new Int32Array(size)
    cells.set(table.cells)
    const told = new Uint8Array(size)
    told.set(pictures)
    pictures = told
    Object.assign(table, { lonLat, codes, cells })
  }
  const name = (number: number, at: number): void => {
    if (number >= byNumber.length) {
      const more = new Int32Array(Math.max(number + 1, byNumber.length * 2)).fill(NOWHERE)
      more.set(byNumber)
      byNumber = more
    }
    byNumber[number] = at
  }
  const write = (at: number, row: DeviceRow, named = true): void => {
    table.rows[at] = row
    pictures[at] = picture
    table.lonLat[at * 2] = row[3] ?? Number.NaN
    table.lonLat[at * 2 + 1] = row[2] ?? Number.NaN
    table.codes[at] = codeOf(row[4])
    table.cells[at] = grid.idOf(row[3] ?? Number.NaN, row[2] ?? Number.NaN)
    if (named) name(row[10], at)
  }
  const upsert = (row: DeviceRow): void => {
    const known = places.get(row[0])
    if (known !== undefined) return write(known, row)
    if (table.rows.length >= capacity) {
      table.notDrawn += 1
      return name(row[10], LEFT_OUT)
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
    const number = table.rows[at]?.[10]
    // a row of the picture before has a number that stands for another device by now
    if (number !== undefined && byNumber[number] === at) byNumber[number] = NOWHERE
    const last = table.rows.pop()
    if (last === undefined || last[0] === deviceId) return
    places.set(last[0], at)
    const told = pictures[table.rows.length] ?? picture
    const isNamed = byNumber[last[10]] === table.rows.length
    write(at, last, isNamed)
    pictures[at] = told
  }
  const changed = (): void => {
    table.version += 1
    table.looks += 1
  }

  const table: DeviceTable = {
    version: 0,
    looks: 0,
    rows: [],
    lonLat: new Float64Array(0),
    codes: new Uint8Array(0),
    cells: new Int32Array(0),
    grid,
    notDrawn: 0,
    partial: false,
    begin() {
      picture = (picture + 1) % 256
      byNumber.fill(NOWHERE)
      table.notDrawn = 0
      table.partial = true
    },
    complete() {
      table.partial = false
      // from the end: the last row fills the hole
      for (let at = table.rows.length - 1; at >= 0; at -= 1) {
        const row = table.rows[at]
        if (row !== undefined && pictures[at] !== picture) remove(row[0])
      }
      changed()
    },
    reset(rows) {
      places.clear()
      grid.reset()
      byNumber.fill(NOWHERE)
      table.rows = []
      table.notDrawn = 0
      table.partial = false
      for (const row of rows) upsert(row)
      changed()
    },
    apply(rows, removed = []) {
      if (rows.length === 0 && removed.length === 0) return
      for (const deviceId of removed) remove(deviceId)
      for (const row of rows) upsert(row)
      changed()
    },
    applySmall(frame) {
      let whole = true
      let seen = false
      const { rows, codes } = table
      eachRow(frame, (number, code, heardAtMs) => {
        const at = byNumber[number] ?? NOWHERE
        const row = rows[at]
        if (row === undefined) {
          whole &&= at === LEFT_OUT || table.partial
          return
        }
        row[5] = Number.isNaN(heardAtMs) ? null : heardAtMs
        if (codes[at] === code) return
        // a condition this page does not know is shown as unknown, never as normal
        const condition = DEVICE_CONDITIONS[code] ?? 'unknown'
        codes[at] = CODE[condition]
        row[4] = condition
        seen = true
      })
      table.version += 1
      if (seen) table.looks += 1
      return whole
    },
    find: deviceId => {
      const at = places.get(deviceId)
      return at === undefined ? undefined : table.rows[at]
    },
  }
  return table
}
