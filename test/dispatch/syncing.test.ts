// Waiting for the disk apart from the thread that judges: a sync that began before a commit does not count for it, who waits shares the next one, a
// failure is told to those who waited and to nobody else; and what it syncs is the log that the commit was written to.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { inTransaction, openDatabase } from '../../dispatch/database.ts'
import { openSyncing, syncLogOf } from '../../dispatch/syncing.ts'

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

test('who comes while one is under way waits for the next, all of them for the same', async () => {
  const syncs: PromiseWithResolvers<void>[] = []
  const { synced } = openSyncing(() => (syncs.push(Promise.withResolvers<void>()), syncs.at(-1)!.promise))
  const done: string[] = []
  const wait = (name: string) => void synced().then(() => done.push(name))
  wait('a')
  wait('b')
  wait('c')
  await turn()
  expect(syncs).toHaveLength(1)
  syncs[0]!.resolve()
  await turn()
  expect([done, syncs.length]).toEqual([['a'], 2])
  wait('d')
  syncs[1]!.resolve()
  await turn()
  expect([done, syncs.length]).toEqual([['a', 'b', 'c'], 3])
  syncs[2]!.resolve()
  await turn()
  wait('e')
  expect([done, syncs.length]).toEqual([['a', 'b', 'c', 'd'], 4])
})

test('a disk that fails is told to who waited for it, and the next is tried anew', async () => {
  const fails = [true, false, true]
  const { synced } = openSyncing(async () => {
    await turn()
    if (fails.shift() === true) throw new Error('EIO')
  })
  const [a, b] = [synced(), synced()]
  await expect(a).rejects.toMatchObject({ code: 'room-unavailable', message: expect.stringContaining('EIO') })
  await b
  await expect(synced()).rejects.toThrow('EIO')
})

test('the log is where a commit without a sync lies', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-syncing-'))
  const file = join(dir, 'dispatch.db')
  const db = openDatabase(file)
  try {
    db.exec('CREATE TABLE t (x TEXT)')
    inTransaction(db, () => db.exec("INSERT INTO t VALUES ('a-flow-raised-it')"), { isSynced: false })
    await openSyncing(syncLogOf(file)).synced()
    expect(readFileSync(`${file}-wal`).includes('a-flow-raised-it')).toBe(true)
  } finally {
    db.close()
    rmSync(dir, { recursive: true, force: true })
  }
})
