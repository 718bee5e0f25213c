// A disk that falls below the reserve under load: bulk telemetry waits at the devices, alarms and the dashboard go on, and all comes back by itself
// when there is space.
import { expect, test } from 'vitest'
import { expectExactlyOnce } from './ledger.ts'
import { admit, district, ready, startLoad, still } from './load.ts'
import { smallDisk } from './small-disk.ts'
import { start, until, type Running } from './running.ts'

const RATE = 3000
const BULK = 0
const ALARMS = 1

const says = async (running: Running): Promise<string> => (await fetch(`${running.http}/readyz`)).text()

test('below the reserve: alarms and the dashboard go on, the rest waits', async () => {
  using disk = smallDisk(256)
  await using running = await start({ dir: disk.dir, env: { FENGSUI_DISK_RESERVE_MB: '128' } })
  await using load = await startLoad({ port: running.mqttPort, groups: await admit(running, district(RATE)) })
  await load.acked(RATE)
  disk.fillTo(100)
  await still(load, BULK)
  expect(await says(running)).toMatch(/journal: not ok, bulk telemetry is refused/)
  await load.acked(40, ALARMS)
  const alarms = async () => (await running.get<{ alarms: unknown[] }>('/api/v1/alarms?limit=5000')).alarms.length
  const before = await alarms()
  await until(async () => (await alarms()) > before + 10, 60_000, 'alarms go on reaching the queue')
  disk.free()
  await load.acked(RATE, BULK)
  load.pause()
  await ready(running, 'when there is space again')
  await expectExactlyOnce(running, await load.stop())
})
