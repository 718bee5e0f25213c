// A disk that fills up under load: nothing is acknowledged any more, nothing acknowledged is lost, and all goes on by itself when there is space.
import { test } from 'vitest'
import { expectExactlyOnce } from './ledger.ts'
import { admit, district, isReady, ready, startLoad, still } from './load.ts'
import { smallDisk } from './small-disk.ts'
import { start, until } from './running.ts'

const RATE = 3000
const BULK = 0
const ALARMS = 1

test('a full disk: nothing is acknowledged, nothing is lost, and it goes on when there is space', async () => {
  using disk = smallDisk(192)
  await using running = await start({ dir: disk.dir, env: { FENGSUI_DISK_RESERVE_MB: '0' } })
  await using load = await startLoad({ port: running.mqttPort, groups: await admit(running, district(RATE)) })
  await load.acked(RATE)
  disk.fillTo(1)
  await still(load, BULK)
  await until(async () => !(await isReady(running)), 60_000, 'not ready while the disk is full')
  disk.free()
  await load.acked(RATE, BULK)
  await load.acked(10, ALARMS)
  load.pause()
  await ready(running, 'when there is space again')
  await expectExactlyOnce(running, await load.stop())
})
