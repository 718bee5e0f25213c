// What outlives a restart of the door: persistent sessions with their filters, their unacknowledged messages and half-done QoS 2,
// and retained messages. Changes are gathered and written in one transaction before anything that tells of them leaves the door
// (guard.ts). Survives the death of the process at any moment; a power cut may take the last moments, since it is not synced for
// each: the messages themselves are in the journal, which is.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Log } from '#contracts/clock.ts'
import type { Outgoing } from './queues.ts'

export type KeptMessage = { row: number; id: string; packet: Outgoing }
export type KeptRetained = { topic: string; payload: Uint8Array; qos: number }
export type Kept = {
  sessions: string[]
  subscriptions: { id: string; topic: string; qos: number }[]
  queued: KeptMessage[]
  halfDone: { id: string; messageId: number }[]
  retained: KeptRetained[]
}

const SCHEMA = `
PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS sessions (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS subscriptions (id TEXT, topic TEXT, qos INTEGER NOT NULL, PRIMARY KEY (id, topic)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queued (row INTEGER PRIMARY KEY, id TEXT NOT NULL, cmd TEXT NOT NULL, message_id INTEGER, topic TEXT, payload BLOB,
  qos INTEGER NOT NULL, retain INTEGER NOT NULL) STRICT;
CREATE INDEX IF NOT EXISTS queued_of ON queued (id);
CREATE TABLE IF NOT EXISTS half_done (id TEXT, message_id INTEGER, PRIMARY KEY (id, message_id)) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS retained (topic TEXT PRIMARY KEY, payload BLOB NOT NULL, qos INTEGER NOT NULL) STRICT, WITHOUT ROWID`

/** Nobody else writes to it; and while it waits, nobody is acknowledged. */
const BUSY_MS = 20
/** After a failure it is tried again this much later; meanwhile the door works from memory, as it always does. */
const RETRY_MS = 1000
/** Changes that wait for a disk that does not take them; beyond it what is on disk would be too old to be of use. */
const WAITING_MAX = 500_000

type Change = { sql: string; values: (string | number | null | Uint8Array)[] }

export class SessionFile {
  readonly #database: DatabaseSync | null
  readonly #log: Log
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>()
  /** sessions of which anything may be on disk: most clients are clean and cost nothing here */
  readonly #known = new Set<string>()
  #changes: Change[] = []
  readonly #queued = new Map<number, KeptMessage | null>()
  #lastRow = 0
  #writtenRow = 0
  #retryAtMs = 0
  #problem: string | null = null
  #isClosed = false

  /** Without a folder nothing is kept: for tests of other things. */
  constructor(o: { dir: string | undefined; log: Log }) {
    this.#log = o.log
    this.#database = o.dir === undefined ? null : new DatabaseSync(join(o.dir, 'sessions.db'), { timeout: BUSY_MS })
    this.#database?.exec(SCHEMA)
  }

  /** null = all is well */
  get problem(): string | null {
    return this.#problem
  }

  get isDirty(): boolean {
    return this.#changes.length > 0 || this.#queued.size > 0
  }

  /** All that was kept, once, at start. */
  restore(): Kept {
    const all = (sql: string): Record<string, unknown>[] => this.#database?.prepare(sql).all() ?? []
    const queued = all('SELECT * FROM queued ORDER BY row').map(r => ({ row: Number(r['row']), id: String(r['id']), packet: packetOf(r) }))
    const kept: Kept = {
      sessions: all('SELECT id FROM sessions').map(r => String(r['id'])),
      subscriptions: all('SELECT * FROM subscriptions').map(r => ({
        id: String(r['id']),
        topic: String(r['topic']),
        qos: Number(r['qos']),
      })),
      queued,
      halfDone: all('SELECT * FROM half_done').map(r => ({ id: String(r['id']), messageId: Number(r['message_id']) })),
      retained: all('SELECT * FROM retained').map(r => ({
        topic: String(r['topic']),
        payload: r['payload'] as Uint8Array,
        qos: Number(r['qos']),
      })),
    }
    this.#lastRow = this.#writtenRow = queued.at(-1)?.row ?? 0
    for (const { id } of [...kept.subscriptions, ...queued, ...kept.halfDone]) this.#known.add(id)
    for (const id of kept.sessions) this.#known.add(id)
    return kept
  }

  session(id: string): void {
    if (this.#known.has(id)) return
    this.#known.add(id)
    this.#change('INSERT OR IGNORE INTO sessions VALUES (?)', id)
  }

  /** The session is over, with all that is of it. */
  end(id: string): void {
    if (!this.#known.delete(id)) return
    for (const [row, message] of this.#queued) if (message?.id === id) this.#queued.delete(row)
    for (const table of ['sessions', 'subscriptions', 'queued', 'half_done']) this.#change(`DELETE FROM ${table} WHERE id = ?`, id)
  }

  subscribed(id: string, topic: string, qos: number): void {
    this.#known.add(id)
    this.#change('INSERT OR REPLACE INTO subscriptions VALUES (?, ?, ?)', id, topic, qos)
  }

  unsubscribed(id: string, topic: string): void {
    this.#change('DELETE FROM subscriptions WHERE id = ? AND topic = ?', id, topic)
  }

  nextRow(): number {
    return ++this.#lastRow
  }

  queued(row: number, id: string, packet: Outgoing): void {
    if (this.#database === null) return
    this.#known.add(id)
    this.#queued.set(row, { row, id, packet })
  }

  /** One that was acknowledged before it was written is never written. */
  unqueued(row: number): void {
    if (row > this.#writtenRow) this.#queued.delete(row)
    else if (this.#database !== null) this.#queued.set(row, null)
  }

  halfDone(id: string, messageId: number, isSo: boolean): void {
    if (isSo) this.#known.add(id)
    const sql = isSo ? 'INSERT OR IGNORE INTO half_done VALUES (?, ?)' : 'DELETE FROM half_done WHERE id = ? AND message_id = ?'
    this.#change(sql, id, messageId)
  }

  noneHalfDone(id: string): void {
    if (this.#known.has(id)) this.#change('DELETE FROM half_done WHERE id = ?', id)
  }

  retained({ topic, payload, qos }: KeptRetained): void {
    if (payload.byteLength === 0) this.#change('DELETE FROM retained WHERE topic = ?', topic)
    else this.#change('INSERT OR REPLACE INTO retained VALUES (?, ?, ?)', topic, payload, qos)
  }

  /** Writes what is not written yet. Never throws: the door goes on from memory, says so, and tries again. */
  commit(): void {
    const database = this.#database
    if (database === null || this.#isClosed || !this.isDirty || performance.now() < this.#retryAtMs) return
    try {
      database.exec('BEGIN IMMEDIATE')
      for (const { sql, values } of this.#changes) this.#statement(sql).run(...values)
      for (const [row, message] of this.#queued) this.#write(row, message)
      database.exec('COMMIT')
      this.#changes = []
      this.#queued.clear()
      this.#writtenRow = this.#lastRow
      this.#problem = null
    } catch (error) {
      this.#failed(database, error as Error)
    }
  }

  close(): void {
    this.#retryAtMs = 0
    this.commit()
    this.#isClosed = true
    this.#database?.close()
  }

  #write(row: number, message: KeptMessage | null): void {
    if (message === null) return void this.#statement('DELETE FROM queued WHERE row = ?').run(row)
    const { cmd, messageId, topic, payload, qos, retain } = message.packet
    this.#statement('INSERT OR REPLACE INTO queued VALUES (?, ?, ?, ?, ?, ?, ?, ?)').run(
      row,
      message.id,
      cmd,
      messageId ?? null,
      topic ?? null,
      payload ?? null,
      qos ?? 0,
      retain === true ? 1 : 0,
    )
  }

  #failed(database: DatabaseSync, error: Error): void {
    if (database.isTransaction) database.exec('ROLLBACK')
    if (this.#problem === null)
      this.#log.error({ err: error }, 'sessions could not be written: until they can, a restart forgets what is new')
    this.#problem = `sessions cannot be written: ${error.message}`
    this.#retryAtMs = performance.now() + RETRY_MS
    if (this.#changes.length + this.#queued.size <= WAITING_MAX) return
    this.#changes = ['sessions', 'subscriptions', 'queued', 'half_done'].map(table => ({ sql: `DELETE FROM ${table}`, values: [] }))
    this.#queued.clear()
    this.#known.clear()
    this.#log.error(
      { waiting: WAITING_MAX },
      'too many changes of sessions wait for the disk: those of before are forgotten at the next start',
    )
  }

  #change(sql: string, ...values: Change['values']): void {
    if (this.#database !== null) this.#changes.push({ sql, values })
  }

  #statement(sql: string): ReturnType<DatabaseSync['prepare']> {
    let statement = this.#statements.get(sql)
    if (statement === undefined && this.#database !== null) this.#statements.set(sql, (statement = this.#database.prepare(sql)))
    return statement!
  }
}

function packetOf(row: Record<string, unknown>): Outgoing {
  const messageId = row['message_id'] === null ? undefined : Number(row['message_id'])
  if (row['cmd'] !== 'publish') return { cmd: String(row['cmd']), messageId }
  return {
    cmd: 'publish',
    topic: String(row['topic']),
    payload: Buffer.from(row['payload'] as Uint8Array),
    qos: Number(row['qos']),
    retain: row['retain'] === 1,
    messageId,
  }
}
