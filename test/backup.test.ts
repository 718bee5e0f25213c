// Backup and restore on a data folder that nobody runs on: what is in it comes back, whatever is wrong with a copy is found and named,
// and a folder that is in use is never written into. The same under load is in test/system/backup.test.ts.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { noMeter } from '#contracts/metrics.ts'
import { backup, makeTarget } from '../bin/backup.ts'
import { readManifest, writeManifest } from '../bin/backup-manifest.ts'
import { checkBackup, restore } from '../bin/restore.ts'
import { openDispatch, verifyAuditFile } from '../dispatch/index.ts'
import { holdStillWhenAsked } from '../ingest/index.ts'
import { openCursors, openJournal, verifyJournal } from '../journal/index.ts'
import { makeDataDir } from '../parts/ports.ts'
import type { Settings } from '../settings.ts'
import { run } from './system/running.ts'

const base = mkdtempSync(join(tmpdir(), 'fengsui-backup-'))
const dir = join(base, 'data')
let copies = 0
const folderFor = (name: string): string => join(base, `${name}-${(copies += 1)}`)
const original = join(base, 'original')

beforeAll(async () => {
  mkdirSync(join(dir, 'flows', 'lib'), { recursive: true })
  writeFileSync(join(dir, 'flows', 'flows.json'), '[]')
  writeFileSync(join(dir, 'flows', 'lib', 'run.sh'), '#!/bin/sh\n', { mode: 0o755 })
  symlinkSync('/etc/passwd', join(dir, 'flows', 'link'))
  writeFileSync(join(dir, 'flows.secret'), 'secret', { mode: 0o644 })
  const journal = await openJournal({ dir, log: noLog, meter: noMeter, clock: systemClock, onCommit: () => {} })
  for (let i = 0; i < 20; i += 1)
    await journal.append(
      {
        identity: 'gw',
        clientId: 'gw',
        topic: `fire/v1/smoke/s${i}/telemetry`,
        payload: Buffer.from(`{"n":${i}}`),
        qos: 1,
        retain: false,
        dup: false,
        receivedAtMs: Date.now(),
      },
      'bulk',
    )
  await journal.close()
  const cursors = openCursors({ dir })
  cursors.set('rules', 20)
  cursors.close()
  const dispatch = openDispatch({ file: join(dir, 'dispatch.db'), clock: systemClock, log: noLog, meter: noMeter })
  dispatch.record({ actor: 'li', action: 'session.opened', subject: 'li' })
  dispatch.close()
  await backup({ dir, to: makeTarget(dir, original), withReadings: true })
})
afterAll(() => rmSync(base, { recursive: true, force: true }))

/** A copy of the backup to be damaged. */
const damaged = async (): Promise<string> => {
  const to = folderFor('damaged')
  const { files } = readManifest(original)
  for (const { path } of [...files, { path: 'backup.json' }]) {
    mkdirSync(join(to, path, '..'), { recursive: true })
    writeFileSync(join(to, path), readFileSync(join(original, path)))
  }
  return to
}
const whyOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
    return 'nothing was refused'
  } catch (error) {
    if (!(error instanceof FengsuiError)) throw error
    return `${error.code}: ${error.message}`
  }
}
const flip = (file: string, at: number): void => {
  const bytes = readFileSync(file)
  bytes[at] = (bytes[at] ?? 0) ^ 1
  writeFileSync(file, bytes)
}

test('everything comes back, only its owner reads it, and it is sound', async () => {
  const to = folderFor('restored')
  const made = await restore({ from: original, dir: to })
  expect(made.journal).toEqual({ oldest: 1, head: 20 })
  expect(made.audit.head).toMatch(/^1:[0-9a-f]{64}$/)
  expect(made.leftOut).toEqual(['flows/link: neither file nor folder'])
  expect(verifyJournal({ dir: to })).toMatchObject({ ok: true, messages: 20 })
  expect(verifyAuditFile({ file: join(to, 'dispatch.db') })).toEqual({ ok: true, entries: 1 })
  expect(readFileSync(join(to, 'flows.secret'), 'utf8')).toBe('secret')
  expect(readdirSync(to).toSorted()).toEqual(['cursors.db', 'dispatch.db', 'flows', 'flows.secret', 'journal'])
  for (const root of [original, to])
    for (const { path } of made.files) expect([path, statSync(join(root, path)).mode & 0o077]).toEqual([path, 0])
  expect(statSync(join(to, 'flows/lib/run.sh')).mode & 0o100).toBe(0o100)
  const again = await openJournal({ dir: to, log: noLog, meter: noMeter, clock: systemClock, onCommit: () => {} })
  await again.close()
})

test('one flipped bit in any file, a missing and a cut one: named, and nothing is written', async () => {
  const { files } = readManifest(original)
  const to = folderFor('never')
  for (const { path, bytes } of files) {
    const from = await damaged()
    flip(join(from, path), Math.floor(bytes / 2))
    expect(await whyOf(restore({ from, dir: to }))).toBe(`backup-damaged: ${join(from, path)} is not as it was written`)
    rmSync(from, { recursive: true })
  }
  const from = await damaged()
  writeFileSync(join(from, 'dispatch.db'), readFileSync(join(original, 'dispatch.db')).subarray(0, 4096))
  expect(await whyOf(restore({ from, dir: to }))).toMatch(/^backup-damaged: .*dispatch\.db has 4096 bytes, \d+ were written$/)
  rmSync(join(from, 'dispatch.db'))
  expect(await whyOf(restore({ from, dir: to }))).toBe(`backup-damaged: ${join(from, 'dispatch.db')} is missing`)
  expect(readdirSync(base)).not.toContain(to.split('/').at(-1))
})

test('a list that was changed, that leaves its folder, or that a newer program wrote is not believed', async () => {
  const changed = await damaged()
  const list = join(changed, 'backup.json')
  writeFileSync(list, readFileSync(list, 'utf8').replace('"head": 20', '"head": 21'))
  expect(await whyOf(checkBackup(changed))).toBe(`backup-damaged: ${list} is not as it was written`)
  writeFileSync(list, '{"format":')
  expect(await whyOf(checkBackup(changed))).toMatch(/^backup-damaged: .* cannot be read/)

  const outside = await damaged()
  const manifest = readManifest(outside)
  writeManifest(outside, { ...manifest, files: [{ path: '../evil', bytes: 6, sha256: 'a'.repeat(64) }] })
  expect(await whyOf(checkBackup(outside))).toMatch(/^backup-damaged/)
  writeManifest(outside, { ...manifest, format: 2 })
  expect(await whyOf(checkBackup(outside))).toMatch(/^backup-refused: .* has format 2, this program knows 1/)
  rmSync(join(outside, 'backup.json'))
  expect(await whyOf(checkBackup(outside))).toMatch(/^backup-refused: .* is no finished backup/)
})

test('a folder that is in use, the backup’s own place, and half a restore are refused', async () => {
  expect(await whyOf(restore({ from: original, dir }))).toMatch(
    /^backup-refused: .* is not empty \(cursors.db, .*, \.\.\.\): stop the system/,
  )
  const targets: [string, RegExp][] = [
    [original, /is not an empty folder/],
    [join(dir, 'backups'), /lies in the data folder/],
  ]
  for (const [to, why] of targets) expect(() => makeTarget(dir, to)).toThrow(why)
  expect(() => makeTarget(join(base, 'no-such'), folderFor('x'))).toThrow(/nothing to back up/)
  const half = folderFor('half')
  mkdirSync(half)
  writeFileSync(join(half, 'restore.unfinished'), '')
  expect(() => makeDataDir({ dataDir: half } as Settings)).toThrow(/restore that was not finished/)
  expect(await whyOf(restore({ from: original, dir: half }))).toMatch(/^backup-refused/)
})

test('the commands say what they did and how they are asked', async () => {
  const to = folderFor('command')
  const env = { FENGSUI_DATA_DIR: dir }
  const made = await run('bin/backup.ts', [to], env)
  expect([made.code, made.stderr]).toEqual([0, ''])
  expect(made.stdout).toMatch(/^backup: 6 files, .* MiB in .*\n {2}journal 1 to 20; audit 1 entries, head 1:[0-9a-f]{64}\n/)
  const asked = await run('bin/restore.ts', [to, '--fast'], env)
  expect([asked.code, asked.stderr]).toEqual([2, expect.stringContaining('--fast')])
})

test('who asks the store to hold still and dies does not hold it for ever', async () => {
  const place = folderFor('still')
  mkdirSync(place)
  let nowMs = 0
  let held = 0
  const still = async (during: () => Promise<void>): Promise<void> => {
    held += 1
    await during()
    held -= 1
  }
  const holding = holdStillWhenAsked({ dir: place, still, log: noLog, nowMs: () => nowMs })
  writeFileSync(join(place, 'readings.hold'), 'a wish')
  await expect.poll(() => readdirSync(place).includes('readings.held'), { timeout: 5000 }).toBe(true)
  expect([held, readFileSync(join(place, 'readings.held'), 'utf8')]).toEqual([1, 'a wish'])
  nowMs = 20_000
  await expect.poll(() => held, { timeout: 5000 }).toBe(0)
  expect(readdirSync(place)).toEqual([])
  await holding.close()
})
