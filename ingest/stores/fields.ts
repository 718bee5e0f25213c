// A reading as numbers to store: its metrics, battery, radio, alarm flags (0 or 1), and the track of what flies.
// Text, state and detections are not time series; they stay in the journal and in the device directory.
import type { Reading } from '#contracts/reading.ts'

export type Field = [name: string, value: number]

/** Sorted by name: the same reading always gives the same fields in the same order. */
export function fieldsOf(reading: Reading): Field[] {
  const { metrics, alarms, batteryPct, rssiDbm, rsrpDbm, snrDb, lqi, online } = reading
  const fields: Record<string, number | undefined> = { ...metrics, ...trackOf(reading) }
  if (batteryPct !== undefined) fields['battery_pct'] = batteryPct
  if (rssiDbm !== undefined) fields['rssi_dbm'] = rssiDbm
  if (rsrpDbm !== undefined) fields['rsrp_dbm'] = rsrpDbm
  if (snrDb !== undefined) fields['snr_db'] = snrDb
  if (lqi !== undefined) fields['lqi_raw'] = lqi
  if (online !== undefined) fields['online'] = Number(online)
  for (const [flag, active] of Object.entries(alarms)) fields[`alarm_${flag}`] = Number(active)
  const kept: Field[] = []
  for (const name of Object.keys(fields).sort()) {
    const value = fields[name]
    if (value !== undefined && Number.isFinite(value)) kept.push([name, value])
  }
  return kept
}

/** Only what moves: a detector's place is a fact of the directory, not a measurement. */
function trackOf({ kind, position }: Reading): Record<string, number | undefined> {
  if (kind !== 'drone' || position === undefined) return {}
  return { lat_deg: position.lat, lon_deg: position.lon, height_m: position.heightM, msl_alt_m: position.mslAltM }
}
