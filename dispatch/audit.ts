// The audit trail: who did what to what, when. Append-only; every entry carries the SHA-256 of itself and of the one before, and
// the head is kept apart, so that a changed, removed or cut-off entry is found. It proves order, not who held the keyboard, and a
// person who can rewrite the whole file can rewrite the whole chain: copy the head elsewhere (it is in every backup).
import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'

export type AuditEntry = {
  seq: number
  at: string
  actor: string
  action: string
  subject: string
  detail?: unknown
  prevHash: string
  hash: string
}

/** `actor` and `subject`: part of it; `action`: how it begins; `from` <= at < `to`, RFC 3339 in UTC as the trail writes it. */
export type AuditFilter = { actor?: string; action?: string; subject?: string; from?: string; to?: string }
/** `next`: there may be more before this seq; absent = the whole trail was looked through. */
export type AuditFound = { entries: AuditEntry[]; next?: number }

export type AuditVerdict = { ok: boolean; entries: number; problem?: string }

type Row = {
  seq: number
  at: string
  actor: string
  action: string
  subject: string
  detail: string | null
  prev_hash: string
  hash: string
}

/** Looked through in one question: the queue's thread answers, and a trail of years must not hold it up. The answer says where to go on. */
export const SEARCHED_MAX = 20_000

const NOTHING_BEFORE = '0'.repeat(64)

const hashOf = (r: Omit<Row, 'hash'>): string =>
  createHash('sha256')
    .update(JSON.stringify([r.prev_hash, r.seq, r.at, r.actor, r.action, r.subject, r.detail]))
    .digest('hex')

const toEntry = ({ detail, prev_hash: prevHash, ...rest }: Row): AuditEntry => ({
  ...rest,
  ...(detail === null ? {} : { detail: JSON.parse(detail) as unknown }),
  prevHash,
})

export type AuditTrail = ReturnType<typeof openAuditTrail>

export const openAuditTrail = (db: DatabaseSync) => {
  const last = db.prepare('SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1')
  const insert = db.prepare('INSERT INTO audit VALUES (:seq, :at, :actor, :action, :subject, :detail, :prev_hash, :hash)')
  const setHead = db.prepare("INSERT INTO meta VALUES ('audit_head', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
  const newest = db.prepare('SELECT * FROM audit WHERE seq < ? ORDER BY seq DESC LIMIT ? + 0')
  const found = db.prepare(`SELECT * FROM audit WHERE seq < :before AND seq >= :floor AND instr(actor, :actor) > 0
    AND substr(action, 1, length(:action)) = :action AND instr(subject, :subject) > 0 AND at >= :from AND at < :to ORDER BY seq DESC LIMIT :limit + 0`)

  return {
    /** Inside the caller's transaction. */
    append(e: { at: string; actor: string; action: string; subject: string; detail?: unknown }): void {
      const before = last.get() as { seq: number; hash: string } | undefined
      const body = {
        seq: (before?.seq ?? 0) + 1,
        at: e.at,
        // half a character is not kept by the file as it is, and would look like tampering
        actor: e.actor.toWellFormed(),
        action: e.action.toWellFormed(),
        subject: e.subject.toWellFormed(),
        detail: e.detail === undefined ? null : JSON.stringify(e.detail),
        prev_hash: before?.hash ?? NOTHING_BEFORE,
      }
      const hash = hashOf(body)
      insert.run({ ...body, hash })
      setHead.run(`${body.seq}:${hash}`)
    },
    /** Newest first; `before` = only entries with a smaller seq. */
    list: (limit: number, before = Number.MAX_SAFE_INTEGER): AuditEntry[] => (newest.all(before, limit) as unknown as Row[]).map(toEntry),
    /** Newest first, of at most `searchedMax` entries before `before`. */
    search({
      limit,
      before,
      searchedMax = SEARCHED_MAX,
      ...filter
    }: AuditFilter & { limit: number; before?: number; searchedMax?: number }): AuditFound {
      const end = before ?? ((last.get() as { seq: number } | undefined)?.seq ?? 0) + 1
      const floor = Math.max(1, end - searchedMax)
      const { actor = '', action = '', subject = '', from = '', to = '~' } = filter
      const entries = (found.all({ before: end, floor, actor, action, subject, from, to, limit }) as unknown as Row[]).map(toEntry)
      const next = entries.length === limit ? (entries.at(-1)?.seq ?? 1) : floor
      return { entries, ...(next > 1 ? { next } : {}) }
    },
  }
}

const walk = (db: DatabaseSync, walked: (entries: number) => void): AuditVerdict => {
  let entries = 0
  let previous = NOTHING_BEFORE
  for (const row of db.prepare('SELECT * FROM audit ORDER BY seq').iterate() as Iterable<unknown>) {
    const entry = row as Row
    const fail = (why: string): AuditVerdict => ({ ok: false, entries, problem: `audit entry ${entry.seq} of ${entry.at}: ${why}` })
    if (entry.seq !== entries + 1) return fail(`entry ${entries + 1} is missing before it`)
    if (entry.prev_hash !== previous) return fail('it does not follow from the entry before it')
    if (hashOf(entry) !== entry.hash) return fail('its content is not what was written')
    previous = entry.hash
    entries += 1
    walked(entries)
  }
  const head = db.prepare("SELECT value FROM meta WHERE key = 'audit_head'").get()?.['value']
  if (head !== undefined && head !== `${entries}:${previous}`)
    return {
      ok: false,
      entries,
      problem: `the trail ends at entry ${entries}, but its head says ${String(head).split(':')[0]}: entries were cut off`,
    }
  if (head === undefined && entries > 0) return { ok: false, entries, problem: 'the head of the trail is missing' }
  return { ok: true, entries }
}

/** Walks the whole chain; says the first place where it does not hold, also where the file itself cannot be read. */
export const verifyChain = (db: DatabaseSync): AuditVerdict => {
  let entries = 0
  try {
    return walk(db, n => void (entries = n))
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return { ok: false, entries, problem: `after audit entry ${entries} the file cannot be read: ${why}` }
  }
}

/** `<entries>:<hash>` of the newest entry; empty where there is none. */
export const auditHead = (db: DatabaseSync): string =>
  String(db.prepare("SELECT value FROM meta WHERE key = 'audit_head'").get()?.['value'] ?? '')
