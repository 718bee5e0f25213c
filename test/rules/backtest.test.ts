// The score itself: what counts as missed and as false, what the command prints, and how it ends.
import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import type { Message } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { run as backtest, type Answer } from '../../bin/backtest.ts'
import { openJournal } from '../../journal/index.ts'
import { batchesOf, type Backtest } from '../../rules/index.ts'
import { isoAt, START } from './timeline.ts'

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
const CLEAN = { alarms: { smoke: false } }
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
  expect(Object.keys(result).sort()).toEqual(['logHash', 'readingsPerSecond', 'recordings', 'ruleSet'])
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
    fires: [{ building: 'b1', detectedAfterS: 30, againstFirstAlarmS: null, confirmedAfterS: null, incidents: 1, rule: 'device-fire' }],
    alarmsByRule: { 'device-fire': 1 },
  })
})

test('seconds against the first real alarm, and the confirmation by a second detector', async () => {
  const messages = [...reported(30, 'b1', SMOKE)]
  const second = reported(45, 'b1', SMOKE).map(m => JSON.parse(JSON.stringify(m).replaceAll('b1-1', 'b1-2')) as object)
  const file = await recorded('twice', [...messages, ...second], [{ ...fire('b1', 0), firstAlarmAt: isoAt(40) }])
  const [score] = (JSON.parse((await run('--json', file)).stdout) as Backtest).recordings
  expect(score?.fires).toMatchObject([{ detectedAfterS: 30, againstFirstAlarmS: -10, confirmedAfterS: 45, incidents: 1 }])
})

test('quiet hours end with the first fire, and count false alarms by the rule that made them', async () => {
  const file = await recorded(
    'quiet',
    [...reported(0, 'b3', {}), ...reported(1800, 'b2', SMOKE), ...reported(7300, 'b1', SMOKE)],
    [fire('b1', 7199)],
  )
  const { stdout } = await run('--json', file)
  const [score] = (JSON.parse(stdout) as Backtest).recordings
  expect(score?.quiet).toEqual({ hours: 2, falseAlarms: 1, perHour: 0.5, byRule: { 'device-fire': 1 } })
  expect((await run(file)).stdout).toContain('quiet hours: 2.0, false alarms in them: 1 (device-fire 1)')
})

test('two sets side by side: what comes in addition, what is gone, what comes later', async () => {
  const rule = (id: string, version: number, alarm: string, parameters: string) =>
    `- { id: ${id}, version: ${version}, kind: ${parameters.includes('metric') ? 'threshold' : 'device-alarm'}, alarm: { kind: ${alarm}, severity: 2, latching: true }, text: { zh: 热, en: hot }, parameters: { ${parameters} } }\n`
  const hot = (onDelayS: number) =>
    `metric: temperature_c, direction: above, threshold: 57, clearAt: 50, onDelayS: ${onDelayS}, onReadings: 2, offDelayS: 60, maxGapS: 60`
  const [old, next] = [join(dir, 'old'), join(dir, 'next')]
  await mkdir(old)
  await mkdir(next)
  await writeFile(join(old, 'a.yaml'), rule('hot', 1, 'heat', hot(10)) + rule('smoke', 1, 'fire-alarm', 'flags: [smoke]'))
  await writeFile(join(next, 'a.yaml'), rule('hot', 2, 'heat', hot(30)) + rule('gas', 1, 'gas-alarm', 'flags: [gas]'))
  const readings = [0, 10, 20, 30, 40].flatMap(s =>
    reported(s, 'b1', { metrics: { temperature_c: 80 }, alarms: { smoke: true, gas: true } }),
  )
  const file = await recorded('both', readings, [fire('b1', -5)])
  const { stdout } = await run('--json', '--rules', next, '--against', old, file)
  const { difference, against } = JSON.parse(stdout) as Answer
  expect(against?.ruleSet.name).toBe('old')
  expect(difference?.added.map(a => a.rule)).toEqual(['gas'])
  expect(difference?.removed.map(a => a.rule)).toEqual(['smoke'])
  expect(difference?.later).toMatchObject([{ rule: 'hot', deviceId: 'b1-1', byS: 20 }])
  expect([difference?.earlier, difference?.same]).toEqual([[], 0])
  expect((await run('--rules', next, '--against', old, file)).stdout).toContain('1 alarms added, 1 removed, 0 earlier, 1 later, 0 the same')
  const same = JSON.parse((await run('--json', '--rules', next, '--against', next, file)).stdout) as Answer
  expect(same.difference).toMatchObject({ added: [], removed: [], earlier: [], later: [], fires: [], same: 2 })
})

test('a span of the journal: scored from its beginning to its end, with the rules warmed up before', async () => {
  const journal = await openJournal({ dir, log: noLog, meter: noMeter, clock: { nowMs: () => nowMs }, onCommit: () => {} })
  let nowMs = 0
  for (const s of [0, 3600, 4000, 9000]) {
    nowMs = START + s * 1000
    const [about, telemetry] = reported(s, s === 3600 ? 'b1' : `b${s}`, SMOKE) as { topic: string; payload: object; retain?: boolean }[]
    for (const m of [about!, telemetry!])
      await journal.append({
        topic: m.topic,
        payload: Buffer.from(JSON.stringify(m.payload)),
        receivedAtMs: nowMs,
        identity: 'x',
        clientId: 'x',
        qos: 1,
        retain: m.retain ?? false,
        dup: false,
      })
  }
  await journal.close()
  const { status, stdout } = await run('--json', '--journal', dir, '--from', isoAt(3000), '--to', isoAt(5000))
  const [score] = (JSON.parse(stdout) as Backtest).recordings
  expect([status, score?.messages, score?.alarms.map(a => a.deviceIds[0])]).toEqual([0, 4, ['b1-1', 'b4000-1']])
  await expect(run('--journal', dir, '--from', isoAt(9), '--to', isoAt(0))).rejects.toThrow(/must begin before it ends/)
  await expect(run('--journal', dir, '--from', 'yesterday', '--to', isoAt(0))).rejects.toThrow(/must be times like/)
})

test('a line is read the same in any order of its fields, and in any portions', async () => {
  const lines = [...reported(0, 'b1', SMOKE), ...reported(1, 'b二', SMOKE)].map(m => JSON.stringify(m))
  const turned = lines.map(line => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(line) as object).toReversed())))
  const read = async (text: string, bytes: number) => {
    const all = Buffer.from(text)
    const chunks = Array.from({ length: Math.ceil(all.length / bytes) }, (_, i) => all.subarray(i * bytes, (i + 1) * bytes))
    const messages: Message[] = []
    for await (const batch of batchesOf('x', chunks)) messages.push(...batch.map(m => ({ ...m, payload: Buffer.from(m.payload) })))
    return messages
  }
  const whole = await read(`${lines.join('\n')}\n`, 1e6)
  expect(whole.map(m => JSON.parse(String(m.payload)) as object)).toEqual(
    lines.map(line => (JSON.parse(line) as { payload: object }).payload),
  )
  for (const text of [lines.join('\n'), lines.join('\r\n'), `\n${lines.join('\n\n')}\n`])
    for (const bytes of [1, 7, 64, 1000]) expect(await read(text, bytes)).toEqual(whole)
  const payloads = (await read(turned.join('\n'), 100)).map(m => JSON.parse(String(m.payload)) as object)
  expect(payloads).toEqual(whole.map(m => JSON.parse(String(m.payload)) as object))
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

test('two fires of one building: what the second made does not find the first', async () => {
  const fires = [fire('b1', 0), fire('b1', 7000)]
  const both = await recorded('both', [...reported(30, 'b1', SMOKE), ...reported(600, 'b1', CLEAN), ...reported(7060, 'b1', SMOKE)], fires)
  const second = await recorded('second', reported(7060, 'b1', SMOKE), fires)
  expect((JSON.parse((await run('--json', both)).stdout) as Backtest).recordings[0]?.fires).toMatchObject([
    { detectedAfterS: 30, incidents: 1 },
    { detectedAfterS: 60, incidents: 1 },
  ])
  const { status, stdout } = await run('--json', second)
  expect(status).toBe(1)
  expect((JSON.parse(stdout) as Backtest).recordings[0]).toMatchObject({
    missed: [fire('b1', 0)],
    fires: [{ detectedAfterS: null }, { detectedAfterS: 60 }],
  })
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
  const cut = join(dir, 'cut.jsonl.gz')
  await writeFile(cut, gzipSync(JSON.stringify(reported(30, 'b1', SMOKE))).subarray(0, 40))
  await expect(run(cut)).rejects.toThrow(/cut\.jsonl\.gz: cannot be read: unexpected end of file/)
  await writeFile(join(dir, 'found.truth.json'), '{"fires":')
  await expect(run(file)).rejects.toThrow(/found\.truth\.json: not JSON/)
  const span = ['--from', '2026-01-01T00:00:00Z', '--to', '2026-01-02T00:00:00Z']
  await expect(run('--journal', join(dir, 'nowhere'), ...span)).rejects.toThrow(/nowhere: there is no journal in this folder/)
})

test('from the shell it ends with 2 and a line on stderr', () => {
  const { status, stderr } = spawnSync(process.execPath, [command, 'no-such.jsonl'], { encoding: 'utf8', cwd: dir })
  expect([status, stderr]).toEqual([2, expect.stringContaining('no such recording')])
})
