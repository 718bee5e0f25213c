// Commands for DJI docks and the aircraft they carry: services on `thing/product/{gateway}/services`, answered on `services_reply`. Places
// are WGS84, heights above the ellipsoid. Format: DJI Cloud API, "services".
import type { CommandEncoder, OutgoingCommand, VendorAck } from '../command-encoder.ts'
import { num, str } from '../compose.ts'
import { parseJson } from '../json.ts'
import { toWgs84 } from '../position.ts'
import { encoding, nameOf, numberIn, objectIn, one, Problem, textIn, unknown } from './parameters.ts'

const REPLY = /^thing\/product\/[^/]{1,64}\/services_reply$/
const PAYLOAD_INDEX = /^\d{1,3}-\d{1,3}-\d{1,3}$/
const VIDEO_ID = /^[\w./-]{1,128}$/
type Service = { method: string; data: object }
type Given = OutgoingCommand['parameters']

const SERVICES: Readonly<Record<string, (given: Given, id: string) => Service>> = {
  'return-home': () => ({ method: 'return_home', data: {} }),
  stop: () => ({ method: 'fly_to_point_stop', data: {} }),
  hover: () => ({ method: 'fly_to_point_stop', data: {} }),
  reboot: () => ({ method: 'device_reboot', data: {} }),
  'go-to': (given, id) => ({
    method: 'fly_to_point',
    data: { fly_to_id: id, max_speed: Math.round(numberIn(given, 'maxSpeedMps', 1, 15, 10)), points: [pointIn(given)] },
  }),
  'take-off'(given, id) {
    const { latitude, longitude, height } = pointIn(given)
    return {
      method: 'takeoff_to_point',
      data: {
        flight_id: id,
        target_latitude: latitude,
        target_longitude: longitude,
        target_height: height,
        security_takeoff_height: numberIn(given, 'safeTakeoffHeightM', 20, 1500, 100),
        rth_altitude: numberIn(given, 'returnHeightM', 20, 1500, 120),
        max_speed: Math.round(numberIn(given, 'maxSpeedMps', 1, 15, 12)),
        // comes home when the link is lost
        rc_lost_action: 2,
        commander_mode_lost_action: 1,
        commander_flight_height: numberIn(given, 'flightHeightM', 2, 3000, 100),
      },
    }
  },
  'look-at': given => ({ method: 'camera_look_at', data: { payload_index: payloadIn(given), locked: false, ...pointIn(given) } }),
  snapshot: given => ({ method: 'camera_photo_take', data: { payload_index: payloadIn(given) } }),
  'stream-start': given => ({
    method: 'live_start_push',
    data: {
      url_type: numberIn(given, 'urlType', 0, 4, 1),
      url: textIn(given, 'url', /^[a-z]+:\/\/[^\s@]+$/),
      video_id: textIn(given, 'videoId', VIDEO_ID),
      video_quality: numberIn(given, 'quality', 0, 4, 0),
    },
  }),
  'stream-stop': given => ({ method: 'live_stop_push', data: { video_id: textIn(given, 'videoId', VIDEO_ID) } }),
  // whatever else a model knows, in its own words
  configure: given => ({
    method: textIn(given, 'method', /^[a-z][a-z0-9_]{1,63}$/),
    data: given?.['data'] === undefined ? {} : objectIn(given, 'data'),
  }),
}

const payloadIn = (given: Given): string => textIn(given, 'payloadIndex', PAYLOAD_INDEX)

function pointIn(given: Given): { latitude: number; longitude: number; height: number } {
  const place = toWgs84({ lat: numberIn(given, 'lat', -90, 90), lon: numberIn(given, 'lon', -180, 180) })
  if (place === undefined) throw new Problem('parameters.lat and lon are no place')
  return { latitude: place.lat, longitude: place.lon, height: numberIn(given, 'ellipsoidHeightM', -500, 10_000) }
}

/** The answer repeats `bid`: it says whose command it was, since an aircraft is answered for by its dock. */
export const encoder: CommandEncoder = {
  family: 'dji-cloud-api',
  encode: command =>
    encoding(() => {
      const { id, deviceId, parameters, via, at } = command
      const own = nameOf(deviceId, 'dji:')
      const gateway = via?.startsWith('dji:') === true ? nameOf(via, 'dji:') : own
      const service = Object.hasOwn(SERVICES, command.command) ? SERVICES[command.command] : undefined
      if (service === undefined) throw unknown(command.command, Object.keys(SERVICES))
      const timestamp = at === '' ? 0 : Date.parse(at)
      return one(
        `thing/product/${gateway}/services`,
        { tid: id, bid: `${id} ${own}`, timestamp, gateway, ...service(parameters, id) },
        true,
      )
    }),
  ackOf(topic, payload): VendorAck | null {
    if (!topic.endsWith('/services_reply') || !REPLY.test(topic)) return null
    const parsed = parseJson(payload)
    const [, id, own] = /^(\S{1,64}) (\S{1,64})$/.exec((parsed.ok && str(parsed.value, 'bid')) || '') ?? []
    const result = parsed.ok ? num(parsed.value, 'data', 'result') : undefined
    if (!parsed.ok || id === undefined || own === undefined || result === undefined) return null
    if (result !== 0) return { id, deviceId: `dji:${own}`, status: 'failed', reason: `result ${result}` }
    const isUnderWay = /^(?:sent|in_progress)$/.test(str(parsed.value, 'data', 'output', 'status') ?? '')
    return { id, deviceId: `dji:${own}`, status: isUnderWay ? 'received' : 'done' }
  },
}
