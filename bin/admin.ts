// `npm run admin -- user|device|token|quarantine ...`: accounts, device credentials and service tokens from the shell, while the system runs
// or not. What a secret is made for is printed once, as JSON, and never stored in clear.
import { mkdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { parse as parseCsv } from 'csv-parse/sync'
import { systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { ROLES, SCOPES, type Role, type Scope } from '#contracts/people.ts'
import { DEVICE_KINDS, type DeviceKind, type Place } from '#contracts/reading.ts'
import { DEVICE_ID } from '#contracts/topic.ts'
import { openCredentials } from '../broker/credentials.ts'
import { openAccounts } from '../dashboard/api/accounts.ts'
import { openRegistrations, type Registration } from '../ingest/registrations.ts'
import { readSettings } from '../settings.ts'
import { quarantine, QUARANTINE_USAGE } from './quarantine.ts'

const USAGE = `usage: npm run admin -- ...
  device add ID [--kind KIND] [--via GATEWAY] [--grant FILTER]... [--password P] [--name N] [--area A] [--building B] [--floor F] [--room R] [--lat X --lon Y] [--expect-next-s S]
  device import FILE.csv      columns deviceId,kind,via,grants,password,name,area,grid,building,floor,room,lat,lon,expectNextS (only deviceId is needed; grants separated by spaces)
  device list | device remove ID
  user add NAME --role ${ROLES.join('|')} [--password P]     (asks for the password, or makes one)
  user password NAME [--password P] | user list | user remove NAME
  token add NAME --scope SCOPE...   (${SCOPES.join(', ')}) | token list | token remove NAME
${QUARANTINE_USAGE}`

type Row = Record<string, string | undefined>
type Prepared = { credential: { deviceId: string; via?: string; grants?: string[]; password?: string }; registration: Registration }

const print = (value: unknown) => console.log(JSON.stringify(value))

try {
  await main()
} catch (error) {
  const known = error instanceof FengsuiError ? `${error.code}: ${error.message}` : (error as Error).message
  console.error(`fengsui admin: ${known}`)
  process.exit(2)
}

async function main(): Promise<void> {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      kind: { type: 'string' },
      via: { type: 'string' },
      grant: { type: 'string', multiple: true },
      password: { type: 'string' },
      name: { type: 'string' },
      area: { type: 'string' },
      grid: { type: 'string' },
      building: { type: 'string' },
      floor: { type: 'string' },
      room: { type: 'string' },
      lat: { type: 'string' },
      lon: { type: 'string' },
      'expect-next-s': { type: 'string' },
      role: { type: 'string' },
      scope: { type: 'string', multiple: true },
      code: { type: 'string' },
      source: { type: 'string' },
      disposition: { type: 'string' },
      topic: { type: 'string' },
      'topic-prefix': { type: 'string' },
      device: { type: 'string' },
      from: { type: 'string' },
      to: { type: 'string' },
      limit: { type: 'string' },
      'payload-file': { type: 'string' },
      force: { type: 'boolean' },
    },
  })
  const [what, verb, subject] = positionals
  const settings = readSettings(process.env)
  const dir = settings.dataDir
  mkdirSync(dir, { recursive: true })
  if (what === 'device') {
    const { grant, scope: _scope, force: _force, 'expect-next-s': expectNextS, ...texts } = values
    return device(dir, verb, subject, { ...texts, grants: grant?.join(' '), expectNextS })
  }
  if (what === 'user') return user(dir, verb, subject, values)
  if (what === 'token') return token(dir, verb, subject, values.scope ?? [])
  if (what === 'quarantine') return quarantine(settings, verb, subject, values)
  throw new FengsuiError('invalid-request', `what is to be done?\n${USAGE}`)
}

async function device(dir: string, verb: string | undefined, subject: string | undefined, options: Row): Promise<void> {
  using stack = new DisposableStack()
  const credentials = stack.adopt(openCredentials({ dir, clock: systemClock }), c => c.close())
  const registrations = stack.adopt(openRegistrations({ dir }), r => r.close())
  if (verb === 'list') {
    for (const entry of credentials.list()) print(entry)
  } else if (verb === 'add' && subject !== undefined) {
    const { credential, registration } = prepare({ ...options, deviceId: subject }, 'the command line')
    registrations.put([registration])
    print({ deviceId: subject, ...(await credentials.issue(credential)) })
  } else if (verb === 'import' && subject !== undefined) {
    const rows = parseCsv(readFileSync(subject, 'utf8'), { columns: true, skip_empty_lines: true, trim: true, bom: true }) as Row[]
    const prepared = rows.map((row, i) => prepare(row, `${subject} line ${i + 2}`))
    const issued = await credentials.importMany(prepared.map(p => p.credential))
    registrations.put(prepared.map(p => p.registration))
    for (const [i, entry] of issued.entries()) print({ deviceId: prepared[i]?.credential.deviceId, ...entry })
  } else if (verb === 'remove' && subject !== undefined) {
    registrations.remove(subject)
    print({ deviceId: subject, removed: credentials.revoke(subject) })
  } else throw new FengsuiError('invalid-request', `device ${verb ?? ''}\n${USAGE}`)
}

function prepare(row: Row, where: string): Prepared {
  const deviceId = row['deviceId'] ?? ''
  const kind = row['kind'] || 'other'
  if (!DEVICE_ID.test(deviceId) && !/^[a-z0-9]+:/.test(deviceId))
    throw new FengsuiError('invalid-request', `${where}: deviceId '${deviceId}' must match ${DEVICE_ID}`)
  if (!(DEVICE_KINDS as readonly string[]).includes(kind))
    throw new FengsuiError('invalid-request', `${where}: kind '${kind}' is none of ${DEVICE_KINDS.join(', ')}`)
  const place: Place = Object.fromEntries(
    (['area', 'grid', 'building', 'floor', 'room'] as const).flatMap(key => (row[key] ? [[key, row[key]]] : [])),
  )
  const grants = row['grants'] ? row['grants'].split(/\s+/).filter(Boolean) : []
  return {
    credential: {
      deviceId,
      ...(row['via'] ? { via: row['via'] } : {}),
      ...(grants.length > 0 ? { grants } : {}),
      ...(row['password'] ? { password: row['password'] } : {}),
    },
    registration: {
      deviceId,
      kind: kind as DeviceKind,
      ...(row['via'] ? { via: row['via'] } : {}),
      ...(row['name'] ? { name: row['name'] } : {}),
      ...(Object.keys(place).length > 0 ? { place } : {}),
      ...(row['lat'] && row['lon'] ? { position: { lat: degrees(row['lat'], 90, where), lon: degrees(row['lon'], 180, where) } } : {}),
      ...(row['expectNextS'] ? { expectNextS: positive(row['expectNextS'], where) } : {}),
    },
  }
}

function degrees(value: string, limit: number, where: string): number {
  const number = Number(value)
  if (!Number.isFinite(number) || Math.abs(number) > limit)
    throw new FengsuiError('invalid-request', `${where}: '${value}' is not a coordinate within ±${limit} degrees`)
  return number
}

function positive(value: string, where: string): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number <= 0)
    throw new FengsuiError('invalid-request', `${where}: expectNextS '${value}' must be a whole number of seconds above 0`)
  return number
}

async function user(
  dir: string,
  verb: string | undefined,
  name: string | undefined,
  options: { role?: string | undefined; password?: string | undefined },
): Promise<void> {
  using stack = new DisposableStack()
  const accounts = stack.adopt(openAccounts({ dir, clock: systemClock }), a => a.close())
  if (verb === 'list') {
    for (const entry of accounts.listUsers()) print(entry)
  } else if (verb === 'add' && name !== undefined) {
    const role = options.role ?? ''
    if (!(ROLES as readonly string[]).includes(role))
      throw new FengsuiError('invalid-request', `--role '${role}' is none of ${ROLES.join(', ')}`)
    const password = options.password ?? (await askPassword())
    await accounts.addUser(name, role as Role, password)
    print({ user: name, role })
  } else if (verb === 'password' && name !== undefined) {
    await accounts.setPassword(name, options.password ?? (await askPassword()))
    print({ user: name, password: 'changed' })
  } else if (verb === 'remove' && name !== undefined) {
    print({ user: name, removed: accounts.removeUser(name) })
  } else throw new FengsuiError('invalid-request', `user ${verb ?? ''}\n${USAGE}`)
}

async function askPassword(): Promise<string> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  const password = await terminal.question('password (at least 10 characters): ')
  terminal.close()
  return password
}

async function token(dir: string, verb: string | undefined, name: string | undefined, scopes: string[]): Promise<void> {
  using stack = new DisposableStack()
  const accounts = stack.adopt(openAccounts({ dir, clock: systemClock }), a => a.close())
  if (verb === 'list') {
    for (const entry of accounts.listTokens()) print(entry)
  } else if (verb === 'add' && name !== undefined) {
    const unknown = scopes.filter(scope => !(SCOPES as readonly string[]).includes(scope))
    if (scopes.length === 0 || unknown.length > 0)
      throw new FengsuiError('invalid-request', `--scope '${unknown.join(' ')}' must be one or more of ${SCOPES.join(', ')}`)
    print({ name, ...accounts.issueToken(name, scopes as Scope[]) })
  } else if (verb === 'remove' && name !== undefined) {
    print({ name, removed: accounts.revokeToken(name) })
  } else throw new FengsuiError('invalid-request', `token ${verb ?? ''}\n${USAGE}`)
}
