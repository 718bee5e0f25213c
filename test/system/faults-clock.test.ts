// The server's clock leaps ten minutes forward and back under load (libfaketime, Debian package faketime, as if somebody had set it): no message
// is lost or counted twice, no alarm is missed. The devices' clocks stay right, so for a while they seem ten minutes off.
import { globSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { expectExactlyOnce } from './ledger.ts'
import { admit, district, startLoad } from './load.ts'
import { start, until, type Running } from './running.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'

const RATE = 3000
const LEAPS_S = [600, 0, -600, 0]

async function aheadS(running: Running): Promise<number> {
  const date = (await fetch(`${running.http}/readyz`)).headers.get('date') ?? ''
  return Math.round((Date.parse(date) - Date.now()) / 1000)
}

test('a clock that leaps ten minutes both ways costs nothing', async () => {
  const library = globSync('/usr/lib/*/faketime/libfaketimeMT.so.1')[0]
  if (library === undefined) throw new Error('libfaketime is not installed: on Debian, apt-get install faketime')
  const folder = await mkdtemp(join(tmpdir(), 'fengsui-clock-'))
  const clock = join(folder, 'clock')
  const set = (offsetS: number) => writeFileSync(clock, `${offsetS < 0 ? '' : '+'}${offsetS}\n`)
  set(0)
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: clock,
    FAKETIME_CACHE_DURATION: '1',
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    NO_FAKE_STAT: '1',
  }
  await using running = await start({ env })
  await using load = await startLoad({ port: running.mqttPort, groups: await admit(running, district(RATE)) })
  await load.acked(RATE / 2)
  for (const leapS of LEAPS_S) {
    set(leapS)
    await until(async () => Math.abs((await aheadS(running)) - leapS) < 60, 60_000, `the server's clock ${leapS} s off`)
    await delay(1100) // its other processes look at the clock once a second, too
    await load.acked(RATE / 2)
  }
  const report = await load.stop()
  expect(report.lost).toEqual({})
  await expectExactlyOnce(running, report)
  await rm(folder, { recursive: true, force: true })
})
