// Strict UTF-8 JSON from untrusted bytes: says where it breaks, and refuses nesting that would overflow whoever walks the value.
// It never quotes the payload in its errors: payloads may carry secrets.
import type { Json } from './decoder.ts'

export const JSON_DEPTH_MAX = 32

export type Parsed = { ok: true; value: Json } | { ok: false; reason: string; where?: string }

const utf8 = new TextDecoder('utf-8', { fatal: true })

const REPLACED = '\uFFFD'
const BYTE_ORDER_MARK = 0xfeff

/** The text, or where the first byte that is not UTF-8 stands. Only a text with a character that stands for what is none has to be read strictly. */
export function textOf(payload: Uint8Array): { ok: true; text: string } | { ok: false; reason: string } {
  const bytes = payload instanceof Buffer ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  const text = bytes.toString('utf8')
  return text.includes(REPLACED) || text.charCodeAt(0) === BYTE_ORDER_MARK ? strictTextOf(payload) : { ok: true, text }
}

function strictTextOf(payload: Uint8Array): { ok: true; text: string } | { ok: false; reason: string } {
  try {
    return { ok: true, text: utf8.decode(payload) }
  } catch {
    const lenient = new TextDecoder('utf-8').decode(payload)
    const at = Buffer.byteLength(lenient.slice(0, Math.max(0, lenient.indexOf(REPLACED))))
    return { ok: false, reason: `not UTF-8 at byte ${at}` }
  }
}

/** The value, nested however deep: for who holds it against a schema that says how deep it may be. undefined = it is none; parseJson says why. */
export function parseUnbounded(payload: Uint8Array): Json | undefined {
  const text = textOf(payload)
  if (!text.ok) return undefined
  try {
    return JSON.parse(text.text) as Json
  } catch {
    return undefined
  }
}

export function parseJson(payload: Uint8Array): Parsed {
  if (payload.length === 0) return { ok: false, reason: 'empty payload where JSON was expected' }
  const text = textOf(payload)
  if (!text.ok) return text
  const tooDeepAt = deeperThan(text.text, JSON_DEPTH_MAX)
  if (tooDeepAt >= 0) return { ok: false, reason: `nested deeper than ${JSON_DEPTH_MAX} levels at position ${tooDeepAt}` }
  try {
    return { ok: true, value: JSON.parse(text.text) as Json }
  } catch {
    const at = firstError(text.text)
    return { ok: false, reason: `not JSON: ${at.what} at position ${at.position}${lineOf(text.text, at.position)}` }
  }
}

/** Where a level too deep begins, or -1. Most texts are so short, or open so few levels, that they need not be walked. */
function deeperThan(text: string, max: number): number {
  if (text.length <= max) return -1
  if (opened(text, '{', max) + opened(text, '[', max) <= max) return -1
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (inString) {
      if (c === 0x5c) i++
      else if (c === 0x22) inString = false
    } else if (c === 0x22) inString = true
    else if (c === 0x7b || c === 0x5b) {
      if (++depth > max) return i
    } else if (c === 0x7d || c === 0x5d) depth--
  }
  return -1
}

/** How often it stands there, counted up to one more than `max`. */
function opened(text: string, bracket: string, max: number): number {
  let count = 0
  for (let at = text.indexOf(bracket); at >= 0 && count <= max; at = text.indexOf(bracket, at + 1)) count++
  return count
}

const lineOf = (text: string, position: number): string => {
  const before = text.slice(0, position).split('\n')
  return before.length === 1 ? '' : ` (line ${before.length} column ${(before.at(-1)?.length ?? 0) + 1})`
}

const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\\p{Cc}]|[\u007f-\u009f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/uy
const SCALAR = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y
type Want = 'value' | 'value-or-]' | 'key' | 'key-or-}' | 'comma-or-end'
const WANTED: Record<Want, string> = {
  value: 'a value was expected',
  'value-or-]': 'a value or ] was expected',
  key: 'a name in double quotes was expected',
  'key-or-}': 'a name in double quotes or } was expected',
  'comma-or-end': 'a comma or the end was expected',
}

/** RFC 8259 grammar walked without recursion, only to find the place that JSON.parse does not always tell. */
function firstError(text: string): { position: number; what: string } {
  const open: string[] = []
  let want: Want = 'value'
  let at = 0
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at
    const hit = pattern.exec(text)
    if (hit !== null) at += hit[0].length
    return hit !== null
  }
  const takeKey = (): boolean => take(STRING) && take(SPACE) && text[at] === ':' && ++at > 0
  for (;;) {
    take(SPACE)
    const c = text[at]
    if (want === 'comma-or-end') {
      if (open.length === 0) return { position: at, what: at >= text.length ? 'unknown error' : 'something follows the end of the value' }
      if (c === open.at(-1)) at += open.pop() === undefined ? 0 : 1
      else if (c === ',') {
        at += 1
        want = open.at(-1) === '}' ? 'key' : 'value'
      } else break
    } else if ((want === 'key-or-}' && c === '}') || (want === 'value-or-]' && c === ']')) {
      open.pop()
      at += 1
      want = 'comma-or-end'
    } else if (want === 'key' || want === 'key-or-}') {
      if (!takeKey()) break
      want = 'value'
    } else if (c === '{' || c === '[') {
      open.push(c === '{' ? '}' : ']')
      at += 1
      want = c === '{' ? 'key-or-}' : 'value-or-]'
    } else if (take(STRING) || take(SCALAR)) want = 'comma-or-end'
    else break
  }
  return { position: at, what: at >= text.length ? 'the text ends too early' : WANTED[want] }
}
