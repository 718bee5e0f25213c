// What has been learned of the devices behind a gateway: from its device list (strong), from what a device has reported (weak).
// One small entry a device; it also carries the marks by which a cached state, published again, is told from news.
import { DEVICE_KINDS, type DeviceKind } from '#contracts/reading.ts'
import type { DecoderMemory, Json } from '../decoder.ts'
import { isHeatDetector, kindOfProperties } from './properties.ts'
import { keyOf } from './topic.ts'

export type Known = {
  kind?: DeviceKind
  /** the kind comes from the gateway's definition, not from a guess by properties */
  defined?: boolean
  model?: string
  vendor?: string
  units?: Record<string, string>
  /** last_seen and the alarm state of the newest message, and a hash of its content */
  lastSeen?: string
  alarmsSeen?: string
  hash?: number
}

export const recall = (memory: DecoderMemory, base: string, name: string): Known => (memory.get(keyOf(base, name)) ?? {}) as Known
/** The same by the key of its topic; undefined = nothing is known. */
export const recallAt = (memory: DecoderMemory, key: string): Known | undefined => memory.get(key) as Known | undefined
export const rememberAt = (memory: DecoderMemory, key: string, known: Known): void => memory.set(key, known as Json)
export const isKnown = (memory: DecoderMemory, base: string, name: string): boolean => memory.get(keyOf(base, name)) !== undefined
export const remember = (memory: DecoderMemory, base: string, name: string, known: Known): void =>
  memory.set(keyOf(base, name), known as Json)

/** One entry of `bridge/devices`, or the data of a `bridge/event` of a finished interview. true = something was learned. */
export function learnDevice(entry: unknown, base: string, memory: DecoderMemory): boolean {
  if (!isRecord(entry) || typeof entry['friendly_name'] !== 'string' || !isRecord(entry['definition'])) return false
  const { model, vendor, description, exposes } = entry['definition']
  const features = Array.isArray(exposes) ? exposes.flatMap(featuresOf) : []
  const inferred = kindOfProperties(features.map(feature => feature.property))
  const kind = isHeatDetector(text(model) ?? '', text(description) ?? '')
    ? 'heat'
    : isCallPoint(text(description))
      ? 'manual-call'
      : inferred
  const name = entry['friendly_name']
  const { kind: _kind, defined: _defined, units: _units, ...marks } = recall(memory, base, name)
  remember(memory, base, name, {
    ...marks,
    ...(kind !== undefined && { kind, defined: true }),
    ...(text(model) !== undefined && { model: text(model) ?? '' }),
    ...(text(vendor) !== undefined && { vendor: text(vendor) ?? '' }),
    units: Object.fromEntries(features.filter(f => f.unit !== undefined).map(f => [f.property, f.unit ?? ''])),
  })
  return true
}

/** Returns how many devices of the list could be learned; the list is bounded by the broker's payload limit. */
export function learnDevices(list: Json, base: string, memory: DecoderMemory): number {
  return Array.isArray(list) ? list.filter(entry => learnDevice(entry, base, memory)).length : 0
}

export function renameDevice(data: unknown, base: string, memory: DecoderMemory): void {
  if (!isRecord(data) || typeof data['from'] !== 'string' || typeof data['to'] !== 'string') return
  remember(memory, base, data['to'], recall(memory, base, data['from']))
  memory.delete(keyOf(base, data['from']))
}

type Feature = { property: string; unit?: string }
/** Exposes nest: a composite or a light carries its properties in `features`. Depth is bounded by the JSON reader. */
function featuresOf(expose: unknown): Feature[] {
  if (!isRecord(expose)) return []
  const nested = Array.isArray(expose['features']) ? expose['features'].flatMap(featuresOf) : []
  const property = text(expose['property'])
  const unit = text(expose['unit'])
  return property === undefined ? nested : [{ property, ...(unit !== undefined && { unit }) }, ...nested]
}

const isCallPoint = (description: string | undefined): boolean =>
  /\b(?:sos|panic|emergency) button\b|\bcall point\b/i.test(description ?? '')
const text = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value.slice(0, 64) : undefined)
export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const isKind = (value: unknown): value is DeviceKind => DEVICE_KINDS.some(kind => kind === value)
