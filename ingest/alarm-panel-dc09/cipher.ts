// What stands behind the bracket of an encrypted line: AES in CBC mode with an initialization vector of zeros, written as hex. Pad characters in
// front make it a multiple of 16 bytes and end at a bar; the time is within. Format: ANSI/SIA DC-09 5.4.4 to 5.4.6. It keeps no key.
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const BLOCK_BYTES = 16
const NO_IV = Buffer.alloc(BLOCK_BYTES)
/** 128, 192 or 256 bits; the length of the key says which. */
export const KEY_BYTES = [16, 24, 32] as const
const algorithm = (key: Uint8Array): string => `aes-${key.length * 8}-cbc`

/** undefined = no whole blocks, or what came out is no data with a time behind it: the key is another one. */
export function decrypted(hex: string, key: Uint8Array): { data: string; stampText: string | undefined } | undefined {
  const bytes = Buffer.from(hex, 'hex')
  if (bytes.length === 0 || bytes.length * 2 !== hex.length || bytes.length % BLOCK_BYTES !== 0) return undefined
  const cipher = createDecipheriv(algorithm(key), key, NO_IV).setAutoPadding(false)
  const text = Buffer.concat([cipher.update(bytes), cipher.final()]).toString('latin1')
  // the pad may hold any byte but | [ ]
  const parts = /^[^|[\]]*\|([^[\]]*\](?:\[[^[\]]*\])*)(?:_(\d\d:\d\d:\d\d,\d\d-\d\d-\d{4}))?\0*$/.exec(text)
  return parts === null ? undefined : { data: parts[1] ?? '', stampText: parts[2] }
}

/** `text` begins behind the bracket and ends with the time. */
export function encrypted(text: string, key: Uint8Array, random: (count: number) => Uint8Array = randomBytes): string {
  const plain = Buffer.from(`|${text}`, 'latin1')
  // a message that is full already gets sixteen more
  const pad = Uint8Array.from(random(BLOCK_BYTES - (plain.length % BLOCK_BYTES)), withoutMarks)
  const cipher = createCipheriv(algorithm(key), key, NO_IV).setAutoPadding(false)
  return Buffer.concat([cipher.update(Buffer.concat([pad, plain])), cipher.final()])
    .toString('hex')
    .toUpperCase()
}

/** | [ and ] would end the pad */
const withoutMarks = (byte: number): number => (byte === 0x7c || byte === 0x5b || byte === 0x5d ? 0x30 : byte)
