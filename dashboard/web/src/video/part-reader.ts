// Pictures out of our server's multipart answer as its bytes come: each part has a length and says when it came to the server. Holds one part.
import { PICTURE_AT } from '#contracts/video.ts'

export type Picture = { bytes: Uint8Array<ArrayBuffer>; type: string; atMs: number }

const HEAD_BYTES_MAX = 1024
const PICTURE_BYTES_MAX = 8 * 1024 * 1024
const END_OF_HEAD = [13, 10, 13, 10]

const endOfHead = (bytes: Uint8Array): number => {
  const most = Math.min(bytes.length, HEAD_BYTES_MAX) - END_OF_HEAD.length
  for (let at = 0; at <= most; at += 1) if (END_OF_HEAD.every((byte, i) => bytes[at + i] === byte)) return at
  return -1
}

/** @throws Error when what comes is not such an answer */
export const createPartReader = () => {
  let held = new Uint8Array(0)
  const next = (): Picture | null => {
    const end = endOfHead(held)
    if (end === -1) {
      if (held.length > HEAD_BYTES_MAX) throw new Error('not a stream of pictures')
      return null
    }
    const head = new TextDecoder().decode(held.subarray(0, end)).toLowerCase()
    const field = (name: string): string => new RegExp(`${name}:\\s*([^\\r\\n]+)`).exec(head)?.[1] ?? ''
    const length = Number(field('content-length') || Number.NaN)
    if (!Number.isInteger(length) || length > PICTURE_BYTES_MAX) throw new Error('not a stream of pictures')
    const from = end + END_OF_HEAD.length
    if (held.length < from + length) return null
    const picture = { bytes: held.slice(from, from + length), type: field('content-type'), atMs: Number(field(PICTURE_AT)) }
    held = held.slice(from + length)
    return picture
  }
  return (chunk: Uint8Array): Picture[] => {
    const joined = new Uint8Array(held.length + chunk.length)
    joined.set(held)
    joined.set(chunk, held.length)
    held = joined
    const found: Picture[] = []
    for (let picture = next(); picture !== null; picture = next()) found.push(picture)
    return found
  }
}
