// The only writer of the journal's files, in a thread of its own: node:sqlite blocks while it syncs, and the broker's loop must not.
// Alarms go before everything that was not begun yet; each lane is answered in order. After any failure the files are opened anew.
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { journalError } from './database.ts'
import { packGroup } from './encoding.ts'
import type { Lane } from './engine.ts'
import { tidy, type Kept, type RetentionOptions } from './retention.ts'
import { Writing, type WritingOptions } from './writing.ts'

export type WorkerOptions = WritingOptions & RetentionOptions & { addedSyncMs: number }
type Write = { type: 'write'; id: number; lane: Lane; bytes: Uint8Array<ArrayBuffer>; count: number; committedAtMs: number }
type Chore = { type: 'open'; id: number } | { type: 'tidy'; id: number; nowMs: number } | { type: 'close'; id: number }
export type Request = Write | Chore
/** `slab` hands the buffer of a write back for reuse; `tornBytes` were found at the tails of files that were opened for it. */
export type Reply =
  | {
      id: number
      ok: true
      head: number
      tookMs: number
      tornBytes: number
      rotated: boolean
      kept?: Kept | undefined
      slab?: ArrayBuffer | undefined
    }
  | { id: number; ok: false; code: string; message: string; slab?: ArrayBuffer | undefined }
type Done = { head: number; rotated?: boolean; kept?: Kept }

const options = workerData as WorkerOptions
const writing = new Writing(options)
const port = parentPort
const waiting = { alarm: [] as Write[], chore: [] as Chore[], bulk: [] as Write[] }
const sleeper = new Int32Array(new SharedArrayBuffer(4))

const queue = (request: Request): void =>
  request.type === 'write' ? void waiting[request.lane].push(request) : void waiting.chore.push(request)

/** What has arrived since, without going back to the event loop. */
function takeIn(): void {
  if (port === null) return
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) queue(next.message as Request)
}

function alarmsFirst(): void {
  takeIn()
  for (let next = waiting.alarm.shift(); next !== undefined; next = waiting.alarm.shift()) {
    serve(next)
    takeIn()
  }
}

function write(request: Write): Done {
  const { blob, crc32 } = packGroup(request.bytes)
  // an alarm that came while a large group was packed does not wait for the disk behind it
  if (request.lane === 'bulk') alarmsFirst()
  const { head, rotated } = writing.append(blob, crc32, request.count, request.committedAtMs)
  if (options.addedSyncMs > 0) Atomics.wait(sleeper, 0, 0, options.addedSyncMs)
  return { head, rotated }
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

function serve(request: Request): void {
  const slab = request.type === 'write' ? request.bytes.buffer : undefined
  const reply = (answer: Reply): void => port?.postMessage({ ...answer, slab }, slab === undefined ? [] : [slab])
  const startedMs = performance.now()
  const { id } = request
  try {
    const { head, rotated = false, kept } = request.type === 'write' ? write(request) : chore(request)
    reply({ id, ok: true, head, rotated, kept, tookMs: performance.now() - startedMs, tornBytes: writing.takeTorn() })
  } catch (error) {
    writing.giveUp()
    const { code, message } = journalError(`journal in ${options.dir}: ${request.type}`, error)
    reply({ id, ok: false, code, message })
  }
}

function work(): void {
  for (;;) {
    alarmsFirst()
    if (writing.sealNext()) continue
    const next = waiting.chore.shift() ?? waiting.bulk.shift()
    if (next === undefined) return
    serve(next)
  }
}

port?.on('message', (request: Request) => {
  queue(request)
  work()
})
