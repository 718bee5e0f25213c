// A flood at the desk, in a real Chromium against the whole running system: 10,000 alarms of 200 places come in through POST /alarms while an
// officer's page is open and is worked from the keyboard. Prints how long the page let a key wait, how much of the time its main thread was
// blocked, and how long after the last alarm the page showed all of it. `--profile FILE` writes a CPU profile of the page.
import { writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import type { Incident } from '#contracts/incident.ts'
import { openBrowser, openDesk } from '../test/system/browser.ts'
import { start, until, type Running } from '../test/system/running.ts'

const numberOf = (name: string, other: number): number => {
  const at = process.argv.indexOf(name)
  return at === -1 ? other : Number(process.argv[at + 1])
}
const ALARMS = numberOf('--alarms', 10_000)
const PLACES = numberOf('--places', 200)
const SENDERS = 8
const KEY_EVERY_MS = 500
const profileAt = process.argv.indexOf('--profile')
const profileFile = profileAt === -1 ? null : (process.argv[profileAt + 1] ?? 'flood.cpuprofile')

const KINDS = ['fire-alarm', 'gas-alarm', 'fault'] as const

const raise = async (running: Running, n: number): Promise<void> => {
  const place = n % PLACES
  const [x, y] = [place % 20, Math.floor(place / 20)]
  const answer = await running.api('/api/v1/alarms', {
    method: 'POST',
    json: {
      idempotencyKey: `flood-${n}`,
      kind: KINDS[place % 3],
      // one place in twenty is of level I
      severity: place % 20 === 0 ? 1 : 2 + (place % 3),
      place: { area: `街道 ${x}`, building: `样例楼 ${place}`, floor: String(1 + (Math.floor(n / PLACES) % 20)), room: String(n) },
      position: { lat: 31.7 + y * 0.03, lon: 118.55 + x * 0.025 },
      text: { zh: '大面积报警', en: 'one of many' },
    },
  })
  if (!answer.ok) throw new Error(`POST /alarms: ${answer.status} ${await answer.text()}`)
  await answer.arrayBuffer()
}

/** Long tasks of the main thread, and what a pressed J takes to the next frame, in the page itself. */
const WATCH = `
  globalThis.flood = { long: [], keys: [] }
  new PerformanceObserver(list => {
    for (const { startTime, duration } of list.getEntries()) flood.long.push([startTime, duration])
  }).observe({ type: 'longtask', buffered: false })
  globalThis.flood.timer = setInterval(() => {
    const from = performance.now()
    const due = flood.due ?? from
    flood.due = from + ${KEY_EVERY_MS}
    dispatchEvent(new KeyboardEvent('keydown', { key: 'j', code: 'KeyJ', bubbles: true }))
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => flood.keys.push(performance.now() - Math.min(from, due))
      port2.postMessage(0)
    })
  }, ${KEY_EVERY_MS})
`
type Watched = { long: [number, number][]; keys: number[] }
const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * q)] ?? 0
const shown = async (page: Page): Promise<string> => (await page.locator('.queue-head .muted').textContent()) ?? ''

const running = await start()
const browser = await openBrowser()
try {
  const page = await openDesk(browser, running, { query: process.argv.includes('--webgl') ? '?map=webgl' : '?map=canvas' })
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 60_000 })
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 60_000 })
  const cdp = await page.context().newCDPSession(page)
  if (profileFile !== null) {
    await cdp.send('Profiler.enable')
    await cdp.send('Profiler.setSamplingInterval', { interval: 1000 })
    await cdp.send('Profiler.start')
  }
  await page.evaluate(WATCH)
  const from = performance.now()
  let next = 0
  const sender = async (): Promise<void> => {
    for (let n = next++; n < ALARMS; n = next++) await raise(running, n)
  }
  await Promise.all(Array.from({ length: SENDERS }, sender))
  const sentMs = performance.now() - from
  const { incidents } = await running.get<{ incidents: Incident[] }>('/api/v1/incidents?state=open&limit=1000')
  // the page names how many there are; of more than the API lists at once it is enough that they keep coming no more
  const counted = async (): Promise<number> => Number((await shown(page)).replaceAll(/(?<=\d),/g, '').match(/\d+/)?.[0] ?? 0)
  let last = -1
  await until(
    async () => {
      const now = await counted()
      const isStill = now >= incidents.length && now === last
      last = now
      if (!isStill) await delay(400)
      return isStill
    },
    300_000,
    'the page shows all of it',
  )
  const settledMs = performance.now() - from - sentMs
  await delay(3_000)
  const { long, keys } = (await page.evaluate('({ long: flood.long, keys: flood.keys })')) as Watched
  await page.evaluate('clearInterval(flood.timer)')
  if (profileFile !== null) {
    const { profile } = await cdp.send('Profiler.stop')
    await writeFile(profileFile, JSON.stringify(profile))
  }
  const blockedMs = long.reduce((sum, [, ms]) => sum + ms, 0)
  await cdp.send('HeapProfiler.collectGarbage')
  const { usedSize } = await cdp.send('Runtime.getHeapUsage')
  console.log(
    `${ALARMS} alarms of ${PLACES} places, sent at ${Math.round((ALARMS / sentMs) * 1000)}/s; the page says: ${await shown(page)}`,
  )
  console.log(
    `a key to the next frame: p50 ${quantile(keys, 0.5).toFixed(0)} ms, p95 ${quantile(keys, 0.95).toFixed(0)} ms, most ${quantile(keys, 1).toFixed(0)} ms (n=${keys.length})`,
  )
  console.log(
    `main thread in tasks above 50 ms: ${((blockedMs / (sentMs + settledMs + 3_000)) * 100).toFixed(0)} % of the time, longest ${Math.round(Math.max(0, ...long.map(([, ms]) => ms)))} ms`,
  )
  console.log(`rows there ${Math.round(settledMs)} ms after the last alarm; heap ${(usedSize / 1e6).toFixed(0)} MB`)
} finally {
  await browser.close()
  await running[Symbol.asyncDispose]()
}
