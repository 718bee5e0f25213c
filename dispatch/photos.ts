// Photos of observations on disk: what a picture is is decided by its bytes, never by its name or what the sender calls it. Written aside and
// moved when it is whole, so that nothing half can be shown. It never decodes a picture.
import { createHash, randomUUID } from 'node:crypto'
import {
  closeSync,
  createReadStream,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  writeSync,
} from 'node:fs'
import type { ReadStream } from 'node:fs'
import { join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'
import type { Photo, PhotoType } from '#contracts/observation.ts'

export const PHOTO_BYTES_MAX = 10 * 1024 * 1024
export const PHOTOS_DIR = 'photos'
const INCOMING = 'incoming'
/** one empty file for each photo whose report is not written down yet */
const UNCLAIMED = 'unclaimed'
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/
/** enough for every signature below */
const HEAD_BYTES = 16

export type PhotoStoreOptions = {
  /** the data folder */
  dir: string
  quotaBytes: number
  /** below so much free space nothing is taken; 0 = until the disk refuses */
  reserveBytes: number
  /** a report that was written down names it */
  isKept: (id: string) => boolean
}

const ascii = (head: Uint8Array, from: number, to: number): string => Buffer.from(head.subarray(from, to)).toString('latin1')

/** By signature: JPEG (FF D8 FF), PNG (RFC 2083), WebP (RIFF....WEBP), HEIC (ISO 14496-12 ftyp). */
export const typeOf = (head: Uint8Array): PhotoType | null => {
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'image/jpeg'
  if (ascii(head, 0, 8) === '\u0089PNG\r\n\u001a\n') return 'image/png'
  if (ascii(head, 0, 4) === 'RIFF' && ascii(head, 8, 12) === 'WEBP') return 'image/webp'
  if (ascii(head, 4, 8) === 'ftyp' && ['heic', 'heix', 'mif1', 'msf1', 'hevc'].includes(ascii(head, 8, 12))) return 'image/heic'
  return null
}

const synced = (dir: string): void => {
  const open = openSync(dir, 'r')
  try {
    fsyncSync(open)
  } finally {
    closeSync(open)
  }
}

const sizeIn = (folder: string): number => {
  let bytes = 0
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
    const found = statSync(join(folder, name), { throwIfNoEntry: false })
    if (found?.isFile() === true) bytes += found.size
  }
  return bytes
}

export type PhotoStore = ReturnType<typeof openPhotos>

export const openPhotos = (o: PhotoStoreOptions) => {
  const folder = join(o.dir, PHOTOS_DIR)
  const incoming = join(folder, INCOMING)
  // what a crash left half is nobody's
  rmSync(incoming, { recursive: true, force: true })
  mkdirSync(incoming, { recursive: true })
  const unclaimed = join(folder, UNCLAIMED)
  mkdirSync(unclaimed, { recursive: true })

  const pathOf = (id: string): string | null => (ID.test(id) ? join(folder, id.slice(0, 2), id) : null)
  const claim = (id: string): void => rmSync(join(unclaimed, id), { force: true })

  // a crash between a photo and its report leaves one that nobody can ask for: it must not take its share for ever
  for (const id of readdirSync(unclaimed)) {
    const path = pathOf(id)
    if (path !== null && !o.isKept(id)) rmSync(path, { force: true })
    claim(id)
  }
  let bytesKept = sizeIn(folder)

  const checkRoom = (): void => {
    if (bytesKept >= o.quotaBytes)
      throw new FengsuiError(
        'disk-reserve',
        `the photos take ${Math.round(bytesKept / 1024 / 1024)} MiB, which is all they may (FENGSUI_PHOTOS_MB)`,
      )
    if (o.reserveBytes === 0) return
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize < o.reserveBytes) throw new FengsuiError('disk-reserve', 'the disk is nearly full: no photos are taken')
  }

  const write = async (chunks: AsyncIterable<Uint8Array>, file: string): Promise<Omit<Photo, 'id'>> => {
    const hash = createHash('sha256')
    const out = openSync(file, 'wx', 0o600)
    let head = Buffer.alloc(0)
    let bytes = 0
    try {
      for await (const chunk of chunks) {
        bytes += chunk.byteLength
        if (bytes > PHOTO_BYTES_MAX) continue // read to its end, so that the sender hears why
        if (head.byteLength < HEAD_BYTES) head = Buffer.concat([head, chunk]).subarray(0, HEAD_BYTES)
        hash.update(chunk)
        writeSync(out, chunk)
      }
      fsyncSync(out)
    } finally {
      closeSync(out)
    }
    if (bytes > PHOTO_BYTES_MAX) throw new FengsuiError('payload-too-large', `a photo is larger than ${PHOTO_BYTES_MAX / 1024 / 1024} MiB`)
    const type = typeOf(head)
    if (type === null) throw new FengsuiError('invalid-request', 'a photo is no JPEG, PNG, WebP or HEIC picture')
    return { type, bytes, sha256: hash.digest('hex') }
  }

  return {
    /** @throws FengsuiError payload-too-large, invalid-request (no picture), disk-reserve; nothing is kept then */
    async save(chunks: AsyncIterable<Uint8Array>): Promise<Photo> {
      checkRoom()
      const id = randomUUID()
      const file = join(incoming, id)
      try {
        const made = await write(chunks, file)
        mkdirSync(join(folder, id.slice(0, 2)), { recursive: true })
        closeSync(openSync(join(unclaimed, id), 'wx', 0o600))
        renameSync(file, join(folder, id.slice(0, 2), id))
        // its name too: a report that is written down must not lose its photo with the power
        synced(join(folder, id.slice(0, 2)))
        synced(folder)
        bytesKept += made.bytes
        return { id, ...made }
      } catch (error) {
        rmSync(file, { force: true })
        throw error
      }
    },
    /** Their report is written down. */
    keep(photos: readonly Photo[]): void {
      for (const { id } of photos) claim(id)
    },
    /** What was saved for a report that was not taken. */
    remove(photos: readonly Photo[]): void {
      for (const { id, bytes } of photos) {
        const path = pathOf(id)
        if (path === null) continue
        rmSync(path, { force: true })
        claim(id)
        bytesKept -= bytes
      }
    },
    /** null where it is not there. */
    read(id: string): ReadStream | null {
      const path = pathOf(id)
      return path === null || statSync(path, { throwIfNoEntry: false }) === undefined ? null : createReadStream(path)
    },
    bytes: () => bytesKept,
  }
}
