// Does a request come from who it says? A shared token (Bearer, a `token` header, `?token=`, Basic), OneNET's signature inside the body, or an
// HMAC over the body. Everything is compared in constant time; nothing is quoted.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { parseJson } from '../json.ts'
import { isRecord } from '../compose.ts'
import { PLATFORMS, type PushSource } from './config.ts'

export type Asked = { headers: IncomingHttpHeaders; query: URLSearchParams; body: Buffer }

export function isProven(source: PushSource, asked: Asked): boolean {
  const { proof } = PLATFORMS[source.platform]
  if (proof === 'onenet') return isOneNetSigned(source.token, asked.body)
  return proof === 'hmac' ? isHmacSigned(source.token, asked) : hasToken(source, asked)
}

const digest = (text: string | Buffer): Buffer => createHash('sha256').update(text).digest()
const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other))

function hasToken({ token, username }: PushSource, { headers, query }: Asked): boolean {
  const [scheme = '', given = ''] = (headers.authorization ?? '').split(' ')
  if (/^bearer$/i.test(scheme)) return isSame(given, token)
  if (/^basic$/i.test(scheme) && username !== undefined) return isSame(Buffer.from(given, 'base64').toString(), `${username}:${token}`)
  const plain = headers['token'] ?? headers['x-token'] ?? query.get('token')
  return typeof plain === 'string' && isSame(plain, token)
}

/** base64(md5(token + nonce + msg)); `msg` is a text, or an object as it stands in the body; encrypted, the text as it is. */
export const oneNetSignature = (token: string, nonce: string, msg: string): string =>
  createHash('md5')
    .update(token + nonce + msg)
    .digest('base64')

const isOneNetSigned = (token: string, body: Buffer): boolean => {
  const given = oneNetProof(body)
  return given !== undefined && isSame(given.signature, oneNetSignature(token, given.nonce, given.text))
}

function oneNetProof(body: Buffer): { nonce: string; signature: string; text: string } | undefined {
  const parsed = parseJson(body)
  if (!parsed.ok || !isRecord(parsed.value)) return undefined
  const { nonce, enc_msg: sealed, msg = sealed, signature = parsed.value['msg_signature'] } = parsed.value
  if (typeof nonce !== 'string' || typeof signature !== 'string') return undefined
  const text = typeof msg === 'string' ? msg : rawValue(body.toString('utf8'), 'msg')
  return text === undefined ? undefined : { nonce, text, signature: signature.replaceAll(' ', '+') }
}

/** The text of a value of the outermost object, as it was sent. The text is valid JSON. */
export function rawValue(text: string, key: string): string | undefined {
  let depth = 0
  let from = -1
  for (let at = 0; at < text.length; at++) {
    const c = text[at]
    if (c === '"') {
      const end = endOfString(text, at)
      const isKey = depth === 1 && from < 0 && text.slice(at, end) === JSON.stringify(key) && /^\s*:/.test(text.slice(end, end + 16))
      at = isKey ? text.indexOf(':', end) : end - 1
      if (isKey) from = at + 1
    } else if (c === '{' || c === '[') depth += 1
    else if (c === '}' || c === ']') depth -= 1
    if (from >= 0 && ((depth === 1 && c === ',') || depth === 0)) return text.slice(from, at).trim()
  }
  return undefined
}

function endOfString(text: string, from: number): number {
  let at = from + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

/** `sign`: HMAC-SHA256 in hex over the header `t` (epoch ms) and the body. */
function isHmacSigned(token: string, { headers, body }: Asked): boolean {
  const { t } = headers
  const given = hmacOf(headers)
  if (typeof given !== 'string' || typeof t !== 'string') return false
  return isSame(given.toLowerCase(), createHmac('sha256', token).update(t).update(body).digest('hex'))
}

const hmacOf = (headers: IncomingHttpHeaders): unknown => headers['sign'] ?? headers['x-signature']

/** What a proven message is known by when it comes again; undefined = its proof says nothing of the message. */
export function signatureOf(source: PushSource, { headers, body }: Asked): string | undefined {
  const { proof } = PLATFORMS[source.platform]
  if (proof === 'token') return undefined
  // what OneNET's does not cover, an id or a time beside it, may differ
  const text = proof === 'hmac' ? String(hmacOf(headers)).toLowerCase() : (oneNetProof(body)?.signature ?? '')
  return `${source.platform}/${source.name}/${text}`
}

/** OneNET asks once, by GET, whether we know the token: the answer is its `msg`. undefined = it is not OneNET, or does not. */
export function challengeAnswer(source: PushSource, query: URLSearchParams): string | undefined {
  if (source.platform !== 'onenet') return undefined
  const [msg, nonce, signature] = [query.get('msg'), query.get('nonce'), query.get('signature')]
  if (msg === null || nonce === null || signature === null) return undefined
  return isSame(signature.replaceAll(' ', '+'), oneNetSignature(source.token, nonce, msg)) ? msg : undefined
}
