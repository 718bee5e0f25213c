// Reads behind damage for who only looks on: a group that somebody answers for having passed over is left out, no other.
// Who keeps a position of its own decides for itself; see the alarm path and the store writer.
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import type { Extent, JournalReader } from './engine.ts'

type Reads = Pick<JournalReader, 'read' | 'groupAt'>

/** As the reader's `read`, and fewer than `max` only at the head. @throws FengsuiError journal-damaged at a group that was not passed over */
export function readPast(reader: Reads, afterSeq: number, max: number, wasPassedOver: (group: Extent) => boolean): Message[] {
  const messages: Message[] = []
  let at = afterSeq
  while (messages.length < max) {
    try {
      const more = reader.read(at, max - messages.length)
      if (more.length === 0) break
      messages.push(...more)
      at = more.at(-1)?.seq ?? at
    } catch (error) {
      const group = error instanceof FengsuiError && error.code === 'journal-damaged' ? reader.groupAt(at + 1) : undefined
      if (group === undefined || !wasPassedOver(group)) throw error
      at = group.lastSeq
    }
  }
  return messages
}
