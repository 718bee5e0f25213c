// The endless multipart body of a camera, cut into its parts as the bytes come. A part with a length is taken by it, one without ends at the
// next boundary. Pictures are passed over unless they are what is asked for; a part that is too large is too.

export type Part = { type: string; body: Buffer }

export const PART_BYTES_MAX = 1024 * 1024
export const PICTURE_BYTES_MAX = 4 * 1024 * 1024
const HEAD_BYTES_MAX = 8 * 1024
const LINE_BYTES_MAX = 64

export class Parts {
  readonly #boundary: Buffer
  readonly #wantsPictures: boolean
  readonly #bytesMax: number
  #held: Buffer = Buffer.alloc(0)
  /** bytes of a part that is passed over and have not come yet */
  #skip = 0

  /** `boundary` as the header gives it, with or without its two dashes: cameras do either. */
  constructor(boundary: string, wantsPictures = false) {
    this.#wantsPictures = wantsPictures
    this.#bytesMax = wantsPictures ? PICTURE_BYTES_MAX : PART_BYTES_MAX
    this.#boundary = Buffer.from(boundary.startsWith('--') ? boundary : `--${boundary}`)
  }

  push(bytes: Buffer): Part[] {
    const skipped = Math.min(this.#skip, bytes.length)
    this.#skip -= skipped
    this.#held = Buffer.concat([this.#held, bytes.subarray(skipped)])
    const found: Part[] = []
    for (let part = this.#next(); part !== undefined; part = this.#next()) if (part !== null) found.push(part)
    return found
  }

  /** undefined = more has to come; null = passed over. */
  #next(): Part | null | undefined {
    const begin = this.#held.indexOf(this.#boundary)
    if (begin < 0) {
      this.#held = this.#held.subarray(Math.max(0, this.#held.length - this.#boundary.length))
      return undefined
    }
    this.#held = this.#held.subarray(begin)
    const headEnd = this.#headEnd()
    if (headEnd < 0 || headEnd > HEAD_BYTES_MAX) return this.#held.length > HEAD_BYTES_MAX ? this.#drop(this.#boundary.length) : undefined
    const head = this.#held.toString('latin1', this.#boundary.length, headEnd)
    const type = /content-type:\s*([^\r\n;]{1,128})/i.exec(head)?.[1]?.trim().toLowerCase() ?? ''
    const length = Number(/content-length:\s*(\d{1,10})/i.exec(head)?.[1] ?? Number.NaN)
    return Number.isNaN(length) ? this.#untilBoundary(headEnd + 4, type) : this.#byLength(headEnd + 4, length, type)
  }

  /** Some cameras write an empty line before the headers, too: it ends none. -1 = more has to come. */
  #headEnd(): number {
    const from = this.#boundary.length
    const end = this.#held.indexOf('\r\n\r\n', from)
    if (end !== from) return end
    const next = this.#held.toString('latin1', from + 4, from + 4 + LINE_BYTES_MAX)
    if (next.length < 'content-'.length) return -1
    return /^content-/i.test(next) ? this.#held.indexOf('\r\n\r\n', from + 4) : end
  }

  #byLength(from: number, length: number, type: string): Part | null | undefined {
    if (length > this.#bytesMax || this.#passesOver(type)) {
      this.#skip = Math.max(0, from + length - this.#held.length)
      return this.#drop(from + length)
    }
    if (this.#held.length < from + length) return undefined
    const body = Buffer.from(this.#held.subarray(from, from + length))
    this.#drop(from + length)
    return { type, body }
  }

  #untilBoundary(from: number, type: string): Part | null | undefined {
    const end = this.#held.indexOf(this.#boundary, from)
    if (end < 0) return this.#held.length > this.#bytesMax ? this.#drop(this.#held.length) : undefined
    const body = Buffer.from(this.#held.subarray(from, end))
    this.#drop(end)
    return this.#passesOver(type) ? null : { type, body }
  }

  #passesOver(type: string): boolean {
    return !this.#wantsPictures && type.startsWith('image/')
  }

  #drop(bytes: number): null {
    this.#held = Buffer.from(this.#held.subarray(bytes))
    return null
  }
}
