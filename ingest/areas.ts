// Where a device stands, in one word for rollups: its area, or where that is not known its grid. From what people registered and what
// readings say of themselves, whichever came last. Saved with the journal position, like everything the writer learns.
import type { Place, Reading } from '#contracts/reading.ts'
import type { StateRows } from '#contracts/state-rows.ts'
import { DEVICES_MAX } from './directory.ts'

/** Different words remembered; a device of a further one counts without an area, so that invented places cost nothing. */
export const AREA_NAMES_MAX = 2_000

type Change = { change: number; deviceId: string; device: { place?: Place } | null }

export type Areas = {
  /** the area of its device, after what the reading itself says */
  of(reading: Reading): string | undefined
  /** takes in what has been registered since it last looked */
  refresh(): void
  dirty(): StateRows
  restore(rows: Iterable<[string, string]>): void
}

const LAST_CHANGE = 'change'
const keyOf = (deviceId: string): string => `d/${deviceId}`

/** `registered` gives the changes after one, oldest first. Devices beyond DEVICES_MAX: the one that was placed longest ago goes. */
export function createAreas(o: { registered?: (after: number) => readonly Change[]; devicesMax?: number; namesMax?: number } = {}): Areas {
  const { registered = () => [], devicesMax = DEVICES_MAX, namesMax = AREA_NAMES_MAX } = o
  const areas = new Map<string, string>()
  const names = new Set<string>()
  const unsaved = new Set<string>()
  let lastChange = 0

  function set(deviceId: string, area: string | undefined): void {
    if (areas.get(deviceId) === area) return
    areas.delete(deviceId)
    unsaved.add(keyOf(deviceId))
    if (area === undefined || (!names.has(area) && names.size >= namesMax)) return
    names.add(area)
    areas.set(deviceId, area)
    const [oldest] = areas.keys()
    if (areas.size > devicesMax && oldest !== undefined) set(oldest, undefined)
  }

  return {
    of({ deviceId, place }) {
      if (place !== undefined) set(deviceId, areaOf(place))
      return areas.get(deviceId)
    },
    refresh() {
      for (const { change, deviceId, device } of registered(lastChange)) {
        if (device === null) set(deviceId, undefined)
        else if (device.place !== undefined) set(deviceId, areaOf(device.place))
        lastChange = change
        unsaved.add(LAST_CHANGE)
      }
    },
    dirty() {
      const valueOf = (key: string): number | string | undefined => (key === LAST_CHANGE ? lastChange : areas.get(key.slice(2)))
      const rows = [...unsaved].map((key): StateRows[number] => {
        const value = valueOf(key)
        return [key, value === undefined ? null : JSON.stringify(value)]
      })
      unsaved.clear()
      return rows
    },
    restore(rows) {
      areas.clear()
      names.clear()
      unsaved.clear()
      lastChange = 0
      for (const [key, json] of rows) {
        const value = JSON.parse(json) as number | string
        if (typeof value === 'number') lastChange = value
        else areas.set(key.slice(2), value)
        if (typeof value === 'string') names.add(value)
      }
    },
  }
}

const areaOf = ({ area, grid }: Place): string | undefined => area ?? grid
