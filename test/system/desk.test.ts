// The duty desk in a real browser on the real system: a real fire is replayed, its row appears, is acknowledged, and a second
// officer's page sees it.
import { join } from 'node:path'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Incident } from '#contracts/incident.ts'
import { openBrowser, openDesk } from './browser.ts'
import { PASSWORD, root, run, start, until, type Running } from './running.ts'

let running: Running
let browser: Browser

beforeAll(async () => {
  running = await start()
  browser = await openBrowser()
  const { code } = await run('bin/admin.ts', ['user', 'add', 'li', '--role', 'officer', '--password', PASSWORD], {
    FENGSUI_DATA_DIR: running.dir,
  })
  expect(code).toBe(0)
})
afterAll(async () => {
  await browser?.close()
  await running?.stop()
})

test('a fire is replayed, seen, acknowledged, and seen as acknowledged on a second page', async () => {
  const first = await openDesk(browser, running)
  const second = await openDesk(browser, running, { user: 'li' })
  const errors: string[] = []
  for (const page of [first, second]) page.on('pageerror', error => errors.push(error.message))

  const file = join(root, 'test/fixtures/recordings/SDC02-alarms.jsonl.gz')
  const { code, stderr } = await run('simulators/replay.ts', [file, '--speed', '0', '--url', `mqtt://127.0.0.1:${running.mqttPort}`], {
    FENGSUI_DATA_DIR: running.dir,
  })
  expect({ code, stderr }).toMatchObject({ code: 0 })

  const row = first.getByTestId('incident-row').first()
  await row.waitFor({ timeout: 60_000 })
  expect(await first.getByTestId('incident-row').count()).toBe(1)
  expect(await row.getAttribute('data-state')).toBe('new')
  const id = await row.getAttribute('data-incident-id')
  await row.click()
  await first.getByTestId('incident-panel').waitFor()
  await first.getByTestId('evidence-row').first().waitFor()
  await first.getByTestId('sparkline').first().waitFor()

  await first.getByTestId('acknowledge').click()
  await second.locator(`[data-testid="incident-row"][data-incident-id="${id}"][data-state="acknowledged"]`).waitFor({ timeout: 60_000 })
  expect(await running.get<Incident>(`/api/v1/incidents/${encodeURIComponent(id!)}`)).toMatchObject({
    state: 'acknowledged',
    acknowledgedBy: 'admin',
  })

  await first.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 60_000 })
  expect(errors).toEqual([])
  expect([...first.foreign, ...second.foreign], 'no request leaves the origin').toEqual([])
  await first.context().close()
  await second.context().close()
})

test('a lost connection is said, and the queue is right again after the system came back', async () => {
  const page = await openDesk(browser, running)
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 60_000 })
  const ports = { mqtt: running.mqttPort, http: Number(new URL(running.http).port), flows: 0 }
  await running.stop()
  await page.locator('[data-testid="connection"]:not([data-state="live"])').waitFor({ timeout: 60_000 })
  const again = await start({ dir: running.dir, ports })
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 60_000 })
  await until(async () => (await page.getByTestId('incident-row').count()) === 1, 60_000, 'the incident is still in the queue')
  await page.context().close()
  running = again
})

test('with WebGL the map is drawn by deck.gl over MapLibre, without an error', async () => {
  const page = await openDesk(browser, running, { query: '?map=webgl' })
  const errors: string[] = []
  page.on('pageerror', error => errors.push(error.message))
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 90_000 })
  expect(await page.locator('[data-testid="map"] canvas').count()).toBeGreaterThanOrEqual(2)
  const markers = (): Promise<unknown> =>
    page.evaluate(`[...document.querySelectorAll('[data-marker-id]')].map(one => one.dataset.markerId).sort()`)
  const alarm = {
    idempotencyKey: 'map',
    kind: 'gas-alarm',
    severity: 2,
    place: { building: '样例楼' },
    position: { lat: 31.9, lon: 118.8 },
  }
  const answer = await running.api('/api/v1/alarms', { method: 'POST', json: { ...alarm, text: { zh: '燃气', en: 'gas' } } })
  const { incident } = (await answer.json()) as { incident: { id: string } }
  await page.locator(`[data-marker-id="${incident.id}"]`).waitFor({ timeout: 60_000 })
  const before = await markers()
  await page.evaluate(`document.querySelector('.maplibregl-canvas').getContext('webgl2').getExtension('WEBGL_lose_context').loseContext()`)
  await page.locator('[data-testid="map"][data-renderer="canvas"][data-ready="true"]').waitFor({ timeout: 60_000 })
  expect(await markers(), 'the same alarms after the graphics context was lost').toEqual(before)
  expect(await page.locator('.flat-map').count()).toBe(1)
  expect(errors).toEqual([])
  expect(page.foreign).toEqual([])
  await page.context().close()
})

test('without WebGL the queue works and the map is drawn all the same', async () => {
  const plain = await openBrowser(['--disable-3d-apis'])
  const page = await openDesk(plain, running)
  await page.getByTestId('incident-row').first().waitFor({ timeout: 60_000 })
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 60_000 })
  await plain.close()
})

test('when the code of the map cannot be had, the list does everything', async () => {
  const page = await openDesk(browser, running, { blocked: /assets\/(pane|gl|canvas)-[^/]*\.js/ })
  const row = page.locator('[data-testid="incident-row"][data-state="new"]').first()
  await row.click({ timeout: 60_000 })
  expect(await page.locator('[data-testid="map"]').getAttribute('data-ready')).toBe('false')
  expect(await page.locator('[data-testid="map"] .note').count(), 'and it says so').toBeGreaterThan(0)
  const id = await row.getAttribute('data-incident-id')
  await page.keyboard.press('a')
  await page.locator(`[data-testid="incident-row"][data-incident-id="${id}"][data-state="acknowledged"]`).waitFor({ timeout: 60_000 })
  await page.getByTestId('timeline').waitFor({ timeout: 60_000 })
  await page.context().close()
})
