// The envelopes of network servers: ChirpStack v4 events and The Things Stack v3 messages, read into one form.
// Formats: chirpstack.io "Integrations: event types" (JSON), thethingsindustries.com "Data formats". Fields that are 0, false or ""
// are left out by The Things Stack: absent there is the default, but never a measurement.
import { at, isRecord, list, num, record, str, type JsonObject } from '../compose.ts'
import { parseRfc3339 } from '../time.ts'
import type { Given } from '../no-place.ts'

export type Event = {
  /** what happened: an uplink, a battery status, a join, a position, or nothing to read */
  type: 'up' | 'status' | 'join' | 'location' | 'other'
  name: string
  device: string
  /** names that may tell the model, lower case */
  names: string
  /** network time of reception */
  timeMs?: number | undefined
  time?: string | undefined
  msgId?: string | undefined
  seq?: number | undefined
  boot?: number | undefined
  fPort?: number | undefined
  data?: Uint8Array | undefined
  object?: JsonObject | undefined
  rssiDbm?: number | undefined
  snrDb?: number | undefined
  gateway?: string | undefined
  simulated?: boolean
  batteryPct?: number | undefined
  given?: Given | undefined
}

export const CHIRPSTACK_TOPIC = /(?:^|\/)application\/([^/]+)\/device\/([^/]+)\/event\/([^/]+)$/
export const TTS_TOPIC = /^v3\/([^/]+)\/devices\/([^/]+)\/(.+)$/

const lower = (...names: (string | undefined)[]): string =>
  names
    .filter(name => name !== undefined)
    .join(' ')
    .toLowerCase()
const base64 = (text: string | undefined): Uint8Array | undefined =>
  text === undefined ? undefined : /^[A-Za-z0-9+/_-]*={0,2}$/.test(text) ? Uint8Array.from(Buffer.from(text, 'base64')) : undefined
const timed = (time: string | undefined): Pick<Event, 'time' | 'timeMs'> =>
  time === undefined ? {} : { time: time.slice(0, 64), timeMs: parseRfc3339(time) }
const EUI = /^[0-9a-fA-F]{16}$/

export const isChirpStack = (value: unknown): boolean => isRecord(at(value, 'deviceInfo')) || isRecord(at(value, 'device_info'))
export const isTts = (value: unknown): boolean => isRecord(at(value, 'end_device_ids'))

/**
 * undefined where no device is named. The JSON of ChirpStack writes names in camel case; forwarders that turn its Protobuf into JSON write them
 * as the definition has them, with underscores. Version 3 has no deviceInfo: then the topic names the device.
 */
export function chirpStack(given: unknown, topic: string): Event | undefined {
  const value = camelled(given)
  const [, , topicEui, name = eventOf(value)] = CHIRPSTACK_TOPIC.exec(topic.trim()) ?? []
  const info = camelled(at(value, 'deviceInfo') ?? value)
  const eui = str(info, 'devEui') ?? topicEui
  if (eui === undefined || !EUI.test(eui)) return undefined
  const best = strongest(list(at(value, 'rxInfo')).slice(0, GATEWAYS_MAX).map(camelled))
  const tags = Object.values(record(at(info, 'tags'))).filter(tag => typeof tag === 'string')
  return {
    type: name.startsWith('up') ? 'up' : name === 'status' || name === 'join' || name === 'location' ? name : 'other',
    name,
    device: eui.toLowerCase(),
    names: lower(str(info, 'deviceProfileName'), str(info, 'deviceName'), str(info, 'applicationName'), ...tags.slice(0, 16)),
    ...timed(str(value, 'time') ?? str(value, 'publishedAt') ?? str(best, 'nsTime') ?? str(best, 'gwTime') ?? str(best, 'time')),
    msgId: str(value, 'deduplicationId'),
    seq: num(value, 'fCnt'),
    boot: hexNumber(str(value, 'devAddr')),
    fPort: num(value, 'fPort'),
    data: base64(bytesText(value, 'data')),
    object: isRecord(at(value, 'object')) ? record(at(value, 'object')) : undefined,
    rssiDbm: num(best, 'rssi'),
    snrDb: num(best, 'snr') ?? num(best, 'loRaSNR'),
    gateway: str(best, 'gatewayId'),
    batteryPct:
      at(value, 'batteryLevelUnavailable') === true || at(value, 'externalPowerSource') === true ? undefined : num(value, 'batteryLevel'),
    given: givenOf(at(value, 'location')),
  }
}

/** dev_eui becomes devEui, on one level. */
function camelled(value: unknown): unknown {
  if (!isRecord(value)) return value
  let hasUnderscores = false
  for (const key in value) hasUnderscores ||= key.includes('_')
  if (!hasUnderscores) return value
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [key.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()), one]),
  )
}

function eventOf(value: unknown): string {
  if (at(value, 'data') !== undefined || at(value, 'object') !== undefined || at(value, 'fPort') !== undefined) return 'up'
  if (at(value, 'batteryLevel') !== undefined || at(value, 'margin') !== undefined) return 'status'
  return at(value, 'location') === undefined ? 'other' : 'location'
}

export function tts(value: unknown, topic: string): Event | undefined {
  const [
    ,
    ,
    topicDevice,
    channel = at(value, 'uplink_message') !== undefined ? 'up' : at(value, 'join_accept') !== undefined ? 'join' : 'other',
  ] = TTS_TOPIC.exec(topic.trim()) ?? []
  const ids = at(value, 'end_device_ids')
  const eui = str(ids, 'dev_eui')
  const device = (eui !== undefined && EUI.test(eui) ? eui.toLowerCase() : undefined) ?? str(ids, 'device_id') ?? topicDevice
  if (device === undefined) return undefined
  const up = at(value, 'uplink_message') ?? at(value, 'uplink_normalized')
  const best = strongest(list(at(up, 'rx_metadata')))
  const version = at(up, 'version_ids')
  return {
    type: channel === 'up' || channel === 'join' ? channel : channel === 'location/solved' ? 'location' : 'other',
    name: channel,
    device,
    names: lower(str(ids, 'device_id'), str(ids, 'application_ids', 'application_id'), str(version, 'brand_id'), str(version, 'model_id')),
    ...timed(str(up, 'received_at') ?? str(value, 'received_at')),
    // omitted when 0
    ...(up !== undefined && { seq: num(up, 'f_cnt') ?? 0, fPort: num(up, 'f_port') }),
    boot: hexNumber(str(ids, 'dev_addr')),
    data: base64(bytesText(up, 'frm_payload')),
    object: isRecord(at(up, 'decoded_payload')) ? record(at(up, 'decoded_payload')) : normalizedOf(at(up, 'normalized_payload')),
    rssiDbm: num(best, 'rssi'),
    snrDb: num(best, 'snr'),
    gateway: str(best, 'gateway_ids', 'eui')?.toLowerCase() ?? str(best, 'gateway_ids', 'gateway_id'),
    simulated: at(value, 'simulated') === true,
    batteryPct: num(up, 'last_battery_percentage', 'value'),
    given: givenOf(at(value, 'location_solved', 'location')) ?? locatedIn(at(up, 'locations')),
  }
}

/** Gateways of one uplink that are looked at. */
const GATEWAYS_MAX = 64
/** Several gateways hear one uplink: the strongest tells how well the device is placed. */
function strongest(heard: readonly unknown[]): unknown {
  return heard
    .slice(0, GATEWAYS_MAX)
    .reduce((best, one) => ((num(one, 'rssi') ?? -999) > (num(best, 'rssi') ?? -999) ? one : best), heard[0])
}

function givenOf(location: unknown): Given | undefined {
  const lat = num(location, 'latitude')
  const lon = num(location, 'longitude')
  const accuracyM = num(location, 'accuracy')
  return lat === undefined || lon === undefined ? undefined : { lat, lon, ...(accuracyM !== undefined && { accuracyM }) }
}

/** What the device itself measured goes before what a service reckoned, and that before what somebody wrote down. */
function locatedIn(locations: unknown): Given | undefined {
  const { 'frm-payload': own, user, ...reckoned } = record(locations)
  const [service] = Object.values(reckoned)
  return givenOf(own) ?? givenOf(service) ?? givenOf(user)
}

/** The Things Stack's own words for measurements, where no decoder gave any: its battery is in volts. One payload may hold several. */
function normalizedOf(normalized: unknown): JsonObject | undefined {
  const first = Array.isArray(normalized) ? list(normalized).at(-1) : normalized
  if (!isRecord(first)) return undefined
  const { battery, air, water, ...rest } = first
  const { relativeHumidity, ...airRest } = record(air)
  return {
    ...rest,
    ...airRest,
    ...(relativeHumidity !== undefined && { humidity: relativeHumidity }),
    ...record(water),
    ...(battery !== undefined && { battery_voltage: battery }),
  }
}

const hexNumber = (text: string | undefined): number | undefined =>
  text !== undefined && /^[0-9a-fA-F]{8}$/.test(text) ? Number.parseInt(text, 16) : undefined
/** Payload text may be longer than a name: 242 bytes are the most that LoRaWAN carries. */
function bytesText(value: unknown, key: string): string | undefined {
  const text = at(value, key)
  return typeof text === 'string' && text.length <= 512 ? text : undefined
}
