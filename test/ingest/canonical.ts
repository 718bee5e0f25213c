// What every reading must be, whoever decoded it: the canonical reading as a check, and sameness with a partial expectation.
import { ALARM_FLAGS, DEVICE_KINDS, type Position, type Reading } from '#contracts/reading.ts'
import { METRIC_NAME } from '../../ingest/units.ts'

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/
const flags: ReadonlySet<string> = new Set(ALARM_FLAGS)

/** Everything that is wrong with a reading; empty = canonical. */
export function faultsOf(reading: Reading): string[] {
  const faults: string[] = []
  const must = (ok: boolean, what: string): void => void (ok || faults.push(what))
  must(typeof reading.deviceId === 'string' && reading.deviceId.length > 0 && reading.deviceId.length <= 512, 'deviceId')
  must(DEVICE_KINDS.includes(reading.kind), `kind ${reading.kind}`)
  must(ISO.test(reading.ts) && ISO.test(reading.receivedAt), 'ts and receivedAt are RFC 3339 UTC with ms')
  must(['device', 'gateway', 'server'].includes(reading.tsSource), 'tsSource')
  for (const [name, value] of Object.entries(reading.metrics)) {
    must(METRIC_NAME.test(name), `metric ${name} does not end in a unit`)
    must(typeof value === 'number' && Number.isFinite(value), `metric ${name} is no number`)
  }
  for (const [name, value] of Object.entries(reading.alarms)) must(flags.has(name) && typeof value === 'boolean', `alarm ${name}`)
  for (const name of ['batteryPct', 'rssiDbm', 'rsrpDbm', 'snrDb', 'lqi', 'seq', 'boot'] as const)
    must(reading[name] === undefined || Number.isFinite(reading[name]), `${name} is no number`)
  for (const position of [reading.position, ...(reading.detections ?? []).map(d => d.position)]) must(isPlace(position), 'position')
  must(nullsIn(reading) === 0, 'null or undefined where a key should be absent')
  must(JSON.stringify(JSON.parse(JSON.stringify(reading))) === JSON.stringify(reading), 'does not survive JSON')
  return faults
}

const isPlace = (position: Position | undefined): boolean =>
  position === undefined || (Math.abs(position.lat) <= 90 && Math.abs(position.lon) <= 180 && !(position.lat === 0 && position.lon === 0))

/** `state` is the vendor's own and may nest; nothing else may hold a null. */
function nullsIn(reading: Reading): number {
  const { state: _, ...rest } = reading
  return Object.values(rest).filter(value => value === null || value === undefined).length
}

/** The first difference of what was given from a partial expectation, null when there is none. Numbers within 1e-6. */
export function difference(want: unknown, got: unknown, path = ''): string | null {
  if (typeof want === 'number')
    return typeof got === 'number' && Math.abs(want - got) <= 1e-6 * Math.max(1, Math.abs(want))
      ? null
      : `${path}: ${want}, got ${String(got)}`
  if (typeof want !== 'object' || want === null) return want === got ? null : `${path}: ${String(want)}, got ${JSON.stringify(got)}`
  if (typeof got !== 'object' || got === null) return `${path}: missing`
  const entries = Object.entries(want)
  return entries.map(([key, value]) => difference(value, (got as Record<string, unknown>)[key], `${path}/${key}`)).find(Boolean) ?? null
}
