// `npm run admin -- user|device|token|quarantine ...`: accounts, device credentials and service tokens from the shell, while the system runs
// or not. What a secret is made for is printed once, as JSON, and never stored in clear.
import { mkdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { parseArgs } from 'node:util'
import { noLog, systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { ROLES, SCOPES, type Role, type Scope } from '#contracts/people.ts'
import { openClaims } from '../broker/claims.ts'
import { issueProblem, openCredentials } from '../broker/credentials.ts'
import { openAccounts } from '../dashboard/api/accounts.ts'
import { loadDistrict, type District } from '../ingest/district.ts'
import { COLUMNS, readRow, readSheet, type Row } from '../ingest/registration-csv.ts'
import { openRegistrations, type Registration } from '../ingest/registrations.ts'
import { readSettings } from '../settings.ts'
import { quarantine, QUARANTINE_USAGE } from './quarantine.ts'

const USAGE = `usage: npm run admin -- ...
  device add ID [--kind KIND] [--via GATEWAY] [--grant FILTER]... [--password P] [--name N] [--area A] [--building B] [--floor F] [--room R] [--lat X --lon Y [--crs CRS]] [--expect-next-s S]
  device preview FILE.csv     what an import would do, and every mistake by its line; changes nothing
  device import FILE.csv      columns ${COLUMNS.join(',')} (only deviceId is needed; grants separated by spaces); all rows or none
  device rotate ID [--keep-old-s S]   a new password; the old one ends at once, or is right for S seconds more
  device revoke ID            takes its credentials away: its connections end; it stays registered
  device claim ID [--kind KIND] [--via GATEWAY] ... [--expires-s S]   a code that the device turns into its credentials (POST /api/v1/claim)
  device list | device remove ID
  user add NAME --role ${ROLES.join('|')} [--password P]     (asks for the password, or makes one)
  user password NAME [--password P] | user list | user remove NAME
  user disable NAME | user enable NAME        (disabling ends the sessions of that person at once)
  token add NAME --scope SCOPE...   (${SCOPES.join(', ')}) | token list | token remove NAME
${QUARANTINE_USAGE}`

/** here, not below: main() runs before what follows it */
const CLAIM_LASTS_S = 14 * 86_400

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
      crs: { type: 'string' },
      'expect-next-s': { type: 'string' },
      'keep-old-s': { type: 'string' },
      'expires-s': { type: 'string' },
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
  process.umask(0o077)
  mkdirSync(dir, { recursive: true, mode: 0o700 })
  if (what === 'device') {
    const { grant, 'expect-next-s': expectNextS, 'keep-old-s': keepOldS, 'expires-s': expiresS } = values
    const texts = Object.fromEntries(COLUMNS.flatMap(name => (name in values ? [[name, values[name as keyof typeof values]]] : []))) as Row
    const district = await loadDistrict(settings.districtDir, noLog)
    return device({ dir, district }, verb, subject, { ...texts, grants: grant?.join(' '), expectNextS }, { keepOldS, expiresS })
  }
  if (what === 'user') return user(dir, verb, subject, values)
  if (what === 'token') return token(dir, verb, subject, values.scope ?? [])
  if (what === 'quarantine') return quarantine(settings, verb, subject, values)
  throw new FengsuiError('invalid-request', `what is to be done?\n${USAGE}`)
}

type DeviceTimes = { keepOldS: string | undefined; expiresS: string | undefined }

type Site = { dir: string; district: District | undefined }

async function device(
  { dir, district }: Site,
  verb: string | undefined,
  subject: string | undefined,
  row: Row,
  times: DeviceTimes,
): Promise<void> {
  using stack = new DisposableStack()
  const credentials = stack.adopt(openCredentials({ dir, clock: systemClock }), c => c.close())
  const registrations = stack.adopt(openRegistrations({ dir }), r => r.close())
  if (verb === 'list') {
    for (const entry of credentials.list()) print(entry)
  } else if (verb === 'add' && subject !== undefined) {
    const { credential, registration } = readRow({ ...row, deviceId: subject }, 'the command line', district)
    registrations.put([registration])
    print({ deviceId: subject, ...(await credentials.issue(credential)) })
  } else if (verb === 'preview' && subject !== undefined) {
    const { wanted, problems } = readSheet(readFileSync(subject, 'utf8'), {
      problemOf: ({ credential }) => issueProblem(credential),
      district,
    })
    for (const problem of problems) print(problem)
    print({ rows: wanted.length, problems: problems.length })
    if (problems.length > 0) process.exitCode = 1
  } else if (verb === 'import' && subject !== undefined) {
    const { wanted, problems } = readSheet(readFileSync(subject, 'utf8'), {
      problemOf: ({ credential }) => issueProblem(credential),
      district,
    })
    const told = problems.slice(0, 20).map(({ line, message }) => `${subject} line ${line}: ${message}`)
    if (problems.length > 0) throw new FengsuiError('invalid-request', `nothing was registered\n${told.join('\n')}`)
    const issued = await credentials.importMany(wanted.map(w => w.credential))
    registrations.put(wanted.map(w => w.registration))
    for (const [i, entry] of issued.entries()) print({ deviceId: wanted[i]?.credential.deviceId, ...entry })
  } else if (verb === 'rotate' && subject !== undefined) {
    const made = await credentials.rotate(subject, seconds(times.keepOldS, 0) * 1000)
    if (made === null) throw new FengsuiError('not-found', `${subject} has no credentials`)
    print({ deviceId: subject, ...made })
  } else if (verb === 'revoke' && subject !== undefined) {
    print({ deviceId: subject, revoked: credentials.suspend(subject) })
  } else if (verb === 'claim' && subject !== undefined) {
    const claims = stack.adopt(openClaims<Registration & { grants?: string[] }>({ dir, clock: systemClock }), c => c.close())
    const { credential, registration } = readRow({ ...row, deviceId: subject }, 'the command line', district)
    const problem = issueProblem(credential) ?? (credentials.knows(subject) ? 'it is registered already' : null)
    if (problem !== null) throw new FengsuiError('invalid-request', `a claim code for ${subject}: ${problem}`)
    const wanted = { ...registration, ...(credential.grants === undefined ? {} : { grants: credential.grants }) }
    for (const { deviceId, code, expiresAt } of claims.make([wanted], seconds(times.expiresS, CLAIM_LASTS_S) * 1000))
      print({ deviceId, code, expiresAt })
  } else if (verb === 'remove' && subject !== undefined) {
    registrations.remove(subject)
    print({ deviceId: subject, removed: credentials.revoke(subject) })
  } else throw new FengsuiError('invalid-request', `device ${verb ?? ''}\n${USAGE}`)
}

function seconds(given: string | undefined, otherwise: number): number {
  const value = given === undefined ? otherwise : Number(given)
  if (!Number.isInteger(value) || value < 0) throw new FengsuiError('invalid-request', `'${given}' is not a whole number of seconds`)
  return value
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
  } else if ((verb === 'disable' || verb === 'enable') && name !== undefined) {
    print(accounts.changeUser(name, { disabled: verb === 'disable' }))
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
