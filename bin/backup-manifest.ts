// The list in a backup that says what is in it: every file with its size and SHA-256, and a checksum of the list itself. It is written
// last, so that a folder without it is no backup. Read with mistrust: a path in it never leaves the folder.
import { createHash } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join, normalize, sep } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'

export const MANIFEST = 'backup.json'
/** what this program writes and reads */
export const FORMAT = 1

export type BackedUpFile = { path: string; bytes: number; sha256: string; executable?: true }
export type Manifest = {
  format: number
  program: string
  begunAt: string
  endedAt: string
  journal: { oldest: number; head: number }
  /** copy it elsewhere: who can rewrite all files could rewrite the trail, but not what you hold */
  audit: { entries: number; head: string }
  /** what was left out, and why */
  leftOut: string[]
  /** what was broken in the data folder already, and is in the copy as it is there */
  problems: string[]
  files: BackedUpFile[]
}

const sumOf = (manifest: Manifest): string => createHash('sha256').update(JSON.stringify(manifest)).digest('hex')

export const syncPath = (path: string): void => {
  const file = openSync(path, 'r')
  try {
    fsyncSync(file)
  } finally {
    closeSync(file)
  }
}

export function writeManifest(dir: string, manifest: Manifest): void {
  const file = join(dir, MANIFEST)
  writeFileSync(`${file}.part`, `${JSON.stringify({ ...manifest, sha256: sumOf(manifest) }, null, 1)}\n`)
  syncPath(`${file}.part`)
  renameSync(`${file}.part`, file)
  syncPath(dir)
}

const isInside = (path: unknown): path is string =>
  typeof path === 'string' && path !== '' && path === normalize(path) && !path.split(sep).includes('..') && !path.startsWith(sep)

const isFile = (f: Partial<BackedUpFile>): boolean =>
  isInside(f.path) && Number.isSafeInteger(f.bytes) && typeof f.sha256 === 'string' && /^[0-9a-f]{64}$/.test(f.sha256)

/** @throws FengsuiError backup-refused (no backup, or one of a newer program), backup-damaged */
export function readManifest(dir: string): Manifest {
  const file = join(dir, MANIFEST)
  if (!existsSync(file)) throw new FengsuiError('backup-refused', `${dir} is no finished backup: there is no ${MANIFEST} in it`)
  let read: Manifest & { sha256: string }
  try {
    read = JSON.parse(readFileSync(file, 'utf8')) as typeof read
  } catch (cause) {
    throw new FengsuiError('backup-damaged', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
  // what a newer program writes may be summed otherwise
  if (Number.isSafeInteger(read?.format) && read.format > FORMAT)
    throw new FengsuiError(
      'backup-refused',
      `${dir} has format ${read.format}, this program knows ${FORMAT}: restore it with the newer program`,
    )
  const { sha256, ...manifest } = read ?? {}
  const isWhole = sha256 === sumOf(manifest as Manifest) && Array.isArray(manifest.files) && manifest.files.every(isFile)
  if (!isWhole) throw new FengsuiError('backup-damaged', `${file} is not as it was written`)
  return manifest as Manifest
}
