// A night at the desk in a real browser on the running system: an alarm is raised and painted, taken by one of two officers, worked from
// the keyboard to its end, and the line between page and server is cut, frozen and robbed of a frame. Nothing is mocked.
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Incident } from '#contracts/incident.ts'
import type { Order } from '#contracts/order.ts'
import { badLine, type BadLine } from './bad-line.ts'
import { openBrowser, openDesk, PLAIN } from './browser.ts'
import { PASSWORD, run, start, until, type Running } from './running.ts'

let running: Running
let browser: Browser
let line: BadLine
let page: Page & { foreign: string[] }
const errors: string[] = []

const admin = async (...args: string[]): Promise<void> => {
  const { code, stderr } = await run('bin/admin.ts', args, { FENGSUI_DATA_DIR: running.dir })
  expect({ code, stderr }).toMatchObject({ code: 0 })
}
const post = async <T>(path: string, json: object = {}): Promise<T> => {
  const answer = await running.api(`/api/v1/${path}`, { method: 'POST', json })
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}
let keys = 0
const raise = async (building: string, severity = 1): Promise<string> => {
  keys += 1
  const { incident } = await post<{ incident: Incident }>('alarms', {
    idempotencyKey: `duty-${keys}`,
    kind: 'fire-alarm',
    severity,
    place: { area: '澄溪', building, floor: '14', room: '1405' },
    position: { lat: 31.9 + keys / 100, lon: 118.8 },
    text: { zh: '居民报告有烟', en: 'a resident reports smoke' },
  })
  return incident.id
}
const incident = (id: string): Promise<Incident & { orders: Order[] }> => running.get(`/api/v1/incidents/${encodeURIComponent(id)}`)
const row = (id: string, on = page) => on.locator(`[data-testid="incident-row"][data-incident-id="${id}"]`)
const state = (value: string) => page.locator(`[data-testid="connection"][data-state="${value}"]`)
const focused = (): Promise<string | null> =>
  page
    .locator(':focus')
    .first()
    .getAttribute('data-testid', { timeout: 1000 })
    .catch(() => null)
/** Tab until the focus is there; a hand without a mouse does the same. */
const tabTo = async (testid: string): Promise<void> => {
  for (let i = 0; i < 150; i++) {
    if ((await focused()) === testid) return
    await page.keyboard.press('Tab')
  }
  throw new Error(`Tab never came to ${testid}`)
}
const close = (id: string) => post(`incidents/${encodeURIComponent(id)}/close`, { cause: 'done', falseAlarm: false })

beforeAll(async () => {
  const notify = join(await mkdtemp(join(tmpdir(), 'notify-')), 'notify.yaml')
  await writeFile(
    notify,
    'channels: {tablet: {type: mqtt, kind: micro-station}}\nrecipients: [{name: crew-1, ladder: [{channel: tablet, to: s1}]}]\n',
  )
  running = await start({ env: { FENGSUI_NOTIFY_FILE: notify } })
  browser = await openBrowser(PLAIN)
  await admin('user', 'add', 'li', '--role', 'officer', '--password', PASSWORD)
  await post('resources', { id: 's1', kind: 'micro-station', name: '样例站', position: { lat: 31.9, lon: 118.8 } })
  await post('resources/s1/check-in')
  line = await badLine(running.http)
  // what a desk does when it comes back is timed by a dice: half a second to eight
  page = await openDesk(browser, { ...running, http: line.url } as Running, { user: 'li', query: '?map=canvas' })
  page.on('pageerror', error => errors.push(error.message))
  await state('live').waitFor({ timeout: 60_000 })
})
afterAll(async () => {
  await browser?.close()
  await line?.close()
  await running?.stop()
})

test('raised, painted, taken by one of two: the other sees by whom', async () => {
  const other = await openDesk(browser, running, { query: '?map=canvas' })
  const id = await raise('甲')
  await row(id).waitFor({ timeout: 60_000 })
  await row(id, other).click()
  await other.keyboard.press('a')
  await page.locator(`[data-incident-id="${id}"][data-state="acknowledged"]`).first().waitFor({ timeout: 60_000 })
  await row(id).click()
  await until(async () => (await page.getByTestId('acknowledged-by').textContent())?.includes('admin') === true, 60_000, 'who took it')
  await other.context().close()
  await close(id)
  await row(id).waitFor({ state: 'detached', timeout: 60_000 })
})

test('from the alarm to its end without a mouse', async () => {
  const id = await raise('乙')
  await row(id).waitFor({ timeout: 60_000 })
  await page.keyboard.press('j')
  await page.keyboard.press('a')
  await until(async () => (await incident(id)).state === 'acknowledged', 60_000, 'acknowledged by A')
  await page.getByTestId('candidate').first().waitFor({ timeout: 60_000 })
  await page.keyboard.press('d')
  await until(async () => (await incident(id)).orders.length === 1, 60_000, 'D sends the recommended crew')
  const say = async (step: string, expected: string): Promise<void> => {
    await page.getByTestId(`order-${step}`).waitFor({ timeout: 60_000 })
    await tabTo(`order-${step}`)
    await page.keyboard.press('Enter')
    await page.locator(`[data-testid="order"][data-state="${expected}"]`).waitFor({ timeout: 60_000 })
  }
  await page
    .locator('[data-testid="telling"][data-state="answered"], [data-testid="telling"][data-state="sent"]')
    .waitFor({ timeout: 60_000 })
  expect(await page.getByTestId('ladder').textContent()).toContain('crew-1')
  await page.getByTestId('due').waitFor({ timeout: 60_000 })
  await say('accept', 'accepted')
  await page.getByTestId('station-clock').waitFor({ timeout: 60_000 })
  await say('en-route', 'en-route')
  await say('on-scene', 'on-scene')
  await tabTo('control')
  await page.keyboard.press('Enter')
  await until(async () => (await incident(id)).controlledAt !== undefined, 60_000, 'under control')
  await say('complete', 'complete')
  await tabTo('close-incident')
  await page.keyboard.press('Enter')
  await page.getByTestId('close-cause').waitFor()
  expect(await page.locator('dialog:modal').count(), 'the focus stays in the dialog').toBe(1)
  await tabTo('close-cause')
  await page.keyboard.type('厨房油烟')
  await tabTo('dialog-submit')
  await page.keyboard.press('Enter')
  await row(id).waitFor({ state: 'detached', timeout: 60_000 })
  expect(await incident(id)).toMatchObject({ state: 'closed', cause: '厨房油烟', closedBy: 'li' })
})

test('a false alarm asks, a shelf asks for reason and end and is never for level I', async () => {
  const grave = await raise('丙')
  const minor = await raise('丁', 3)
  await row(grave).click()
  await page.keyboard.press('s')
  expect(await page.locator('dialog').count()).toBe(0)
  await row(minor).click()
  await page.keyboard.press('s')
  await page.getByTestId('shelve-reason').fill('检修')
  await page.getByTestId('dialog-submit').click()
  await page.getByTestId('shelved').waitFor({ timeout: 60_000 })
  await row(grave).click()
  await page.keyboard.press('f')
  await page.getByTestId('close-cause').waitFor()
  await page.keyboard.press('Escape')
  expect((await incident(grave)).state).toBe('new')
  await close(minor)
  await close(grave)
})

test('the past is shown, a new level I still stands on top, and L is the way back', async () => {
  const id = await raise('戊')
  await row(id).waitFor({ timeout: 60_000 })
  await page.waitForTimeout(1500)
  await post(`incidents/${encodeURIComponent(id)}/acknowledge`)
  await page.locator(`[data-incident-id="${id}"][data-state="acknowledged"]`).first().waitFor({ timeout: 60_000 })
  await row(id).click()
  await page.getByTestId('play-film').click()
  await page.getByTestId('banner-past').waitFor({ timeout: 60_000 })
  await page.getByTestId('film-play').click()
  // however far it ran: its first moment is before the answer
  for (let n = 0; n < 12; n += 1) await page.getByTestId('film').getByRole('button').first().click()
  await page.locator(`[data-incident-id="${id}"][data-state="new"]`).first().waitFor({ timeout: 60_000 })
  expect(await page.getByTestId('shelve').isDisabled()).toBe(true)
  const fresh = await raise('己')
  await page.locator(`[data-testid="live-on-top"] [data-incident-id="${fresh}"]`).waitFor({ timeout: 60_000 })
  await page.locator(`[data-testid="live-on-top"] [data-incident-id="${fresh}"]`).click()
  await page.keyboard.press('a')
  await until(async () => (await incident(fresh)).state === 'acknowledged', 60_000, 'acknowledged out of the past')
  await page.keyboard.press('l')
  await page.getByTestId('banner-past').waitFor({ state: 'detached' })
  await row(fresh).waitFor()
  await close(id)
  await close(fresh)
})

test('a lost delta is noticed, caught up on, and counted', async () => {
  line.dropNextDelta()
  const id = await raise('庚')
  await row(id).waitFor({ timeout: 60_000 })
  expect(line.dropped()).toBe(1)
  expect(await page.getByTestId('toasts').textContent()).toMatch(/[1-9]/)
  await state('live').waitFor({ timeout: 60_000 })
  await close(id)
})

test('a cut socket comes back with what was missed', async () => {
  line.cut()
  const id = await raise('辛')
  await row(id).waitFor({ timeout: 60_000 })
  await close(id)
})

test('a frozen socket: amber, then red with stamps, nothing can be sent, and all is well again', async () => {
  const id = await raise('壬')
  await row(id).click()
  line.freeze()
  await state('late').waitFor({ timeout: 60_000 })
  await page.getByTestId('banner-lost').waitFor({ timeout: 60_000 })
  await page.getByTestId('kpi-stamp').waitFor()
  await page.getByTestId('queue-stamp').waitFor()
  expect(await page.getByTestId('acknowledge').isDisabled()).toBe(true)
  await page.keyboard.press('a')
  await page.waitForTimeout(300)
  expect((await incident(id)).state).toBe('new')
  line.thaw()
  await state('live').waitFor({ timeout: 60_000 })
  expect((await incident(id)).state, 'nothing was kept to be sent later').toBe('new')
  await page.keyboard.press('a')
  await until(async () => (await incident(id)).state === 'acknowledged', 60_000, 'acknowledged when the line is back')
  await close(id)
})

test('the sound is proved before the shift begins', async () => {
  expect(await page.getByTestId('sound').getAttribute('data-shift')).toBe('false')
  await page.getByTestId('sound').click()
  await page.getByTestId('shift-play').click()
  await page.locator('[data-testid="shift-stage"][data-stage="asking"]').waitFor({ timeout: 60_000 })
  await page.getByTestId('shift-heard').click()
  expect(await page.getByTestId('sound').getAttribute('data-shift')).toBe('true')
})

test('a flood: every level I stands by itself, the rest is folded, a key is still obeyed, and the page counts all of it', async () => {
  const places = 12
  const kinds = ['fire-alarm', 'fault'] as const
  const one = (n: number): Promise<unknown> =>
    post('alarms', {
      idempotencyKey: `flood-${n}`,
      kind: kinds[n % 2],
      severity: n % places === 0 ? 1 : 3,
      place: { area: '洪澜', building: `洪 ${n % places} 幢`, floor: String(n), room: String(n) },
      text: { zh: '大面积报警', en: 'one of many' },
    })
  let next = 0
  const sender = async (): Promise<void> => {
    for (let n = next++; n < 240; n = next++) await one(n)
  }
  await Promise.all([sender(), sender(), sender(), sender()])
  await page.getByTestId('banner-flood').waitFor({ timeout: 60_000 })
  const { incidents: open } = await running.get<{ incidents: Incident[] }>('/api/v1/incidents?state=open&limit=500')
  const total = new Intl.NumberFormat('zh-CN').format(open.length)
  await until(
    async () => (await page.locator('.queue-head .muted').textContent())?.includes(total) === true,
    60_000,
    `${total} are counted`,
  )
  await page.mouse.move(1000, 500)
  await page.getByTestId('fold').first().waitFor({ timeout: 60_000 })
  const single = await page.locator('[data-testid="incident-row"][data-severity="1"]').count()
  expect(single, 'level I is never folded').toBe(open.filter(({ severity }) => severity === 1).length)
  const before = await page.getByTestId('incident-panel').getAttribute('data-incident-id')
  await page.keyboard.press('j')
  await page.locator(`[data-testid="incident-panel"]:not([data-incident-id="${before}"])`).waitFor({ timeout: 60_000 })
})

test('no request left the origin and nothing broke in the page', () => {
  expect(page.foreign).toEqual([])
  expect(errors).toEqual([])
})
