// Resources that nobody had to type in: the district's own stations, and devices that are resources by their kind. Each is taken once; what
// people then say of it, or that they took it away, stands.
import type { Device } from '#contracts/device.ts'
import type { ResourceKind, ResourceProfile } from '#contracts/resource.ts'
import { RESOURCES_MAX } from './people-resources.ts'
import type { DispatchPlan } from './plan.ts'
import type { Desk, Turn } from './turn.ts'

const KINDS: Partial<Record<Device['kind'], ResourceKind>> = { 'micro-station': 'micro-station', drone: 'drone', camera: 'camera' }

export type Station = {
  id: string
  kind: ResourceKind
  name: { zh: string; en: string }
  lat: number
  lon: number
  area?: string
  deviceId?: string
}

const profileOf = (plan: DispatchPlan, o: Omit<ResourceProfile, 'mode' | 'capabilities' | 'accounts'>): ResourceProfile => ({
  mode: plan.modes[o.kind],
  capabilities: plan.capabilities[o.kind],
  accounts: [],
  ...o,
})

const ofDevice = (plan: DispatchPlan, device: Device): ResourceProfile | undefined => {
  const kind = KINDS[device.kind]
  if (kind === undefined || device.position === undefined) return undefined
  const { lat, lon } = device.position
  const name = device.name ?? device.deviceId
  const { area, grid } = device.place ?? {}
  return profileOf(plan, {
    id: device.deviceId,
    kind,
    name: { zh: name, en: name },
    // where it was first heard is where it waits; a drone's later positions are where it flies
    position: { lat, lon },
    deviceId: device.deviceId,
    ...(area !== undefined && { area }),
    ...(grid !== undefined && { grid }),
  })
}

const ofStation = (plan: DispatchPlan, { id, kind, name, lat, lon, area, deviceId }: Station): ResourceProfile =>
  profileOf(plan, {
    id,
    kind,
    name,
    position: { lat, lon },
    ...(area !== undefined && { area }),
    ...(deviceId !== undefined && { deviceId }),
  })

/** Those that are not known yet, and were not taken away. */
export const unknownOf = (desk: Desk, devices: Iterable<Device>, stations: readonly Station[]): ResourceProfile[] => {
  const found = [...stations].map(station => ofStation(desk.plan, station))
  for (const device of devices) {
    const profile = ofDevice(desk.plan, device)
    if (profile !== undefined) found.push(profile)
  }
  return found.filter(profile => !desk.resources.isKnown(profile.id))
}

export const adopt = (turn: Turn, profiles: readonly ResourceProfile[]): void => {
  const room = RESOURCES_MAX - turn.desk.resources.size()
  for (const profile of profiles.slice(0, Math.max(0, room))) {
    turn.desk.resources.save({ profile, heardMs: null, removed: false })
    const detail = { kind: profile.kind, deviceId: profile.deviceId }
    turn.desk.audit.append({ at: turn.now, actor: 'system', action: 'resource.adopted', subject: profile.id, detail })
  }
}
