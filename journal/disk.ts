// The worker seen from the main thread: one promise a request, answered in order. If the worker dies, what it had is rejected
// (nobody knows whether it reached the disk, so nobody is told it did) and the next request starts a new one.
import { Worker } from 'node:worker_threads'
import { ERROR_CODES, FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import { reasonOf } from './database.ts'
import type { Reply, Request, WorkerOptions } from './worker.ts'

export type Written = { head: number; tookMs: number }
type Waiting = { resolve: (w: Written) => void; reject: (e: Error) => void }

/** Emptied buffers kept for the next groups; more are left to the garbage collector. */
const SPARE_SLABS_MAX = 4
const SPARE_SLAB_BYTES_MAX = 2 * 1024 * 1024

export class Disk {
  readonly #options: WorkerOptions
  readonly #waiting: Waiting[] = []
  readonly #spare: ArrayBuffer[] = []
  #worker: Worker | undefined

  constructor(options: WorkerOptions) {
    this.#options = options
  }

  /** Opens the file; the head it had. */
  async open(): Promise<number> {
    return (await this.#ask({ type: 'open' })).head
  }

  /** Resolves when the group is on disk. `bytes` is moved away: the caller must not touch it again. */
  write(bytes: Uint8Array<ArrayBuffer>, count: number, committedAtMs: number): Promise<Written> {
    return this.#ask({ type: 'write', bytes, count, committedAtMs }, [bytes.buffer])
  }

  spareSlab(): ArrayBuffer | undefined {
    return this.#spare.pop()
  }

  async close(): Promise<void> {
    if (this.#worker === undefined) return
    try {
      await this.#ask({ type: 'close' })
    } finally {
      const worker = this.#worker
      this.#worker = undefined
      await worker?.terminate()
    }
  }

  #ask(request: Request, transfer: ArrayBuffer[] = []): Promise<Written> {
    return new Promise((resolve, reject) => {
      this.#worker ??= this.#start()
      this.#waiting.push({ resolve, reject })
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
    const waiting = this.#waiting.shift()
    if (reply.ok) waiting?.resolve({ head: reply.head, tookMs: reply.tookMs })
    else waiting?.reject(new FengsuiError(asCode(reply.code), reply.message))
  }

  #died(worker: Worker, reason: string): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    for (const waiting of this.#waiting.splice(0))
      waiting.reject(new FengsuiError('journal-unavailable', `the journal's writer thread died: ${reason}`))
  }
}

const isCode = (code: string): code is ErrorCode => code in ERROR_CODES
const asCode = (code: string): ErrorCode => (isCode(code) ? code : 'journal-unavailable')
