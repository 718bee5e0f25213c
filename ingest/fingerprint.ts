// 64 bits that tell messages of one sender apart, at a tenth of what a cryptographic digest costs. Two 32-bit lanes (the body of
// MurmurHash3 and that of xxHash32) begin from a secret and from the sender, so that nobody can choose bytes that look like another's.
import { randomBytes } from 'node:crypto'

export type Fingerprint = { a: number; b: number }

const SEED_A = randomBytes(4).readInt32LE()
const SEED_B = randomBytes(4).readInt32LE()

const laneA = (h: number, word: number): number => {
  let k = Math.imul(word, 0xcc9e2d51)
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593) ^ h
  return (Math.imul((k << 13) | (k >>> 19), 5) + 0xe6546b64) | 0
}
const laneB = (h: number, word: number): number => {
  const k = (h + Math.imul(word, 0x85ebca77)) | 0
  return Math.imul((k << 13) | (k >>> 19), 0x9e3779b1)
}
const avalanche = (h: number): number => {
  let k = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  k = Math.imul(k ^ (k >>> 13), 0xc2b2ae35)
  return k ^ (k >>> 16)
}

/** Where the fingerprints of this sender begin. */
export function senderOf(text: string): Fingerprint {
  let a = SEED_A
  let b = SEED_B
  for (let i = 0; i < text.length; i += 2) {
    // beyond the end NaN, which counts as 0
    const word = text.charCodeAt(i) | (text.charCodeAt(i + 1) << 16)
    a = laneA(a, word)
    b = laneB(b, word)
  }
  return { a: avalanche(a ^ text.length), b: avalanche(b ^ text.length) }
}

/** `kind` keeps fingerprints of different things apart. */
export function fingerprint(sender: Fingerprint, kind: number, bytes: Uint8Array): Fingerprint {
  let a = laneA(sender.a, kind)
  let b = laneB(sender.b, kind)
  const { length } = bytes
  const whole = length & ~3
  for (let i = 0; i < whole; i += 4) {
    const word = wordAt(bytes, i)
    a = laneA(a, word)
    b = laneB(b, word)
  }
  let rest = 0
  for (let i = whole; i < length; i++) rest = (rest << 8) | (bytes[i] ?? 0)
  return { a: avalanche(laneA(a, rest) ^ length), b: avalanche(laneB(b, rest) ^ length) }
}

const wordAt = (bytes: Uint8Array, i: number): number =>
  (bytes[i] ?? 0) | ((bytes[i + 1] ?? 0) << 8) | ((bytes[i + 2] ?? 0) << 16) | ((bytes[i + 3] ?? 0) << 24)
