// Understands rule files in a thread of its own: YAML of a large set takes longer than an alarm may wait. The thread stays, so that the
// next change is read by warm code, and knows the files it has read; if it ends, the next call starts another.
import { Worker } from 'node:worker_threads'
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import type { RuleFiles } from './folder.ts'
import type { RuleSet } from './schema.ts'

export type Parse = (name: string, files: RuleFiles) => Promise<RuleSet>
export type ParserThread = { parse: Parse; close(): Promise<void> }
export type ParseRequest = { n: number; name: string; files: RuleFiles }
export type ParseAnswer = { n: number; ruleSet?: RuleSet; error?: { code: ErrorCode; message: string } }

/** a set that takes longer is hostile: the thread is ended */
const PARSE_MS_MAX = 10_000
const HEAP_MIB = 256

export function startParser(): ParserThread {
  let thread: Worker | null = null
  let n = 0
  const waiting = new Map<number, { resolve(set: RuleSet): void; reject(error: Error): void }>()

  function started(): Worker {
    const worker = new Worker(new URL('./parser-thread.ts', import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB } })
    worker.unref()
    worker.on('message', ({ n: of, ruleSet, error }: ParseAnswer) => {
      if (ruleSet !== undefined) waiting.get(of)?.resolve(ruleSet)
      else waiting.get(of)?.reject(new FengsuiError(error?.code ?? 'internal', error?.message ?? 'no answer'))
    })
    worker.on('error', (error: Error) => ended(worker, error))
    worker.on('exit', () => ended(worker, new Error('it ended')))
    return worker
  }
  function ended(worker: Worker, cause: Error): void {
    if (thread === worker) thread = null
    for (const { reject } of waiting.values())
      reject(new FengsuiError('rules-invalid', `the rules could not be read: ${cause.message}`, { cause }))
  }

  return {
    async parse(name, files) {
      const worker = (thread ??= started())
      const of = ++n
      const timer = setTimeout(() => void worker.terminate(), PARSE_MS_MAX)
      try {
        return await new Promise<RuleSet>((resolve, reject) => {
          waiting.set(of, { resolve, reject })
          worker.postMessage({ n: of, name, files } satisfies ParseRequest, [])
        })
      } finally {
        clearTimeout(timer)
        waiting.delete(of)
      }
    },
    close: async () => void (await thread?.terminate()),
  }
}
