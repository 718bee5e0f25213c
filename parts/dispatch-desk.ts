// Dispatch as core wires it: the plan and the travel model of the district, the district's stations and devices as resources, and every
// change of a resource's state to the live sockets, whatever made it: telemetry, silence, the roster or an order.
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Log } from '#contracts/clock.ts'
import type { Device } from '#contracts/device.ts'
import type { RoomHealth } from '#contracts/live.ts'
import type { Resource } from '#contracts/resource.ts'
import { AUDIT_EVERY_MS, findingWords, type Finding } from '../dispatch/auditor.ts'
import { openDispatch, type Dispatch, type DispatchOptions, type Station } from '../dispatch/index.ts'
import { readPlan, type DispatchPlan } from '../dispatch/plan.ts'
import { byDistance } from '../dispatch/travel/distance.ts'
import { roadGraph, type RoadLine } from '../dispatch/travel/road-graph.ts'
import { byRoads } from '../dispatch/travel/roads.ts'
import { byValhalla } from '../dispatch/travel/valhalla.ts'
import type { Travel } from '../dispatch/travel/travel.ts'

type Directory = { get(id: string): Device | undefined; all(): Iterable<Device> }

export type DispatchDesk = {
  dispatch: Dispatch
  /** the directory is read out of the dispatch database, so it comes later */
  use(directory: Directory): void
  /** devices that were heard or registered */
  see(devices: Iterable<Device>): void
  /** the room's own line: what is stuck in the queue, looked for once a minute */
  line(tickProblem: string | null): RoomHealth
  plan: DispatchPlan
  /** resources that changed since the last look; a look a second, however often it is asked */
  changed(): Resource[]
  /** makes the graph of the roads now, where nobody has asked for a way yet */
  prepare(): void
}

export type DeskOptions = Omit<DispatchOptions, 'plan' | 'device' | 'travel'> & {
  districtDir: string
  dispatchPlan: string
  valhallaUrl: string | null
}

/** @throws FengsuiError setting-invalid where the plan is wrong */
export async function openDispatchDesk(o: DeskOptions): Promise<DispatchDesk> {
  const { districtDir, dispatchPlan, valhallaUrl, ...options } = o
  const plan = readPlan(dispatchPlan)
  let directory: Directory | undefined
  const otherwise = travelOf(districtDir, plan, o.log)
  const { clock, log } = o
  const travel = valhallaUrl === null ? otherwise : byValhalla({ url: valhallaUrl, figures: plan.travel, otherwise, clock, log })
  const dispatch = openDispatch({ ...options, plan, device: id => directory?.get(id), travel })
  const stations = await stationsOf(districtDir, o.log)
  dispatch.adoptResources([], stations)
  const shown = new Map<string, string>()
  let lookedMs = -Infinity
  // what came due while this was down is done first
  let auditedMs = o.clock.nowMs()
  let stuck: Finding[] = []

  function lineNow(tickProblem: string | null): RoomHealth {
    const nowMs = o.clock.nowMs()
    if (Math.abs(nowMs - auditedMs) >= AUDIT_EVERY_MS) {
      auditedMs = nowMs
      stuck = dispatch.stuck(nowMs)
    }
    const open = `${dispatch.kpis(nowMs).openIncidents} incidents open`
    const travelTrouble = dispatch.travelTrouble()
    const wrong = [tickProblem, stuck.length === 0 ? null : findingWords(stuck)].filter(one => one !== null)
    const troubles = stuck.length === 0 ? {} : { troubles: ['stuck' as const] }
    // nobody waits for the travel server: that it is away is said, and is no failure of the room
    const detail = [...(wrong.length === 0 ? [open] : wrong), ...(travelTrouble === undefined ? [] : [travelTrouble])].join('; ')
    return { room: 'dispatch', ok: wrong.length === 0, detail, ...troubles }
  }

  return {
    dispatch,
    prepare: otherwise.ready,
    use(given) {
      directory = given
      dispatch.adoptResources(given.all(), [])
      for (const resource of dispatch.resources()) shown.set(resource.id, lookOf(resource))
    },
    plan,
    line(tickProblem) {
      try {
        return lineNow(tickProblem)
      } catch (error) {
        // asked for by those who must know that the queue cannot be read
        return { room: 'dispatch', ok: false, detail: `the queue cannot be read: ${(error as Error).message}` }
      }
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

type Road = {
  properties?: { class?: string; bridge?: unknown; tunnel?: unknown; layer?: unknown }
  geometry?: { type?: string; coordinates?: [number, number][] | [number, number][][] }
}

/** `yes`, `viaduct`, a layer: as OpenStreetMap says it. */
const isSaid = (value: unknown): boolean => ![undefined, null, false, 'no', 0, '0', ''].some(none => none === value)

const linesOf = ({ properties = {}, geometry }: Road): RoadLine[] => {
  const all = geometry?.type === 'LineString' ? [geometry.coordinates] : geometry?.type === 'MultiLineString' ? geometry.coordinates : []
  const motorway = properties.class?.startsWith('motorway') ?? false
  const apart = isSaid(properties.bridge) || isSaid(properties.tunnel) || isSaid(properties.layer)
  return (all as [number, number][][]).map(coordinates => ({ coordinates, motorway, apart }))
}

/**
 * By the district's roads where it has some, else by distance. The graph is made by `prepare` or by the first question, whichever comes first:
 * half a second that nobody waits for at a start where nobody asks who is sent.
 */
function travelOf(dir: string, plan: DispatchPlan, log: Log): Travel & { prepare?: never; ready(): void } {
  let made: Travel | undefined
  const travel = (): Travel => (made ??= madeOf(dir, plan, log))
  return { legs: (from, to) => travel().legs(from, to), status: () => travel().status?.() ?? '', ready: () => void travel() }
}

function madeOf(dir: string, plan: DispatchPlan, log: Log): Travel {
  const otherwise = byDistance(plan.travel)
  const file = join(dir, 'roads.geojson')
  try {
    const { features } = JSON.parse(readFileSync(file, 'utf8')) as { features: Road[] }
    const graph = roadGraph(features.flatMap(linesOf))
    if (graph === null) throw new Error('there is no road in it, or more than a district has')
    const travel = byRoads({ graph, figures: plan.travel, otherwise })
    log.info({ file, roads: travel.status?.() }, 'ways are looked for along the roads of the district')
    return travel
  } catch (error) {
    log.warn({ err: error, file }, 'the district has no readable roads; ways are reckoned by distance')
    return otherwise
  }
}
