// Frames while the map is moved by hand, 20,000 devices and a live feed, without a GPU: our map in emulated WebGL, the same with every device
// as a point of its own (what a plain map does), and the plain canvas that such a computer is given. Ratios of one run; says nothing of a GPU.
import { setTimeout as delay } from 'node:timers/promises'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { build } from 'vite'
import { openBrowser, openDeskRoom, type DeskRoom } from './desk-room.ts'

const DEVICES = 20_000
const PAN_MS = 5_000

const FRAMES = `new Promise(done => {
  const times = []
  const from = performance.now()
  const next = at => {
    times.push(at)
    if (at - from > ${PAN_MS}) done(times)
    else requestAnimationFrame(next)
  }
  requestAnimationFrame(next)
})`

const pan = async (page: Page, untilMs: number): Promise<void> => {
  const box = await page.locator('.map-host').boundingBox()
  if (box === null) throw new Error('the page has no map')
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2]
  await page.mouse.move(x, y)
  await page.mouse.down()
  for (let step = 0; performance.now() < untilMs; step += 1) {
    await page.mouse.move(x + 150 * Math.sin(step / 12), y + 100 * Math.cos(step / 15))
    await delay(12)
  }
  await page.mouse.up()
}

/** Frames a second from the median distance of frames while panning. */
const fps = async (desk: DeskRoom, o: { gl: boolean; query: string }): Promise<number> => {
  const browser = await openBrowser(o.gl)
  const page = await desk.openPage(browser, { query: o.query, width: 1280, height: 800 })
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 180_000 })
  await delay(2_000)
  const feed = setInterval(() => desk.tick(0.01), 1000)
  const [times] = await Promise.all([page.evaluate(FRAMES) as Promise<number[]>, pan(page, performance.now() + PAN_MS)])
  clearInterval(feed)
  await browser.close()
  const gaps = times.slice(1).map((at, n) => at - (times[n] ?? at))
  return 1000 / (gaps.toSorted((a, b) => a - b)[Math.floor(gaps.length / 2)] ?? NaN)
}

/** Our page with one line changed: every device in view is a point at every zoom. */
const buildPoints = async (outDir: string): Promise<void> => {
  await build({
    configFile: join(import.meta.dirname, '../dashboard/web/vite.config.ts'),
    logLevel: 'warn',
    build: { outDir },
    plugins: [
      {
        name: 'points',
        transform(code, id) {
          if (!id.endsWith('map/cells.ts')) return undefined
          const changed = code.replace(/DETAIL_ZOOM = 13\b/, 'DETAIL_ZOOM = 0')
          if (changed === code) throw new Error('cells.ts has no DETAIL_ZOOM = 13 any more')
          return changed
        },
      },
    ],
  })
}

const pointsDir = await mkdtemp(join(tmpdir(), 'points-'))
await buildPoints(pointsDir)
await using desk = await openDeskRoom(DEVICES)
await using plain = await openDeskRoom(DEVICES, pointsDir)
const canvas = await fps(desk, { gl: false, query: '?map=canvas' })
const cells = await fps(desk, { gl: true, query: '?map=webgl' })
const points = await fps(plain, { gl: true, query: '?map=webgl' })
await rm(pointsDir, { recursive: true, force: true })
console.log(
  `${DEVICES} devices, panning, no GPU: plain canvas ${canvas.toFixed(1)} fps, emulated WebGL ${cells.toFixed(1)} fps, the same with all devices as points ${points.toFixed(1)} fps`,
)
console.log(`cells beside points ${(cells / points).toFixed(1)} x, canvas beside points ${(canvas / points).toFixed(1)} x`)
