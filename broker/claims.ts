// Claim codes: a device that comes out of its box with a code on a sheet gets its credentials for it, once and in time. Kept in
// credentials.db as hashes; a code is 100 random bits, so it needs no slow hash. Never makes credentials itself.
import { createHash, randomInt } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'

export type Claim<T> = { deviceId: string; code: string; expiresAt: string; wanted: T }
export type OpenClaim = { deviceId: string; createdAt: string; expiresAt: string }

export type Claims<T extends { deviceId: string }> = {
  /** The codes are told here and never again; an older code of the same device is void. All or none. */
  make(wanted: readonly T[], lastsMs: number): Claim<T>[]
  list(): OpenClaim[]
  /** What the code is for, and it is used up; null = no such code, used, or too late. */
  take(code: string): T | null
  /** It could not be used after all. */
  giveBack(code: string): void
  forget(deviceId: string): boolean
  close(): void
}

const SCHEMA = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
CREATE TABLE IF NOT EXISTS claims (device_id TEXT PRIMARY KEY, code TEXT NOT NULL UNIQUE, wanted TEXT NOT NULL, created_ms INTEGER NOT NULL,
  expires_ms INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0) STRICT, WITHOUT ROWID`

const OPEN_MAX = 100_000
/** no I, L, O, U: read off a label and typed by hand */
const LETTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ'
const CODE_LETTERS = 20
const GROUP = 5

export function openClaims<T extends { deviceId: string }>(o: { dir: string; clock: Clock }): Claims<T> {
  const database = new DatabaseSync(join(o.dir, 'credentials.db'), { timeout: 5000 })
  database.exec(SCHEMA)
  const put = database.prepare('INSERT OR REPLACE INTO claims VALUES (?, ?, ?, ?, ?, 0)')
  const find = database.prepare('SELECT wanted FROM claims WHERE code = ? AND used = 0 AND expires_ms > ?')
  const use = database.prepare('UPDATE claims SET used = ? WHERE code = ?')
  const remove = database.prepare('DELETE FROM claims WHERE device_id = ? AND used = 0')
  const sweep = database.prepare('DELETE FROM claims WHERE used = 1 OR expires_ms <= ?')
  const count = database.prepare('SELECT count(*) AS n FROM claims')
  const open = database.prepare(
    'SELECT device_id, created_ms, expires_ms FROM claims WHERE used = 0 AND expires_ms > ? ORDER BY device_id LIMIT 10000',
  )

  function inOneTransaction<R>(work: () => R): R {
    database.exec('BEGIN IMMEDIATE')
    try {
      const result = work()
      database.exec('COMMIT')
      return result
    } finally {
      if (database.isTransaction) database.exec('ROLLBACK')
    }
  }

  return {
    make: (wanted, lastsMs) =>
      inOneTransaction(() => {
        const nowMs = o.clock.nowMs()
        sweep.run(nowMs)
        const had = Number(count.get()?.['n'])
        if (had + wanted.length > OPEN_MAX)
          throw new FengsuiError('conflict', `${had} claim codes are open already; at most ${OPEN_MAX} may be`)
        return wanted.map(each => {
          const code = newCode()
          put.run(each.deviceId, hashOf(code), JSON.stringify(each), nowMs, nowMs + lastsMs)
          return { deviceId: each.deviceId, code, expiresAt: new Date(nowMs + lastsMs).toISOString(), wanted: each }
        })
      }),
    list: () =>
      open.all(o.clock.nowMs()).map(row => ({
        deviceId: String(row['device_id']),
        createdAt: new Date(Number(row['created_ms'])).toISOString(),
        expiresAt: new Date(Number(row['expires_ms'])).toISOString(),
      })),
    take: code =>
      inOneTransaction(() => {
        const found = find.get(hashOf(code), o.clock.nowMs())
        if (found === undefined) return null
        use.run(1, hashOf(code))
        return JSON.parse(String(found['wanted'])) as T
      }),
    giveBack: code => void use.run(0, hashOf(code)),
    forget: deviceId => Number(remove.run(deviceId).changes) > 0,
    close: () => database.close(),
  }
}

function newCode(): string {
  const letters = Array.from({ length: CODE_LETTERS }, () => LETTERS[randomInt(LETTERS.length)])
  return Array.from({ length: CODE_LETTERS / GROUP }, (_, i) => letters.slice(i * GROUP, (i + 1) * GROUP).join('')).join('-')
}

/** As it is read: small letters, other marks between, O for 0, I or L for 1. */
function hashOf(code: string): string {
  const read = code
    .toUpperCase()
    .replaceAll(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replaceAll(/[IL]/g, '1')
  return createHash('sha256').update(read).digest('base64url')
}
