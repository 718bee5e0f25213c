// A backup while devices publish and people work: brought back into another folder, everything that was acknowledged before it began is
// there, once, and no alarm is lost or raised twice. The system it was taken from goes on meanwhile.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { Incident } from '#contracts/incident.ts'
import { readManifest } from '../../bin/backup-manifest.ts'
import { caughtUp, expectExactlyOnce } from './ledger.ts'
import { admit, district, ready, startLoad } from './load.ts'
import { run, start } from './running.ts'

const RATE = 1000

test('backup under load, restore, start: nothing acknowledged is lost, nothing is doubled', async () => {
  const base = await mkdtemp(join(tmpdir(), 'fengsui-backup-'))
  const [copy, restored] = [join(base, 'copy'), join(base, 'restored')]
  try {
    await using running = await start()
    const post = async (path: string, json: object) =>
      (await running.api(path, { method: 'POST', json })).json() as Promise<{ incident: Incident }>
    const { incident } = await post('/api/v1/alarms', {
      idempotencyKey: 'k',
      kind: 'manual-call',
      place: { building: 'b1' },
      text: 'by hand',
    })
    await post(`/api/v1/incidents/${incident.id}/acknowledge`, {})

    await using early = await startLoad({ port: running.mqttPort, groups: await admit(running, district(RATE, 20)) })
    await early.acked(2 * RATE)
    const before = await early.stop()
    const groups = district(RATE, 20).map(group => ({ ...group, prefix: `${group.prefix ?? ''}x` }))
    await using load = await startLoad({ port: running.mqttPort, groups: await admit(running, groups) })
    await load.acked(RATE)
    const made = await run('bin/backup.ts', [copy], { FENGSUI_DATA_DIR: running.dir })
    expect([made.code, made.stderr]).toEqual([0, ''])
    await load.acked(RATE)
    load.pause()
    await ready(running, 'after the backup')
    await caughtUp(running)
    const during = await load.stop()
    await running.stop()
    expect(readManifest(copy)).toMatchObject({ problems: [], leftOut: [] })
    expect(readManifest(copy).files.map(f => f.path)).toEqual(
      expect.arrayContaining(['dispatch.db', 'sessions.db', 'readings.duckdb', 'accounts.db']),
    )

    const env = { FENGSUI_DATA_DIR: restored }
    expect((await run('bin/restore.ts', [copy], env)).code).toBe(0)
    const verified = await run('bin/verify.ts', [], env)
    expect([verified.code, verified.stdout]).toEqual([0, expect.stringMatching(/all groups sound\naudit: \d+ entries, chain sound/)])
    const again = await start({ dir: restored })
    try {
      expect(await again.get(`/api/v1/incidents/${incident.id}`)).toMatchObject({ state: 'acknowledged', acknowledgedBy: 'admin' })
      // of what came while it was made, any part may be in it: but nothing of it twice
      const perhaps = during.accounts.map(account => ({ ...account, acked: 0, ackedBeyond: [] }))
      await expectExactlyOnce(again, { ...before, accounts: [...before.accounts, ...perhaps] })
    } finally {
      await again.stop()
    }
  } finally {
    await rm(base, { recursive: true, force: true })
  }
})
