// Is a resource ready, and if not, why not: from its telemetry, its roster and its orders. Pure. What is not known is never ready: a station
// that has not been heard of for long is silent, however well it was when it was last heard.
import type { Device } from '#contracts/device.ts'
import type { Order } from '#contracts/order.ts'
import type { Position } from '#contracts/reading.ts'
import type { Reason, Resource } from '#contracts/resource.ts'
import type { DispatchPlan } from './plan.ts'
import { durationWords, reason } from './reason-words.ts'
import type { ResourceRecord } from './resource-rows.ts'

export type Seen = {
  nowMs: number
  device: Device | undefined
  /** when its device was last heard; null = never, or it has none */
  deviceHeardMs: number | null
  /** crew of the shift that is on now; null = a roster without a shift now, undefined = no roster */
  rosterCrew: number | null | undefined
  order: Order | undefined
}

const numberIn = (state: unknown, name: string): number | undefined => {
  const value = (state as Record<string, unknown> | undefined)?.[name]
  return typeof value === 'number' ? value : undefined
}
const textIn = (state: unknown, name: string): string | undefined => {
  const value = (state as Record<string, unknown> | undefined)?.[name]
  return typeof value === 'string' ? value : undefined
}

/** A device promised its next word within expectNextS: twice that long is silence, as everywhere. */
const silence = ({ profile, heardMs }: ResourceRecord, { device, deviceHeardMs, nowMs }: Seen, plan: DispatchPlan): Reason[] => {
  const hasDevice = profile.deviceId !== undefined
  const heard = hasDevice ? deviceHeardMs : heardMs
  if (heard === null) return [reason('never-heard')]
  if (device?.online === false && device.state?.['statusReason'] !== 'sleep') return [reason('offline')]
  const own = device?.expectNextS === undefined ? plan.readiness.silentAfterS : 2 * device.expectNextS
  const silentS = (nowMs - heard) / 1000
  const { zh, en } = durationWords(silentS)
  return silentS > (hasDevice ? own : plan.readiness.checkInValidS) ? [reason('silent', zh, en)] : []
}

/** Flying for somebody else, or on the way home with little left. */
const droneTrouble = (device: Device, plan: DispatchPlan): Reason[] => {
  const { batteryPct } = device
  const mission = textIn(device.state?.['mission'], 'state') ?? 'none'
  const flies = !['none', 'landed', 'aborted', 'failed'].includes(mission)
  return [
    ...(batteryPct !== undefined && batteryPct < plan.readiness.droneBatteryMinPct
      ? [reason('battery-low', `${Math.round(batteryPct)} %`)]
      : []),
    ...(flies ? [reason('in-flight', mission)] : []),
  ]
}

const selfReport = (device: Device | undefined, hasOrder: boolean): Reason[] => {
  const word = textIn(device?.state, 'readiness')
  if (word === 'not-ready' || word === 'out-of-service') return [reason('says-not-ready', word)]
  if (word === 'responding' && !hasOrder) return [reason('responding')]
  return []
}

/** The fewer of what telemetry and roster say. */
const crewOf = ({ device, rosterCrew }: Seen): number | undefined => {
  const told = numberIn(device?.state?.['crew'], 'onDuty')
  if (rosterCrew === undefined || rosterCrew === null) return told
  return told === undefined ? rosterCrew : Math.min(told, rosterCrew)
}

const crewTrouble = ({ profile }: ResourceRecord, seen: Seen, crew: number | undefined): Reason[] => {
  if (seen.rosterCrew === null) return [reason('off-duty')]
  if (crew === undefined) return []
  if (crew === 0) return [reason('no-crew')]
  const least = profile.crewRequired
  return least !== undefined && crew < least ? [reason('crew-short', `${crew}/${least}`)] : []
}

/** What is less than perfect about a ready one: its terminal's own word, or fewer people than the terminal asks for. */
const defects = ({ profile }: ResourceRecord, { device }: Seen, crew: number | undefined): Reason[] => {
  const asked = numberIn(device?.state?.['crew'], 'required')
  const short = profile.crewRequired === undefined && asked !== undefined && crew !== undefined && crew < asked
  return [
    ...(textIn(device?.state, 'readiness') === 'degraded' ? [reason('degraded', '终端自报', 'its own word')] : []),
    ...(short ? [reason('crew-short', `${crew}/${asked}`)] : []),
  ]
}

const vehicleAt = (device: Device | undefined): Position | undefined => {
  const vehicles = device?.state?.['vehicles']
  if (!Array.isArray(vehicles)) return undefined
  const out = vehicles.find(v => ['dispatched', 'on-scene', 'returning'].includes(textIn(v, 'state') ?? '')) as
    | { position?: Position }
    | undefined
  return out?.position
}

export const resourceNow = (record: ResourceRecord, seen: Seen, plan: DispatchPlan): Resource => {
  const { profile } = record
  const { device, order } = seen
  const position = profile.position ?? device?.position
  const crew = crewOf(seen)
  const against = [
    ...(profile.outOfService === undefined ? [] : [reason('out-of-service', profile.outOfService.reason)]),
    ...silence(record, seen, plan),
    ...crewTrouble(record, seen, crew),
    ...selfReport(device, order !== undefined),
    ...(profile.kind === 'drone' && device !== undefined && order === undefined ? droneTrouble(device, plan) : []),
    ...(position === undefined ? [reason('no-position')] : []),
  ]
  const heard = profile.deviceId === undefined ? record.heardMs : seen.deviceHeardMs
  const at = vehicleAt(device) ?? (profile.mode === 'drone' ? device?.position : undefined)
  return {
    ...profile,
    ...(position !== undefined && { position }),
    state: order !== undefined ? 'busy' : against.length > 0 ? 'not-ready' : 'ready',
    reasons: [...(order === undefined ? [] : [reason('has-order', order.id)]), ...against, ...defects(record, seen, crew)],
    ...(crew !== undefined && { crewOnDuty: crew }),
    ...(heard !== null && { lastHeardAt: new Date(heard).toISOString() }),
    ...(at !== undefined && { at }),
    ...(order !== undefined && { orderId: order.id, incidentId: order.incidentId }),
  }
}
