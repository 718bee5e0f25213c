// A reading as numbers to store: its metrics, battery, radio, alarm flags (0 or 1), and the track of what flies.
// Text, state and detections are not time series; they stay in the journal and in the device directory.
import type { Reading } from '#contracts/reading.ts'

/** Sorted by name: the same reading always gives the same fields in the same order. */
export function fieldsOf(reading: Reading): [name: string, value: number][] {
  const { metrics, alarms, batteryPct, rssiDbm, rsrpDbm, snrDb, lqi, online } = reading
  const fields: Record<string, number | undefined> = {
    ...metrics,
    battery_pct: batteryPct,
    rssi_dbm: rssiDbm,
    rsrp_dbm: rsrpDbm,
    snr_db: snrDb,
    lqi_raw: lqi,
    online: online === undefined ? undefined : Number(online),
    ...trackOf(reading),
  }
  for (const [flag, active] of Object.entries(alarms)) fields[`alarm_${flag}`] = Number(active)
  const kept = Object.entries(fields).filter((field): field is [string, number] => Number.isFinite(field[1]))
  return kept.sort(([a], [b]) => (a < b ? -1 : 1))
}

/** Only what moves: a detector's place is a fact of the directory, not a measurement. */
function trackOf({ kind, position }: Reading): Record<string, number | undefined> {
  if (kind !== 'drone' || position === undefined) return {}
  return { lat_deg: position.lat, lon_deg: position.lon, height_m: position.heightM, msl_alt_m: position.mslAltM }
}
