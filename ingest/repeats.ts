// Repeats of the same message (QoS 1 redelivery, store and forward) are stored once. Whether a message is a repeat depends only on
// the messages just before it in the journal, so a replay decides the same.
import { hash } from 'node:crypto'
import type { Message } from '#contracts/message.ts'
import { REDRIVE_CLIENT } from '#contracts/topic.ts'
import type { Decoded } from '#contracts/reading.ts'

/**
 * How far back, in journal messages, a repeat is recognised: two keys of 12 bytes a message, about 15 MB. Older ones are stored again:
 * the same values at the same time, which no answer shows twice, but which are counted as stored.
 */
export const REPEAT_WINDOW_MESSAGES = 50_000

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
    const isRedrive = message.clientId.startsWith(REDRIVE_CLIENT)
    const topic = isRedrive ? `${message.clientId}\n${message.topic}` : message.topic
    const bytesKey = `${digest(message.payload)} ${topic.length <= TOPIC_CHARS_MAX ? topic : digest(topic)}`
    const msgId = isRedrive ? undefined : messageIdIn(message.payload)
    const idKey = msgId === undefined ? undefined : digest(`${message.topic}\n${msgId}`)
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

/** Short strings are copies: a longer piece would keep the whole text alive that it was cut from. */
const KEY_BYTES = 12
/** a longer topic stands in the window as its digest */
const TOPIC_CHARS_MAX = 128
const digest = (bytes: Uint8Array | string): string => hash('sha1', bytes, 'latin1').slice(0, KEY_BYTES)

/** Read without decoding, so that the window can be primed without touching what decoders remember. */
function messageIdIn(payload: Uint8Array): string | undefined {
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('latin1')
  return /"msgId"\s*:\s*"([^"\\]{8,64})"/.exec(text)?.[1]
}
