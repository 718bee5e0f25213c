// Where the alarms of open incidents are: which incidents a new alarm may belong to. Each look costs a few steps down an index for each
// incident or position it finds, however many thousand alarms stand there; so a flood in one building does not slow itself down.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { IncidentCategory } from '#contracts/incident.ts'
import { boxAround, type Spot } from './place.ts'

/** How many different places of one incident are compared; in practice a building has a few. */
const PLACES_MAX = 200

const SPOT = 'building_key AS building, area, grid, lat, lon, device_key AS device'

/** From one incident to the next in the index: SQLite's DISTINCT would read every alarm of each. */
const incidentsWhere = (where: string): string => `WITH RECURSIVE found (id) AS (
    SELECT min(incident_id) FROM alarms WHERE live = 1 AND ${where}
    UNION ALL
    SELECT (SELECT min(incident_id) FROM alarms WHERE live = 1 AND ${where} AND incident_id > found.id) FROM found WHERE found.id IS NOT NULL
  ) SELECT id FROM found WHERE id IS NOT NULL`

type At = { lat: number; lon: number; id: string }

export type AlarmPlaces = ReturnType<typeof alarmPlaces>

export const alarmPlaces = (db: DatabaseSync) => {
  const sameDevice = db.prepare(
    `SELECT ${SPOT} FROM alarms WHERE live = 1 AND category = :category AND device_key = :device AND incident_id = :incident LIMIT 1`,
  )
  const sameWords = db.prepare(
    `SELECT ${SPOT} FROM alarms WHERE live = 1 AND category = :category AND building_key = :building AND incident_id = :incident
      AND area IS :area AND grid IS :grid LIMIT 1`,
  )
  const spots = db.prepare(
    `SELECT building_key AS building, area, grid, lat, lon, min(device_key) AS device FROM alarms WHERE incident_id = ?
     GROUP BY building_key, area, grid, lat, lon LIMIT ${PLACES_MAX}`,
  )
  const ofDevice = db.prepare(incidentsWhere('category = ?1 AND device_key = ?2'))
  const ofBuilding = db.prepare(incidentsWhere("category = 'fire' AND building_key = ?1"))
  // three steps down the index in the place of one comparison of three columns, which SQLite begins at the equal ones
  const [sameSpot, sameLat, furtherNorth] = [
    'lat = :lat AND lon = :lon AND incident_id > :id',
    'lat = :lat AND lon > :lon',
    'lat > :lat AND lat <= :north',
  ].map(where =>
    db.prepare(
      `SELECT lat, lon, incident_id AS id FROM alarms WHERE live = 1 AND category = 'fire' AND ${where} ORDER BY lat, lon, incident_id LIMIT 1`,
    ),
  ) as [StatementSync, StatementSync, StatementSync]

  const ids = (rows: unknown[]): string[] => (rows as { id: string }[]).map(row => row.id)

  const after = ({ lat, lon, id }: At, north: number): At | undefined =>
    (sameSpot.get({ lat, lon, id }) ?? sameLat.get({ lat, lon }) ?? furtherNorth.get({ lat, north })) as At | undefined

  /** Position by position through the strip of latitudes, past those that lie beside the box. */
  const near = (around: { lat: number; lon: number }): Set<string> => {
    const { south, north, west, east } = boxAround(around.lat, around.lon)
    const found = new Set<string>()
    let at = after({ lat: south, lon: west, id: '' }, north)
    while (at !== undefined) {
      if (at.lon >= west && at.lon <= east) found.add(at.id)
      const next = at.lon < west ? { lat: at.lat, lon: west, id: '' } : at.lon > east ? { lat: at.lat, lon: Infinity, id: '' } : at
      at = after(next, north)
    }
    return found
  }

  return {
    /** Of the incident's alarms one of the very same device, and one with the very same words of its place. */
    exactSpots: (incident: string, category: IncidentCategory, s: Spot): Spot[] =>
      [
        sameDevice.get({ category, device: s.device, incident }),
        s.building === null ? undefined : sameWords.get({ category, building: s.building, area: s.area, grid: s.grid, incident }),
      ].flatMap(spot => (spot === undefined ? [] : [spot as unknown as Spot])),
    /** Its different places, at most 200. */
    spotsOf: (incidentId: string): Spot[] => spots.all(incidentId) as unknown as Spot[],
    /** Open incidents that may be of one place with `spot`; who asks decides with relate(). */
    candidates(category: IncidentCategory, spot: Spot): string[] {
      const found = new Set(ids(ofDevice.all(category, spot.device)))
      if (category === 'technical') return [...found]
      if (spot.building !== null) for (const id of ids(ofBuilding.all(spot.building))) found.add(id)
      if (spot.lat !== null && spot.lon !== null) for (const id of near({ lat: spot.lat, lon: spot.lon })) found.add(id)
      return [...found]
    },
  }
}
