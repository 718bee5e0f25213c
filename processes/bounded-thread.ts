// Work that people ask for and the alarms must not feel: each piece in a thread of its own with low priority, a time limit and a memory
// limit, few at once and none waiting. It knows nothing of the work.
import { Worker } from 'node:worker_threads'
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'

export type BoundedThread<I, O> = {
  /** @throws FengsuiError too-many-requests (all places taken), work-too-large (a limit was met), or what the thread answered */
  run(input: I): Promise<O>
  close(): Promise<void>
}
/** What the thread posts, once. */
export type ThreadAnswer<O> = { ok: O } | { error: { code: ErrorCode; message: string } }

export type BoundedThreadOptions = { file: string; what: string; atOnceMax: number; msMax: number; heapMib: number }

/** work that streams makes much that dies young */
const YOUNG_MIB = 64

export function boundedThread<I, O>(o: BoundedThreadOptions): BoundedThread<I, O> {
  const running = new Set<Worker>()
  const tooLarge = (limit: string) => new FengsuiError('work-too-large', `${o.what} took more than ${limit}, and was ended`)

  return {
    async run(input) {
      if (running.size >= o.atOnceMax)
        throw new FengsuiError('too-many-requests', `${o.what}: ${o.atOnceMax} run already; try again when one has ended`)
      const worker = new Worker(o.file, {
        workerData: input,
        resourceLimits: { maxOldGenerationSizeMb: o.heapMib, maxYoungGenerationSizeMb: YOUNG_MIB },
      })
      worker.unref()
      running.add(worker)
      let timer: ReturnType<typeof setTimeout> | undefined
      try {
        return await new Promise<O>((resolve, reject) => {
          timer = setTimeout(() => reject(tooLarge(`${o.msMax / 1000} s`)), o.msMax)
          worker.once('message', (answer: ThreadAnswer<O>) => {
            if ('ok' in answer) resolve(answer.ok)
            else reject(new FengsuiError(answer.error.code, answer.error.message))
          })
          worker.once('error', (cause: NodeJS.ErrnoException) => {
            reject(cause.code === 'ERR_WORKER_OUT_OF_MEMORY' ? tooLarge(`${o.heapMib} MiB`) : cause)
          })
          worker.once('exit', () => reject(new FengsuiError('room-unavailable', `${o.what} ended without an answer`)))
        })
      } finally {
        clearTimeout(timer)
        await worker.terminate()
        running.delete(worker)
      }
    },
    close: async () => void (await Promise.all([...running].map(worker => worker.terminate()))),
  }
}
