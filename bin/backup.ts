// `npm run backup -- DIR`: a consistent copy of the data folder, while the system runs or not. The order makes it so: cursors first, then
// what keeps a place in the journal, and the journal last, so that every place lies within the journal that is there.
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, realpathSync, rmSync, statfsSync, statSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { join, relative, resolve, sep } from 'node:path'
import { parseArgs } from 'node:util'
import { FengsuiError } from '#contracts/errors.ts'
import { auditHead, verifyAuditFile } from '../dispatch/index.ts'
import { HELD_FILE, HOLD_FILE } from '../ingest/stores/still.ts'
import { segmentFiles, SEGMENTS_DIR, verifyJournal } from '../journal/index.ts'
import { RESTORE_MARK } from '../parts/ports.ts'
import { BELL_FILE } from '../processes/bell.ts'
import { readSettings } from '../settings.ts'
import { copyPlain, FOLDER_MODE, isExecutable, snapshot, type Sum } from './backup-copy.ts'
import { refused } from './refused.ts'
import { FORMAT, MANIFEST, syncPath, writeManifest, type BackedUpFile, type Manifest } from './backup-manifest.ts'
import { copyReadings, READINGS } from './backup-readings.ts'

/** Of the databases; what is not named follows in the order of its name. A command that was sent is in the sessions by then. */
const FIRST = ['cursors.db', 'dispatch.db', 'influx.db']
const isOfSqlite = (name: string): boolean => /\.db(-wal|-shm|-journal)$/.test(name)
const isPassing = (name: string): boolean =>
  isOfSqlite(name) || name.startsWith(READINGS) || [HOLD_FILE, HELD_FILE, BELL_FILE, RESTORE_MARK, MANIFEST, SEGMENTS_DIR].includes(name)

type Plan = { dir: string; to: string; withReadings: boolean }

export async function backup({ dir, to, withReadings }: Plan, nowMs: () => number = Date.now): Promise<Manifest> {
  const begunAt = new Date(nowMs()).toISOString()
  const files: BackedUpFile[] = []
  const leftOut: string[] = []
  const add = (path: string, sum: Sum, executable = false): void => void files.push({ path, ...sum, ...(executable && { executable }) })
  const segments = new Set<string>()

  const copySegments = async (onlyFinal: boolean): Promise<void> => {
    for (const { name, path, isFinal } of segmentFiles(dir)) {
      if (segments.has(name) || (onlyFinal && !isFinal)) continue
      const target = join(SEGMENTS_DIR, name)
      add(target, await (isFinal ? copyPlain : snapshot)(path, join(to, target)))
      segments.add(name)
    }
  }
  const copyTree = async (path: string): Promise<void> => {
    const found = lstatSync(join(dir, path), { throwIfNoEntry: false })
    if (found === undefined) return
    if (found.isDirectory()) for (const name of readdirSync(join(dir, path)).toSorted()) await copyTree(join(path, name))
    else if (!found.isFile()) leftOut.push(`${path}: neither file nor folder`)
    else await copyFile(path)
  }
  const copyFile = async (path: string): Promise<void> => {
    try {
      const executable = isExecutable(join(dir, path))
      add(path, await copyPlain(join(dir, path), join(to, path), { executable }), executable)
    } catch (error) {
      // a file that was there for a moment only is no part of anything
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  // the files that nobody writes any more, before retention takes one of them
  await copySegments(true)
  const names = readdirSync(dir).toSorted()
  const databases = names.filter(name => name.endsWith('.db')).toSorted((a, b) => rank(a) - rank(b))
  for (const name of databases) {
    add(name, await snapshot(join(dir, name), join(to, name)))
    if (name !== 'dispatch.db') continue
    if (withReadings) for (const { path, ...sum } of await copyReadings(dir, to)) add(path, sum)
    else leftOut.push(`${READINGS}: --without-readings`)
  }
  if (!databases.includes('dispatch.db') && withReadings) for (const { path, ...sum } of await copyReadings(dir, to)) add(path, sum)
  for (const name of names) if (!isPassing(name) && !name.endsWith('.db')) await copyTree(name)
  await copySegments(false)

  // a copy that nobody has read is a hope; damage that is in the data folder already is said, and copied as far as it can be
  const journal = verifyJournal({ dir: to })
  const audit = verifyAuditFile({ file: join(to, 'dispatch.db') })
  const problems = [
    ...(journal.ok ? [] : [`journal: ${journal.problem ?? 'broken'}`]),
    ...(audit.ok ? [] : [`audit: ${audit.problem ?? 'broken'}`]),
  ]
  for (const folder of new Set(files.map(({ path }) => join(to, path, '..')))) syncPath(folder)
  const manifest: Manifest = {
    format: FORMAT,
    program: versionOf(),
    begunAt,
    endedAt: new Date(nowMs()).toISOString(),
    journal: { oldest: journal.oldest, head: journal.head },
    audit: { entries: audit.entries, head: auditHead({ file: join(to, 'dispatch.db') }) },
    leftOut,
    problems,
    files,
  }
  writeManifest(to, manifest)
  return manifest
}

const rank = (name: string): number => (FIRST.includes(name) ? FIRST.indexOf(name) : FIRST.length)

const versionOf = (): string =>
  (JSON.parse(readFileSync(join(import.meta.dirname, '../package.json'), 'utf8')) as { version: string }).version

const bytesIn = (path: string): number => {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory() === true) return readdirSync(path).reduce((sum, name) => sum + bytesIn(join(path, name)), 0)
  return found?.size ?? 0
}

/** An empty folder outside the data folder, with room for it. @throws FengsuiError backup-refused */
export function makeTarget(dir: string, given: string): string {
  const to = resolve(given)
  if (!existsSync(dir)) throw new FengsuiError('backup-refused', `there is nothing to back up: FENGSUI_DATA_DIR=${dir} does not exist`)
  if (existsSync(join(dir, RESTORE_MARK))) throw new FengsuiError('restore-unfinished', `${dir} holds a restore that was not finished`)
  if (existsSync(to) && (!statSync(to).isDirectory() || readdirSync(to).length > 0))
    throw new FengsuiError('backup-refused', `${to} is not an empty folder: every backup gets one of its own`)
  mkdirSync(to, { recursive: true, mode: FOLDER_MODE })
  const way = relative(realpathSync(dir), realpathSync(to))
  if (way === '' || !(way === '..' || way.startsWith(`..${sep}`)))
    throw new FengsuiError('backup-refused', `${to} lies in the data folder: choose a folder elsewhere, best on another disk`)
  const { bavail, bsize } = statfsSync(to)
  const needed = bytesIn(dir)
  if (bavail * bsize < needed)
    throw new FengsuiError(
      'backup-refused',
      `${to} has ${Math.floor((bavail * bsize) / 2 ** 20)} MiB free, ${Math.ceil(needed / 2 ** 20)} MiB are needed`,
    )
  return to
}

async function main(): Promise<void> {
  // other users of the machine read none of it
  process.umask(0o077)
  const { values, positionals } = parseArgs({ allowPositionals: true, options: { 'without-readings': { type: 'boolean' } } })
  const [given] = positionals
  if (given === undefined || positionals.length > 1)
    throw new FengsuiError('invalid-request', 'where to? npm run backup -- DIR [--without-readings]')
  const dir = resolve(readSettings(process.env).dataDir)
  const to = makeTarget(dir, given)
  if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW)
  let made: Manifest
  try {
    made = await backup({ dir, to, withReadings: values['without-readings'] !== true })
  } catch (error) {
    // it was empty; half a backup is none
    for (const name of readdirSync(to)) rmSync(join(to, name), { recursive: true })
    throw error
  }
  const bytes = made.files.reduce((sum, file) => sum + file.bytes, 0)
  console.log(`backup: ${made.files.length} files, ${(bytes / 2 ** 20).toFixed(1)} MiB in ${to}`)
  console.log(`  journal ${made.journal.oldest} to ${made.journal.head}; audit ${made.audit.entries} entries, head ${made.audit.head}`)
  for (const line of made.leftOut) console.log(`  left out: ${line}`)
  for (const line of made.problems) console.error(`  BROKEN, as in the data folder: ${line}`)
  if (made.problems.length > 0) process.exitCode = 1
}

if (import.meta.main)
  try {
    await main()
  } catch (error) {
    process.exit(refused(error))
  }
