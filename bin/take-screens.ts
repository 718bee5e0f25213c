// `node bin/take-screens.ts`: takes the pictures of README and docs anew, from the demo's night fire in a real browser, so that they show what there
// is. Writes docs/screens; changes nothing else.
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Incident } from '#contracts/incident.ts'
import { openBrowser, openDesk } from '../test/system/browser.ts'
import { root, start, until } from '../test/system/running.ts'

const FIRE_MS = 300_000
/** A map has too many colours for a small PNG. */
const picture = (name: string) => ({ path: join(root, 'docs/screens', `${name}.jpg`), type: 'jpeg', quality: 80 }) as const

await using running = await start({ role: 'demo' })
const fire = async (): Promise<Incident | undefined> =>
  (await running.get<{ incidents: Incident[] }>('/api/v1/incidents?state=open')).incidents.find(
    one => one.severity === 1 && one.confirmedAt !== undefined,
  )
await until(async () => (await fire()) !== undefined, FIRE_MS, 'the fire of the demo is confirmed')
const { id, deviceIds } = (await fire())!
const browser = await openBrowser()
try {
  const page = await openDesk(browser, running)
  await page.setViewportSize({ width: 1600, height: 900 })
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 120_000 })
  await page.locator(`[data-testid="incident-row"][data-incident-id="${id}"]`).first().click()
  await page.getByTestId('timeline').waitFor({ timeout: 60_000 })
  await delay(5_000)
  await page.screenshot(picture('desk'))
  await page.getByTestId('language').click()
  await page.getByTestId('theme').click()
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 120_000 })
  await delay(4_000)
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
} finally {
  await browser.close()
}
