// Events of a gateway: health messages (HMS), progress of flights. Documentation and devices leave the method out now and then, so the
// shape of the data decides too. Every HMS report is the full set: a code that is gone is cleared.
import type { DeviceKind } from '#contracts/reading.ts'
import { at, isRecord, list, num, record, str, type Found, type JsonObject } from '../compose.ts'

export type EventPart = Pick<Found, 'alarms' | 'state'> & { kind?: DeviceKind | undefined }

const HMS_ENTRIES_MAX = 16
const DOMAINS: Readonly<Record<string, DeviceKind>> = { '0': 'drone', '1': 'drone', '2': 'gateway', '3': 'dock' }
export const kindOfDomain = (domain: unknown): DeviceKind | undefined =>
  typeof domain === 'number' || typeof domain === 'string' ? DOMAINS[String(domain)] : undefined

export function eventPart(method: string | undefined, data: JsonObject): EventPart | undefined {
  const entries = data['list']
  if (method === 'hms' || (method === undefined && Array.isArray(entries) && (entries.length === 0 || entries.some(isHms))))
    return hms(list(entries))
  if (method === 'flight_setup_exception') return { alarms: { fault: true }, state: { mission: withoutGaps(exceptionOf(data)) } }
  const output = record(data['output'])
  if (method === 'flighttask_progress' || isRecord(at(output, 'progress'))) return flight(data, output)
  if (method !== undefined && /^(?:fly_to_point|takeoff_to_point|poi)_(?:progress|status_notify)$/.test(method))
    return pointing(method, data)
  return undefined
}

const isHms = (entry: unknown): boolean => str(entry, 'code') !== undefined && num(entry, 'level') !== undefined

/** level 0 notice, 1 caution, 2 warning */
function hms(entries: readonly unknown[]): EventPart {
  const known = entries.filter(isHms)
  const device = known.map(entry => str(entry, 'device_type')).find(type => type !== undefined)
  const shown = known.toSorted((a, b) => (num(b, 'level') ?? 0) - (num(a, 'level') ?? 0)).slice(0, HMS_ENTRIES_MAX)
  return {
    kind: device === undefined ? undefined : kindOfDomain(device.split('-')[0]),
    alarms: { fault: known.some(entry => num(entry, 'level') === 2) },
    state: {
      hms: shown.map(entry => ({
        code: str(entry, 'code'),
        level: num(entry, 'level'),
        module: num(entry, 'module'),
        inTheSky: num(entry, 'in_the_sky') === 1,
      })),
      hmsCount: known.length,
    },
  }
}

function flight(data: JsonObject, output: JsonObject): EventPart {
  const ext = record(output['ext'])
  const result = num(data, 'result')
  const mission = {
    flightId: str(ext, 'flight_id'),
    percent: num(output, 'progress', 'percent'),
    status: str(output, 'status'),
    waypoint: num(ext, 'current_waypoint_index'),
    mediaCount: num(ext, 'media_count'),
    ...(result !== undefined && result !== 0 && { error: result }),
  }
  return { state: { mission: withoutGaps(mission) } }
}

/** A flight that cannot be begun: a fault of the dispatch it belongs to. */
const exceptionOf = (data: JsonObject): object => ({
  flightId: str(data, 'flight_id') ?? str(data, 'flightId'),
  status: 'setup-exception',
  error: num(data, 'code') ?? num(data, 'result') ?? num(data, 'error_code'),
  reason: str(data, 'reason') ?? str(data, 'message'),
})

function pointing(method: string, data: JsonObject): EventPart {
  const result = num(data, 'result')
  const mission = {
    flightId: str(data, 'flight_id') ?? str(data, 'fly_to_id'),
    status: str(data, 'status'),
    waypoint: num(data, 'way_point_index'),
    remainingM: num(data, 'remaining_distance'),
    step: method,
    ...(result !== undefined && result !== 0 && { error: result }),
  }
  return { state: { mission: withoutGaps(mission) } }
}

const withoutGaps = (value: object): object => Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined))
