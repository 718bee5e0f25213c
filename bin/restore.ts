// `npm run restore -- DIR`: brings a backup back into an empty data folder. Every checksum is held against the files before anything is
// written, and again while it is; until the last file is on disk nothing starts on the folder.
import { closeSync, existsSync, lstatSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { FengsuiError } from '#contracts/errors.ts'
import { RESTORE_MARK } from '../parts/ports.ts'
import { readSettings } from '../settings.ts'
import { copyPlain, FOLDER_MODE, sumOfFile, type Sum } from './backup-copy.ts'
import { refused } from './refused.ts'
import { readManifest, syncPath, type BackedUpFile, type Manifest } from './backup-manifest.ts'

/** what a file system of its own has in its root */
const OF_THE_DISK = ['lost+found']
const NAMED_MAX = 5

const expectSame = (from: string, { path, bytes, sha256 }: BackedUpFile, found: Sum): void => {
  if (found.bytes !== bytes) throw new FengsuiError('backup-damaged', `${join(from, path)} has ${found.bytes} bytes, ${bytes} were written`)
  if (found.sha256 !== sha256) throw new FengsuiError('backup-damaged', `${join(from, path)} is not as it was written`)
}

/** Every file is there and as it was written. @throws FengsuiError backup-refused, backup-damaged: the first file that is not */
export async function checkBackup(from: string): Promise<Manifest> {
  const manifest = readManifest(from)
  for (const file of manifest.files) {
    const found = lstatSync(join(from, file.path), { throwIfNoEntry: false })
    if (found === undefined) throw new FengsuiError('backup-damaged', `${join(from, file.path)} is missing`)
    if (!found.isFile()) throw new FengsuiError('backup-damaged', `${join(from, file.path)} is not a file`)
    expectSame(from, file, await sumOfFile(join(from, file.path)))
  }
  return manifest
}

const contentsOf = (dir: string): string[] => readdirSync(dir).filter(name => !OF_THE_DISK.includes(name))

/** @throws FengsuiError backup-refused (the data folder is not empty), backup-damaged; then nothing is left in the data folder */
export async function restore(o: { from: string; dir: string }): Promise<Manifest> {
  const { from, dir } = o
  if (existsSync(dir) && !lstatSync(dir).isDirectory()) throw new FengsuiError('backup-refused', `${dir} is not a folder`)
  const found = existsSync(dir) ? contentsOf(dir) : []
  if (found.length > 0) {
    const named = found.slice(0, NAMED_MAX).join(', ')
    throw new FengsuiError(
      'backup-refused',
      `FENGSUI_DATA_DIR=${dir} is not empty (${named}${found.length > NAMED_MAX ? ', ...' : ''}): stop the system that runs on it and restore into an empty folder`,
    )
  }
  const manifest = await checkBackup(from)
  mkdirSync(dir, { recursive: true, mode: FOLDER_MODE })
  const mark = join(dir, RESTORE_MARK)
  closeSync(openSync(mark, 'wx', 0o600))
  // a system that was started between the two looks
  const others = contentsOf(dir).filter(name => name !== RESTORE_MARK)
  if (others.length > 0) {
    rmSync(mark)
    throw new FengsuiError('backup-refused', `FENGSUI_DATA_DIR=${dir} is in use: ${others.slice(0, NAMED_MAX).join(', ')} came into it`)
  }
  try {
    for (const file of manifest.files) {
      const to = join(dir, file.path)
      expectSame(from, file, await copyPlain(join(from, file.path), to, { executable: file.executable === true }))
    }
  } catch (error) {
    for (const name of contentsOf(dir)) if (name !== RESTORE_MARK) rmSync(join(dir, name), { recursive: true })
    rmSync(mark)
    throw error
  }
  for (const folder of new Set(manifest.files.map(({ path }) => dirname(join(dir, path))))) syncPath(folder)
  syncPath(dir)
  rmSync(mark)
  syncPath(dir)
  return manifest
}

async function main(): Promise<void> {
  process.umask(0o077)
  const { positionals } = parseArgs({ allowPositionals: true, options: {} })
  const [given] = positionals
  if (given === undefined || positionals.length > 1) throw new FengsuiError('invalid-request', 'from where? npm run restore -- DIR')
  const dir = resolve(readSettings(process.env).dataDir)
  const { files, begunAt, journal, audit, leftOut, problems } = await restore({ from: resolve(given), dir })
  console.log(`restored ${files.length} files of ${begunAt} into ${dir}`)
  console.log(`  journal ${journal.oldest} to ${journal.head}; audit ${audit.entries} entries, head ${audit.head}`)
  for (const line of leftOut) console.log(`  not in this backup: ${line}`)
  for (const line of problems) console.log(`  broken when it was made: ${line}`)
  console.log('  check it with npm run verify, then npm start')
}

if (import.meta.main)
  try {
    await main()
  } catch (error) {
    process.exit(refused(error))
  }
