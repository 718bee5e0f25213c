// Readings of recordings or of a span of the journal as the feed would bring them, one line of JSON each, on stdout: what flows are tried on.
// `node bin/feed-lines.ts FILE...` or `node bin/feed-lines.ts --journal DATA_DIR --from T --to T`. Opens files for reading only.
import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { parseArgs } from 'node:util'
import { CLOCK_IDENTITY, CLOCK_TOPIC } from '#contracts/topic.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Recording } from '../rules/index.ts'
import { backtestParts, knownIn, openRecording, openSpan } from './backtest-sources.ts'

const { values, positionals } = parseArgs({
  options: { journal: { type: 'string' }, from: { type: 'string' }, to: { type: 'string' } },
  allowPositionals: true,
})
/** a recording has no clock of its own: after each of its messages time is as late as it arrived, told this often */
const TICK_MS = 10_000
const WRITE_CHARS = 256 * 1024

// what people ask for must not slow the alarms
setPriority(0, constants.priority.PRIORITY_BELOW_NORMAL)
try {
  const recordings: Recording[] = positionals.map(file => openRecording(file))
  const dataDir = values.journal
  if (dataDir !== undefined) {
    const [fromMs, toMs] = [Date.parse(values.from ?? ''), Date.parse(values.to ?? '')]
    if (!(fromMs < toMs)) throw new FengsuiError('invalid-request', '--from must lie before --to')
    recordings.push(openSpan({ dataDir, fromMs, toMs }))
  }
  const parts = await backtestParts(dataDir === undefined ? undefined : knownIn(dataDir))
  let seq = 0
  let text = ''
  for (const recording of recordings) {
    const decode = parts.decoder()
    let toldMs = -Infinity
    for await (const batch of recording.batches) {
      for (const message of batch) {
        seq++
        const isClock = message.topic === CLOCK_TOPIC && message.identity === CLOCK_IDENTITY
        if (isClock || message.receivedAtMs - toldMs >= TICK_MS) {
          toldMs = message.receivedAtMs
          text += `{"off":${seq},"at":"${new Date(toldMs).toISOString()}"}\n`
        }
        for (const reading of decode(message)) text += `${JSON.stringify({ off: seq, ...reading })}\n`
        if (text.length > WRITE_CHARS) await put()
      }
    }
  }
  await put()
  async function put(): Promise<void> {
    const out = text
    text = ''
    if (!process.stdout.write(out)) await once(process.stdout, 'drain')
  }
} catch (error) {
  process.stderr.write(error instanceof Error ? error.message : String(error))
  process.exitCode = 2
}
