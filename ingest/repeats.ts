// Repeats of the same message (QoS 1 redelivery, store and forward) are stored once. Whether a message is a repeat depends only on
// the messages just before it in the journal, so a replay decides the same.
import type { Message } from '#contracts/message.ts'
import { REDRIVE_CLIENT } from '#contracts/topic.ts'
import type { Decoded } from '#contracts/reading.ts'
import { fingerprint, senderOf, type Fingerprint } from './fingerprint.ts'
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
    const { seq, payload } = message
    const isRedrive = message.clientId.startsWith(REDRIVE_CLIENT)
    const sender = senderOf(isRedrive ? `${message.clientId}\n${message.topic}` : message.topic)
    const msgId = isRedrive ? undefined : messageIdIn(payload)
    return { bytes: wasRecent(sender, BYTES, payload, seq), id: msgId !== undefined && wasRecent(sender, ID, msgId, seq) }
  }
  const wasRecent = (sender: Fingerprint, kind: number, bytes: Uint8Array, seq: number): boolean => {
    const { a, b } = fingerprint(sender, kind, bytes)
    return seen.wasRecent(a, b, seq)
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
const BYTES = 1
const ID = 2

const NAME = Buffer.from('"msgId"')
const ID_BYTES_MIN = 8
const ID_BYTES_MAX = 64
const [QUOTE, COLON, BACKSLASH] = Buffer.from('":\\')

/** Read without decoding, so that the window can be primed without touching what decoders remember. */
function messageIdIn(payload: Uint8Array): Uint8Array | undefined {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  for (let at = bytes.indexOf(NAME); at >= 0; at = bytes.indexOf(NAME, at + 1)) {
    const colon = afterSpace(bytes, at + NAME.length)
    const open = afterSpace(bytes, colon + 1)
    if (bytes[colon] !== COLON || bytes[open] !== QUOTE) continue
    const end = endOfPlain(bytes, open + 1)
    if (bytes[end] === QUOTE && end - open > ID_BYTES_MIN) return bytes.subarray(open + 1, end)
  }
  return undefined
}

function afterSpace(bytes: Uint8Array, from: number): number {
  let at = from
  while (bytes[at] === 0x20 || isControlSpace(bytes[at])) at++
  return at
}

/** Tab to carriage return. */
const isControlSpace = (byte = 0): boolean => byte >= 0x09 && byte <= 0x0d

/** Where a string without escapes ends, or is too long. */
function endOfPlain(bytes: Uint8Array, from: number): number {
  let at = from
  while (at - from < ID_BYTES_MAX && bytes[at] !== QUOTE && bytes[at] !== BACKSLASH && at < bytes.length) at++
  return at
}
