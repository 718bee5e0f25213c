// A disk that did not write what it said: after kill -9 the newest write-ahead log of the journal is cut short or has a flipped byte. What was in
// the damaged tail is gone, and no software can bring it back. But what is left is a prefix without a gap, the loss is said, and what comes
// afterwards is stored and raised once.
import { globSync, openSync, closeSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { LoadReport } from '../../bench/raw-load.ts'
import { verifyJournal } from '../../journal/index.ts'
import { alarmedDevices, caughtUp, expectExactlyOnce, journalled } from './ledger.ts'
import { admit, chance, district, killAll, logged, startLoad } from './load.ts'
import { freePort, start, until } from './running.ts'

const RATE = 3000
/** each after a load of its own, the last load after all of them */
const DAMAGES = ['cut', 'flip', 'cut', null] as const

/** Damages the last third of the newest log; says what it did. */
function damage(dir: string, how: 'cut' | 'flip', between: (low: number, high: number) => number): string {
  const logs = globSync(['journal*-wal', 'journal/*-wal'], { cwd: dir }).map(name => join(dir, name))
  const newest = logs.toSorted((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0]
  if (newest === undefined) throw new Error(`${dir} holds no write-ahead log of the journal`)
  const { size } = statSync(newest)
  const at = Math.floor(between((size * 2) / 3, size - 1))
  if (how === 'cut') truncateSync(newest, at)
  else {
    const file = openSync(newest, 'r+')
    writeSync(file, Buffer.from([(readFileSync(newest)[at] ?? 0) ^ 0x40]), 0, 1, at)
    closeSync(file)
  }
  return `${how} at ${at} of ${size} bytes of ${newest}`
}

test('a torn journal opens as a prefix, says what is missing, and goes on', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fengsui-torn-'))
  const ports = { mqtt: await freePort(), http: await freePort(), flows: 0 }
  const random = chance('torn journal')
  let running = await start({ dir, ports })
  const reports: LoadReport[] = []
  const lost = new Set<string>()
  try {
    for (const [round, how] of DAMAGES.entries()) {
      const groups = district(RATE).map(g => ({ ...g, prefix: `${g.prefix}${'abcd'[round]}` }))
      const load = await startLoad({ port: ports.mqtt, groups: await admit(running, groups) })
      await load.acked(RATE)
      await random.pause(100, 500)
      reports.push(await load.stop())
      if (how === null) break
      await caughtUp(running)
      const raised = await alarmedDevices(running)
      await killAll(running)

      const before = [...journalled(dir)]
      const what = damage(dir, how, random.between)
      if (round === 0) expect(verifyJournal({ dir })).toMatchObject({ ok: true })
      const after = [...journalled(dir)]
      console.log(`${what}: ${before.length - after.length} of ${before.length} messages are gone`)
      expect(after).toEqual(before.slice(0, after.length))
      for (const id of before.slice(after.length)) lost.add(id)

      running = await start({ dir, ports })
      if (after.length < before.length) {
        const told = async () => (await (await fetch(`${running.http}/readyz`)).text()) + logged(running)
        const said = await told()
        await until(
          async () => /were acknowledged and are gone/.test(await told()),
          60_000,
          () => `nothing is said of the missing tail: ${said}`,
        )
      }
      expect([...(await alarmedDevices(running))].toSorted()).toEqual(raised.toSorted())
    }
    const whole = { ...reports[0]!, accounts: reports.flatMap(r => r.accounts), repeated: reports.reduce((n, r) => n + r.repeated, 0) }
    await expectExactlyOnce(running, whole, { lost })
  } finally {
    await running.stop()
    await rm(dir, { recursive: true, force: true })
  }
})
