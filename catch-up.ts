// After a restart: what was judged since the state of the fold was last kept is judged again, so that decoders, directory and rules know what they
// knew. What is found on the way was told before and is let go.
import { setImmediate as turn, setTimeout as delay } from 'node:timers/promises'
import type { Log } from '#contracts/clock.ts'
import type { Message } from '#contracts/message.ts'
import { judgeMessage, type JudgingParts } from './judging.ts'

export type CatchUpParts = JudgingParts & {
  reader: {
    read(afterSeq: number, maxMessages: number): Message[]
    head(): number
    groupAt(seq: number): { firstSeq: number; lastSeq: number } | undefined
  }
  log: Log
}

/** messages judged before others have a turn */
const BATCH_MESSAGES = 500
const READS_MAX = 5
const RETRY_MS = 200

/** Judges the messages behind `from` up to `to`. A group that cannot be read is stepped over, and told: the rules may then know less than they did. */
export async function catchUp(parts: CatchUpParts, { from, to }: { from: number; to: number }): Promise<void> {
  const { reader, log } = parts
  const startedMs = performance.now()
  let at = from
  while (at < to) {
    const messages = await readOn(parts, at, to)
    const last = messages.at(-1)
    if (last === undefined) {
      at = reader.groupAt(at + 1)?.lastSeq ?? to
      continue
    }
    for (const message of messages) judgeMessage(parts, message, letGo)
    at = last.seq
    await turn()
  }
  if (to > from)
    log.info(
      { from, to, ms: Math.round(performance.now() - startedMs), head: headOf(reader) },
      'what was judged since the state was kept is judged again',
    )
}

/** None where they cannot be read or are not there: new alarms matter more than what the rules knew. The next read of a disk may be a good one. */
async function readOn({ reader, log }: CatchUpParts, at: number, to: number): Promise<Message[]> {
  for (let tries = 1; ; tries++) {
    try {
      return reader.read(at, Math.min(BATCH_MESSAGES, to - at)).filter(({ seq }) => seq <= to)
    } catch (error) {
      if (tries < READS_MAX) {
        await delay(RETRY_MS)
        continue
      }
      log.error({ err: error, after: at }, 'messages cannot be judged again; the rules may know less than they did')
      return []
    }
  }
}

const letGo = (): void => {}

function headOf(reader: CatchUpParts['reader']): number | null {
  try {
    return reader.head()
  } catch {
    return null
  }
}
