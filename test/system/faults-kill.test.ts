// kill -9 under 5,000 messages a second: of everything twenty times, and of each process alone. What was acknowledged is stored once and raised
// once; what was not, the devices send again. The same test on what people build otherwise is in faults-control.test.ts.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { expectExactlyOnce } from './ledger.ts'
import { admit, chance, district, killAll, killOne, startLoad } from './load.ts'
import { freePort, start } from './running.ts'

const RATE = 5000
const KILLS = 20
/**
 * After every fourth kill the devices send all that became due while nobody answered. Otherwise nothing became due meanwhile: what is sent again
 * is what was on its way, and the rate goes on.
 */
const BACKLOG_EVERY = 4

test(`kill -9 of everything ${KILLS} times: nothing acknowledged is lost, nothing is counted twice`, async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fengsui-kill-'))
  const ports = { mqtt: await freePort(), http: await freePort(), flows: 0 }
  const random = chance('kill -9 of everything')
  let running = await start({ dir, ports })
  try {
    await using load = await startLoad({ port: ports.mqtt, groups: await admit(running, district(RATE)) })
    for (let kill = 0; kill < KILLS; kill++) {
      await load.acked(1)
      await random.pause(100, 1200)
      if (kill % BACKLOG_EVERY !== 0) load.pause()
      await killAll(running)
      running = await start({ dir, ports })
      load.resume()
    }
    await load.ready()
    const report = await load.stop()
    expect(report.accounts.reduce((sum, a) => sum + a.acked, 0)).toBeGreaterThan(10_000)
    await expectExactlyOnce(running, report)
  } finally {
    await running.stop()
    await rm(dir, { recursive: true, force: true })
  }
})

test('kill -9 of the store, the core and the edge, twice each', async () => {
  const random = chance('kill -9 of one process')
  await using running = await start()
  await using load = await startLoad({ port: running.mqttPort, groups: await admit(running, district(RATE)) })
  for (const role of ['store', 'core', 'edge', 'core', 'edge', 'store'] as const) {
    await load.acked(1)
    await random.pause(100, 800)
    await killOne(running, load, role)
  }
  await load.ready()
  await expectExactlyOnce(running, await load.stop())
})
