// What the event types of Hikvision's alerts mean, with the temperatures and regions they bring: fire points of thermal cameras, temperature
// rules (TMA alarm, TMPA pre-alarm, TDA difference), smoke, tampering, disks. Every region of fire is a detection of the one event.
import type { Detection } from '#contracts/reading.ts'
import { at, isRecord, num, record, str, within, type Found, type JsonObject } from '../compose.ts'
import { flagsOf, hasSign, signsIn } from './words.ts'

const REGIONS_MAX = 64

type Meaning = Pick<Found, 'alarms' | 'detections' | 'state' | 'thermal'> & {
  metrics?: Found['metrics'] | undefined
  /** why something in it could not be understood */
  unread?: string
}

const FIRE = /^(?:smokeand)?fire(?:andsmoke)?detection$/
const TEMPERATURE = /^(?:tma|tmpa|tmda|tda|tdpa|thermometry|temperaturealarm|temperaturedifference)/
/** of the rule itself, not of what goes before */
const ALARM = /^(?:tma|temperaturealarm)/

export function meaningOf(eventType: string, on: boolean, alert: JsonObject): Meaning {
  const type = eventType.toLowerCase()
  const entries = regionsOf(alert)
  const state = { event: eventType, active: on, repeats: num(alert, 'activePostCount') }
  if (FIRE.test(type)) return fire(on, alert, entries, state)
  if (type === 'smokedetection') return { alarms: { smoke: on }, state, ...(on && regions('smoke', entries)) }
  if (TEMPERATURE.test(type)) return thermometry(type, on, alert, entries, state)
  if (/^(?:shelteralarm|tamper|scenechange)/.test(type)) return { alarms: { tamper: on }, state }
  if (/^(?:videoloss|disk|nicbroken|nvrraid|raid|badvideo|recordexception|storage|videomismatch)/.test(type))
    return { alarms: { fault: on }, state }
  const signs = signsIn(eventType)
  if (hasSign(signs)) return { alarms: flagsOf(signs, on), state, unread: `eventType ${eventType.slice(0, 64)} is not documented` }
  if (!on) return { state }
  const seen = entries.map(detectionOf).filter(one => one !== undefined)
  if (type === 'vmd' || type === 'motiondetection') return { detections: [{ class: 'motion' }], state }
  return { ...(seen.length > 0 && { detections: seen }), state }
}

/** One entry, a list of them, or a list in which each lies in an object of its own. */
function regionsOf(alert: JsonObject): JsonObject[] {
  return [at(alert, 'DetectionRegionList')]
    .flat()
    .slice(0, REGIONS_MAX)
    .flatMap(one => at(one, 'DetectionRegionEntry') ?? one)
    .filter(isRecord)
    .slice(0, REGIONS_MAX)
}

/** A camera that tells smoke and flame apart says so at its targets. */
function fire(on: boolean, alert: JsonObject, entries: readonly JsonObject[], state: object): Meaning {
  const targets = entries.map(entry => str(entry, 'detectionTarget') ?? '').filter(target => target !== '')
  const isSmokeOnly = targets.length > 0 && targets.every(target => /smoke/i.test(target))
  if (isSmokeOnly) return { alarms: { smoke: on }, state: { ...state }, ...(on && regions('smoke', entries)) }
  const { metrics, thermal } = heatOf(alert, entries)
  return {
    alarms: { fire: on, flame: on },
    state: { ...state },
    metrics,
    ...(thermal !== undefined && { thermal }),
    ...(on && regions('fire', entries)),
  }
}

/** One event may name several places of fire: each region is a detection, its box around the corners (0..1000). */
function regions(what: 'fire' | 'smoke', entries: readonly JsonObject[]): { detections?: Detection[] } {
  if (entries.length === 0) return {}
  return {
    detections: entries.map((entry): Detection => {
      const block = blockIn(entry, FIRE_BLOCKS) ?? {}
      const bbox =
        detectionOf(entry)?.bbox ??
        boxOf(record(block['FireRegion'])) ??
        boxAround([at(entry, 'RegionCoordinatesList', 'RegionCoordinates')].flat())
      const temperatureC = current(block)
      const distanceM = num(block, 'targetDistance')
      return {
        class: what,
        ...(bbox !== undefined && { bbox }),
        ...(temperatureC !== undefined && { temperatureC }),
        // -1 where it is not known
        ...(distanceM !== undefined && distanceM > 0 && { distanceM }),
      }
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

/** {x, y, width, height} in thousandths. */
function boxOf(region: JsonObject): Detection['bbox'] {
  const parts = [num(region, 'x'), num(region, 'y'), num(region, 'width'), num(region, 'height')].map(part => within(part, 0, 1000))
  const [x, y, width, height] = parts
  if (x === undefined || y === undefined || width === undefined || height === undefined) return undefined
  return [x / 1000, y / 1000, width / 1000, height / 1000]
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
  const { rule, level, metrics, thermal } = heatOf(alert, entries)
  if (rule !== undefined && /lower|below|less/i.test(rule)) return { alarms: { supervisory: on }, metrics, state: { ...state, rule } }
  const isAlarm = ALARM.test(type) || (type.startsWith('thermometry') && level !== undefined && /^(?:1|alarm)$/i.test(level))
  return {
    alarms: isAlarm ? { heat: on, fire: on } : { heat: on, preAlarm: on },
    metrics,
    ...(thermal !== undefined && { thermal }),
    state: { ...state, rule },
  }
}

const FIRE_BLOCKS: readonly string[] = ['firedetection', 'smokeandfiredetection', 'fireandsmokedetection']
const HEAT_BLOCKS: readonly string[] = ['tmpa', 'tma', 'tmda', 'tda', 'tdpa', 'thermometry', ...FIRE_BLOCKS]

/** Blocks are called after the event, some in small letters, some not. */
const blockIn = (entry: JsonObject, names: readonly string[]): JsonObject | undefined =>
  Object.entries(entry)
    .filter(([name]) => names.includes(name.toLowerCase()))
    .map(([, block]) => [block].flat()[0])
    .find(isRecord)

type Heat = Pick<Found, 'thermal'> & { metrics?: Found['metrics'] | undefined; rule?: string | undefined; level?: string | undefined }

/** Of the hottest place that the alert tells of. */
function heatOf(alert: JsonObject, entries: readonly JsonObject[]): Heat {
  const blocks = [alert, ...entries].map(entry => blockIn(entry, HEAT_BLOCKS)).filter(block => block !== undefined)
  const hottest = blocks.toSorted((a, b) => (current(b) ?? -999) - (current(a) ?? -999))[0]
  if (hottest === undefined) return {}
  const rule = str(hottest, 'ruleType') ?? str(hottest, 'alarmRule')
  const value = current(hottest)
  const which = rule !== undefined && /lowest/i.test(rule) ? 'min' : rule !== undefined && /average/i.test(rule) ? 'avg' : 'max'
  const point = record(at(hottest, 'MaximumTemperaturePoint', 'RegionCoordinates') ?? hottest['HighestPoint'])
  const x = within(num(point, 'positionX') ?? num(point, 'x'), 0, 1000)
  const y = within(num(point, 'positionY') ?? num(point, 'y'), 0, 1000)
  const level = hottest['alarmLevel']
  return {
    rule,
    ...((typeof level === 'string' || typeof level === 'number') && { level: String(level) }),
    metrics: { [`temperature_${which}_c`]: value, rule_temperature_c: celsius(num(hottest, 'ruleTemperature'), hottest) },
    ...(value !== undefined &&
      which === 'max' && {
        thermal: { maxC: value, ...(x !== undefined && y !== undefined && { point: { x: x / 1000, y: y / 1000 } }), location: null },
      }),
  }
}

const current = (block: JsonObject): number | undefined =>
  celsius(
    num(block, 'currTemperature') ?? num(block, 'temperature') ?? num(block, 'fireMaxTemperature') ?? num(block, 'maxTemperature'),
    block,
  )

function celsius(value: number | undefined, block: JsonObject): number | undefined {
  const unit = (str(block, 'thermometryUnit') ?? str(block, 'temperatureUnit'))?.toLowerCase() ?? 'celsius'
  if (value === undefined) return undefined
  return unit === 'fahrenheit' ? ((value - 32) * 5) / 9 : unit === 'kelvin' ? value - 273.15 : value
}
