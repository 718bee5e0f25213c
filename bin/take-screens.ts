// `node bin/take-screens.ts`: takes the pictures of README and docs anew, from the demo's night fire in a real browser, so that they show what there
// is. Writes docs/screens; changes nothing else.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Incident } from '#contracts/incident.ts'
import { openBrowser, openDesk } from '../test/system/browser.ts'
import { PASSWORD, root, run, start, until } from '../test/system/running.ts'

const FIRE_MS = 300_000
/** A map has too many colours for a small PNG. */
const picture = (name: string) => ({ path: join(root, 'docs/screens', `${name}.jpg`), type: 'jpeg', quality: 80 }) as const

await using running = await start({ role: 'demo', withinMs: 300_000 })
await run('bin/admin.ts', ['user', 'add', 'zhou', '--role', 'station', '--password', PASSWORD], { FENGSUI_DATA_DIR: running.dir })
const post = async (path: string, json: object = {}): Promise<void> => {
  const answer = await running.api(`/api/v1/${path}`, { method: 'POST', json })
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`)
}
const fire = async (): Promise<Incident | undefined> =>
  (await running.get<{ incidents: Incident[] }>('/api/v1/incidents?state=open')).incidents.find(
    one => one.severity === 1 && one.confirmedAt !== undefined,
  )
await until(async () => (await fire()) !== undefined, FIRE_MS, 'the fire of the demo is confirmed')
const { id, deviceIds, position } = (await fire())!
const browser = await openBrowser()
try {
  const page = await openDesk(browser, running)
  await page.setViewportSize({ width: 1600, height: 900 })
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 120_000 })
  await page.locator(`[data-testid="incident-row"][data-incident-id="${id}"]`).first().click()
  await page.getByTestId('timeline').waitFor({ timeout: 60_000 })
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 60_000 })
  // the building turns out its floor
  await delay(15_000)
  await page.screenshot(picture('desk'))
  await page.getByTestId('language').click()
  await page.getByTestId('theme').click()
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 120_000 })
  await delay(4_000)
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 60_000 })
  await page.screenshot(picture('desk-en'))
  await page.getByTestId('theme').click()
  await page.setViewportSize({ width: 1600, height: 1000 })
  await page.evaluate(`location.hash = '#/devices/${deviceIds[0]}'`)
  await page.getByTestId('device-standing').waitFor({ timeout: 60_000 })
  await delay(4_000)
  await page.screenshot({ path: join(root, 'docs/screens/device.png') })
  await page.getByTestId('language').click()
  await page.setViewportSize({ width: 3840, height: 1080 })
  await page.evaluate(`location.hash = '#/wall'`)
  await page.getByTestId('wall').waitFor({ timeout: 60_000 })
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 120_000 })
  await delay(6_000)
  await page.screenshot(picture('wall'))
  await page.close()

  // a grid officer around the corner, signed in on her phone before the order comes: it waits for half a minute
  const phone = await (await browser.newContext({ viewport: { width: 390, height: 844 }, locale: 'zh-CN' })).newPage()
  await phone.goto(running.http)
  await phone.getByTestId('login-username').fill('zhou')
  await phone.getByTestId('login-password').fill(PASSWORD)
  await phone.getByTestId('login-submit').click()
  await phone.getByTestId('field').waitFor({ timeout: 60_000 })
  const { lat, lon } = position!
  const near = { lat: lat + 0.002, lon: lon + 0.001 }
  await post('resources', { id: 'grid-17', kind: 'grid-officer', name: '澄溪-17 网格员', position: near, accounts: ['zhou'] })
  await post('resources/grid-17/check-in')
  await post(`incidents/${encodeURIComponent(id)}/dispatch`, { resourceIds: ['grid-17'] })
  await phone.getByTestId('field-job').waitFor({ timeout: 25_000 })
  await phone.getByTestId('timeline').waitFor({ timeout: 20_000 })
  await phone.screenshot({ path: join(root, 'docs/screens/phone.png') })
} finally {
  await browser.close()
}
