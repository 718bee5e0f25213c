// Reads a dispatch log as San Francisco publishes it ("Fire Department Calls for Service", nuek-vuh3): one line a unit and call, with when it
// was sent, drove off, was there and was free again. Local times are taken as they stand; only differences of them are used.
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { parse } from 'csv-parse/sync'

/** One unit sent to one call. `sequence`: its place among the units of the call. */
export type Sent = {
  call: string
  unit: string
  sequence: number
  sentMs: number
  droveMs: number | undefined
  thereMs: number | undefined
  freeMs: number
  at: { lat: number; lon: number }
  /** the number of the station that answers for this place */
  area: string
  kind: string
}
export type Station = { unit: string; name: string; area: string; lat: number; lon: number }

const textOf = (file: string): string => {
  const bytes = readFileSync(file)
  return (file.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
}

/** 01/07/2017 04:19:35 AM */
const msOf = (words: string | undefined): number | undefined => {
  const [, month, day, year, hour, minute, second, half] = /^(\d+)\/(\d+)\/(\d+) (\d+):(\d+):(\d+) ([AP])M$/.exec(words ?? '') ?? []
  if (half === undefined) return undefined
  return Date.UTC(
    Number(year),
    Number(month) - 1,
    Number(day),
    (Number(hour) % 12) + (half === 'P' ? 12 : 0),
    Number(minute),
    Number(second),
  )
}

/** Lines of units of `unitType`, in the order in which they were sent; `left` = lines without a place or a time of being free again. */
export const readLog = (file: string, unitType: string): { sent: Sent[]; left: number } => {
  const rows = (parse(textOf(file), { columns: true, relax_column_count: true }) as Record<string, string | undefined>[]).filter(
    row => row['Unit Type'] === unitType,
  )
  const sent = rows.flatMap((row): Sent[] => {
    const [sentMs, droveMs, thereMs, freeMs] = ['Dispatch', 'Response', 'On Scene', 'Available'].map(name => msOf(row[`${name} DtTm`]))
    const [, lat, lon] = /\(([-\d.]+), ([-\d.]+)\)/.exec(row['Location'] ?? '') ?? []
    if (sentMs === undefined || freeMs === undefined || freeMs < sentMs || lon === undefined) return []
    return [
      {
        call: row['Call Number'] ?? '',
        unit: row['Unit ID'] ?? '',
        sequence: Number(row['Unit sequence in call dispatch']),
        sentMs,
        // a button pressed before the order, or after the end, says nothing
        droveMs: droveMs !== undefined && droveMs >= sentMs && droveMs <= (thereMs ?? freeMs) ? droveMs : undefined,
        thereMs: thereMs !== undefined && thereMs >= sentMs && thereMs <= freeMs ? thereMs : undefined,
        freeMs,
        at: { lat: Number(lat), lon: Number(lon) },
        area: String(Number(row['Station Area'])),
        kind: row['Call Type'] ?? '',
      },
    ]
  })
  return { sent: sent.toSorted((a, b) => a.sentMs - b.sentMs || a.sequence - b.sequence), left: rows.length - sent.length }
}

type Feature = { properties: { common_name?: string }; geometry: { coordinates: [number, number] } }

/** What a fire service is for; the rest of the log are calls for medical help and service. */
export const isFire = (kind: string): boolean => /fire|alarms|smoke|electrical|gas leak|odor|explosion|hazmat|fuel/i.test(kind)

/** Engine 15 lives in Fire Station #15. */
export const readStations = (file: string): Station[] =>
  (JSON.parse(textOf(file)) as { features: Feature[] }).features.flatMap(({ properties, geometry }) => {
    const name = properties.common_name ?? ''
    const number = /#(\d+)/.exec(name)?.[1]
    const [lon, lat] = geometry.coordinates
    return number === undefined ? [] : [{ unit: `E${number.padStart(2, '0')}`, name, area: number, lat, lon }]
  })
