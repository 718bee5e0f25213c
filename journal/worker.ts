// The only writer of journal.db, in a thread of its own: node:sqlite blocks while it syncs, and the broker's loop must not.
// Answers each request once and in order. After any failure it opens the file anew, so that a disk that comes back is used.
import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { HEAD_SQL, JOURNAL_FILE, JOURNAL_SCHEMA, journalError, openForWriting } from './database.ts'
import { packGroup } from './encoding.ts'

export type WorkerOptions = { dir: string; maxFileBytes: number | null }
export type Request =
  | { type: 'open' }
  | { type: 'write'; bytes: Uint8Array<ArrayBuffer>; count: number; committedAtMs: number }
  | { type: 'close' }
/** `slab` hands the buffer of a write back for reuse. */
export type Reply =
  | { ok: true; head: number; tookMs: number; slab?: ArrayBuffer | undefined }
  | { ok: false; code: string; message: string; slab?: ArrayBuffer | undefined }

type Open = { database: DatabaseSync; head: StatementSync; insert: StatementSync }

const { dir, maxFileBytes } = workerData as WorkerOptions
let open: Open | undefined

function opened(): Open {
  if (open !== undefined) return open
  const database = openForWriting(dir, JOURNAL_FILE, JOURNAL_SCHEMA)
  if (maxFileBytes !== null) {
    const pageBytes = Number(database.prepare('PRAGMA page_size').get()?.['page_size'])
    database.exec(`PRAGMA max_page_count = ${Math.max(1, Math.floor(maxFileBytes / pageBytes))}`)
  }
  const insert = database.prepare('INSERT INTO groups (first_seq, last_seq, committed_at_ms, count, crc32, blob) VALUES (?, ?, ?, ?, ?, ?)')
  return (open = { database, head: database.prepare(HEAD_SQL), insert })
}

const headOf = (o: Open): number => Number(o.head.get()?.['head'] ?? 0)

/** Returns the new head. The head is read inside the transaction, so not even a second writer could make a gap or a double. */
function write(bytes: Uint8Array, count: number, committedAtMs: number): number {
  const { blob, crc32 } = packGroup(bytes)
  const o = opened()
  o.database.exec('BEGIN IMMEDIATE')
  const firstSeq = headOf(o) + 1
  const lastSeq = firstSeq + count - 1
  o.insert.run(firstSeq, lastSeq, committedAtMs, count, crc32, blob)
  o.database.exec('COMMIT')
  return lastSeq
}

/** Closing rolls back what was open. A file that cannot even be closed is left to the process' end; the next try opens a new one. */
function giveUp(): void {
  const failed = open
  open = undefined
  try {
    failed?.database.close()
  } catch {
    // the failure that brought us here has been reported; this one says nothing new
  }
}

function answer(request: Request): Reply {
  const startedMs = performance.now()
  const done = (head: number): Reply => ({ ok: true, head, tookMs: performance.now() - startedMs })
  if (request.type === 'open') return done(headOf(opened()))
  if (request.type === 'write') return done(write(request.bytes, request.count, request.committedAtMs))
  open?.database.close()
  open = undefined
  return done(0)
}

function answerOrFail(request: Request): Reply {
  try {
    return answer(request)
  } catch (error) {
    giveUp()
    const { code, message } = journalError(`journal in ${dir}: ${request.type}`, error)
    return { ok: false, code, message }
  }
}

parentPort?.on('message', (request: Request) => {
  const reply = answerOrFail(request)
  const slabs = request.type === 'write' ? [request.bytes.buffer] : []
  parentPort?.postMessage({ ...reply, slab: slabs[0] }, slabs)
})
