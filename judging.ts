// What one message of the journal does to the directory and the rules; the same for a message that is new and for one that is read again
// after a restart. It commits nothing and tells nobody.
import type { AlarmSignal } from '#contracts/alarm.ts'
import type { Message } from '#contracts/message.ts'
import type { Decoded, Reading } from '#contracts/reading.ts'
import { CLOCK_IDENTITY, CLOCK_TOPIC } from '#contracts/topic.ts'

export type JudgingParts = {
  catalogue: { decode(message: Message): Decoded }
  directory: { apply(reading: Reading): { reading: Reading } }
  fold: {
    apply(reading: Reading, seq: number): AlarmSignal[]
    advance(toMs: number, o: { seq: number; isClock: boolean }): AlarmSignal[]
  }
}
/** `problem`: what a decoder or a rule broke with; undefined = nothing broke */
export type Judged = { readings: number; problem: unknown }

/** One bad reading stops neither the others of its message nor the messages behind it. `found` is called with what each step raised. */
export function judgeMessage(parts: JudgingParts, message: Message, found: (signals: AlarmSignal[]) => void): Judged {
  let problem: unknown
  let readings = 0
  const isClock = message.topic === CLOCK_TOPIC && message.identity === CLOCK_IDENTITY
  try {
    found(parts.fold.advance(message.receivedAtMs, { seq: message.seq, isClock }))
  } catch (error) {
    problem = error
  }
  for (const decoded of parts.catalogue.decode(message).readings) {
    try {
      found(parts.fold.apply(parts.directory.apply(decoded).reading, message.seq))
      readings += 1
    } catch (error) {
      problem ??= error
    }
  }
  return { readings, problem }
}
