// Repeats of the same message (QoS 1 redelivery, store and forward) are stored once. Whether a message is a repeat depends only on
// the messages just before it in the journal, so a replay decides the same.
import { createHash } from 'node:crypto'
import type { Message } from '#contracts/message.ts'
import type { Decoded } from '#contracts/reading.ts'

/** How far back, in journal messages, a repeat is recognised. Older ones are stored again: the same values at the same time. */
export const REPEAT_WINDOW_MESSAGES = 10_000

/** client id of a message that was sent through again out of quarantine */
const REDRIVE = 'redrive:'

export type Repeats = {
  /** tells the window about messages before the first to be judged */
  prime(messages: readonly Message[]): void
  /** must be asked once for every message, in order of seq */
  isRepeat(message: Message, decoded: Decoded): boolean
}

export function createRepeats(windowMessages = REPEAT_WINDOW_MESSAGES): Repeats {
  // key -> newest seq; in order of seq, so the oldest keys are the first
  const seen = new Map<string, number>()

  const isRecent = (key: string, seq: number): boolean => {
    const before = seen.get(key)
    return before !== undefined && seq - before < windowMessages
  }
  const note = (key: string, seq: number): void => {
    seen.delete(key)
    seen.set(key, seq)
  }
  const look = (message: Message): { bytes: boolean; id: boolean } => {
    const { seq } = message
    const bytesKey = digest(message.topic, message.payload)
    const msgId = messageIdIn(message.payload)
    const idKey = msgId === undefined ? undefined : digest(message.topic, Buffer.from(msgId))
    const found = { bytes: isRecent(bytesKey, seq), id: idKey !== undefined && isRecent(idKey, seq) }
    note(bytesKey, seq)
    if (idKey !== undefined) note(idKey, seq)
    for (const [key, at] of seen) {
      if (seq - at < windowMessages) break
      seen.delete(key)
    }
    return found
  }
  return {
    prime(messages) {
      for (const message of messages) look(message)
    },
    isRepeat(message, { readings }) {
      const found = look(message)
      const [first] = readings
      // sent through again by a person: the first time nothing could be read of it
      if (first === undefined || message.clientId.startsWith(REDRIVE)) return false
      // without a time of its own a device may well say the same thing twice: then only a marked redelivery is a repeat
      const hasOwnTime = readings.every(reading => reading.tsSource !== 'server')
      return (found.id && first.msgId !== undefined) || (found.bytes && (hasOwnTime || message.dup))
    },
  }
}

const digest = (topic: string, bytes: Uint8Array): string => createHash('sha1').update(topic).update('\n').update(bytes).digest('latin1')

/** Read without decoding, so that the window can be primed without touching what decoders remember. */
function messageIdIn(payload: Uint8Array): string | undefined {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1')
  return /"msgId"\s*:\s*"([^"\\]{8,64})"/.exec(text)?.[1]
}
