// Who may come in, and for which devices they may speak. credentials.db is shared: the broker checks, the API and the command
// line issue, all at once. Never holds or gives back a password after the moment it was issued.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate as otherWork } from 'node:timers/promises'
import { systemClock, type Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { DEVICE_ID } from '#contracts/topic.ts'
import { ANONYMOUS, grantProblem, type Identity } from './access.ts'
import { generateSecret, hashGenerated, hashSupplied, PASSWORD_BYTES_MAX, SecretCheck } from './secrets.ts'

export type { Identity } from './access.ts'
export type Issue = {
  deviceId: string
  via?: string
  grants?: string[]
  password?: string
  /** the password before this one goes on being right for so long; 0 (default) = not a moment */
  keepOldMs?: number
}
export type Issued = { username: string; password: string }
export type Listed = { deviceId: string; via?: string; grants: string[]; createdAt: string }

export type Credentials = {
  /** Makes credentials, or replaces them. The password is told here and never again. @throws FengsuiError invalid-request */
  issue(o: Issue): Promise<Issued>
  /** All in one transaction, or none. */
  importMany(rows: Issue[]): Promise<Issued[]>
  /** Lets `via` speak for a device that has no credentials of its own, or also has. */
  link(deviceId: string, via: string): void
  /** @throws FengsuiError too-many-requests when too many passwords are being checked already */
  check(username: string, password: string): Promise<Identity | null>
  /** are there credentials of that name? */
  knows(username: string): boolean
  /** Who showed a good certificate for that device id; a password that comes with it counts too, where there is one. */
  checkCertificate(deviceId: string, password: string | null): Promise<Identity | 'unknown' | 'revoked' | 'wrong-password'>
  /** Registers a device that comes by certificate only. false = it was revoked, or is there already. */
  provision(deviceId: string): boolean
  /** Other credentials in place of those there are, with the same grants and gateway; null = there are none. */
  rotate(deviceId: string, keepOldMs: number): Promise<Issued | null>
  /** Takes the credentials away and leaves the rest; its certificate does not register it again. */
  suspend(deviceId: string): boolean
  /** Whose connections have to end: taken away or replaced at once since `after`, by whichever process; null = from now on. */
  endedSince(after: number | null): { upTo: number; usernames: string[] }
  /** Gateways that lost a device since `after`, by whichever process: what they subscribed to for it is not theirs any more; null = from now on. */
  leftSince(after: number | null): { upTo: number; gateways: string[] }
  /** What an identity may do, without anybody having shown to be it; undefined = there are no such credentials. */
  identity(username: string): Identity | undefined
  /** true when there was something to take away. Devices registered via a gateway stay registered via it. */
  revoke(deviceId: string): boolean
  list(): Listed[]
  close(): void
}

/** Secrets made before alarms and questions in the same process get their turn. */
const SECRETS_AT_ONCE = 200
const SCHEMA = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS credentials (device_id TEXT PRIMARY KEY, secret TEXT NOT NULL, grants TEXT NOT NULL, created_at TEXT NOT NULL)
  STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS old_secrets (device_id TEXT PRIMARY KEY, secret TEXT NOT NULL, until_ms INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS revoked (device_id TEXT PRIMARY KEY, at TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS ended (seq INTEGER PRIMARY KEY AUTOINCREMENT, device_id TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS left_gateways (seq INTEGER PRIMARY KEY AUTOINCREMENT, via TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS links (device_id TEXT PRIMARY KEY, via TEXT NOT NULL, created_at TEXT NOT NULL) STRICT, WITHOUT ROWID`

const LIST_SQL = `
SELECT c.device_id AS deviceId, l.via AS via, c.grants AS grants, c.created_at AS createdAt
  FROM credentials c LEFT JOIN links l ON l.device_id = c.device_id
UNION ALL
SELECT l.device_id, l.via, '[]', l.created_at FROM links l WHERE l.device_id NOT IN (SELECT device_id FROM credentials)
ORDER BY 1`

const GRANTS_MAX = 64
/** of a device that comes by certificate only */
const NO_SECRET = ''
/** Long enough for any process to have looked. */
const ENDED_KNOWN_MS = 86_400_000
/** A link made or undone in another process is seen here after at most this long. */
const LINK_KNOWN_MS = 5000
const LINKS_KNOWN_MAX = 100_000

export function openCredentials(o: { dir: string; clock?: Clock }): Credentials {
  const path = join(o.dir, 'credentials.db')
  try {
    mkdirSync(o.dir, { recursive: true })
    const database = new DatabaseSync(path, { timeout: 5000 })
    database.exec(SCHEMA)
    return credentialsIn(database, o.clock ?? systemClock)
  } catch (error) {
    throw new FengsuiError('data-dir-unwritable', `opening ${path}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

function credentialsIn(database: DatabaseSync, clock: Clock): Credentials {
  const row = database.prepare('SELECT secret, grants FROM credentials WHERE device_id = ?')
  const linkRow = database.prepare('SELECT via FROM links WHERE device_id = ?')
  const put = database.prepare(
    `INSERT INTO credentials VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET secret = excluded.secret, grants = excluded.grants`,
  )
  const putLink = database.prepare('INSERT INTO links VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET via = excluded.via')
  const remove = database.prepare('DELETE FROM credentials WHERE device_id = ?')
  const removeLink = database.prepare('DELETE FROM links WHERE device_id = ?')
  const oldRow = database.prepare('SELECT secret FROM old_secrets WHERE device_id = ? AND until_ms > ?')
  const putOld = database.prepare('INSERT OR REPLACE INTO old_secrets VALUES (?, ?, ?)')
  const removeOld = database.prepare('DELETE FROM old_secrets WHERE device_id = ?')
  const isRevoked = database.prepare('SELECT 1 FROM revoked WHERE device_id = ?')
  const putRevoked = database.prepare('INSERT OR REPLACE INTO revoked VALUES (?, ?)')
  const forgive = database.prepare('DELETE FROM revoked WHERE device_id = ?')
  const putEnded = database.prepare('INSERT INTO ended (device_id, at_ms) VALUES (?, ?)')
  const sweepEnded = database.prepare('DELETE FROM ended WHERE at_ms < ?')
  const lastEnded = database.prepare('SELECT coalesce(max(seq), 0) AS seq FROM ended')
  const endedRows = database.prepare('SELECT seq, device_id FROM ended WHERE seq > ? ORDER BY seq LIMIT 10000')
  const putLeft = database.prepare('INSERT INTO left_gateways (via, at_ms) VALUES (?, ?)')
  const sweepLeft = database.prepare('DELETE FROM left_gateways WHERE at_ms < ?')
  const lastLeft = database.prepare('SELECT coalesce(max(seq), 0) AS seq FROM left_gateways')
  const leftRows = database.prepare('SELECT seq, via FROM left_gateways WHERE seq > ? ORDER BY seq LIMIT 10000')
  const everything = database.prepare(LIST_SQL)
  const secrets = new SecretCheck()
  const known = new Map<string, { via: string; askedAtMs: number }>()

  const now = (): string => new Date(clock.nowMs()).toISOString()

  function viaOf(deviceId: string): string | undefined {
    const cached = known.get(deviceId)
    if (cached !== undefined && Math.abs(clock.nowMs() - cached.askedAtMs) < LINK_KNOWN_MS) return cached.via // it may be set back
    known.delete(deviceId)
    const via = linkRow.get(deviceId)?.['via']
    if (typeof via !== 'string') return undefined
    if (known.size >= LINKS_KNOWN_MAX) known.clear()
    known.set(deviceId, { via, askedAtMs: clock.nowMs() })
    return via
  }

  function inOneTransaction(write: () => void): void {
    database.exec('BEGIN IMMEDIATE')
    try {
      write()
      database.exec('COMMIT')
    } finally {
      if (database.isTransaction) database.exec('ROLLBACK')
      known.clear()
    }
  }

  function noteEnded(deviceId: string): void {
    putEnded.run(deviceId, clock.nowMs())
    sweepEnded.run(clock.nowMs() - ENDED_KNOWN_MS)
  }

  function linkNow(deviceId: string, via: string): void {
    const wrong = idProblem(deviceId) ?? idProblem(via) ?? (deviceId === via ? 'a device is not registered via itself' : null)
    if (wrong !== null) throw new FengsuiError('invalid-request', `linking ${deviceId} via ${via}: ${wrong}`)
    noteLeft(deviceId, via)
    putLink.run(deviceId, via, now())
  }

  function noteLeft(deviceId: string, next?: string): void {
    const before = linkRow.get(deviceId)?.['via']
    if (typeof before !== 'string' || before === next) return
    putLeft.run(before, clock.nowMs())
    sweepLeft.run(clock.nowMs() - ENDED_KNOWN_MS)
  }

  function putIssued({ deviceId, via, grants, keepOldMs = 0 }: Issue, stored: string): void {
    const before = row.get(deviceId)?.['secret']
    if (keepOldMs > 0 && before !== undefined && before !== NO_SECRET) putOld.run(deviceId, String(before), clock.nowMs() + keepOldMs)
    else if (before !== undefined) {
      removeOld.run(deviceId)
      noteEnded(deviceId)
    } else forgive.run(deviceId)
    put.run(deviceId, stored, JSON.stringify(grants ?? []), now())
    if (via !== undefined) linkNow(deviceId, via)
  }

  async function importMany(rows: Issue[]): Promise<Issued[]> {
    for (const each of rows) checkIssue(each)
    const made: { password: string; stored: string }[] = []
    for (let at = 0; at < rows.length; at += SECRETS_AT_ONCE) {
      made.push(...(await Promise.all(rows.slice(at, at + SECRETS_AT_ONCE).map(secretFor))))
      await otherWork()
    }
    inOneTransaction(() => rows.forEach((each, i) => putIssued(each, made[i]?.stored ?? '')))
    return rows.map(({ deviceId }, i) => ({ username: deviceId, password: made[i]?.password ?? '' }))
  }

  const identityOf = (username: string, found: Record<string, unknown>): Identity => ({
    username,
    grants: JSON.parse(String(found['grants'])) as string[],
    mayPublishFor: deviceId => deviceId === username || viaOf(deviceId) === username,
  })

  async function check(username: string, password: string): Promise<Identity | null> {
    const found = DEVICE_ID.test(username) ? row.get(username) : undefined
    if (found === undefined || found['secret'] === NO_SECRET || Buffer.byteLength(password) > PASSWORD_BYTES_MAX) return null
    if (await secrets.matches(String(found['secret']), password)) {
      if (row.get(username)?.['secret'] === found['secret']) return identityOf(username, found)
    }
    // rotated a while ago, or while it was checked
    const old = oldRow.get(username, clock.nowMs())?.['secret']
    if (old === undefined || !(await secrets.matches(String(old), password))) return null
    const current = row.get(username)
    return current === undefined || oldRow.get(username, clock.nowMs())?.['secret'] !== old ? null : identityOf(username, current)
  }

  return {
    importMany,
    async issue(o) {
      const [issued] = await importMany([o])
      if (issued === undefined) throw new FengsuiError('internal', `issuing for ${o.deviceId}: nothing was made`)
      return issued
    },
    link: (deviceId, via) => inOneTransaction(() => linkNow(deviceId, via)),
    check,
    knows: username => DEVICE_ID.test(username) && row.get(username) !== undefined,
    async checkCertificate(deviceId, password) {
      const found = DEVICE_ID.test(deviceId) ? row.get(deviceId) : undefined
      if (found === undefined) return isRevoked.get(deviceId) === undefined ? 'unknown' : 'revoked'
      if (password !== null && found['secret'] !== NO_SECRET) return (await check(deviceId, password)) ?? 'wrong-password'
      return identityOf(deviceId, found)
    },
    provision(deviceId) {
      if (idProblem(deviceId) !== null) return false
      let isNew = false
      inOneTransaction(() => {
        isNew = row.get(deviceId) === undefined && isRevoked.get(deviceId) === undefined
        if (isNew) put.run(deviceId, NO_SECRET, '[]', now())
      })
      return isNew
    },
    async rotate(deviceId, keepOldMs) {
      const found = row.get(deviceId)
      if (found === undefined) return null
      const [made] = await importMany([{ deviceId, grants: JSON.parse(String(found['grants'])) as string[], keepOldMs }])
      return made ?? null
    },
    suspend(deviceId) {
      let had = false
      inOneTransaction(() => {
        had = Number(remove.run(deviceId).changes) > 0
        removeOld.run(deviceId)
        if (!had) return
        putRevoked.run(deviceId, now())
        noteEnded(deviceId)
      })
      return had
    },
    endedSince(after) {
      if (after === null) return { upTo: Number(lastEnded.get()?.['seq']), usernames: [] }
      const found = endedRows.all(after)
      return { upTo: Number(found.at(-1)?.['seq'] ?? after), usernames: [...new Set(found.map(each => String(each['device_id'])))] }
    },
    leftSince(after) {
      if (after === null) return { upTo: Number(lastLeft.get()?.['seq']), gateways: [] }
      const found = leftRows.all(after)
      if (found.length > 0) known.clear()
      return { upTo: Number(found.at(-1)?.['seq'] ?? after), gateways: [...new Set(found.map(each => String(each['via'])))] }
    },
    identity(username) {
      const found = DEVICE_ID.test(username) ? row.get(username) : undefined
      return found === undefined ? undefined : identityOf(username, found)
    },
    revoke(deviceId) {
      let taken = 0
      inOneTransaction(() => {
        noteLeft(deviceId)
        taken = Number(remove.run(deviceId).changes) + Number(removeLink.run(deviceId).changes)
        removeOld.run(deviceId)
        if (taken > 0) putRevoked.run(deviceId, now()) // else its certificate would register it again
        noteEnded(deviceId)
      })
      return taken > 0
    },
    list: () =>
      everything.all().map(r => ({
        deviceId: String(r['deviceId']),
        ...(typeof r['via'] === 'string' ? { via: r['via'] } : {}),
        grants: JSON.parse(String(r['grants'])) as string[],
        createdAt: String(r['createdAt']),
      })),
    close: () => database.close(),
  }
}

async function secretFor({ password }: Issue): Promise<{ password: string; stored: string }> {
  if (password !== undefined) return { password, stored: await hashSupplied(password) }
  const made = generateSecret()
  return { password: made, stored: hashGenerated(made) }
}

function idProblem(deviceId: string): string | null {
  if (!DEVICE_ID.test(deviceId)) return `a device id is ${String(DEVICE_ID)}`
  return deviceId === ANONYMOUS.username ? `${deviceId} stands for those who come without a user name` : null
}

function checkIssue(issue: Issue): void {
  const problem = issueProblem(issue)
  if (problem !== null) throw new FengsuiError('invalid-request', `credentials for ${issue.deviceId}: ${problem}`)
}

/** Why no credentials can be made of that; null = they can. */
export function issueProblem({ deviceId, via, grants, password }: Issue): string | null {
  const wrongId = idProblem(deviceId) ?? (via === undefined ? null : idProblem(via)) ?? (via === deviceId ? 'via itself' : null)
  if (wrongId !== null) return wrongId
  if ((grants?.length ?? 0) > GRANTS_MAX) return `at most ${GRANTS_MAX} grants`
  for (const grant of grants ?? []) {
    const wrong = grantProblem(grant)
    if (wrong !== null) return `grant ${JSON.stringify(grant)}: ${wrong}`
  }
  if (password !== undefined && (password.length === 0 || Buffer.byteLength(password) > PASSWORD_BYTES_MAX))
    return `a password has 1 to ${PASSWORD_BYTES_MAX} bytes`
  return null
}
