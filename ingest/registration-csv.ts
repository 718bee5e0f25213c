// Devices to be registered as rows of a CSV file: read whole, every mistake told with its line and column before anything is made.
// For the command line and the API alike. Registers nothing itself.
import { parse } from 'csv-parse/sync'
import { FengsuiError } from '#contracts/errors.ts'
import { DEVICE_KINDS, type DeviceKind, type Place, type Position } from '#contracts/reading.ts'
import { DEVICE_ID } from '#contracts/topic.ts'
import { numbersHint, registeredPosition, type District } from './district.ts'
import { CRSES, type GivenPosition } from './position.ts'
import type { Registration } from './registrations.ts'

export const COLUMNS = [
  'deviceId',
  'kind',
  'via',
  'grants',
  'password',
  'name',
  'area',
  'grid',
  'building',
  'floor',
  'room',
  'lat',
  'lon',
  'crs',
  'expectNextS',
] as const
type Column = (typeof COLUMNS)[number]
export type Row = Partial<Record<Column, string | undefined>>

export type Wanted = {
  line: number
  credential: { deviceId: string; via?: string; grants?: string[]; password?: string }
  registration: Registration
}
export type RowProblem = { line: number; column?: Column; message: string }
export type Sheet = { wanted: Wanted[]; problems: RowProblem[] }

/** rows of one file */
export const ROWS_MAX = 5000
/** mistakes that are told; a file with more has one kind of them */
const PROBLEMS_MAX = 1000

/** What a row is held against. */
export type Checks = {
  /** what else is wrong with a row (grants, ids that are taken) */
  problemOf?(wanted: Wanted): string | null
  /** where there is one, positions must lie in it */
  district?: District | undefined
}

export function readSheet(csv: string, { problemOf = () => null, district }: Checks = {}): Sheet {
  const problems: RowProblem[] = []
  const wanted: Wanted[] = []
  const seen = new Map<string, number>()
  for (const { line, row } of rowsOf(csv, problems)) {
    const found = wantedOf(row, line, district)
    const first = seen.get(row.deviceId ?? '')
    if (first !== undefined) found.problems.push({ line, column: 'deviceId', message: `${row.deviceId} stands in line ${first} already` })
    seen.set(row.deviceId ?? '', first ?? line)
    const other = found.problems.length > 0 ? null : problemOf(found.wanted)
    if (other !== null) found.problems.push({ line, message: other })
    problems.push(...found.problems)
    if (found.problems.length === 0) wanted.push(found.wanted)
  }
  return { wanted, problems: problems.slice(0, PROBLEMS_MAX) }
}

/** One row by itself, as the command line has it. @throws FengsuiError invalid-request */
export function readRow(row: Row, where: string, district?: District): Wanted {
  const { wanted, problems } = wantedOf(row, 0, district)
  const [problem] = problems
  if (problem !== undefined) throw new FengsuiError('invalid-request', `${where}: ${problem.message}`)
  return wanted
}

function rowsOf(csv: string, problems: RowProblem[]): { line: number; row: Row }[] {
  let records: { record: Record<string, string>; info: { lines: number } }[]
  try {
    records = parse(csv, { columns: true, skip_empty_lines: true, trim: true, bom: true, info: true }) as unknown as typeof records
  } catch (error) {
    const { lines, message } = error as Error & { lines?: number }
    problems.push({ line: lines ?? 1, message })
    return []
  }
  const unknown = Object.keys(records[0]?.record ?? {}).filter(name => !(COLUMNS as readonly string[]).includes(name))
  if (unknown.length > 0) problems.push({ line: 1, message: `no column is called ${unknown.join(', ')}; there are ${COLUMNS.join(', ')}` })
  if (records.length === 0) problems.push({ line: 1, message: 'no row below the names of the columns' })
  if (records.length > ROWS_MAX) problems.push({ line: ROWS_MAX + 2, message: `${records.length} rows; a file has at most ${ROWS_MAX}` })
  return records.slice(0, ROWS_MAX).map(({ record, info }) => ({ line: info.lines, row: record }))
}

function wantedOf(row: Row, line: number, district: District | undefined): { wanted: Wanted; problems: RowProblem[] } {
  const problems: RowProblem[] = []
  const wrong = (column: Column, message: string): void => void problems.push({ line, column, message })
  const deviceId = row.deviceId ?? ''
  const kind = row.kind || 'other'
  if (!DEVICE_ID.test(deviceId) && !/^[a-z0-9]+:/.test(deviceId))
    wrong('deviceId', `deviceId '${deviceId}' must match ${String(DEVICE_ID)}`)
  if (!(DEVICE_KINDS as readonly string[]).includes(kind)) wrong('kind', `kind '${kind}' is none of ${DEVICE_KINDS.join(', ')}`)
  if (row.via && !DEVICE_ID.test(row.via)) wrong('via', `via '${row.via}' must match ${String(DEVICE_ID)}`)
  if (row.via && row.via === deviceId) wrong('via', 'a device is not registered via itself')
  if (Boolean(row.lat) !== Boolean(row.lon)) wrong(row.lat ? 'lon' : 'lat', 'lat and lon go together')
  const position = row.lat && row.lon ? positionOf(row, kind as DeviceKind, district, wrong) : null
  const expectNextS = row.expectNextS ? Number(row.expectNextS) : null
  if (expectNextS !== null && (!Number.isInteger(expectNextS) || expectNextS <= 0))
    wrong('expectNextS', `expectNextS '${row.expectNextS}' must be a whole number of seconds above 0`)
  const place: Place = Object.fromEntries(
    (['area', 'grid', 'building', 'floor', 'room'] as const).flatMap(key => (row[key] ? [[key, row[key]]] : [])),
  )
  const grants = row.grants ? row.grants.split(/\s+/).filter(Boolean) : []
  const via = row.via ? { via: row.via } : {}
  const wanted: Wanted = {
    line,
    credential: { deviceId, ...via, ...(grants.length > 0 ? { grants } : {}), ...(row.password ? { password: row.password } : {}) },
    registration: {
      deviceId,
      kind: kind as DeviceKind,
      ...via,
      ...(row.name ? { name: row.name } : {}),
      ...(Object.keys(place).length > 0 ? { place } : {}),
      ...(position === null ? {} : { position }),
      ...(expectNextS === null ? {} : { expectNextS }),
    },
  }
  return { wanted, problems }
}

function positionOf(
  { lat, lon, crs = '' }: Row,
  kind: DeviceKind,
  district: District | undefined,
  wrong: (column: Column, message: string) => void,
): Position | null {
  const given: GivenPosition = { lat: Number(lat), lon: Number(lon) }
  const hint = numbersHint(given.lat, given.lon)
  for (const [column, limit, text] of [
    ['lat', 90, lat],
    ['lon', 180, lon],
  ] as const) {
    if (Math.abs(given[column]) <= limit) continue
    wrong(column, `'${text}' is not within ±${limit} degrees${hint === null ? '' : `; ${hint}`}`)
    return null
  }
  const reference = CRSES.find(known => known === crs)
  if (crs !== '' && reference === undefined) wrong('crs', `crs '${crs}' is none of ${CRSES.join(', ')}`)
  if (reference !== undefined) given.crs = reference
  try {
    return registeredPosition(given, kind, district)
  } catch (error) {
    wrong('lat', (error as Error).message)
    return null
  }
}
