// The score itself: what counts as missed and as false, what the command prints, and how it ends.
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Backtest } from '../../rules/index.ts'
import { isoAt } from './timeline.ts'

let dir = ''
beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'backtest-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

const command = join(import.meta.dirname, '../../bin/backtest.ts')
const run = (...args: string[]) => spawnSync(process.execPath, [command, ...args], { encoding: 'utf8', cwd: dir })
const reported = (s: number, building: string, body: object) => [
  {
    receivedAt: isoAt(s - 1),
    topic: `fire/v1/smoke/${building}-1/about`,
    retain: true,
    payload: { v: 1, deviceId: `${building}-1`, kind: 'smoke', place: { building } },
  },
  {
    receivedAt: isoAt(s),
    topic: `fire/v1/smoke/${building}-1/telemetry`,
    qos: 1,
    retain: false,
    payload: { v: 1, deviceId: `${building}-1`, kind: 'smoke', ts: isoAt(s), ...body },
  },
]
const SMOKE = { alarms: { smoke: true } }
async function recorded(name: string, messages: object[], fires?: object[]): Promise<string> {
  const file = join(dir, `${name}.jsonl.gz`)
  await writeFile(file, gzipSync(messages.map(m => `${JSON.stringify(m)}\n`).join('')))
  if (fires !== undefined) await writeFile(join(dir, `${name}.truth.json`), JSON.stringify({ fires }))
  return file
}
const fire = (building: string, s: number) => ({ building, ignitedAt: isoAt(s), what: 'test' })

test('found: exit 0, and the JSON of the contract', async () => {
  const file = await recorded('found', reported(30, 'b1', SMOKE), [fire('b1', 0)])
  const { status, stdout } = run('--json', file)
  expect(status).toBe(0)
  const result = JSON.parse(stdout) as Backtest
  expect(Object.keys(result).sort()).toEqual(['logHash', 'readingsPerSecond', 'recordings'])
  const [score] = result.recordings
  expect(score).toMatchObject({
    name: 'found',
    messages: 2,
    incidents: [{ place: { building: 'b1' }, openedAt: isoAt(30), alarmIds: [score?.alarms[0]?.id] }],
    alarms: [
      {
        kind: 'fire-alarm',
        rule: 'device-fire',
        severity: 1,
        raisedAt: isoAt(30),
        place: { building: 'b1' },
        deviceIds: ['b1-1'],
        late: false,
      },
    ],
    sensorFaults: [],
    missed: [],
    falseAlarms: [],
  })
})

test('missed: exit 1, and says which; an alarm elsewhere or too early is false, with its cause', async () => {
  const messages = [...reported(10, 'b1', SMOKE), ...reported(30, 'b2', SMOKE)]
  const file = await recorded('missed', messages, [fire('b1', 20)])
  const { status, stdout } = run('--json', file)
  expect(status).toBe(1)
  const [score] = (JSON.parse(stdout) as Backtest).recordings
  expect(score?.missed).toEqual([fire('b1', 20)])
  expect(score?.falseAlarms.map(f => [f.place?.building, f.rule])).toEqual([
    ['b1', 'device-fire'],
    ['b2', 'device-fire'],
  ])
  expect(score?.falseAlarms[1]?.cause).toBe('alarms.smoke true: no fire is labelled at b2 then')
  expect(run(file).stdout).toMatch(/missed +MISSED/)
})

test('without truth nothing is called false', async () => {
  const file = await recorded('unknown', reported(10, 'b1', SMOKE))
  const { status, stdout } = run(file)
  expect([status, stdout]).toEqual([0, expect.stringContaining('no truth')])
})

test('bytes that are not JSON travel as base64', async () => {
  const [about, telemetry] = reported(30, 'b1', SMOKE)
  const { payload, ...rest } = telemetry as { payload: object }
  const file = await recorded(
    'base64',
    [about ?? {}, { ...rest, payloadBase64: Buffer.from(JSON.stringify(payload)).toString('base64') }],
    [fire('b1', 0)],
  )
  expect(run(file).status).toBe(0)
})

test('other rules give other alarms, and a bad call says why: exit 2', async () => {
  const file = await recorded('found', reported(30, 'b1', SMOKE), [fire('b1', 0)])
  await writeFile(
    join(dir, 'only.yaml'),
    '- { id: only-heat, version: 1, kind: device-alarm, alarm: { kind: heat, severity: 2, latching: true }, text: { zh: 热, en: heat }, parameters: { flags: [heat] } }\n',
  )
  expect(run('--rules', dir, file).status).toBe(1)
  const bad = [run(), run('no-such.jsonl'), run('--rules', join(dir, 'nowhere'), file), run(await recorded('broken', [{ topic: 'x' }]))]
  expect(bad.map(r => r.status)).toEqual([2, 2, 2, 2])
  expect(bad.map(r => r.stderr.trim())).toEqual([
    expect.stringContaining('usage:'),
    expect.stringContaining('no-such.jsonl: no such recording'),
    expect.stringContaining('nowhere'),
    expect.stringMatching(/broken\.jsonl\.gz:1: receivedAt/),
  ])
})
