// The node package as a user gets it: packed, installed with npm into the user folder of a Node-RED that knows nothing of this system, and at
// work there: readings of the feed in, an alarm out, over a fire-server with an address and a token of its own.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { freePort } from '../system/running.ts'
import { alarming, reading, startApi, TOKEN, until, type Api } from './room.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })
const root = join(import.meta.dirname, '../..')
let dir: string
let api: Api
let url: string
let red: ChildProcess
let said = ''
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'flows-package-'))
  const packed = spawnSync(process.execPath, [join(root, 'bin/pack-nodes.ts'), dir], { encoding: 'utf8' })
  expect(packed.status, packed.stderr).toBe(0)
  const npm = ['install', '--offline', '--no-audit', '--no-fund', '--prefix', dir, packed.stdout.trim()]
  const installed = spawnSync('npm', npm, { cwd: dir, encoding: 'utf8' })
  expect(installed.status, installed.stderr).toBe(0)
  api = await startApi()
  api.readings.push(reading(1, { deviceId: 'd7', kind: 'smoke' }))
  const port = await freePort()
  url = `http://127.0.0.1:${port}`
  const flows = alarming('msg.alert = { text: { en: "from elsewhere" } }\nreturn msg').map(node => ({ ...node, server: 'other' }))
  const rule = { id: 'rule', type: 'fire-rule', z: 'tab', rules: '- id: nonsense', wires: [[], [], []] }
  const server = { id: 'other', type: 'fire-server', name: '', url: api.url, credentials: { token: TOKEN } }
  await writeFile(join(dir, 'flows.json'), '[]')
  const settings = {
    flowFile: 'flows.json',
    uiHost: '127.0.0.1',
    uiPort: port,
    telemetry: { enabled: false, updateNotification: false },
    lang: 'en-US',
  }
  await writeFile(join(dir, 'settings.js'), `module.exports = ${JSON.stringify(settings)}\n`)
  red = spawn(process.execPath, [join(root, 'node_modules/node-red/red.js'), '-u', dir, '-s', join(dir, 'settings.js')], { stdio: 'pipe' })
  for (const stream of [red.stdout, red.stderr]) stream?.on('data', chunk => (said += String(chunk)))
  await until(
    async () => (await fetch(`${url}/flows`).catch(() => null))?.ok === true,
    90_000,
    () => said,
  )
  const deployed = await fetch(`${url}/flows`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify([...flows, rule, server]),
  })
  expect(deployed.status).toBe(204)
})
afterAll(async () => {
  red?.kill('SIGKILL')
  await api?.close()
  await rm(dir, { recursive: true, force: true })
})
const get = async <T>(path: string): Promise<T> =>
  (await (await fetch(url + path, { headers: { accept: 'application/json' } })).json()) as T

test('all seven nodes load, with words in both languages, icons and examples', async () => {
  const sets = (await get<{ module: string; types: string[]; enabled: boolean; err?: string }[]>('/nodes')).filter(
    s => s.module === '@fengsui/nodes',
  )
  expect(sets.flatMap(set => set.types).toSorted()).toEqual([
    'fire-alert',
    'fire-backtest',
    'fire-command',
    'fire-incident',
    'fire-reading',
    'fire-rule',
    'fire-server',
  ])
  expect(sets.filter(set => !set.enabled || set.err !== undefined)).toEqual([])
  for (const [lang, word] of [
    ['zh-CN', '读数'],
    ['en-US', 'readings'],
  ] as const) {
    expect(await (await fetch(`${url}/nodes/@fengsui/nodes/fire-reading/messages?lng=${lang}`)).text()).toContain(word)
  }
  expect((await fetch(`${url}/icons/@fengsui/nodes/reading.svg`)).status).toBe(200)
  expect((await get<{ fn: string }[]>('/library/examples/flows/@fengsui/nodes/')).map(one => one.fn)).toContain('two of three')
})

test('a reading of the feed becomes an alarm with the revision of that Node-RED, and the engine inside checks rules', async () => {
  await until(
    () => api.alarms.size === 1,
    30_000,
    () => `${said.slice(-2000)} ${JSON.stringify([...api.cursors])}`,
  )
  const [alarm] = api.alarms.values()
  expect(alarm).toMatchObject({
    deviceId: 'd7',
    text: { en: 'from elsewhere' },
    origin: expect.stringMatching(/^flow:[0-9a-f]{12}$/) as string,
  })
  await until(
    () => api.cursors.get('test') === 1,
    30_000,
    () => 'acknowledged',
  )
  expect(said).toMatch(/\[fire-rule:rule\].*rule set cannot be used/)
})
