// Where simulated devices get their credentials: from a file somebody gives, or from the admin command run as a child on the same
// machine with the same settings. Passwords are held in memory only and never printed.
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse } from 'csv-parse/sync'
import { FengsuiError } from '#contracts/errors.ts'
import { DEVICE_ID } from '#contracts/topic.ts'
import type { Planned, SimKind } from './plan.ts'

export type Login = { username: string; password: string }
/** One row for `admin device import`; what is absent stays empty. */
export type ImportRow = Partial<Record<(typeof IMPORT_COLUMNS)[number], string | number>> & { deviceId: string; kind: string }

const IMPORT_COLUMNS = [
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
  'expectNextS',
] as const
const KINDS: readonly SimKind[] = ['smoke', 'micro-station', 'camera', 'drone', 'gateway']
const ADMIN = join(import.meta.dirname, '../bin/admin.ts')
const REASON_MAX = 600

export const isLoopback = (url: URL): boolean => ['127.0.0.1', 'localhost', '[::1]', '::1'].includes(url.hostname)

export const importRows = (planned: readonly Planned[], expectNextS: (kind: SimKind) => number): ImportRow[] =>
  planned.map(p => ({ ...p, expectNextS: expectNextS(p.kind) }))

/** Gateways first, so that whoever reads the file in order knows a gateway before the devices that name it. */
export function csvOf(rows: readonly ImportRow[]): string {
  const cell = (value: string | number | undefined) =>
    value === undefined ? '' : /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value)
  const ordered = [...rows.filter(r => r.kind === 'gateway'), ...rows.filter(r => r.kind !== 'gateway')]
  return `${[IMPORT_COLUMNS.join(','), ...ordered.map(row => IMPORT_COLUMNS.map(c => cell(row[c])).join(','))].join('\n')}\n`
}

/**
 * Registers devices and makes their credentials with `admin device import`; answers logins by deviceId.
 * @throws FengsuiError process-start-failed with the command's own words
 */
export async function issueByAdmin(rows: readonly ImportRow[], admin = ADMIN): Promise<Map<string, Login>> {
  const dir = await mkdtemp(join(tmpdir(), 'fengsui-devices-'))
  try {
    const file = join(dir, 'devices.csv')
    await writeFile(file, csvOf(rows), { mode: 0o600 })
    const { code, out, err } = await runNode([admin, 'device', 'import', file])
    if (code !== 0)
      throw new FengsuiError('process-start-failed', `admin device import ended with ${code}: ${err.trim().slice(0, REASON_MAX)}`)
    return loginsFrom(out)
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

function loginsFrom(jsonLines: string): Map<string, Login> {
  const logins = new Map<string, Login>()
  for (const line of jsonLines.split('\n')) {
    if (!line.startsWith('{')) continue
    const { deviceId, username, password } = JSON.parse(line) as { deviceId: string } & Login
    logins.set(deviceId, { username, password })
  }
  return logins
}

function runNode(args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let out = ''
    let err = ''
    child.stdout.on('data', chunk => (out += String(chunk)))
    child.stderr.on('data', chunk => (err += String(chunk)))
    child.on('error', reject)
    child.on('close', code => resolve({ code, out, err }))
  })
}

/**
 * Devices and passwords from a CSV file with the columns deviceId,kind,via,password,name,area,building,floor,room,lat,lon.
 * @throws FengsuiError invalid-request naming file and line
 */
export function readLogins(text: string, file: string): { planned: Planned[]; logins: Map<string, Login> } {
  const rows = parse(text, { columns: true, skip_empty_lines: true, trim: true, bom: true, relax_column_count_less: true }) as Record<
    string,
    string
  >[]
  const planned = rows.map((row, i) => plannedOf(row, `${file} line ${i + 2}`))
  const logins = new Map<string, Login>()
  for (const [i, row] of rows.entries()) {
    const { deviceId } = planned[i]!
    if (row['password']) logins.set(deviceId, { username: row['username'] || deviceId, password: row['password'] })
  }
  for (const [i, p] of planned.entries()) {
    const owner = p.via ?? p.deviceId
    if (!logins.has(owner)) throw bad(`${file} line ${i + 2}`, `no row gives a password for '${owner}'`)
  }
  return { planned, logins }
}

function plannedOf(row: Record<string, string>, where: string): Planned {
  const { deviceId = '', kind = '', via = '' } = row
  if (!DEVICE_ID.test(deviceId)) throw bad(where, `deviceId '${deviceId}' must match ${DEVICE_ID}`)
  if (!(KINDS as readonly string[]).includes(kind)) throw bad(where, `kind '${kind}' cannot be simulated; one of ${KINDS.join(', ')}`)
  const [lat, lon] = [Number(row['lat']), Number(row['lon'])]
  if (!row['lat'] || !row['lon'] || !(Math.abs(lat) <= 90) || !(Math.abs(lon) <= 180))
    throw bad(where, 'lat and lon must be degrees (WGS84)')
  const word = (column: string) => row[column] ?? ''
  return {
    deviceId,
    kind: kind as SimKind,
    ...(via === '' ? {} : { via }),
    name: word('name') || deviceId,
    area: word('area'),
    grid: word('grid'),
    building: word('building'),
    floor: word('floor'),
    room: word('room'),
    lat,
    lon,
  }
}

const bad = (where: string, what: string) => new FengsuiError('invalid-request', `${where}: ${what}`)
