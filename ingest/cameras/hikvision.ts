// Hikvision ISAPI alerts: EventNotificationAlert as XML or JSON, alone or in a multipart body. A repeat (activePostCount) is no new event;
// a thermal camera that reports motion reports no fire. Format: ISAPI "event notification", coordinates 0..1000, TargetRect 0..1.
import type { Decoded, Detection } from '#contracts/reading.ts'
import { coerceBoolean } from '../coerce.ts'
import { at, composed, isRecord, num, record, str, within, type Found, type JsonObject } from '../compose.ts'
import { ignored, rejected, type DecodeInput } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { parseRfc3339, stamp } from '../time.ts'
import { readXml } from './xml.ts'

const ALERTS_MAX = 64
const REGIONS_MAX = 64

/** undefined = no such alert in the text. */
export function alertsIn(text: string): JsonObject[] | { fault: string } | undefined {
  const xml = documentsIn(text)
  if (xml.length > 0) {
    const read = xml.map(readXml).map(root => at(root, 'EventNotificationAlert'))
    return read.every(isRecord) ? read : { fault: 'the XML of an EventNotificationAlert is not well-formed' }
  }
  if (/<EventNotificationAlert[\s>]/.test(text)) return { fault: 'an EventNotificationAlert that does not end' }
  if (!/"eventType"/.test(text)) return undefined
  const parsed = parseJson(Buffer.from(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)))
  if (!parsed.ok) return { fault: parsed.reason }
  const alert = at(parsed.value, 'EventNotificationAlert') ?? parsed.value
  return isRecord(alert) ? [alert] : undefined
}

/** The alerts between other parts of a multipart body; one pass, however often the begin stands there without an end. */
function documentsIn(text: string): string[] {
  const documents: string[] = []
  for (let from = 0; documents.length < ALERTS_MAX;) {
    const begin = text.indexOf('<EventNotificationAlert', from)
    const end = begin < 0 ? -1 : text.indexOf(END, begin)
    if (end < 0) break
    from = end + END.length
    documents.push(text.slice(begin, from))
  }
  return documents
}
const END = '</EventNotificationAlert>'

export function hikvision(alerts: readonly JsonObject[], input: DecodeInput, peer: string | undefined): Decoded {
  const found = alerts.map(alert => alertOf(alert, input, peer)).filter(one => one !== undefined)
  if (found.length > 0) return composed(input, 'cameras', found)
  return alerts.some(alert => str(alert, 'eventType') === undefined)
    ? rejected('decoder-failed', 'an alert without eventType', '/eventType')
    : ignored('a heartbeat of the alert stream')
}

function alertOf(alert: JsonObject, input: DecodeInput, peer: string | undefined): Found | undefined {
  const type = str(alert, 'eventType')?.toLowerCase()
  if (type === undefined) return undefined
  const on = str(alert, 'eventState') !== 'inactive'
  // "videoloss inactive" is how the stream says that it is alive
  if (type === 'videoloss' && !on) return undefined
  if (type === 'heartbeat') return undefined
  const given = str(alert, 'dateTime')
  const channel = num(alert, 'channelID') ?? num(alert, 'dynChannelID') ?? 0
  const who = macOf(str(alert, 'macAddress')) ?? str(alert, 'ipAddress') ?? peer ?? 'unknown'
  const entries = regionsOf(alert)
  const isHistory = coerceBoolean(at(alert, 'isDataRetransmission')) === true
  return {
    deviceId: `hik:${who}/${channel}`,
    kind: 'camera',
    time: stamp({
      deviceMs: given === undefined ? undefined : parseRfc3339(given),
      ...(given !== undefined && { given }),
      source: 'device',
      receivedAtMs: input.receivedAtMs,
      history: isHistory,
      where: '/dateTime',
    }),
    flags: { ...(isHistory && { history: true }) },
    ...(meaning(type, on, alert, entries) as Partial<Found>),
    ...(str(alert, 'channelName') !== undefined && { about: { name: str(alert, 'channelName') ?? '' } }),
  }
}

/** "4c:f:1:..." is written without leading zeros by some firmware; what is masked stays as it is. */
function macOf(mac: string | undefined): string | undefined {
  if (mac === undefined) return undefined
  const parts = mac.toLowerCase().split(/[:-]/)
  const isWhole = parts.length === 6 && parts.every(part => /^[0-9a-f]{1,2}$/.test(part))
  return isWhole ? parts.map(part => part.padStart(2, '0')).join(':') : parts.join(':')
}

function regionsOf(alert: JsonObject): JsonObject[] {
  const entries = [at(alert, 'DetectionRegionList', 'DetectionRegionEntry')].flat().filter(isRecord)
  return entries.slice(0, REGIONS_MAX)
}

type Meaning = Pick<Found, 'alarms' | 'detections' | 'state' | 'thermal'> & { metrics?: Found['metrics'] | undefined }

function meaning(type: string, on: boolean, alert: JsonObject, entries: readonly JsonObject[]): Meaning {
  const state = { event: str(alert, 'eventType'), active: on, repeats: num(alert, 'activePostCount') }
  if (type === 'firedetection' || type === 'smokeandfiredetection')
    return { alarms: { fire: on, flame: on }, state, ...withoutRule(heatOf(alert, entries)), ...(on && regions('fire', entries)) }
  if (type === 'smokedetection') return { alarms: { smoke: on }, state, ...(on && regions('smoke', entries)) }
  if (/^(?:tma|tmpa|tmda|thermometry|temperaturealarm|thermometrydiff)/.test(type)) return thermometry(type, on, alert, entries, state)
  if (/^(?:shelteralarm|tamper)/.test(type)) return { alarms: { tamper: on }, state }
  if (/^(?:videoloss|disk|nicbroken|nvrraid|badvideo|recordexception|storage)/.test(type)) return { alarms: { fault: on }, state }
  if (!on) return { state }
  const seen = entries.map(detectionOf).filter(one => one !== undefined)
  if (type === 'vmd' || type === 'motiondetection') return { detections: [{ class: 'motion' }], state }
  return { ...(seen.length > 0 && { detections: seen }), state }
}

/** One event may name several places of fire: each region is a detection, its box around the corners (0..1000). */
function regions(what: 'fire' | 'smoke', entries: readonly JsonObject[]): { detections?: Detection[] } {
  if (entries.length === 0) return {}
  return {
    detections: entries.map((entry): Detection => {
      const bbox = detectionOf(entry)?.bbox ?? boxAround([at(entry, 'RegionCoordinatesList', 'RegionCoordinates')].flat())
      return { class: what, ...(bbox !== undefined && { bbox }) }
    }),
  }
}

function boxAround(corners: readonly unknown[]): Detection['bbox'] {
  const xs = corners.slice(0, 64).map(corner => within(num(corner, 'positionX'), 0, 1000))
  const ys = corners.slice(0, 64).map(corner => within(num(corner, 'positionY'), 0, 1000))
  const isWhole = (edges: (number | undefined)[]): edges is number[] => edges.length > 0 && !edges.includes(undefined)
  if (!isWhole(xs) || !isWhole(ys)) return undefined
  const [left, top] = [Math.min(...xs), Math.min(...ys)]
  return [left / 1000, top / 1000, (Math.max(...xs) - left) / 1000, (Math.max(...ys) - top) / 1000]
}

function detectionOf(entry: JsonObject): Detection | undefined {
  const target = str(entry, 'detectionTarget')
  const rect = record(entry['TargetRect'])
  const [x, y, width, height] = [
    num(rect, 'X') ?? num(rect, 'x'),
    num(rect, 'Y') ?? num(rect, 'y'),
    num(rect, 'width'),
    num(rect, 'height'),
  ]
  const isBox = [x, y, width, height].every(part => part !== undefined && part >= 0 && part <= 1)
  if (target === undefined && !isBox) return undefined
  return { class: target ?? 'unknown', ...(isBox && { bbox: [x, y, width, height] as [number, number, number, number] }) }
}

/** TMA is the alarm of a temperature rule, TMPA its pre-alarm. A rule on "lower than" is no fire. */
function thermometry(type: string, on: boolean, alert: JsonObject, entries: readonly JsonObject[], state: object): Meaning {
  const heat = heatOf(alert, entries)
  if (heat.rule !== undefined && /lower|below/i.test(heat.rule))
    return { alarms: { supervisory: on }, metrics: heat.metrics, state: { ...state, rule: heat.rule } }
  const alarms = type.startsWith('tma') || type.startsWith('temperaturealarm') ? { heat: on, fire: on } : { heat: on, preAlarm: on }
  return {
    alarms,
    metrics: heat.metrics,
    ...(heat.thermal !== undefined && { thermal: heat.thermal }),
    state: { ...state, rule: heat.rule },
  }
}

const withoutRule = ({ metrics, thermal }: ReturnType<typeof heatOf>): Meaning => ({ metrics, ...(thermal !== undefined && { thermal }) })

function heatOf(
  alert: JsonObject,
  entries: readonly JsonObject[],
): Pick<Found, 'thermal'> & { metrics?: Found['metrics'] | undefined; rule?: string | undefined } {
  const blocks = [alert, ...entries].flatMap(entry =>
    [entry['TMPA'], entry['TMA'], entry['TMDA'], entry['thermometry'], entry['fireDetection']].filter(isRecord),
  )
  const hottest = blocks.toSorted((a, b) => (current(b) ?? -999) - (current(a) ?? -999))[0]
  if (hottest === undefined) return {}
  const rule = str(hottest, 'ruleType')
  const value = current(hottest)
  const which = rule !== undefined && /lowest/i.test(rule) ? 'min' : rule !== undefined && /average/i.test(rule) ? 'avg' : 'max'
  const point = record(at(hottest, 'MaximumTemperaturePoint', 'RegionCoordinates'))
  const x = num(point, 'positionX')
  const y = num(point, 'positionY')
  const hasPoint = x !== undefined && y !== undefined && x >= 0 && x <= 1000 && y >= 0 && y <= 1000
  return {
    rule,
    metrics: { [`temperature_${which}_c`]: value, rule_temperature_c: celsius(num(hottest, 'ruleTemperature'), hottest) },
    ...(value !== undefined &&
      which === 'max' && { thermal: { maxC: value, ...(hasPoint && { point: { x: x / 1000, y: y / 1000 } }), location: null } }),
  }
}

const current = (block: JsonObject): number | undefined =>
  celsius(num(block, 'currTemperature') ?? num(block, 'temperature') ?? num(block, 'maxTemperature'), block)

function celsius(value: number | undefined, block: JsonObject): number | undefined {
  const unit = str(block, 'thermometryUnit')?.toLowerCase() ?? 'celsius'
  if (value === undefined) return undefined
  return unit === 'fahrenheit' ? ((value - 32) * 5) / 9 : unit === 'kelvin' ? value - 273.15 : value
}
