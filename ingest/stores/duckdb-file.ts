// Opens the DuckDB file, and never twice into the same wall: a file whose opening failed twice (also by killing the process) is
// moved aside and an empty one begun, which the journal then fills again. A file that another process holds, or that a
// full disk keeps from opening, is left alone.
import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { DuckDBInstance } from '@duckdb/node-api'
import type { Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'

const OPENINGS_MAX = 2

/** The damaged file is kept as <file>.broken; an older one of that name is replaced. `notice` says so. */
export async function openDuckdbFile(file: string, log: Log): Promise<{ instance: DuckDBInstance; notice?: string }> {
  const marker = `${file}.opening`
  let notice: string | undefined
  let last: unknown
  for (let attempt = 0; attempt <= OPENINGS_MAX; attempt++) {
    const unfinished = countIn(marker)
    if (unfinished >= OPENINGS_MAX) {
      notice = `could not open ${file} ${unfinished} times (${last instanceof Error ? last.message : 'the process died'}): kept as ${file}.broken, beginning again empty from the journal`
      log.error({ file }, notice)
      moveAside(file)
      rmSync(marker, { force: true })
    }
    writeFileSync(marker, String(countIn(marker) + 1))
    try {
      const instance = await openAndLook(file)
      rmSync(marker)
      return { instance, ...(notice !== undefined && { notice }) }
    } catch (error) {
      last = error
      if (!isHeldByOther(error) && !isForWantOfRoom(error)) continue
      if (unfinished === 0) rmSync(marker)
      else writeFileSync(marker, String(unfinished))
      const why = isHeldByOther(error) ? `another process has ${file} open` : `${file} cannot be opened: ${(error as Error).message}`
      throw new FengsuiError('room-unavailable', why, { cause: error })
    }
  }
  throw new FengsuiError('room-unavailable', `could not begin an empty ${file}: ${last instanceof Error ? last.message : String(last)}`, {
    cause: last,
  })
}

/** A damaged file may open and break at the first look. */
async function openAndLook(file: string): Promise<DuckDBInstance> {
  const instance = await DuckDBInstance.create(file)
  try {
    const connection = await instance.connect()
    await connection.run('SELECT count(*) FROM duckdb_tables()')
    connection.closeSync()
    return instance
  } catch (error) {
    instance.closeSync()
    throw error
  }
}

const isHeldByOther = (error: unknown): boolean => error instanceof Error && /could not set lock|conflicting lock/i.test(error.message)
/** Not the file's fault: moving it aside would not help, and would lose what the journal no longer holds. */
const isForWantOfRoom = (error: unknown): boolean =>
  error instanceof Error && /no space left|disk quota|too many open files|permission denied|read-only file system/i.test(error.message)
const countIn = (marker: string): number => (existsSync(marker) ? Number(readFileSync(marker, 'utf8')) || 0 : 0)

function moveAside(file: string): void {
  for (const suffix of ['', '.wal']) {
    rmSync(`${file}${suffix}.broken`, { force: true })
    if (existsSync(`${file}${suffix}`)) renameSync(`${file}${suffix}`, `${file}${suffix}.broken`)
  }
}
