// The real Node-RED editor in a real browser, behind the real system, from an empty tab to an alarm in the queue: an engineer draws a rule, backtests
// it, is refused by the gate, mends it, deploys; an approver puts it into force. One login, and nothing is asked of another machine.
import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Alarm } from '#contracts/alarm.ts'
import { openBrowser, openDesk } from './browser.ts'
import { device, PASSWORD, register, root, start, until, type Running } from './running.ts'

type RedNode = {
  id: string
  type: string
  z: string
  valid: boolean
  changed: boolean
  wires?: string[][]
  _def: { defaults: Record<string, object> }
}
declare const RED: {
  settings: { user?: { username: string } }
  nodes: { eachNode(visit: (node: RedNode) => void): void; eachLink(visit: (link: { source: RedNode; target: RedNode }) => void): void }
  editor: { edit(node: object): void }
  sidebar: { help: { show(type: string, bringToFront: boolean): void }; show(id: string): void }
  actions: { invoke(action: string): void }
  workspaces: { active(): string }
}
declare const monaco: { editor: { getEditors(): { getContainerDomNode(): Element; setValue(text: string): void }[] } }
/** a gate run starts a process: seconds where the machine is quiet */
const TRIAL_MS = 60_000
const TYPES = ['fire-reading', 'fire-rule', 'fire-alert', 'fire-incident', 'fire-command', 'fire-backtest']
const RULE =
  '- { id: hydrant-low, version: 1, kind: threshold, scope: { kinds: [pressure] }, alarm: { kind: pressure-low, severity: 3, latching: false }, ' +
  'text: { zh: 消火栓水压过低, en: Hydrant pressure low }, parameters: { metric: pressure_kpa, direction: below, threshold: 140, clearAt: 160, ' +
  'onDelayS: 2, onReadings: 3, offDelayS: 60, maxGapS: 600 } }'
const story = (name: string, expect: string, kpa: number) => ({
  name,
  expect,
  readings: [{ deviceId: 'h1', kind: 'pressure', everyS: 1, times: 10, metrics: { pressure_kpa: kpa } }],
})

let running: Running
let browser: Browser
beforeAll(async () => {
  ;[running, browser] = await Promise.all([start({ flows: true, env: { FENGSUI_FLOWS_APPROVAL: 'true' } }), openBrowser()])
  for (const role of ['engineer', 'approver', 'station'])
    expect((await running.api('/api/v1/users', { method: 'POST', json: { username: role, role, password: PASSWORD } })).ok).toBe(true)
  await until(async () => (await running.api('/flows/settings')).status === 200, 60_000, 'Node-RED answers behind the proxy')
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

type Editor = Page & { refused: string[]; foreign: string[]; sockets: string[] }
async function signedIn(username: string, locale: string): Promise<Editor> {
  const context = await browser.newContext({ locale, viewport: { width: 1600, height: 900 } })
  const page = Object.assign(await context.newPage(), { refused: [] as string[], foreign: [] as string[], sockets: [] as string[] })
  page.setDefaultTimeout(60_000)
  page.on('console', message => /Content Security Policy|Refused to/.test(message.text()) && page.refused.push(message.text()))
  page.on(
    'request',
    request => !request.url().startsWith(running.http) && !/^(blob|data):/.test(request.url()) && page.foreign.push(request.url()),
  )
  page.on('websocket', socket => socket.on('framereceived', frame => page.sockets.push(String(frame.payload))))
  const session = await page.request.post(`${running.http}/api/v1/session`, { data: { username, password: PASSWORD } })
  expect(session.status()).toBe(200)
  return page
}
async function openEditor(page: Page): Promise<void> {
  await page.goto(`${running.http}/flows/`)
  await page.locator('.red-ui-flow-node-group').first().waitFor({ timeout: 60_000 })
}
/** For docs/flows-guide.md: `SCREENS_DIR=docs/screens vitest run test/system/flow-editor.test.ts` takes its pictures anew. */
async function shot(page: Page, name: string): Promise<void> {
  const folder = process.env['SCREENS_DIR']
  if (folder !== undefined) await page.screenshot({ path: join(folder, `flows-guide-${name}.png`) })
}
const drop = (page: Page, type: string, x: number, y: number) =>
  page
    .locator(`.red-ui-palette-node[data-palette-type="${type}"]`)
    .dragTo(page.locator('#red-ui-workspace-chart'), { targetPosition: { x, y } })
const nodesOf = (page: Page) =>
  page.evaluate(() => {
    const found: { id: string; type: string; valid: boolean; settings: string[] }[] = []
    RED.nodes.eachNode(node => {
      const settings = Object.keys(node._def.defaults)
      if (node.z === RED.workspaces.active()) found.push({ id: node.id, type: node.type, valid: node.valid, settings })
    })
    return found
  })
const one = async (page: Page, type: string) => (await nodesOf(page)).find(node => node.type === type)!
async function edit(page: Page, type: string): Promise<void> {
  const { id } = await one(page, type)
  await page.locator(`[id="${id}"]`).dblclick()
  await page.locator('#node-input-name').waitFor()
  await page.locator('.red-ui-tray').evaluate(tray => Promise.allSettled(tray.getAnimations({ subtree: true }).map(a => a.finished)))
}
async function close(page: Page, how: 'ok' | 'cancel'): Promise<void> {
  await page.locator(`#node-dialog-${how}`).click()
  await page.locator('#node-dialog-ok').waitFor({ state: 'detached' })
}
/** as a paste does it: typed, the editor would close each bracket by itself */
const type = (page: Page, editor: string, text: string): Promise<void> =>
  page.evaluate(
    ([editor, text]) => {
      const found = monaco.editor.getEditors().find(one => one.getContainerDomNode().closest(`#${editor}`) !== null)
      found!.setValue(text)
    },
    [editor, text] as const,
  )
async function wire(page: Page, from: string, to: string): Promise<void> {
  const [a, b] = [await one(page, from), await one(page, to)]
  const output = await page.locator(`[id="${a.id}"] .red-ui-flow-port-output .red-ui-flow-port`).first().boundingBox()
  const input = await page.locator(`[id="${b.id}"] .red-ui-flow-port-input .red-ui-flow-port`).boundingBox()
  await page.mouse.move(output!.x + 5, output!.y + 5)
  await page.mouse.down()
  await page.mouse.move(input!.x + 5, input!.y + 5, { steps: 5 })
  await page.mouse.up()
}
async function deploy(page: Page): Promise<string> {
  await page.locator('.red-ui-notification').evaluateAll(old => old.forEach(one => one.remove()))
  await page.locator('#red-ui-header-button-deploy').click()
  const said = page.locator('.red-ui-notification').last()
  await said.waitFor({ timeout: TRIAL_MS })
  return said.innerText()
}
const wordsOf = (type: string, lang: string) =>
  (JSON.parse(readFileSync(join(root, `flows/nodes/locales/${lang}/${type}.json`), 'utf8')) as Record<string, Record<string, string>>)[
    type
  ]!

let engineer: Editor
let approver: Editor
test('one login; the shipped flow stands there; a sign-in left over from the editor itself is forgotten', async () => {
  engineer = await signedIn('engineer', 'zh-CN')
  await engineer.addInitScript(() => localStorage.setItem('auth-tokens-flows', JSON.stringify({ access_token: 'long out of date' })))
  await openEditor(engineer)
  expect(await engineer.locator('#node-dialog-login').count()).toBe(0)
  expect(await engineer.evaluate(() => [RED.settings.user?.username, localStorage.getItem('auth-tokens-flows')])).toEqual([
    'engineer',
    null,
  ])
  await until(() => engineer.sockets.length > 0, 60_000, 'a frame on the comms socket')
  expect(engineer.sockets[0]).not.toContain('"fail"')
})

test('an engineer draws a rule: every dialog opens in Chinese, shows every setting and its help, and saves', async () => {
  await engineer.evaluate(() => RED.actions.invoke('core:add-flow'))
  for (const [i, type] of TYPES.entries()) await drop(engineer, type, 150 + (i % 3) * 200, 150 + Math.floor(i / 3) * 100)
  await wire(engineer, 'fire-reading', 'fire-rule')
  await wire(engineer, 'fire-rule', 'fire-alert')
  await everyDialog(engineer, 'zh-CN', '回路')
  expect((await nodesOf(engineer)).map(node => [node.type, node.valid])).toEqual(TYPES.map(type => [type, type !== 'fire-rule']))
  const links = await engineer.evaluate(() => {
    const found: string[] = []
    RED.nodes.eachLink(({ source, target }) => {
      if (source.z === RED.workspaces.active()) found.push(`${source.type} ${target.type}`)
    })
    return found
  })
  expect(links).toEqual(['fire-reading fire-rule', 'fire-rule fire-alert'])
})

/** Opens each node as a person does; `name` is typed and kept. */
async function everyDialog(page: Page, lang: 'zh-CN' | 'en-US', name: string): Promise<void> {
  for (const type of TYPES) {
    const words = wordsOf(type, lang)
    const { settings } = await one(page, type)
    await edit(page, type)
    const tray = page.locator('.red-ui-tray')
    for (const setting of settings) expect(await page.locator(`#node-input-${setting}`).count(), `${type}.${setting}`).toBe(1)
    const text = await tray.innerText()
    expect(text, `${type}: an untranslated word`).not.toMatch(/fire-[a-z]+\.[a-z]/)
    expect(text).toContain(words['name'])
    await page.evaluate(type => RED.sidebar.help.show(type, true), type)
    const help = readFileSync(join(root, `flows/nodes/locales/${lang}/${type}.html`), 'utf8')
    const sentence = /<p>\s*([^<\n]{8})/.exec(help)![1]!
    await page.locator('.red-ui-sidebar').getByText(sentence).first().waitFor()
    await page.locator('#node-input-name').fill(`${name} ${type}`)
    await close(page, 'ok')
    await page.locator('.red-ui-flow-node-label-text').getByText(`${name} ${type}`, { exact: true }).waitFor({ state: 'attached' })
  }
}

test('what is wrong in a dialog is marked; another server has a dialog of its own', async () => {
  for (const [type, setting, bad] of [
    ['fire-reading', 'consumer', 'no spaces'],
    ['fire-reading', 'limit', '2001'],
    ['fire-incident', 'consumer', '-'],
    ['fire-command', 'command', '1 2'],
    ['fire-command', 'parameters', '{'],
  ] as const) {
    await edit(engineer, type)
    const field = engineer.locator(`#node-input-${setting}`)
    await field.fill(bad)
    await field.press('Tab')
    await until(async () => (await field.getAttribute('class'))?.includes('input-error') === true, 60_000, `${type}.${setting} is marked`)
    await close(engineer, 'cancel')
  }
  await edit(engineer, 'fire-incident')
  await engineer.locator('#node-input-btn-server-add').click()
  await engineer.locator('#node-config-input-url').fill('not an address')
  await engineer.locator('#node-config-input-url').press('Tab')
  await engineer.locator('#node-config-input-url.input-error').waitFor()
  expect(await engineer.locator('.red-ui-tray').last().innerText()).toContain(wordsOf('fire-server', 'zh-CN')['token'])
  await engineer.locator('#node-config-dialog-cancel').click()
  await engineer.locator('#node-config-input-url').waitFor({ state: 'detached' })
  await close(engineer, 'cancel')
})

test('the rule is checked while it is written; the alarm takes its kind', async () => {
  await edit(engineer, 'fire-reading')
  await engineer.locator('#node-input-consumer').fill('hydrants')
  await engineer.locator('#node-input-kinds').fill('pressure')
  await close(engineer, 'ok')
  await edit(engineer, 'fire-rule')
  await engineer.locator('#fire-rule-template').selectOption('threshold')
  await engineer.locator('#fire-rule-problem').getByText('规则正确:my-rule').waitFor()
  await type(engineer, 'fire-rule-editor', RULE.replace('below', 'sideways'))
  await engineer.locator('#fire-rule-problem').getByText('direction must be equal').waitFor()
  await type(engineer, 'fire-rule-editor', RULE)
  await engineer.locator('#fire-rule-problem').getByText('规则正确:hydrant-low').waitFor()
  await shot(engineer, 'rule')
  await close(engineer, 'ok')
  await edit(engineer, 'fire-alert')
  await engineer.locator('#node-input-kind').selectOption('pressure-low')
  expect(await engineer.locator('.red-ui-tray').innerText()).toContain('Ⅰ级(最严重)')
  await close(engineer, 'ok')
  expect((await nodesOf(engineer)).every(node => node.valid)).toBe(true)
})

test('the gate refuses it and the editor shows why; mended, it passes its scenarios', async () => {
  // nodes of no use here: the gate would let them stand, the engine would not take such a tab over
  for (const type of ['fire-incident', 'fire-command']) {
    await engineer.locator(`[id="${(await one(engineer, type)).id}"]`).click()
    await engineer.keyboard.press('Delete')
  }
  const stories = [story('水压骤降 <b>', 'alarm', 150), story('水压正常', 'no-alarm', 300)]
  await edit(engineer, 'fire-backtest')
  await type(engineer, 'fire-backtest-editor', JSON.stringify(stories))
  await close(engineer, 'ok')
  const said = await deploy(engineer)
  await shot(engineer, 'refused')
  expect(said).toContain('未通过部署检查,原流程继续运行')
  expect(said).toContain('水压骤降 <b>')
  expect(said).not.toContain('flow-refused')

  stories[0] = story('水压骤降', 'alarm', 80)
  await edit(engineer, 'fire-backtest')
  await type(engineer, 'fire-backtest-editor', JSON.stringify(stories))
  await engineer.locator('#fire-backtest-check').click()
  await engineer.locator('#fire-backtest-result').getByText('全部通过').waitFor({ timeout: TRIAL_MS })
  expect(await engineer.locator('#fire-backtest-result td').allInnerTexts()).toEqual(
    expect.arrayContaining(['水压骤降', '水压正常', '✓', '1', '0']),
  )
})

test('the backtest from the editor hears the journal and shows the difference, in a table and on a line of time', async () => {
  await publish('hyd-old', 5)
  await engineer.locator('#fire-backtest-days').fill('1')
  const result = engineer.locator('#fire-backtest-result')
  // what was published is in the journal: it was acknowledged
  await engineer.locator('#fire-backtest-run').click()
  await engineer.locator('#fire-backtest-run:not([disabled])').waitFor({ timeout: TRIAL_MS })
  expect(await result.innerText()).toContain('新增报警 1')
  await shot(engineer, 'backtest')
  expect(await result.locator('td').allInnerTexts()).toEqual(expect.arrayContaining(['新增报警', 'hydrant-low', 'hyd-old']))
  expect(await result.locator('.fire-backtest-timeline circle').count()).toBe(1)
  await close(engineer, 'ok')
})

test('deployed it is a candidate: nothing is in force, and who proposed it cannot approve it', async () => {
  expect(await deploy(engineer)).toContain('已通过部署检查,正在旁路试运行,等待审批人发布')
  await engineer.evaluate(() => RED.sidebar.show('fengsui-release'))
  const release = engineer.locator('#fengsui-release')
  await release.getByText('旁路试运行的候选').waitFor()
  await release.locator('#fengsui-release-approve').click()
  await until(async () => /403|权限|may not|approve/i.test(await release.innerText()), 60_000, 'refused in words')
  expect((await running.get<{ rev: string; candidate: { by: string } }>('/api/v1/flows')).candidate.by).toBe('engineer')
})

test('the approver sees everything in English, looks without a deploy, and puts it into force', async () => {
  approver = await signedIn('approver', 'en-US')
  await openEditor(approver)
  expect(await approver.evaluate(async () => (await fetch('flows', { method: 'POST', body: '{}' })).status)).toBe(403)
  for (const [i, type] of TYPES.entries()) await drop(approver, type, 150 + (i % 3) * 200, 300 + Math.floor(i / 3) * 100)
  await everyDialog(approver, 'en-US', 'line')
  const before = (await running.get<{ rev: string }>('/api/v1/flows')).rev
  await approver.evaluate(() => RED.sidebar.show('fengsui-release'))
  const release = approver.locator('#fengsui-release')
  await release.getByText('Candidate in shadow').waitFor()
  await shot(approver, 'release')
  expect(await release.innerText()).toContain('engineer')
  await release.locator('#fengsui-release-approve').click()
  await release.getByText('There is no candidate').waitFor({ timeout: TRIAL_MS })
  expect((await running.get<{ rev: string }>('/api/v1/flows')).rev).not.toBe(before)
  expect(approver.foreign).toEqual([])
})

test('the alarm of the flow stands in the queue with the revision that raised it', async () => {
  const { rev } = await running.get<{ rev: string }>('/api/v1/flows')
  await until(async () => (await flowsLine()).includes('2 feeds'), 60_000, 'the new flow reads')
  await publish('hyd-new', 5)
  const raised = async () =>
    (await running.get<{ alarms: Alarm[] }>('/api/v1/alarms?limit=100')).alarms.filter(a => a.origin === `flow:${rev.slice(0, 12)}`)
  await until(
    async () => (await raised()).length > 0,
    60_000,
    () => `the alarm: ${running.output().slice(-1000)}`,
  )
  expect(await raised()).toMatchObject([{ kind: 'pressure-low', severity: 3, deviceId: 'hyd-new' }])
  const desk = await openDesk(browser, running)
  await desk.getByTestId('incident-row').first().click()
  await desk
    .getByTestId('why')
    .filter({ hasText: rev.slice(0, 12) })
    .waitFor()
  await desk.context().close()
})

test('the tab becomes a rule of the engine, which then raises while Node-RED is killed; the editor is a 503 and comes back', async () => {
  await openEditor(approver)
  const tab = (await running.get<{ files: Record<string, string> }>('/api/v1/rules')).files
  await approver.locator('.red-ui-tab-label').getByText('流程 1', { exact: true }).click()
  await edit(approver, 'fire-backtest')
  await approver.locator('#fire-backtest-promote').click()
  await approver.locator('#fire-backtest-result').getByText('Press again to do it').waitFor()
  await approver.locator('#fire-backtest-promote').click()
  await approver.locator('#fire-backtest-result').getByText('now rules of the engine').waitFor()
  const added = Object.entries((await running.get<{ files: Record<string, string> }>('/api/v1/rules')).files).filter(
    ([name]) => !(name in tab),
  )
  expect(added).toMatchObject([[expect.stringMatching(/^flow-/), RULE]])

  const pid = [...running.output().matchAll(/"pid":(\d+)[^\n]*Node-RED answers/g)].at(-1)![1]
  process.kill(Number(pid), 'SIGKILL')
  const settings = async () => (await running.api('/flows/settings')).status
  // at once: it is started again within seconds, and a machine that is busy takes as long to publish
  await until(async () => (await settings()) !== 200, 60_000, 'nobody answers')
  expect(await settings()).toBe(503)
  await publish('hyd-engine', 5)
  const raised = async () =>
    (await running.get<{ alarms: Alarm[] }>('/api/v1/alarms?limit=100')).alarms.filter(a => a.deviceId === 'hyd-engine')
  await until(async () => (await raised()).length > 0, 60_000, 'the alarm of the engine')
  await until(async () => (await settings()) === 200, 60_000, 'the editor is back')
  // once, and not by a flow as well
  expect(await raised()).toMatchObject([{ kind: 'pressure-low', origin: expect.stringMatching(/^rule:/) as string }])
})

test('a station does not get in', async () => {
  const station = await signedIn('station', 'zh-CN')
  expect((await station.request.get(`${running.http}/flows/`)).status()).toBe(403)
})

test('the page’s own policy refused nothing, and nothing was asked of another machine', () =>
  expect({ refused: engineer.refused, foreign: engineer.foreign }).toEqual({ refused: [], foreign: [] }))

async function flowsLine(): Promise<string> {
  const ready = await fetch(`${running.http}/readyz`, { headers: { accept: 'application/json' } })
  const { rooms } = (await ready.json()) as { rooms: { room: string; detail: string }[] }
  return rooms.find(room => room.room === 'flows')?.detail ?? ''
}

/** a hydrant whose pressure has fallen, one reading a second up to now */
async function publish(deviceId: string, times: number): Promise<void> {
  const { username, password } = await register(running, { deviceId, kind: 'pressure', place: { building: deviceId } })
  const client = await device(running, username, password)
  const now = Date.now()
  for (let i = 0; i < times; i++) {
    const reading = { v: 1, deviceId, kind: 'pressure', ts: now - (times - i) * 1000, metrics: { pressure_kpa: 80 } }
    await client.publishAsync(`fire/v1/pressure/${deviceId}/telemetry`, JSON.stringify(reading), { qos: 1 })
  }
  await client.endAsync()
}
