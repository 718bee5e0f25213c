// Recordings whose messages are decoded ahead in a thread of its own, while this one judges: a long backtest then keeps two cores at work.
// Short ones are decoded where they are judged: for them a thread takes longer to start than they take. The answer is the same.
import { Worker } from 'node:worker_threads'
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import { createUnpacker, type Packed, type Portion, type Recording } from '../rules/index.ts'
import { isLong, openSource, type Source } from './backtest-sources.ts'

export type AheadOrder = { source: Source } | 'more'
export type AheadAnswer = { packed: Packed } | { error: { code: ErrorCode; message: string } } | 'end'
/** `dataDir`: where what is known of devices and decoders beforehand is read */
export type AheadTask = { dataDir: string | undefined; portionsMax: number }

/** portions of about a thousand messages decoded and not judged yet; at the bound decoding waits */
const PORTIONS_MAX = 8
const HEAP_MIB = 768
/** what is decoded dies young */
const YOUNG_MIB = 64

export type Sources = { open(): Recording[]; [Symbol.asyncDispose](): Promise<void> }

/** Each `open()` gives them anew. Closing it ends the thread, where one was needed. `isAhead`: not as their length says, for tests */
export function openSources(sources: readonly Source[], dataDir?: string, isAhead?: boolean): Sources {
  let thread: ReturnType<typeof startDecoding> | undefined
  const opened = (source: Source): Recording => {
    const recording = openSource(source)
    if (!(isAhead ?? isLong(source))) return recording
    return { ...recording, heard: () => (thread ??= startDecoding(dataDir)).heard(source) }
  }
  return {
    open: () => sources.map(opened),
    [Symbol.asyncDispose]: async () => void (await thread?.worker.terminate()),
  }
}

function startDecoding(dataDir: string | undefined) {
  const workerData: AheadTask = { dataDir, portionsMax: PORTIONS_MAX }
  const worker = new Worker(new URL('./decode-thread.ts', import.meta.url), {
    workerData,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MIB, maxYoungGenerationSizeMb: YOUNG_MIB },
  })
  const answers: AheadAnswer[] = []
  let ended: Error | undefined
  let arrived = () => {}
  const end = (error: Error): void => {
    ended ??= error
    arrived()
  }
  worker.on('message', (answer: AheadAnswer) => {
    answers.push(answer)
    arrived()
  })
  worker.once('error', (cause: NodeJS.ErrnoException) =>
    end(cause.code === 'ERR_WORKER_OUT_OF_MEMORY' ? new FengsuiError('work-too-large', `decoding took more than ${HEAP_MIB} MiB`) : cause),
  )
  worker.once('exit', () => end(new FengsuiError('room-unavailable', 'the thread that decodes ended')))
  const order = (given: AheadOrder): void => worker.postMessage(given, [])

  async function next(): Promise<AheadAnswer> {
    for (;;) {
      const answer = answers.shift()
      if (answer !== undefined) return answer
      if (ended !== undefined) throw ended
      await new Promise<void>(resolve => (arrived = resolve))
    }
  }

  async function* heard(source: Source): AsyncGenerator<Portion> {
    order({ source })
    const unpack = createUnpacker()
    for (let answer = await next(); answer !== 'end'; answer = await next()) {
      if ('error' in answer) throw new FengsuiError(answer.error.code, answer.error.message)
      yield unpack(answer.packed)
      order('more')
    }
  }
  return { worker, heard }
}
