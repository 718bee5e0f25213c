// Pictures out of a camera as they come: an endless multipart answer (MJPEG), or one picture asked for again and again. What is no JPEG, PNG or
// WebP by its bytes is never handed on, whatever the camera calls it. A camera that hangs ends here with an error, in bounded time.
import type { IncomingMessage } from 'node:http'
import { ask, type Asked } from './ask.ts'
import { Parts, PICTURE_BYTES_MAX } from './parts.ts'

export type PictureType = 'image/jpeg' | 'image/png' | 'image/webp'
export type Picture = { bytes: Buffer; type: PictureType; atMs: number }
export type Source = { target: Pick<Asked, 'url' | 'login'>; signal: AbortSignal; nowMs(): number; limits: Limits }
export type Limits = {
  /** until the head of an answer is there, and until a single picture is whole */
  answerMs: number
  /** of a stream */
  silenceMs: number
  /** a single picture is asked for this often */
  everyMs: number
}
export const LIMITS: Limits = { answerMs: 5_000, silenceMs: 10_000, everyMs: 1_000 }

/** read of one stream in a second; a camera that sends more is read more slowly */
const BYTES_PER_S_MAX = 4 * 1024 * 1024

/** By signature: JPEG (FF D8 FF), PNG (RFC 2083), WebP (RIFF....WEBP). */
export const pictureType = (bytes: Buffer): PictureType | null => {
  if (bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff) return 'image/jpeg'
  if (bytes.toString('latin1', 0, 8) === '\u0089PNG\r\n\u001a\n') return 'image/png'
  return bytes.toString('latin1', 0, 4) === 'RIFF' && bytes.toString('latin1', 8, 12) === 'WEBP' ? 'image/webp' : null
}

/** A body up to `bytesMax`. @throws Error that says what was wrong */
export async function readWhole(answer: IncomingMessage, bytesMax: number, withinMs: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  const limit = setTimeout(() => answer.destroy(new Error(`not whole within ${withinMs / 1000} s`)), withinMs)
  try {
    for await (const chunk of answer) {
      bytes += (chunk as Buffer).length
      if (bytes > bytesMax) throw new Error(`it sends more than ${bytesMax} bytes`)
      chunks.push(chunk as Buffer)
    }
    return Buffer.concat(chunks)
  } finally {
    clearTimeout(limit)
    answer.destroy()
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  new Promise(resolve => {
    if (signal.aborted) return resolve()
    const done = (): void => {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal.addEventListener('abort', done)
  })

export async function* snapshots({ target, signal, nowMs, limits }: Source): AsyncGenerator<Picture> {
  while (!signal.aborted) {
    const answer = await ask({ ...target, isFenced: true, signal, answerMs: limits.answerMs })
    const bytes = await readWhole(answer, PICTURE_BYTES_MAX, limits.answerMs)
    const type = pictureType(bytes)
    if (type === null) throw new Error('what it sends is no picture')
    yield { bytes, type, atMs: nowMs() }
    await pause(limits.everyMs, signal)
  }
}

export async function* mjpeg({ target, signal, nowMs, limits }: Source): AsyncGenerator<Picture> {
  const answer = await ask({ ...target, isFenced: true, signal, answerMs: limits.answerMs })
  const boundary = /boundary="?([^";\s]{1,128})/i.exec(answer.headers['content-type'] ?? '')?.[1]
  if (boundary === undefined) {
    answer.destroy()
    throw new Error('what it sends is no MJPEG stream')
  }
  const parts = new Parts(boundary, true)
  // a stream that sends bytes and never a picture is as silent as one that sends nothing
  const late = (): void => void answer.destroy(new Error(`no picture for ${limits.silenceMs / 1000} s`))
  let limit = setTimeout(late, limits.silenceMs)
  let [second, bytes] = [0, 0]
  try {
    for await (const chunk of answer) {
      for (const { body } of parts.push(chunk as Buffer)) {
        const type = pictureType(body)
        if (type === null) continue
        limit = limit.refresh()
        yield { bytes: body, type, atMs: nowMs() }
      }
      const now = Math.floor(performance.now() / 1000)
      bytes = (now === second ? bytes : 0) + (chunk as Buffer).length
      second = now
      if (bytes <= BYTES_PER_S_MAX) continue
      // the pause is ours, not the camera's
      clearTimeout(limit)
      await pause(1000 - (performance.now() % 1000), signal)
      limit = setTimeout(late, limits.silenceMs)
    }
    throw new Error('the stream ended')
  } finally {
    clearTimeout(limit)
    answer.destroy()
  }
}
