// Rules that change while the system runs, through its own doors: the API and the folder. What is refused changes nothing, what is taken
// judges the next message and knows its place in the journal, and a start with a bad folder goes on with the last good set.
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Alarm } from '#contracts/alarm.ts'
import { createApp } from '../../app.ts'
import { backtestParts } from '../../bin/backtest-sources.ts'
import { readState } from '../../dispatch/index.ts'
import { openReader } from '../../journal/index.ts'
import { createFold, createRuleHistory, HISTORY_ROOM, type Backtest, type RulesView } from '../../rules/index.ts'
import { readSettings } from '../../settings.ts'
import { until } from '../system/running.ts'

const PASSWORD = 'a-long-test-password'
const TIMEOUT = { timeout: 120_000 }
const rule = (id: string, flag: string, version = 1) =>
  `- { id: ${id}, version: ${version}, kind: device-alarm, alarm: { kind: fire-alarm, severity: 1, latching: true }, text: { zh: 火, en: fire }, parameters: { flags: [${flag}] } }\n`

type App = Awaited<ReturnType<typeof createApp>>
let dir: string
let rulesDir: string
let app: App
let token = ''
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fengsui-in-force-'))
  rulesDir = join(dir, 'my-rules')
  await mkdir(rulesDir)
  await writeFile(join(rulesDir, 'a.yaml'), rule('first', 'smoke'))
})
afterEach(async () => {
  await app?.close()
  await rm(dir, { recursive: true, force: true })
})

async function start(given: Record<string, string> = { FENGSUI_RULES_DIR: rulesDir }): Promise<void> {
  const all = {
    FENGSUI_DATA_DIR: join(dir, 'data'),
    FENGSUI_MQTT_PORT: '0',
    FENGSUI_HTTP_PORT: '0',
    FENGSUI_ADMIN_PASSWORD: PASSWORD,
    ...given,
  }
  app = await createApp(readSettings({ ...all, FENGSUI_ANONYMOUS_DEVICES: 'true' }, dir))
  token = ((await ask('POST', '/session', { username: 'admin', password: PASSWORD })).body as { token: string }).token
}
async function ask(method: string, path: string, json?: object) {
  const headers = { authorization: `Bearer ${token}`, ...(json && { 'content-type': 'application/json' }) }
  const answer = await fetch(`http://127.0.0.1:${app.core.port}/api/v1${path}`, {
    method,
    headers,
    ...(json && { body: JSON.stringify(json) }),
  })
  return { status: answer.status, body: (await answer.json()) as unknown }
}
const rules = async () => (await ask('GET', '/rules')).body as RulesView
const put = async (files: Record<string, string>, ifVersion?: string) => {
  const { status, body } = await ask('PUT', '/rules', { files, ...(ifVersion && { ifVersion }) })
  return { status, view: body as RulesView, error: body as { code: string; message: string } }
}
const readyz = async () => {
  const answer = await fetch(`http://127.0.0.1:${app.core.port}/readyz`)
  return (await answer.text()).split('\n').find(line => line.includes('rules')) ?? ''
}
const alarms = async () => ((await ask('GET', '/alarms')).body as { alarms: Alarm[] }).alarms
const byRule = async () => (await alarms()).map(a => a.rule?.id).toSorted()
async function publish(deviceId: string, flags: object): Promise<void> {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${app.edge.port}`, { reconnectPeriod: 0 })
  const reading = { v: 1, deviceId, kind: 'smoke', ts: Date.now(), alarms: flags }
  await client.publishAsync(`fire/v1/smoke/${deviceId}/telemetry`, JSON.stringify(reading), { qos: 1 })
  await client.endAsync()
}

/** The journal from its beginning through the sets as the history says: ids of the alarms. */
async function replayed(): Promise<string[]> {
  const dataDir = join(dir, 'data')
  const history = createRuleHistory(readState({ file: join(dataDir, 'dispatch.db'), room: HISTORY_ROOM }))
  const [first, ...later] = history.changes()
  const fold = createFold({ ruleSet: history.setOf(first!.version)! })
  const decode = (await backtestParts()).decoder()
  using reader = openReader({ dir: dataDir })
  const ids: string[] = []
  for (const message of reader.read(0, 1000)) {
    while (later[0] !== undefined && later[0].position < message.seq) fold.use(history.setOf(later.shift()!.version)!)
    for (const reading of decode(message)) for (const s of fold.apply(reading, message.seq)) if (s.type === 'raise') ids.push(s.alarmId)
  }
  return ids.toSorted()
}

test('a set sent to the API: judged by at once, written, audited, and the same again after a restart', TIMEOUT, async () => {
  await start()
  await publish('d1', { smoke: true })
  await until(async () => (await byRule()).length === 1, 60_000, 'the first alarm')
  const before = await rules()
  const { status, view } = await put(
    { 'a.yaml': rule('first', 'smoke'), 'b.json': JSON.stringify([{ ...before.rules[0], id: 'second', parameters: { flags: ['heat'] } }]) },
    before.version,
  )
  expect([status, view.rules.map(r => r.id), view.since?.by]).toEqual([200, ['first', 'second'], 'user:admin'])
  expect(await readdir(rulesDir)).toEqual(['a.yaml', 'b.json'])
  await publish('d2', { heat: true })
  await publish('d1', { smoke: true, heat: true })
  await until(async () => (await byRule()).length === 3, 60_000, 'alarms of the new rule')
  // the open alarm of the unchanged rule went on: no second one
  expect(await byRule()).toEqual(['first', 'second', 'second'])
  expect((await alarms()).filter(a => a.rule?.id === 'second').map(a => a.rule?.setVersion)).toEqual([view.version, view.version])
  const audit = (await ask('GET', '/audit')).body as { entries: { actor: string; action: string; subject: string }[] }
  expect(audit.entries.find(e => e.action === 'rules.replace')).toMatchObject({ actor: 'user:admin', subject: view.version })

  const raised = (await alarms()).map(a => a.id).toSorted()
  await app.close()
  expect(await replayed()).toEqual(raised)
  await start()
  const again = await rules()
  expect([again.version, again.problem, again.history.length]).toEqual([view.version, null, 2])
  expect(again.history.map(c => [c.version, c.position > 0])).toEqual([
    [view.version, true],
    [before.version, false],
  ])
})

test('a refused set changes nothing, and says all that is wrong with it', TIMEOUT, async () => {
  await start()
  const before = await rules()
  const bad = await put({ 'a.yaml': rule('first', 'smok'), 'b.yaml': rule('x', 'smoke').replace('device-alarm', 'magic'), 'c.yaml': '- [' })
  expect([bad.status, bad.error.code]).toEqual([422, 'rules-invalid'])
  for (const place of ['a.yaml:1: /0/parameters/flags/0', 'b.yaml:1: /0/kind', 'c.yaml:1: not valid YAML'])
    expect(bad.error.message).toContain(place)
  expect((await put({ 'a.yaml': rule('first', 'smoke'), 'b.yaml': rule('first', 'heat') })).error.message).toContain(
    'already used at a.yaml:1',
  )
  for (const name of ['../a.yaml', 'a.txt', '.a.yaml', 'x/a.yaml']) expect((await put({ [name]: rule('first', 'smoke') })).status).toBe(422)
  expect((await put({ 'a.yaml': rule('first', 'heat') }, 'another')).error.code).toBe('conflict')
  expect(await rules()).toEqual(before)
  expect(await readdir(rulesDir)).toEqual(['a.yaml'])
  expect(await readFile(join(rulesDir, 'a.yaml'), 'utf8')).toBe(rule('first', 'smoke'))
})

test('a folder edited by hand is followed; a bad edit is named, and a start with it goes on with the last good set', TIMEOUT, async () => {
  await start()
  const first = await rules()
  await writeFile(join(rulesDir, 'b.yaml'), rule('second', 'heat'))
  await until(async () => (await rules()).rules.length === 2, 60_000, 'the new file is read')
  const good = await rules()
  expect([good.since?.by, good.history.map(c => c.version)]).toEqual(['system:rules-folder', [good.version, first.version]])

  await writeFile(join(rulesDir, 'b.yaml'), rule('second', 'nonsense'))
  await until(async () => (await rules()).problem !== null, 60_000, 'the bad file is named')
  expect(await rules()).toMatchObject({ version: good.version, problem: expect.stringContaining('b.yaml:1: /0/parameters/flags/0') })
  expect(await readyz()).toMatch(/b\.yaml:1/)
  await publish('d1', { heat: true })
  await until(async () => (await byRule()).includes('second'), 60_000, 'the last good set judges')

  await app.close()
  await start()
  expect(await rules()).toMatchObject({ version: good.version, problem: expect.stringContaining('b.yaml:1') })
  await writeFile(join(rulesDir, 'b.yaml'), rule('second', 'heat'))
  await until(async () => (await rules()).problem === null, 60_000, 'the mended file is read')
  expect((await rules()).history).toHaveLength(2)
})

test('the set that ships is never written to', TIMEOUT, async () => {
  await start({})
  const shipped = await rules()
  expect(shipped.name).toBe('default')
  const { view } = await put({ 'mine.yaml': rule('mine', 'smoke') })
  expect(await readdir(join(dir, 'data/rules'))).toEqual(['mine.yaml'])
  await app.close()
  await start({})
  expect((await rules()).version).toBe(view.version)
})

test('a backtest through the API runs beside the alarm path, with rules that are not in force', TIMEOUT, async () => {
  await start()
  const { version } = await rules()
  const shipped = await ask('POST', '/rules/backtest', { rules: 'shipped', against: 'current', recordings: ['SDC05-alarms'] })
  const result = shipped.body as Backtest & { against: Backtest }
  expect(result.recordings.map(r => [r.name, r.missed.length, r.fires[0]?.detectedAfterS])).toEqual([['SDC05-alarms', 0, 32]])
  expect(result.against.ruleSet.version).toBe(version)
  const given = await ask('POST', '/rules/backtest', {
    rules: { files: { 'x.yaml': rule('only-gas', 'gas') } },
    recordings: ['SDC05-alarms'],
  })
  expect((given.body as Backtest).recordings[0]?.missed).toHaveLength(1)
  expect(await alarms()).toEqual([])

  await publish('d1', { smoke: true })
  await until(async () => (await byRule()).length === 1, 60_000, 'the alarm')
  const span = { from: new Date(Date.now() - 600_000).toISOString(), to: new Date(Date.now() + 60_000).toISOString() }
  const past = (await ask('POST', '/rules/backtest', { journal: span })).body as Backtest
  expect(past.recordings[0]?.alarms.map(a => a.id)).toEqual((await alarms()).map(a => a.id))

  expect(await ask('POST', '/rules/backtest', { recordings: ['nowhere'] })).toMatchObject({
    status: 400,
    body: { message: expect.stringContaining('SDC05-alarms') },
  })
  expect((await ask('POST', '/rules/backtest', { rules: { files: { 'x.yaml': '- {' } }, recordings: ['SDC05-alarms'] })).status).toBe(422)
  const three = await Promise.all([1, 2, 3].map(() => ask('POST', '/rules/backtest', { recordings: ['SDC05-alarms'] })))
  expect(three.map(a => a.status).toSorted()).toEqual([200, 200, 429])
})
