// Resources to test with: a desk with micro stations around one incident, their terminals as devices that can be changed.
import type { Device } from '#contracts/device.ts'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDispatch, type Dispatch } from '../../dispatch/index.ts'
import { iso, NIGHT_MS, raise, send } from './desk.ts'

export const SCENE = { lat: 31.9, lon: 118.8 }
/** About so many metres north of the scene. */
export const north = (metres: number): { lat: number; lon: number } => ({ lat: SCENE.lat + metres / 111_195, lon: SCENE.lon })

export type World = {
  dispatch: Dispatch
  clock: { nowMs(): number; add(ms: number): void }
  devices: Map<string, Device>
  /** its terminal speaks: heard now */
  speak(id: string, o?: Partial<Device>): void
  reopen(): void
}

export const stationDevice = (id: string, metres: number, nowMs: number): Device => ({
  deviceId: id,
  kind: 'micro-station',
  name: `Station ${id}`,
  position: north(metres),
  expectNextS: 300,
  lastReceivedAt: iso(nowMs),
  online: true,
  alarms: {},
  metrics: {},
  state: { readiness: 'ready', crew: { onDuty: 6, required: 6 } },
  gaps: 0,
  readings: 1,
})

/** Stations s1, s2, ... at these distances, ready, and one fire at the scene. */
export const openWorld = (o: { file?: string; metres?: number[]; startMs?: number } = {}): World => {
  let now = o.startMs ?? NIGHT_MS
  const clock = { nowMs: () => now, add: (ms: number) => void (now += ms) }
  const devices = new Map<string, Device>()
  const open = (): Dispatch =>
    openDispatch({ file: o.file ?? ':memory:', clock, log: noLog, meter: noMeter, device: id => devices.get(id) })
  const world: World = {
    dispatch: open(),
    clock,
    devices,
    speak(id, more = {}) {
      const before = devices.get(id)
      if (before !== undefined) devices.set(id, { ...before, lastReceivedAt: iso(now), ...more })
    },
    reopen() {
      world.dispatch.close()
      world.dispatch = open()
    },
  }
  for (const [i, metres] of (o.metres ?? [400, 900, 1500]).entries()) {
    const device = stationDevice(`s${i + 1}`, metres, now)
    devices.set(device.deviceId, device)
  }
  world.dispatch.adoptResources(devices.values(), [])
  return world
}

/** A fire at the scene; the incident's id. */
export const fireAt = (dispatch: Dispatch, id = 'a1', o: { position?: { lat: number; lon: number }; building?: string } = {}): string => {
  const made = send(dispatch, raise({ id, severity: 1, position: o.position ?? SCENE, place: { building: o.building ?? 'B2' } }))
  return made.incidents[0]?.id ?? ''
}
