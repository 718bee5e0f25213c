// Checkpoints of dispatch.db beside the queue instead of within a commit, which they would hold up for some ten milliseconds: a thread looks
// and moves what is in the log. Where it is gone or cannot keep up, the commit that finds the log full does what is left (database.ts).
import { Worker } from 'node:worker_threads'
import type { Log } from '#contracts/clock.ts'

export type Checkpoints = { close(): Promise<void> }

const EVERY_MS = 200
/** Fewer are not worth the two syncs that a checkpoint takes: about fifteen alarms. */
const PAGES_MIN = 500
const HEAP_MIB = 32

export function startCheckpoints(o: { file: string; log: Log; everyMs?: number; pagesMin?: number }): Checkpoints {
  const { file, everyMs = EVERY_MS, pagesMin = PAGES_MIN } = o
  const thread = new Worker(new URL('./checkpoint-thread.ts', import.meta.url), {
    workerData: { file, everyMs, pagesMin },
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB },
    name: 'checkpoints',
  })
  thread.unref()
  const ended = new Promise<void>(resolve => thread.once('exit', () => resolve()))
  thread.on('error', error => o.log.warn({ err: error }, 'the thread of checkpoints ended; commits of the queue make their own'))
  return {
    async close() {
      // its connection is closed before the queue's, which is to be the last
      thread.ref()
      thread.postMessage('close', [])
      await ended
    },
  }
}
