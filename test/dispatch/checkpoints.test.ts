// The log of the queue's database is moved into the file beside the queue, while it commits, and nothing is lost at the end.
import { setTimeout as sleep } from 'node:timers/promises'
import { DatabaseSync } from 'node:sqlite'
import { expect, it } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { startCheckpoints } from '../../dispatch/checkpoints.ts'
import { folder, openDesk, raise, send } from './desk.ts'

type Log = { log: number; checkpointed: number }

it('moves what was committed while the queue goes on', async () => {
  using dir = folder()
  const { dispatch } = openDesk({ file: dir.file })
  const looker = new DatabaseSync(dir.file)
  const state = (): Log => looker.prepare('PRAGMA wal_checkpoint(NOOP)').get() as Log
  const checkpoints = startCheckpoints({ file: dir.file, log: noLog, everyMs: 5, pagesMin: 20 })
  let raised = 0
  const place = () => ({ building: `b${raised}` })
  while (state().checkpointed === 0 && raised < 400) {
    send(dispatch, raise({ id: `a${raised++}`, place: place() }))
    await sleep(5)
  }
  expect(state().checkpointed, `after ${raised} alarms`).toBeGreaterThan(0)
  send(dispatch, raise({ id: 'last', place: place() }))
  await checkpoints.close()
  dispatch.close()
  expect(looker.prepare('SELECT count(*) AS n FROM alarms').get()).toEqual({ n: raised + 1 })
  looker.close()
})

it('lets the queue go on where its thread cannot open the file', async () => {
  const warned: string[] = []
  const log = { ...noLog, warn: (_about: object, text?: string) => void warned.push(text ?? '') }
  using dir = folder()
  const checkpoints = startCheckpoints({ file: `${dir.file}/none`, log })
  await checkpoints.close()
  expect(warned).toEqual([expect.stringContaining('the thread of checkpoints ended')])
})
