// The score itself: what counts as missed and as false, what the command prints, and how it ends.
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { run as backtest } from '../../bin/backtest.ts'
import type { Backtest } from '../../rules/index.ts'
import { isoAt } from './timeline.ts'

let dir = ''
beforeEach(async () => (dir = await mkdtemp(join(tmpdir(), 'backtest-'))))
afterEach(() => rm(dir, { recursive: true, force: true }))

const command = join(import.meta.dirname, '../../bin/backtest.ts')
/** In this process: what the command would print and how it would end. */
async function run(...args: string[]): Promise<{ status: number; stdout: string }> {
  const lines: string[] = []
  const status = await backtest(args, line => lines.push(line))
  return { status, stdout: lines.join('\n') }
}
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
  const { status, stdout } = await run('--json', file)
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
  const { status, stdout } = await run('--json', file)
  expect(status).toBe(1)
  const [score] = (JSON.parse(stdout) as Backtest).recordings
  expect(score?.missed).toEqual([fire('b1', 20)])
  expect(score?.falseAlarms.map(f => [f.place?.building, f.rule])).toEqual([
    ['b1', 'device-fire'],
    ['b2', 'device-fire'],
  ])
  expect(score?.falseAlarms[1]?.cause).toBe('alarms.smoke true: no fire is labelled at b2 then')
  expect((await run(file)).stdout).toMatch(/missed +MISSED/)
})

test('without truth nothing is called false', async () => {
  const file = await recorded('unknown', reported(10, 'b1', SMOKE))
  const { status, stdout } = await run(file)
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
  expect((await run(file)).status).toBe(0)
})

test('other rules give other alarms', async () => {
  const file = await recorded('found', reported(30, 'b1', SMOKE), [fire('b1', 0)])
  const rules = join(dir, 'rules')
  await mkdir(rules)
  await writeFile(
    join(rules, 'only.yaml'),
    '- { id: only-heat, version: 1, kind: device-alarm, alarm: { kind: heat, severity: 2, latching: true }, text: { zh: 热, en: heat }, parameters: { flags: [heat] } }\n',
  )
  expect((await run('--rules', rules, file)).status).toBe(1)
})

test('a call that cannot be run says why', async () => {
  const file = await recorded('found', reported(30, 'b1', SMOKE), [fire('b1', 0)])
  const broken = await recorded('broken', [{ topic: 'x' }])
  await expect(run()).rejects.toThrow(/usage:/)
  await expect(run('no-such.jsonl')).rejects.toThrow(/no-such\.jsonl: no such recording/)
  await expect(run('--rules', join(dir, 'nowhere'), file)).rejects.toThrow(/nowhere: the rules folder cannot be read/)
  await expect(run(broken)).rejects.toThrow(/broken\.jsonl\.gz:1: receivedAt/)
})

test('from the shell it ends with 2 and a line on stderr', () => {
  const { status, stderr } = spawnSync(process.execPath, [command, 'no-such.jsonl'], { encoding: 'utf8', cwd: dir })
  expect([status, stderr]).toEqual([2, expect.stringContaining('no such recording')])
})
