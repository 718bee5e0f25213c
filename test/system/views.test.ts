// The views of one store in a real browser on the running system: desk, wall, phone. Held against WCAG 2.2 AA by axe-core and by checks
// of our own (overflow, target size); a crew works its order over a bad line.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Incident } from '#contracts/incident.ts'
import type { Order } from '#contracts/order.ts'
import { cssOf, type Theme } from '../../dashboard/web/src/tokens.ts'
import { badLine } from './bad-line.ts'
import { openBrowser, openDesk, PLAIN, REAL_ADDRESSES } from './browser.ts'
import { openGateway } from './gateway.ts'
import { PASSWORD, run, start, until, type Running } from './running.ts'

let running: Running
let browser: Browser
const require = createRequire(import.meta.url)

const post = async <T>(path: string, json: object = {}): Promise<T> => {
  const answer = await running.api(`/api/v1/${path}`, { method: 'POST', json })
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}
const raise = async (key: string, severity: number, o: object = {}): Promise<string> => {
  const { incident } = await post<{ incident: Incident }>('alarms', {
    idempotencyKey: key,
    kind: 'fire-alarm',
    severity,
    place: { area: '澄溪', building: `青禾里 ${key} 幢`, floor: '14', room: '1405' },
    position: { lat: 31.9 + severity / 50, lon: 118.8 },
    text: { zh: '居民报告有烟', en: 'a resident reports smoke' },
    ...o,
  })
  return incident.id
}
const incident = (id: string): Promise<Incident & { orders: Order[]; timeline: { what: string; pictureId?: string }[] }> =>
  running.get(`/api/v1/incidents/${encodeURIComponent(id)}`)

let fire = ''
beforeAll(async () => {
  running = await start()
  browser = await openBrowser([...PLAIN, REAL_ADDRESSES])
  const { code } = await run('bin/admin.ts', ['user', 'add', 'crew', '--role', 'station', '--password', PASSWORD], {
    FENGSUI_DATA_DIR: running.dir,
  })
  expect(code).toBe(0)
  await post('resources', { id: 's1', kind: 'grid-officer', name: '样例网格员', position: { lat: 31.9, lon: 118.8 }, accounts: ['crew'] })
  await post('resources/s1/check-in')
  const around = [1401, 1402, 1403, 1404, 1405].map(room => ({
    deviceId: `smk-${room}`,
    kind: 'smoke',
    place: { area: '澄溪', building: '青禾里 2 幢', floor: '14', room: String(room) },
  }))
  await post('devices', around)
  fire = await raise('2', 1, { deviceId: 'smk-1405' })
  await raise('3', 3)
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

type Violation = { id: string; impact: string; nodes: { target: string[]; failureSummary: string }[] }
const WCAG = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']
/** of them what another theme can break */
const OF_COLOUR = ['color-contrast', 'link-in-text-block']
const dressed = (theme: Theme): string =>
  `document.documentElement.dataset.theme = '${theme}';` +
  cssOf(theme)
    .map(([name, value]) => `document.documentElement.style.setProperty('${name}', '${value}')`)
    .join(';')
/** What is wrong in the theme that is shown, and what of its colours in the other. */
const axe = async (page: Page): Promise<string[]> => {
  await page.evaluate(await readFile(require.resolve('axe-core/axe.min.js'), 'utf8'))
  const wrong = async (runOnly: string[]): Promise<string[]> => {
    const found = await page.evaluate(async only => {
      const { axe: engine } = globalThis as unknown as { axe: { run(o: object): Promise<{ violations: Violation[] }> } }
      return (await engine.run({ runOnly: only })).violations
    }, runOnly)
    return found.map(one => `${one.id}: ${one.nodes.map(node => `${node.target.join(' ')} ${node.failureSummary}`).join(' | ')}`)
  }
  const shown: Theme = (await page.locator('html').getAttribute('data-theme')) === 'light' ? 'light' : 'dark'
  const other: Theme = shown === 'light' ? 'dark' : 'light'
  const here = await wrong(WCAG)
  await page.evaluate(dressed(other))
  const there = (await wrong(OF_COLOUR)).map(one => `${other}: ${one}`)
  await page.evaluate(dressed(shown))
  return [...here, ...there]
}
/** What axe does not say: wider than its screen, and controls too small to hit (WCAG 2.5.8: 24 px). */
const MEASURE = `({
  wide: document.documentElement.scrollWidth > document.documentElement.clientWidth + 1,
  small: [...document.querySelectorAll('button, a, input:not([type="checkbox"]), select, summary')]
    .filter(one => {
      const { width, height } = one.getBoundingClientRect()
      return one.checkVisibility() && one.closest('[inert]') === null && width > 0 && (width < 24 || height < 24)
    })
    .map(one => one.tagName + ' ' + one.className + ' ' + one.textContent.slice(0, 20)),
})`
const measure = (page: Page): Promise<{ wide: boolean; small: string[] }> => page.evaluate(MEASURE)
const dress = async (page: Page, theme: string): Promise<void> => {
  const shown = await page.locator('html').getAttribute('data-theme')
  if (shown !== theme) await page.getByTestId('theme').click()
}

test('desk: no violation in either theme and language, at 1920 and 1366, live and in the past, in a dialog', async () => {
  const page = await openDesk(browser, running, { query: '?map=canvas' })
  await page.locator(`[data-incident-id="${fire}"]`).first().click()
  await page.getByTestId('matrix').waitFor({ timeout: 60_000 })
  await page.getByTestId('timeline').waitFor({ timeout: 60_000 })
  for (const [theme, width] of [
    ['dark', 1920],
    ['light', 1366],
  ] as const) {
    await page.setViewportSize({ width, height: width === 1920 ? 1080 : 768 })
    await dress(page, theme)
    expect(await axe(page), `desk ${theme}`).toEqual([])
    expect(await measure(page), `desk ${theme} ${width}`).toEqual({ wide: false, small: [] })
  }
  expect(await axe(page), 'a page of the desk with its menu').toEqual([])
  // this computer stands in Newfoundland: half hours tell its clock from the district's
  const shown = (await page.getByTestId('time-shown').textContent())!.slice(-8)
  const [offMs = Number.NaN] = [0, 1, 2].map(
    s => Date.parse(`1970-01-01T${shown}Z`) - ((Date.now() + 8 * 3_600_000 - s * 1000) % 86_400_000),
  )
  expect(Math.abs(offMs), shown).toBeLessThan(60_000)
  await page.getByTestId('language').click()
  await page.keyboard.press('e')
  await page.locator('dialog').waitFor()
  expect(await axe(page), 'dialog').toEqual([])
  await page.keyboard.press('Escape')
  await page.getByTestId('time-slider').focus()
  await page.keyboard.press('ArrowDown')
  await page.getByTestId('banner-past').waitFor({ timeout: 60_000 })
  expect(await axe(page), 'past').toEqual([])
  expect(await measure(page), 'English at 1366').toEqual({ wide: false, small: [] })
  expect(page.foreign).toEqual([])
  await page.context().close()
})

test('cameras beside the incident: MJPEG, HLS and WebRTC are seen with their age; one that freezes, ends or is not there is told', async () => {
  const gateway = await openGateway(browser)
  const ways = { mjpeg: '/mjpeg', hls: '/live.m3u8', whep: '/whep', snapshot: '/hangs' }
  for (const [kind, path] of Object.entries(ways)) {
    const place = { building: '青禾里 2 幢', floor: '14', room: kind }
    await post('devices', { deviceId: `cam-${kind}`, kind: 'camera', name: kind, place })
    const login = gateway.url.replace('//', '//eng:hush@')
    const put = await running.api(`/api/v1/devices/cam-${kind}/video`, { method: 'PUT', json: { kind, url: login + path } })
    expect(put.ok, await put.text()).toBe(true)
  }
  const page = await openDesk(browser, running, { query: '?map=canvas' })
  await page.locator(`[data-incident-id="${fire}"]`).first().click()
  const film = (kind: string, standing: string) =>
    page.locator(`[data-testid="cameras"] [data-kind="${kind}"][data-standing="${standing}"]`).waitFor({ timeout: 60_000 })
  const choose = (kind: string) => page.getByTestId('cameras').getByText(kind, { exact: true }).click()
  const size = (of: string) =>
    page.evaluate(`(one => one.naturalWidth ?? one.videoWidth)(document.querySelector('[data-testid="cameras"] ${of}'))`)
  await page.getByTestId('camera-choice').nth(3).waitFor({ timeout: 60_000 })
  await choose('mjpeg')
  await film('mjpeg', 'live')
  expect(await size('img')).toBe(160)
  gateway.freeze()
  await film('mjpeg', 'stale')
  gateway.cut()
  await page.getByTestId('video-words').locator('.problem').waitFor({ timeout: 60_000 })
  gateway.thaw()
  await film('mjpeg', 'live')
  await choose('hls')
  await film('hls', 'live')
  expect(await size('video')).toBe(160)
  await choose('whep')
  await film('whep', 'live')
  expect(await size('video')).toBe(160)
  await choose('snapshot')
  await film('snapshot', 'none')
  expect(await page.getByTestId('video-words').textContent()).toContain('no answer within 5 s')
  expect(await axe(page), 'no picture').toEqual([])
  // and in the card of the map
  await page.getByTestId('matrix').locator('button[title*="mjpeg"], button:has-text("mjpeg")').first().click()
  await page.locator('[data-testid="device-card"] [data-standing="live"]').waitFor({ timeout: 60_000 })
  expect(await page.content()).not.toContain('hush')
  expect(page.foreign).toEqual([])
  await page.context().close()
  await gateway.close()
})

/** The pages beside the desk: what is there when one is drawn. */
const BESIDE = [
  ['devices', 'device-row'],
  ['devices/smk-1405', 'history-empty'],
  ['health', 'rooms'],
  ['rules', 'rule-row'],
  ['rules/backtest', 'backtest'],
  ['resources', 'resource-row'],
  ['resources/s1', 'roster'],
  ['audit', 'audit-row'],
  ['report', 'report-totals'],
  ['requests', 'list-empty'],
  ['posture', 'posture-now'],
  ['enrol', 'claims'],
  ['users', 'user-row'],
  ['account', 'own-change'],
  ['quarantine', 'list-empty'],
] as const

test('the pages beside the desk: no violation, nothing wider than its screen, light and dark, in both languages', async () => {
  const page = await openDesk(browser, running, { query: '?map=canvas' })
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  for (const [i, [hash, shown]] of BESIDE.entries()) {
    await page.setViewportSize(i % 2 === 0 ? { width: 1366, height: 768 } : { width: 1920, height: 1080 })
    await page.evaluate(`location.hash = '#/${hash}'`)
    await page.getByTestId(shown).first().waitFor({ timeout: 60_000 })
    await dress(page, i % 2 === 0 ? 'light' : 'dark')
    expect(await axe(page), hash).toEqual([])
    expect(await measure(page), hash).toEqual({ wide: false, small: [] })
    await page.getByTestId('language').click()
  }
  expect(errors).toEqual([])

  // whatever was open before: the account is one line from left to right
  await page.evaluate(`location.hash = '#/accounting'`)
  await page.getByTestId('equation').locator('.term').nth(1).waitFor({ timeout: 60_000 })
  const tops = await page.evaluate(`[...document.querySelectorAll('[data-testid="equation"] .term')].map(one => one.offsetTop)`)
  expect(new Set(tops as number[]).size).toBe(1)

  await page.evaluate(`location.hash = '#/devices'`)
  await page.getByTestId('filter-q').fill('1403')
  await page.getByTestId('device-row').nth(1).waitFor({ state: 'detached', timeout: 60_000 })
  const [file] = await Promise.all([page.waitForEvent('download'), page.getByTestId('export').click()])
  const csv = (await readFile(await file.path(), 'utf8')).trim().split('\r\n')
  expect(csv[0]).toContain('deviceId,name,kind,condition')
  expect(csv.slice(1).map(line => line.split(',')[0])).toEqual(['smk-1403'])

  // a set with a mistake is refused, and the mistake leads to its line; a backtest of one recording finds its fire
  await page.evaluate(`location.hash = '#/rules/edit'`)
  const rules = page.getByTestId('rules-text')
  await rules.fill((await rules.inputValue()).replace('version: 1', 'version: none'))
  await page.getByTestId('rules-put').click()
  await page.getByTestId('dialog-submit').click()
  await page.getByTestId('rule-mistakes').getByRole('button').first().click()
  await page.waitForFunction(
    `(({ value = '', selectionStart, selectionEnd }) => value.slice(selectionStart, selectionEnd).includes('version: none'))(document.activeElement)`,
    undefined,
    { timeout: 60_000 },
  )
  await page.getByTestId('tab-backtest').click()
  await page.getByTestId('filter-backtest-source').selectOption('RedAccent_Open_Center_1')
  await page.getByTestId('filter-backtest-against').selectOption('shipped')
  await page.getByTestId('backtest-start').click()
  await page.getByTestId('backtest-difference').waitFor({ timeout: 150_000 })
  expect(await page.locator('[data-testid="backtest-row"] td').nth(2).textContent(), 'missed').toBe('0')

  // the switch is an act with a reason, seen at once; a person is added, the password shown once; a list of devices is looked at first
  await page.evaluate(`location.hash = '#/posture'`)
  await page.getByTestId('posture-switch').click()
  await page.getByTestId('posture-reason').fill('drill of the test')
  await page.getByTestId('dialog-submit').click()
  await page.locator('[data-testid="posture-chip"][data-mode="emergency"]').waitFor({ timeout: 60_000 })
  await page.evaluate(`location.hash = '#/users'`)
  await page.getByTestId('user-add').click()
  await page.getByTestId('user-name').fill('chen')
  await page.getByTestId('dialog-submit').click()
  expect((await page.getByTestId('secret').textContent())!.length).toBeGreaterThan(10)
  expect(await axe(page), 'shown once').toEqual([])
  await page.keyboard.press('Escape')
  expect(await page.getByTestId('secret').isVisible(), 'nothing that is shown once is lost to a key').toBe(true)
  await page.getByTestId('once-kept').check()
  await page.getByTestId('once-close').click()
  await page.locator('[data-user="chen"] [data-testid="user-disable"]').click()
  await page.getByTestId('dialog-submit').click()
  await page.locator('[data-user="chen"][data-disabled="true"]').waitFor({ timeout: 60_000 })
  await page.evaluate(`location.hash = '#/enrol'`)
  const sheet = (text: string) => ({ name: 'devices.csv', mimeType: 'text/csv', buffer: Buffer.from(text) })
  await page.getByTestId('import-file').setInputFiles(sheet('deviceId,kind\nnew-1,smoke\nnew-2,toaster\n'))
  await page.getByTestId('import-problem').first().waitFor({ timeout: 60_000 })
  expect(await page.getByTestId('import-commit').isDisabled()).toBe(true)
  await page.getByTestId('import-file').setInputFiles(sheet('deviceId,kind\nnew-1,smoke\nnew-2,heat\n'))
  await page.locator('[data-testid="import-verdict"][data-problems="0"]').waitFor({ timeout: 60_000 })
  await page.getByTestId('import-commit').click()
  await page.getByTestId('secret').nth(1).waitFor({ timeout: 60_000 })
  await page.getByTestId('once-kept').check()
  await page.getByTestId('once-close').click()
  expect((await running.get<{ total: number }>('/api/v1/devices?q=new-')).total).toBe(2)

  // a flow asks for what acts on the site: the officer is told of it on every page, and it is sent with a second yes
  const { token } = await post<{ token: string }>('tokens', { name: 'a-flow', scopes: ['commands:request'] })
  const asked = await fetch(`${running.http}/api/v1/command-requests`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'idempotency-key': 'k1' },
    body: JSON.stringify({ deviceId: 'smk-1405', command: 'silence', reason: 'two detectors', origin: 'flow:abc' }),
  })
  expect(asked.status).toBe(202)
  await page.getByTestId('requests-chip').waitFor({ timeout: 60_000 })
  await page.getByTestId('requests-chip').click()
  await page.getByTestId('request-confirm').click()
  await page.getByTestId('dialog-submit').click()
  await page.getByTestId('filter-state').selectOption('sent')
  await page.locator('[data-testid="request-row"][data-state="sent"]').waitFor({ timeout: 60_000 })

  await page.evaluate(`location.hash = '#/audit'`)
  await page.getByTestId('filter-action').selectOption('device.')
  await page.locator('[data-action="device.register"]').nth(4).waitFor({ timeout: 60_000 })
  await page.locator('[data-testid="audit-row"]:not([data-action^="device."])').first().waitFor({ state: 'detached', timeout: 60_000 })
  expect(page.foreign).toEqual([])
  await page.context().close()
})

test('who may only look sees no act, and no page that would be refused', async () => {
  await post('users', { username: 'looker', role: 'viewer', password: PASSWORD })
  const page = await openDesk(browser, running, { user: 'looker', query: '?map=canvas' })
  await page.getByTestId('menu').click()
  const links = await page.locator('.menu nav a').evaluateAll(all => all.map(one => one.getAttribute('href')))
  expect(links).toContain('#/devices')
  for (const hidden of ['#/users', '#/enrol', '#/audit']) expect(links).not.toContain(hidden)
  for (const [hash, shown] of [
    ['rules', 'rule-row'],
    ['resources/s1', 'roster'],
    ['devices/smk-1405', 'device-standing'],
    ['posture', 'posture-now'],
    ['quarantine', 'list-empty'],
    ['audit', 'audit'],
    ['users', 'users'],
    ['enrol', 'enrol'],
  ] as const) {
    await page.evaluate(`location.hash = '#/${hash}'`)
    await page.getByTestId(shown).first().waitFor({ timeout: 60_000 })
    const acts = await page.locator('main .primary, main .danger, main .acts button:not(:disabled), main textarea').allTextContents()
    expect(acts, hash).toEqual([])
  }
  await page.context().close()
})

test('wall: read-only, complete, nothing wider than it', async () => {
  const page = await openDesk(browser, running, { query: '?map=canvas' })
  await page.setViewportSize({ width: 3840, height: 1080 })
  await page.evaluate(`location.hash = '#/wall'`)
  await page.locator(`[data-testid="wall"] [data-testid="incident-panel"][data-incident-id="${fire}"]`).waitFor({ timeout: 60_000 })
  expect(await page.locator('[data-testid="wall"] button:not([inert] *)').count(), 'nothing to press').toBe(0)
  await page.locator(`[data-testid="wall"] [data-marker-id="${fire}"]`).waitFor({ timeout: 60_000 })
  expect(await page.locator('[data-testid="wall"] .matrix td.at-fire').first().innerText(), 'rooms by their number').toContain('1405')
  expect(await axe(page)).toEqual([])
  expect((await measure(page)).wide).toBe(false)
  await page.context().close()
})

test('phone: the order, received, on scene, a false alarm with its picture; no network is said and nothing is sent later', async () => {
  const line = await badLine(running.http)
  await post(`incidents/${encodeURIComponent(fire)}/dispatch`, { resourceIds: ['s1'] })
  const context = await browser.newContext({ viewport: { width: 390, height: 844 } })
  const page = await context.newPage()
  await page.goto(line.url)
  await page.getByTestId('login-username').fill('crew')
  await page.getByTestId('login-password').fill(PASSWORD)
  await page.getByTestId('login-submit').click()
  await page.getByTestId('field-job').waitFor({ timeout: 60_000 })
  expect(await page.getByTestId('incident-location').textContent()).toContain('1405')
  expect(await axe(page)).toEqual([])
  expect(await measure(page)).toEqual({ wide: false, small: [] })
  expect((await page.getByTestId('received').boundingBox())!.height).toBeGreaterThanOrEqual(52)

  await page.getByTestId('received').click()
  await page.locator('[data-testid="order-state"][data-state="accepted"]').waitFor({ timeout: 60_000 })
  await page.waitForFunction('navigator.serviceWorker.controller !== null', undefined, { timeout: 60_000 })
  await page.reload()
  await page.locator('[data-testid="order-state"][data-state="accepted"]').waitFor({ timeout: 60_000 })

  await line.offline()
  await page.getByTestId('field-offline').waitFor({ timeout: 60_000 })
  expect(await page.getByTestId('on-scene').isDisabled()).toBe(true)
  await page.reload()
  await page.getByTestId('field-job').waitFor({ timeout: 60_000 })
  expect(await page.getByTestId('incident-location').textContent(), 'the last order, without a network').toContain('1405')
  await line.online()
  await page.getByTestId('field-offline').waitFor({ state: 'detached', timeout: 60_000 })
  expect((await incident(fire)).orders[0]?.state, 'nothing was sent meanwhile').toBe('accepted')

  await page.getByTestId('on-scene').click()
  await page.locator('[data-testid="order-state"][data-state="on-scene"]').waitFor({ timeout: 60_000 })
  await page.getByTestId('found-false').click()
  const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
  await page.getByTestId('picture').setInputFiles({ name: 'scene.png', mimeType: 'image/png', buffer: png })
  await page.locator('form.report img').waitFor()
  await page.getByTestId('report-send').click()
  await until(
    async () => (await incident(fire)).timeline.some(one => one.what === 'found-false' && one.pictureId !== undefined),
    60_000,
    'the finding',
  )
  await page.getByTestId('need-help').click()
  await page.getByTestId('report-send').click()
  await until(async () => (await incident(fire)).helpAskedAt !== undefined, 60_000, 'help is asked')
  await context.close()
  await line.close()
})
