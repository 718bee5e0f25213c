// Repeats of the same message (QoS 1 redelivery, store and forward) are stored once. Whether a message is a repeat depends only on
// the messages just before it in the journal, so a replay decides the same.
import { hash } from 'node:crypto'
import type { Message } from '#contracts/message.ts'
import { REDRIVE_CLIENT } from '#contracts/topic.ts'
import type { Decoded } from '#contracts/reading.ts'
import { Seen } from './seen.ts'

/**
 * How far back, in journal messages, a repeat is recognised: a device that was cut off comes back within a minute or two, and this
 * is 100 s at 5,000 messages a second. Older ones are stored again: the same values at the same time, counted as stored.
 */
export const REPEAT_WINDOW_MESSAGES = 500_000

export type Repeats = {
  /** tells the window about messages before the first to be judged */
  prime(messages: readonly Message[]): void
  /** must be asked once for every message, in order of seq */
  isRepeat(message: Message, decoded: Decoded): boolean
}

export function createRepeats(windowMessages = REPEAT_WINDOW_MESSAGES): Repeats {
  const seen = new Seen(windowMessages)

  const look = (message: Message): { bytes: boolean; id: boolean } => {
    const { seq } = message
    const isRedrive = message.clientId.startsWith(REDRIVE_CLIENT)
    const sender = isRedrive ? `${message.clientId}\n${message.topic}` : message.topic
    const msgId = isRedrive ? undefined : messageIdIn(message.payload)
    return {
      bytes: wasRecent(message.payload, BYTES, sender, seq),
      id: msgId !== undefined && wasRecent(msgId, ID, sender, seq),
    }
  }
  const wasRecent = (what: Uint8Array | string, kind: number, sender: string, seq: number): boolean => {
    const digest = hash('sha1', what, 'buffer')
    return seen.wasRecent(digest.readUInt32LE(0) ^ mixed(sender, kind), digest.readUInt32LE(4) ^ mixed(sender, ~kind), seq)
  }
  return {
    prime(messages) {
      for (const message of messages) look(message)
    },
    isRepeat(message, { readings }) {
      const found = look(message)
      // sent through again by a person: only the very same try is a repeat, the original is none
      if (message.clientId.startsWith(REDRIVE_CLIENT)) return found.bytes
      const [first] = readings
      // what cannot be read once need not be held twice, but only its sender's mark says that it is the same message
      if (first === undefined) return found.bytes && message.dup
      // without a time of its own a device may well say the same thing twice: then only a marked redelivery is a repeat
      const hasOwnTime = readings.every(reading => reading.tsSource !== 'server')
      return (found.id && first.msgId !== undefined) || (found.bytes && (hasOwnTime || message.dup))
    },
  }
}

/** so that an id is never taken for a payload */
const BYTES = 0x811c9dc5
const ID = 0x2545f491

/** FNV-1a, 32 bits. */
function mixed(text: string, start: number): number {
  let sum = start
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193)
  return sum
}

/** Read without decoding, so that the window can be primed without touching what decoders remember. */
function messageIdIn(payload: Uint8Array): string | undefined {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1')
  return /"msgId"\s*:\s*"([^"\\]{8,64})"/.exec(text)?.[1]
}
