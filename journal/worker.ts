// The only writer of the journal's files, in a thread of its own: node:sqlite blocks while it syncs, and the broker's loop must not.
// Alarms go before everything that was not begun yet; each lane is answered in order. After any failure the files are opened anew.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { journalError } from './database.ts'
import { packGroup, packGroupAside, type Packed } from './encoding.ts'
import type { Lane } from './engine.ts'
import { tidy, type Kept, type RetentionOptions } from './retention.ts'
import { Writing, type Lost, type WritingOptions } from './writing.ts'

export type WorkerOptions = WritingOptions & RetentionOptions & { addedSyncMs: number }
type Write = { type: 'write'; id: number; lane: Lane; bytes: Uint8Array<ArrayBuffer>; count: number; committedAtMs: number }
type Chore = { type: 'open'; id: number } | { type: 'tidy'; id: number; nowMs: number } | { type: 'close'; id: number }
export type Request = Write | Chore
/** `slab` hands the buffer of a write back for reuse; `tornBytes` and `lost` were found at the tails of files that were opened for it. */
export type Reply =
  | {
      id: number
      ok: true
      head: number
      tookMs: number
      tornBytes: number
      lost: Lost | null
      rotated: boolean
      kept?: Kept | undefined
      slab?: ArrayBuffer | undefined
    }
  | { id: number; ok: false; code: string; message: string; slab?: ArrayBuffer | undefined }
/** A bulk group in hand; `asideSinceMs` while another core packs it, which the slab must outlive. */
type Bulk = { request: Write; packed: Packed | null; asideSinceMs: number | null }
type Done = { head: number; rotated?: boolean; kept?: Kept }

const options = workerData as WorkerOptions
const writing = new Writing(options)
const port = parentPort
const waiting = { alarm: [] as Write[], chore: [] as Chore[], bulk: [] as Bulk[] }
const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** Packing a group this large takes longer than handing it to another core. */
const PACK_ASIDE_BYTES = 32 * 1024
/** The other core may have a queue of its own (a thousand passwords to check): then it is packed here after all. */
const ASIDE_PATIENCE_MS = 10

function queue(request: Request): void {
  if (request.type !== 'write') waiting.chore.push(request)
  else if (request.lane === 'alarm') waiting.alarm.push(request)
  else waiting.bulk.push(begin(request))
}

/** A large group is packed while the one before it is packed or at the disk. */
function begin(request: Write): Bulk {
  const bulk: Bulk = { request, packed: null, asideSinceMs: null }
  if (waiting.bulk.length === 0 || request.bytes.length < PACK_ASIDE_BYTES) return bulk
  bulk.asideSinceMs = performance.now()
  packGroupAside(request.bytes, (error, packed) => {
    bulk.asideSinceMs = null
    if (error === null) bulk.packed ??= packed
    work()
  })
  return bulk
}

/** What has arrived since, without going back to the event loop. */
function takeIn(): void {
  if (port === null) return
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) queue(next.message as Request)
}

function write({ count, committedAtMs }: Write, { blob, crc32 }: Packed): Done {
  const done = writing.append(blob, crc32, count, committedAtMs)
  if (options.addedSyncMs > 0) Atomics.wait(sleeper, 0, 0, options.addedSyncMs)
  return done
}

function chore(request: Chore): Done {
  if (request.type === 'close') {
    writing.close()
    return { head: 0 }
  }
  const head = writing.head()
  writing.sealLeftOvers()
  return request.type === 'open' ? { head } : { head, kept: tidy(options, request.nowMs) }
}

/** What opening has found since the last answer. */
const tailOf = (): { tornBytes: number; lost: Lost | null } => ({ tornBytes: writing.takeTorn(), lost: writing.takeLost() })

/** `slab` goes back for reuse. */
function serve(request: Request, slab: ArrayBuffer | null, doIt: () => Done): void {
  const startedMs = performance.now()
  const reply = (answer: Reply): void => port?.postMessage(answer, slab === null ? [] : [slab])
  const { id } = request
  const handedBack = slab === null ? {} : { slab }
  try {
    const { head, rotated = false, kept } = doIt()
    reply({ id, ok: true, head, rotated, kept, tookMs: performance.now() - startedMs, ...tailOf(), ...handedBack })
  } catch (error) {
    writing.giveUp()
    const { code, message } = journalError(`journal in ${options.dir}: ${request.type}`, error)
    reply({ id, ok: false, code, message, ...handedBack })
  }
}

function serveBulk({ request, asideSinceMs }: Bulk, packed: Packed): void {
  serve(request, asideSinceMs === null ? request.bytes.buffer : null, () => write(request, packed))
  waiting.bulk.shift()
}

/** One step of the oldest bulk group; false while another core has it. */
function bulkStep(bulk: Bulk): boolean {
  const { packed, asideSinceMs, request } = bulk
  if (packed !== null) {
    serveBulk(bulk, packed)
    return true
  }
  const patienceMs = asideSinceMs === null ? 0 : asideSinceMs + ASIDE_PATIENCE_MS - performance.now()
  if (patienceMs > 0) setTimeout(work, patienceMs)
  else bulk.packed = packGroup(request.bytes)
  return patienceMs <= 0
}

/** One step; false when there is nothing to do until something comes. What has begun is all that an alarm waits for. */
function step(): boolean {
  takeIn()
  const alarm = waiting.alarm.shift()
  if (alarm !== undefined) {
    serve(alarm, alarm.bytes.buffer, () => write(alarm, packGroup(alarm.bytes)))
    return true
  }
  if (writing.sealNext()) return true
  const task = waiting.chore.shift()
  if (task !== undefined) {
    serve(task, null, () => chore(task))
    return true
  }
  const [bulk] = waiting.bulk
  return bulk !== undefined && bulkStep(bulk)
}

function work(): void {
  while (step());
}

port?.on('message', (request: Request) => {
  queue(request)
  work()
})
