// The thread behind decode-ahead.ts: reads a recording or a span of the journal, decodes it and sends it packed, as far ahead as it may.
import { parentPort, workerData } from 'node:worker_threads'
import { FengsuiError } from '#contracts/errors.ts'
import { createPacker } from '../rules/index.ts'
import { backtestParts, knownIn, openSource, type Source } from './backtest-sources.ts'
import type { AheadAnswer, AheadOrder, AheadTask } from './decode-ahead.ts'

const { dataDir, portionsMax } = workerData as AheadTask
const parts = backtestParts(dataDir === undefined ? undefined : knownIn(dataDir))
const send = (answer: AheadAnswer): void =>
  parentPort?.postMessage(answer, typeof answer === 'object' && 'packed' in answer ? [answer.packed.numbers.buffer] : [])

let room = portionsMax
let roomier = () => {}

parentPort?.on('message', (order: AheadOrder) => {
  if (order === 'more') {
    room++
    roomier()
  } else void play(order.source)
})

async function play(source: Source): Promise<void> {
  try {
    const decode = (await parts).decoder()
    const packer = createPacker()
    for await (const batch of openSource(source).batches) {
      for (const message of batch) packer.message(message, decode(message))
      while (room === 0) await new Promise<void>(resolve => (roomier = resolve))
      room--
      send({ packed: packer.take() })
    }
    send('end')
  } catch (error) {
    const { code, message } = error instanceof FengsuiError ? error : new FengsuiError('internal', String(error))
    send({ error: { code, message } })
  }
}
