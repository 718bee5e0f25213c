// Who may use the HTTP API: users (scrypt), their sessions (12 h) and service tokens, in DATA_DIR/accounts.db.
// Session and service tokens are 256 random bits and stand in the file only as SHA-256; nothing here logs.
import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { ROLES, SCOPES, SCOPES_OF, type Principal, type Role, type Scope } from '#contracts/people.ts'
import { checkPassword, hashPassword, newPassword } from './passwords.ts'

export const SESSION_MS = 12 * 3600 * 1000
/** a user's older sessions end beyond this many */
const SESSIONS_PER_USER_MAX = 50
const USERNAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/
export const ADMIN = 'admin'

export type User = { username: string; role: Role; createdAt: string; disabled: boolean }
export type Session = { token: string; principal: Principal; expiresAt: string }
export type Accounts = {
  /** Makes the user `admin` when no administrator exists; answers the password only if it was made here. */
  ensureAdmin(password?: string): Promise<{ created: boolean; password?: string }>
  /** Answers the password, made here where none is given. @throws conflict, invalid-request */
  addUser(username: string, role: Role, password?: string): Promise<{ username: string; password: string }>
  /** Ends the user's sessions. @throws not-found, invalid-request */
  setPassword(username: string, password?: string): Promise<{ username: string; password: string }>
  /** One's own, proved by the one before; all other sessions of the user end. @throws bad-credentials, invalid-request */
  changePassword(username: string, o: { before: string; password: string; token: string }): Promise<void>
  /** @throws conflict for the last administrator */
  removeUser(username: string): boolean
  listUsers(): User[]
  /** Disabling ends the user's sessions. @throws not-found; conflict for the last administrator that is not disabled */
  changeUser(username: string, o: { role?: Role; disabled?: boolean }): User
  /** @throws bad-credentials, never saying which of the two was wrong */
  login(username: string, password: string): Promise<Session>
  logout(token: string): boolean
  /** null = unknown, expired or revoked */
  principal(token: string): Principal | null
  /** A token of the same name is replaced. @throws invalid-request */
  issueToken(name: string, scopes: readonly Scope[]): { token: string }
  revokeToken(name: string): boolean
  listTokens(): { name: string; scopes: Scope[]; createdAt: string }[]
  close(): void
}

const SCHEMA = `PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
  CREATE TABLE IF NOT EXISTS user (username TEXT PRIMARY KEY COLLATE NOCASE, role TEXT NOT NULL, hash TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS session (hash BLOB PRIMARY KEY, username TEXT NOT NULL COLLATE NOCASE REFERENCES user ON DELETE CASCADE,
    expires_ms INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS session_of ON session (username, expires_ms);
  CREATE TABLE IF NOT EXISTS disabled (username TEXT PRIMARY KEY COLLATE NOCASE REFERENCES user ON DELETE CASCADE, at TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS token (name TEXT PRIMARY KEY, hash BLOB NOT NULL UNIQUE, scopes TEXT NOT NULL, created_at TEXT NOT NULL) STRICT;`

const hashOf = (token: string): Buffer => createHash('sha256').update(token).digest()
const newToken = (prefix: 'fss' | 'fst'): string => `${prefix}_${randomBytes(32).toString('base64url')}`
const isRole = (role: unknown): role is Role => ROLES.includes(role as Role)
const isScope = (scope: unknown): scope is Scope => SCOPES.includes(scope as Scope)
const userPrincipal = (name: string, role: Role): Principal => ({ name, kind: 'user', role, scopes: SCOPES_OF[role] })
const scopesOf = (json: unknown): Scope[] => (JSON.parse(String(json)) as unknown[]).filter(isScope)

/** Opens (and makes) DATA_DIR/accounts.db; other processes may have it open too. */
export function openAccounts(o: { dir: string; clock: Clock }): Accounts {
  const db = new DatabaseSync(join(o.dir, 'accounts.db'))
  db.exec(SCHEMA)
  const nowIso = (): string => new Date(o.clock.nowMs()).toISOString()
  const findUser = db.prepare(
    'SELECT username, role, hash FROM user WHERE username = ? AND username NOT IN (SELECT username FROM disabled)',
  )
  const hashNow = (username: string): string | undefined => {
    const user = findUser.get(username)
    return user === undefined ? undefined : String(user['hash'])
  }
  const insertUser = db.prepare('INSERT INTO user (username, role, hash, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING')
  const findSession = db.prepare(
    'SELECT user.username, role FROM session JOIN user ON user.username = session.username WHERE session.hash = ? AND expires_ms > ?',
  )
  const findToken = db.prepare('SELECT name, scopes FROM token WHERE hash = ?')
  const administrators = db.prepare(`SELECT username FROM user WHERE role = 'admin' AND username NOT IN (SELECT username FROM disabled)`)
  const users = db.prepare(
    `SELECT user.username, role, created_at, disabled.at FROM user LEFT JOIN disabled USING (username) ORDER BY user.username`,
  )
  const listUsers = (): User[] =>
    users.all().map(row => ({
      username: String(row['username']),
      role: row['role'] as Role,
      createdAt: String(row['created_at']),
      disabled: row['at'] !== null,
    }))
  const isLastAdmin = (username: string): boolean => {
    const admins = administrators.all()
    return admins.length === 1 && String(admins[0]?.['username']).toLowerCase() === username.toLowerCase()
  }
  const endOtherSessions = db.prepare('DELETE FROM session WHERE username = ? AND hash <> ?')
  const endSessions = db.prepare('DELETE FROM session WHERE username = ?')
  const trimSessions = db.prepare(`DELETE FROM session WHERE expires_ms <= ? OR hash IN
    (SELECT hash FROM session WHERE username = ? ORDER BY expires_ms DESC LIMIT -1 OFFSET ?)`)

  async function addUser(username: string, role: Role, password = newPassword()) {
    if (!USERNAME.test(username)) throw new FengsuiError('invalid-request', 'a user name has 1 to 64 letters, digits and . _ @ -')
    if (!isRole(role)) throw new FengsuiError('invalid-request', `role must be one of ${ROLES.join(', ')}`)
    const { changes } = insertUser.run(username, role, await hashPassword(password), nowIso())
    if (changes === 0) throw new FengsuiError('conflict', `user ${username} exists already`)
    return { username, password }
  }

  return {
    addUser,
    async ensureAdmin(given) {
      if (administrators.get() !== undefined) return { created: false }
      const { password } = await addUser(ADMIN, 'admin', given)
      return given === undefined ? { created: true, password } : { created: true }
    },
    async setPassword(username, password = newPassword()) {
      const { changes } = db.prepare('UPDATE user SET hash = ? WHERE username = ?').run(await hashPassword(password), username)
      if (changes === 0) throw new FengsuiError('not-found', `there is no user ${username}`)
      endSessions.run(username)
      return { username, password }
    },
    async changePassword(username, { before, password, token }) {
      const hash = hashNow(username)
      if (!(await checkPassword(before, hash))) throw new FengsuiError('bad-credentials', 'the password of now is wrong')
      const after = await hashPassword(password)
      // an administrator was first: what he set stands, and the session that asked is over
      if (hashNow(username) !== hash || findSession.get(hashOf(token), o.clock.nowMs()) === undefined)
        throw new FengsuiError('unauthenticated', 'the session ended meanwhile')
      db.prepare('UPDATE user SET hash = ? WHERE username = ?').run(after, username)
      endOtherSessions.run(username, hashOf(token))
    },
    removeUser(username) {
      if (isLastAdmin(username)) throw new FengsuiError('conflict', `${username} is the last administrator`)
      return db.prepare('DELETE FROM user WHERE username = ?').run(username).changes > 0
    },
    listUsers,
    changeUser(username, { role, disabled }) {
      const known = listUsers().find(user => user.username.toLowerCase() === username.toLowerCase())
      if (known === undefined) throw new FengsuiError('not-found', `there is no user ${username}`)
      const ceases = (role !== undefined && role !== 'admin') || disabled === true
      if (ceases && isLastAdmin(username)) throw new FengsuiError('conflict', `${known.username} is the last administrator`)
      if (role !== undefined) db.prepare('UPDATE user SET role = ? WHERE username = ?').run(role, known.username)
      if (disabled === true) {
        db.prepare('INSERT OR IGNORE INTO disabled VALUES (?, ?)').run(known.username, nowIso())
        endSessions.run(known.username)
      }
      if (disabled === false) db.prepare('DELETE FROM disabled WHERE username = ?').run(known.username)
      return { ...known, ...(role === undefined ? {} : { role }), ...(disabled === undefined ? {} : { disabled }) }
    },
    async login(username, password) {
      const hash = hashNow(username)
      const isRight = await checkPassword(password, hash)
      // looked at again: disabled, removed or given another password meanwhile, nobody may come in by what was right before
      const user = isRight ? findUser.get(username) : undefined
      const role = user?.['role']
      if (user === undefined || user['hash'] !== hash || !isRole(role))
        throw new FengsuiError('bad-credentials', 'user name or password is wrong')
      const token = newToken('fss')
      const expiresMs = o.clock.nowMs() + SESSION_MS
      const name = String(user['username'])
      db.prepare('INSERT INTO session (hash, username, expires_ms) VALUES (?, ?, ?)').run(hashOf(token), name, expiresMs)
      trimSessions.run(o.clock.nowMs(), name, SESSIONS_PER_USER_MAX)
      return { token, principal: userPrincipal(name, role), expiresAt: new Date(expiresMs).toISOString() }
    },
    logout: token => db.prepare('DELETE FROM session WHERE hash = ?').run(hashOf(token)).changes > 0,
    principal(token) {
      // looked up by the hash of 256 random bits: the time of the search says nothing about a token
      const hash = hashOf(token)
      const session = findSession.get(hash, o.clock.nowMs())
      if (session !== undefined) return isRole(session['role']) ? userPrincipal(String(session['username']), session['role']) : null
      const service = findToken.get(hash)
      return service === undefined ? null : { name: String(service['name']), kind: 'token', scopes: scopesOf(service['scopes']) }
    },
    issueToken(name, scopes) {
      if (!USERNAME.test(name)) throw new FengsuiError('invalid-request', 'a token name has 1 to 64 letters, digits and . _ @ -')
      const unknown = scopes.find(scope => !isScope(scope))
      if (unknown !== undefined) throw new FengsuiError('invalid-request', `scope ${String(unknown)} is not one of ${SCOPES.join(', ')}`)
      const token = newToken('fst')
      const row = [name, hashOf(token), JSON.stringify(scopes), nowIso()] as const
      db.prepare('INSERT OR REPLACE INTO token (name, hash, scopes, created_at) VALUES (?, ?, ?, ?)').run(...row)
      return { token }
    },
    revokeToken: name => db.prepare('DELETE FROM token WHERE name = ?').run(name).changes > 0,
    listTokens: () =>
      db
        .prepare('SELECT name, scopes, created_at FROM token ORDER BY name')
        .all()
        .map(row => ({ name: String(row['name']), scopes: scopesOf(row['scopes']), createdAt: String(row['created_at']) })),
    close: () => db.close(),
  }
}
