// Dispatch as core wires it: the plan and the travel model of the district, the district's stations and devices as resources, and every
// change of a resource's state to the live sockets, whatever made it: telemetry, silence, the roster or an order.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Log } from '#contracts/clock.ts'
import type { Device } from '#contracts/device.ts'
import type { Resource } from '#contracts/resource.ts'
import { openDispatch, type Dispatch, type DispatchOptions, type Station } from '../dispatch/index.ts'

type Directory = { get(id: string): Device | undefined; all(): Iterable<Device> }

export type DispatchDesk = {
  dispatch: Dispatch
  /** the directory is read out of the dispatch database, so it comes later */
  use(directory: Directory): void
  /** devices that were heard or registered */
  see(devices: Iterable<Device>): void
  /** resources that changed since the last look; a look a second, however often it is asked */
  changed(): Resource[]
}

export async function openDispatchDesk(o: DispatchOptions & { districtDir: string; clock: Clock; log: Log }): Promise<DispatchDesk> {
  const { districtDir, ...options } = o
  let directory: Directory | undefined
  const dispatch = openDispatch({ ...options, device: id => directory?.get(id) })
  const stations = await stationsOf(districtDir, o.log)
  dispatch.adoptResources([], stations)
  const shown = new Map<string, string>()
  let lookedMs = -Infinity
  return {
    dispatch,
    use(given) {
      directory = given
      dispatch.adoptResources(given.all(), [])
      for (const resource of dispatch.resources()) shown.set(resource.id, lookOf(resource))
    },
    see: devices => dispatch.adoptResources(devices, []),
    changed() {
      const nowMs = o.clock.nowMs()
      if (Math.abs(nowMs - lookedMs) < LOOK_MS) return []
      lookedMs = nowMs
      return dispatch.resources().filter(resource => {
        const now = lookOf(resource)
        const isNew = shown.get(resource.id) !== now
        if (isNew) shown.set(resource.id, now)
        return isNew
      })
    },
  }
}

const LOOK_MS = 1000

/** What a screen shows of it; that it was heard again a second later is not news. */
const lookOf = (r: Resource): string =>
  `${r.state} ${r.orderId ?? ''} ${r.crewOnDuty ?? ''} ${r.at?.lat ?? ''} ${r.at?.lon ?? ''} ${r.reasons.map(one => one.code).join()}`

const KINDS = { 'fire-station': 'engine', 'micro-station': 'micro-station' } as const

type Feature = {
  properties?: { id?: string; name?: string; name_en?: string; type?: string; area?: string }
  geometry?: { type?: string; coordinates?: [number, number] }
}

/** A layer that cannot be read is said and left out: resources can be added through the API. */
async function stationsOf(dir: string, log: Log): Promise<Station[]> {
  const file = join(dir, 'stations.geojson')
  let features: Feature[]
  try {
    features = (JSON.parse(await readFile(file, 'utf8')) as { features: Feature[] }).features
  } catch (error) {
    log.warn({ err: error, file }, 'the district has no readable stations; resources come from devices and the API only')
    return []
  }
  return features.flatMap(({ properties = {}, geometry }) => {
    const { id, name, type = '', area } = properties
    const kind = KINDS[type as keyof typeof KINDS]
    if (id === undefined || kind === undefined || geometry?.type !== 'Point' || geometry.coordinates === undefined) return []
    const [lon, lat] = geometry.coordinates
    const names = { zh: name ?? id, en: properties.name_en ?? name ?? id }
    // a micro station's terminal carries the station's id
    const device = kind === 'micro-station' ? { deviceId: id } : {}
    return [{ id, kind, name: names, lat, lon, ...(area === undefined ? {} : { area }), ...device }]
  })
}
