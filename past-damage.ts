// Reads the journal for the alarm path. A group that cannot be read is tried again, since the next read of a disk may be a good one, and then
// passed over: an alarm that can be read does not wait behind messages that nobody can.
import type { Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'

/** whole groups of the journal, by the first and last number of their messages */
export type Extent = { firstSeq: number; lastSeq: number }

export type PastDamageParts = {
  reader: { read(afterSeq: number, maxMessages: number): Message[]; groupAt(seq: number): Extent | undefined }
  log: Log
  /** a group that cannot be read; its place is kept and the path goes on behind it */
  passedOver(group: Extent, error: Error): void
}

export type PastDamage = {
  /** `over`: no message is given and the group is to be passed over. @throws what the reader throws, while the group is tried again */
  read(after: number, max: number): { messages: Message[]; over?: Extent }
  /** what was passed over since the start: messages, and the last group */
  passed(): { messages: number; last: string }
}

/** reads that met the same damaged group before it is passed over; whoever calls waits between them */
const DAMAGED_READS_MAX = 5

export function readPastDamage({ reader, log, passedOver }: PastDamageParts): PastDamage {
  let damagedReads = 0
  const passed = { messages: 0, last: '' }

  function passOver(group: Extent, error: FengsuiError): void {
    try {
      passedOver(group, error)
    } catch (unkept) {
      log.error({ err: unkept, ...group }, 'a damaged group could not be put in quarantine')
    }
    damagedReads = 0
    passed.messages += group.lastSeq - group.firstSeq + 1
    passed.last = `${group.firstSeq}-${group.lastSeq}`
    log.error({ err: error, ...group }, 'the alarm path passes over a damaged group of the journal; no rule has seen its messages')
  }

  return {
    read(after, max) {
      try {
        const messages = reader.read(after, max)
        damagedReads = 0
        return { messages }
      } catch (error) {
        damagedReads = isDamage(error) ? damagedReads + 1 : 0
        const over = damagedReads < DAMAGED_READS_MAX ? undefined : reader.groupAt(after + 1)
        if (over === undefined || !isDamage(error)) throw error
        passOver(over, error)
        return { messages: [], over }
      }
    },
    passed: () => passed,
  }
}

const isDamage = (error: unknown): error is FengsuiError => error instanceof FengsuiError && error.code === 'journal-damaged'
