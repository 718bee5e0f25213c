// The worker seen from the main thread: one promise a request. If the worker dies, what it had is rejected (nobody knows whether it
// reached the disk, so nobody is told it did) and the next request starts a new one.
import { Worker } from 'node:worker_threads'
import { ERROR_CODES, FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import { reasonOf } from './database.ts'
import type { Lane } from './engine.ts'
import type { Reply, Request, WorkerOptions } from './worker.ts'

export type Answer = Omit<Extract<Reply, { ok: true }>, 'id' | 'ok' | 'slab'>
type Waiting = { resolve: (a: Answer) => void; reject: (e: Error) => void }

/** Emptied buffers kept for the next groups, as many as are under way at most; more are left to the garbage collector. */
const SPARE_SLABS_MAX = 6
const SPARE_SLAB_BYTES_MAX = 2 * 1024 * 1024

export class Disk {
  readonly #options: WorkerOptions
  /** by the id of the request; at most the groups under way and a few chores */
  readonly #waiting = new Map<number, Waiting>()
  readonly #spare: ArrayBuffer[] = []
  #worker: Worker | undefined
  #asked = 0

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  /** Opens the files; the answer's head is the one they had. */
  open(): Promise<Answer> {
    return this.#ask({ type: 'open', id: ++this.#asked })
  }

  /** Resolves when the group is on disk. `bytes` is moved away: the caller must not touch it again. */
  write(lane: Lane, bytes: Uint8Array<ArrayBuffer>, count: number, committedAtMs: number): Promise<Answer> {
    return this.#ask({ type: 'write', id: ++this.#asked, lane, bytes, count, committedAtMs }, [bytes.buffer])
  }

  /** Puts old segments away and removes at most one that is past its time. */
  tidy(nowMs: number): Promise<Answer> {
    return this.#ask({ type: 'tidy', id: ++this.#asked, nowMs })
  }

  spareSlab(): ArrayBuffer | undefined {
    return this.#spare.pop()
  }

  async close(): Promise<void> {
    if (this.#worker === undefined) return
    try {
      await this.#ask({ type: 'close', id: ++this.#asked })
    } finally {
      const worker = this.#worker
      this.#worker = undefined
      await worker?.terminate()
    }
  }

  #ask(request: Request, transfer: ArrayBuffer[] = []): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start()
      this.#waiting.set(request.id, { resolve, reject })
      this.#worker.postMessage(request, transfer)
    })
  }

  #start(): Worker {
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: this.#options, name: 'journal' })
    worker.on('message', (reply: Reply) => this.#answered(reply))
    worker.on('error', error => this.#died(worker, reasonOf(error)))
    worker.on('exit', code => this.#died(worker, `it ended with code ${code}`))
    return worker
  }

  #answered(reply: Reply): void {
    if (reply.slab !== undefined && this.#spare.length < SPARE_SLABS_MAX && reply.slab.byteLength <= SPARE_SLAB_BYTES_MAX)
      this.#spare.push(reply.slab)
    const waiting = this.#waiting.get(reply.id)
    this.#waiting.delete(reply.id)
    if (reply.ok) waiting?.resolve(reply)
    else waiting?.reject(new FengsuiError(asCode(reply.code), reply.message))
  }

  #died(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const lost = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const waiting of lost) waiting.reject(new FengsuiError('journal-unavailable', `the journal's writer thread died: ${reason}`))
  }
}

const isCode = (code: string): code is ErrorCode => code in ERROR_CODES
const asCode = (code: string): ErrorCode => (isCode(code) ? code : 'journal-unavailable')
