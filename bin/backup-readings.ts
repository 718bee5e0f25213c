// Copies readings.duckdb. DuckDB lets nobody look into a file that another process writes; so the running store is asked to hold still
// (ingest/stores/still.ts), and a copy counts only when it did so from beginning to end.
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { FengsuiError } from '#contracts/errors.ts'
import { HELD_FILE, HOLD_FILE } from '../ingest/stores/still.ts'
import { copyPlain, type Sum } from './backup-copy.ts'

export const READINGS = 'readings.duckdb'
/** one write of the store may take a while on a slow disk */
const HELD_WITHIN_MS = 60_000
const TOUCH_EVERY_MS = 1000

/** A process that holds the file keeps others from opening it, even for reading. */
async function isHeld(file: string): Promise<boolean> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  try {
    const instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' })
    instance.closeSync()
    return false
  } catch (error) {
    return /could not set lock|conflicting lock/i.test((error as Error).message)
  }
}

const isHeldFor = (file: string, wish: string): boolean => existsSync(file) && readFileSync(file, 'utf8') === wish

async function whileStill<T>(dir: string, work: () => Promise<T>): Promise<T> {
  const [hold, held] = [join(dir, HOLD_FILE), join(dir, HELD_FILE)]
  const wish = randomUUID()
  writeFileSync(hold, wish)
  const timer = setInterval(() => existsSync(hold) && utimesSync(hold, new Date(), new Date()), TOUCH_EVERY_MS)
  try {
    for (let waited = 0; !isHeldFor(held, wish); waited += 100) {
      if (waited >= HELD_WITHIN_MS)
        throw new FengsuiError(
          'backup-refused',
          `the store does not hold ${READINGS} still: see the line of ingest on /readyz, and begin again, or leave the readings out with --without-readings`,
        )
      await delay(100)
    }
    const done = await work()
    if (!isHeldFor(held, wish))
      throw new FengsuiError('backup-refused', `the store wrote to ${READINGS} while it was copied (was it restarted?): begin again`)
    return done
  } finally {
    clearInterval(timer)
    rmSync(hold, { force: true })
  }
}

export async function copyReadings(dir: string, to: string): Promise<(Sum & { path: string })[]> {
  const copied: (Sum & { path: string })[] = []
  const copy = async (): Promise<void> => {
    for (const path of [READINGS, `${READINGS}.wal`])
      if (existsSync(join(dir, path))) copied.push({ path, ...(await copyPlain(join(dir, path), join(to, path))) })
  }
  if (!existsSync(join(dir, READINGS))) return []
  if (await isHeld(join(dir, READINGS))) await whileStill(dir, copy)
  else await copy()
  return copied
}
