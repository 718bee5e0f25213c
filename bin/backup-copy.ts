// Copies one file of a data folder into a backup: a plain file as it is, an SQLite file as one committed state of it, whoever writes it
// meanwhile. What was copied is on disk before its checksum is given.
import { createHash } from 'node:crypto'
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { setImmediate as breathe } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { FengsuiError } from '#contracts/errors.ts'

const CHUNK_BYTES = 1024 * 1024
const BUSY_MS = 30_000
/** only its owner reads a backup: it holds what the data folder holds */
const MODE = 0o600
const MODE_EXECUTABLE = 0o700
export const FOLDER_MODE = 0o700

export type Sum = { bytes: number; sha256: string }

const eachChunk = async (from: string, take: (chunk: Uint8Array) => void): Promise<void> => {
  const file = openSync(from, 'r')
  try {
    const buffer = new Uint8Array(CHUNK_BYTES)
    for (;;) {
      const bytes = readSync(file, buffer)
      if (bytes === 0) return
      take(buffer.subarray(0, bytes))
      await breathe()
    }
  } finally {
    closeSync(file)
  }
}

export async function sumOfFile(path: string): Promise<Sum> {
  const hash = createHash('sha256')
  let bytes = 0
  await eachChunk(path, chunk => {
    hash.update(chunk)
    bytes += chunk.byteLength
  })
  return { bytes, sha256: hash.digest('hex') }
}

/** A copy with the bytes as they were read; never over a file that is there. */
export async function copyPlain(from: string, to: string, o: { executable?: boolean } = {}): Promise<Sum> {
  mkdirSync(dirname(to), { recursive: true, mode: FOLDER_MODE })
  const hash = createHash('sha256')
  let bytes = 0
  const file = openSync(to, 'wx', o.executable === true ? MODE_EXECUTABLE : MODE)
  try {
    await eachChunk(from, chunk => {
      hash.update(chunk)
      for (let at = 0; at < chunk.byteLength;) at += writeSync(file, chunk, at)
      bytes += chunk.byteLength
    })
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return { bytes, sha256: hash.digest('hex') }
}

/** VACUUM INTO reads in one transaction: a state that was committed, without a WAL, whatever is written meanwhile. */
export async function snapshot(from: string, to: string): Promise<Sum> {
  mkdirSync(dirname(to), { recursive: true, mode: FOLDER_MODE })
  // VACUUM INTO takes an empty file: so it is nobody else's from the beginning
  closeSync(openSync(to, 'wx', MODE))
  const db = new DatabaseSync(from, { readOnly: true, timeout: BUSY_MS })
  try {
    db.prepare('VACUUM INTO ?').run(to)
  } catch (cause) {
    throw new FengsuiError('backup-refused', `copying ${from}: ${(cause as Error).message}`, { cause })
  } finally {
    db.close()
  }
  const file = openSync(to, 'r+')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
  return sumOfFile(to)
}

export const isExecutable = (path: string): boolean => (statSync(path).mode & 0o100) !== 0
