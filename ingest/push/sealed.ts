// OneNET's encrypted messages, opened with the key of their source before they go into the journal: what is kept can be read, and no decoder needs
// a key. What cannot be opened is kept as it came, and says in quarantine that it is sealed. Keys never stand in an error.
import { createDecipheriv } from 'node:crypto'
import { isRecord } from '../compose.ts'
import { parseJson } from '../json.ts'
import type { PushSource } from './config.ts'

/** Studio's key has 16 characters, the older suites' 43 of base64. */
export const AES_KEY = '^(?:[\\x21-\\x7e]{16}|[A-Za-z0-9+/]{43})$'
const STUDIO_KEY_CHARS = 16
const LENGTH_AT = 16

export function opened({ platform, aesKey }: PushSource, body: Buffer): Buffer {
  if (platform !== 'onenet' || aesKey === undefined) return body
  const parsed = parseJson(body)
  if (!parsed.ok || !isRecord(parsed.value)) return body
  const { enc_msg: encrypted, ...rest } = parsed.value
  const sealed = encrypted ?? rest['msg']
  if (typeof sealed !== 'string') return body
  const msg = aesKey.length === STUDIO_KEY_CHARS ? ofStudio(sealed, aesKey) : ofOlderSuite(sealed, aesKey)
  return msg === undefined ? body : Buffer.from(JSON.stringify({ ...rest, msg }))
}

/** AES-128-CBC, the key is the vector, too. */
function ofStudio(sealed: string, key: string): string | undefined {
  const plain = decrypted('aes-128-cbc', Buffer.from(key), Buffer.from(key), sealed, true)
  return plain?.toString('utf8')
}

/** AES-256-CBC; 16 random bytes and the length stand before the message. */
function ofOlderSuite(sealed: string, text: string): string | undefined {
  const key = Buffer.from(`${text}=`, 'base64')
  const plain = decrypted('aes-256-cbc', key, key.subarray(0, 16), sealed, false)
  if (plain === undefined || plain.length < LENGTH_AT + 4) return undefined
  const length = plain.readUInt32BE(LENGTH_AT)
  const from = LENGTH_AT + 4
  return from + length > plain.length ? undefined : plain.toString('utf8', from, from + length)
}

function decrypted(algorithm: string, key: Buffer, vector: Buffer, sealed: string, isPadded: boolean): Buffer | undefined {
  try {
    const decipher = createDecipheriv(algorithm, key, vector).setAutoPadding(isPadded)
    return Buffer.concat([decipher.update(sealed, 'base64'), decipher.final()])
  } catch {
    return undefined // another key, or no cipher text at all
  }
}
