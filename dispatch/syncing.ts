// Brings the log of dispatch.db onto the disk without holding up the thread that judges: whoever must answer waits for it, alarms go on meanwhile. Who
// comes while a sync is under way shares the next one, since only a sync that began behind a commit has that commit in it.
import { open } from 'node:fs/promises'
import { FengsuiError } from '#contracts/errors.ts'

export type Syncing = {
  /** resolves when everything committed before the call is on disk. @throws FengsuiError room-unavailable when the disk does not say so */
  synced(): Promise<void>
}

export function openSyncing(sync: () => Promise<void>): Syncing {
  let underWay: Promise<void> | null = null
  let next: Promise<void> | null = null

  async function begin(): Promise<void> {
    try {
      await sync()
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new FengsuiError('room-unavailable', `the queue could not be brought onto the disk: ${why}`, { cause })
    } finally {
      underWay = null
    }
  }
  async function behind(before: Promise<void>): Promise<void> {
    await before.catch(() => {}) // whoever waited for it was told
    next = null
    await (underWay = begin())
  }
  return { synced: () => (underWay === null ? (underWay = begin()) : (next ??= behind(underWay))) }
}

/** What a commit without a sync wrote lies in the log, or in the database when the log was emptied since: that is done by syncs of its own. */
export const syncLogOf =
  (file: string): (() => Promise<void>) =>
  async () => {
    await using log = await open(`${file}-wal`, 'r+')
    await log.datasync()
  }
