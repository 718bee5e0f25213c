// How much at the end of a WAL was not a whole commit. SQLite drops such a tail without a word when it opens the file after a kill or
// a power cut; nothing in it was acknowledged, but an operator is told. Only reads. Layout: sqlite.org/fileformat2.html#walformat
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'

const HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
const MAGIC = 0x377f0682
/** The part of a frame's header that says which life of the WAL it belongs to. */
const SALTS_END = 16

/** What lies in a WAL, seen before SQLite has opened it. */
export type Tail = { writtenBytes: number; frameBytes: number }

/** undefined where there is no WAL or nothing in it. */
export function lookAtTail(path: string): Tail | undefined {
  let file: number
  try {
    file = openSync(`${path}-wal`, 'r')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const size = fstatSync(file).size
    if (size === 0) return undefined
    const header = readAt(file, 0, HEADER_BYTES)
    // where even the header is not whole, nobody can say what belonged to it
    if (!isWholeHeader(header)) return { writtenBytes: size, frameBytes: Infinity }
    const frameBytes = FRAME_HEADER_BYTES + (header.readUInt32BE(8) || 65_536)
    return { writtenBytes: endOfLife(file, size, header.subarray(16, 24), frameBytes), frameBytes }
  } finally {
    closeSync(file)
  }
}

/** After SQLite has opened the file: bytes it did not take, since they are no whole commit. */
export function tornBytes(database: DatabaseSync, tail: Tail | undefined): number {
  if (tail === undefined) return 0
  database.prepare('SELECT count(*) FROM sqlite_master').get() // reads the WAL; opening alone does not
  const frames = Number(database.prepare('PRAGMA wal_checkpoint(NOOP)').get()?.['log'])
  const takenBytes = frames > 0 ? HEADER_BYTES + frames * tail.frameBytes : 0
  if (!Number.isFinite(takenBytes)) return 0
  // a header alone is a WAL that was begun and not written to
  return takenBytes === 0 && tail.writtenBytes === HEADER_BYTES ? 0 : Math.max(0, tail.writtenBytes - takenBytes)
}

/** Behind the last frame that carries the salts of the header; what comes after it is left of a former life. */
function endOfLife(file: number, size: number, salts: Buffer, frameBytes: number): number {
  let end = HEADER_BYTES
  for (let at = HEADER_BYTES; at < size; at += frameBytes) {
    const head = readAt(file, at, SALTS_END)
    // a frame that was cut before its salts: it belongs to what stands before it
    const isLive = head.length < SALTS_END ? end === at : head.subarray(8).equals(salts)
    if (isLive) end = Math.min(size, at + frameBytes)
  }
  return end
}

function isWholeHeader(header: Buffer): boolean {
  if (header.length < HEADER_BYTES || header.readUInt32BE(0) >>> 1 !== MAGIC >>> 1) return false
  const isBigEndian = (header.readUInt32BE(0) & 1) === 1
  const word = (at: number): number => (isBigEndian ? header.readUInt32BE(at) : header.readUInt32LE(at))
  let [a, b] = [0, 0]
  for (let at = 0; at < 24; at += 8) {
    a = (a + word(at) + b) >>> 0
    b = (b + word(at + 4) + a) >>> 0
  }
  return a === header.readUInt32BE(24) && b === header.readUInt32BE(28)
}

function readAt(file: number, at: number, length: number): Buffer {
  const bytes = Buffer.alloc(length)
  return bytes.subarray(0, readSync(file, bytes, 0, length, at))
}
