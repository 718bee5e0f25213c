// What MQTT 3.1.1 demands of text: well-formed UTF-8 without NUL and control characters, topics without wildcards, wildcards only as whole levels.
// Works on the bytes, because decoding turns what is ill-formed into something that looks well.
import { isUtf8 } from 'node:buffer'
import { TOPIC_BYTES_MAX, TOPIC_LEVELS_MAX } from './limits.ts'

export const readUint16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)

/** What is wrong with the string whose two length bytes are at `at`, in a body that reaches to `end`; null = nothing. */
export function stringProblem(bytes: Buffer, at: number, end: number, what: string): string | null {
  if (at + 2 > end || at + 2 + readUint16(bytes, at) > end) return `a ${what} that is longer than its packet [MQTT-1.5.3]`
  return utf8Problem(bytes, at + 2, at + 2 + readUint16(bytes, at), what)
}

export function utf8Problem(bytes: Buffer, from: number, to: number, what: string): string | null {
  const text = bytes.subarray(from, to)
  if (!isUtf8(text)) return `a ${what} with invalid UTF-8 [MQTT-1.5.3-1]`
  for (let at = from; at < to; at++) {
    const byte = bytes[at] ?? 0
    if (byte >= 0x20 && byte < 0x7f) continue // most of all text
    if (byte === 0) return `a ${what} with a NUL character [MQTT-1.5.3-2]`
    const wrong = unwanted(byte, bytes, at)
    if (wrong !== null) return `a ${what} with ${wrong} [MQTT-1.5.3]`
  }
  return null
}

/** What a receiver may close the connection for: control characters, and code points that are no characters. In well-formed UTF-8. */
function unwanted(byte: number, bytes: Buffer, at: number): string | null {
  if (byte < 0x20 || byte === 0x7f || (byte === 0xc2 && (bytes[at + 1] ?? 0) < 0xa0)) return 'control characters'
  if (byte < 0xef) return null
  const [second = 0, third = 0, fourth = 0] = bytes.subarray(at + 1, at + 4)
  if (byte === 0xef) {
    const isNone = (second === 0xb7 && third >= 0x90 && third <= 0xaf) || (second === 0xbf && third >= 0xbe)
    return isNone ? 'a code point that is no character' : null
  }
  return (second & 0x0f) === 0x0f && third === 0xbf && fourth >= 0xbe ? 'a code point that is no character' : null
}

/** The grammar of a topic, or of a filter, in text that is well-formed [MQTT-4.7]. */
export function topicProblem(text: string, isFilter: boolean): string | null {
  const what = isFilter ? 'filter' : 'topic'
  if (text.length === 0) return `an empty ${what} [MQTT-4.7.3-1]`
  if (!isFilter && /[#+]/.test(text)) return `not a topic: it holds a wildcard [MQTT-3.3.2-2]`
  const levels = text.split('/')
  if (levels.length > TOPIC_LEVELS_MAX) return `a ${what} of ${levels.length} levels; the bound is ${TOPIC_LEVELS_MAX}`
  if (!isFilter) return null
  const hash = levels.findIndex(level => level.includes('#'))
  if (hash !== -1 && (hash < levels.length - 1 || levels[hash] !== '#')) return 'a filter with # not as its last level [MQTT-4.7.1-2]'
  return levels.some(level => level.includes('+') && level !== '+') ? 'a filter with + not as a whole level [MQTT-4.7.1-3]' : null
}

/** Control characters that MQTT lets a receiver refuse [MQTT-1.5.3]; nothing known to us needs them. */
const UNPRINTABLE = /\p{Cc}/u

/** What is wrong with the text of a topic, filter or ClientId beyond its grammar; null = nothing. */
export function textProblem(text: string): string | null {
  if (text.length === 0) return 'it is empty'
  if (UNPRINTABLE.test(text) || !text.isWellFormed()) return 'it holds control characters or invalid UTF-8'
  if (Buffer.byteLength(text) > TOPIC_BYTES_MAX) return `it is longer than ${TOPIC_BYTES_MAX} bytes`
  return null
}
