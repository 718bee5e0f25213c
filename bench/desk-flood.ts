// A flood at the desk, in a real Chromium against the whole running system: 10,000 devices in 200 places say within a minute that something is
// wrong, over MQTT, while an officer's page is open and is worked from the keyboard. Prints how long the page let a key wait, how much of the
// time its main thread was blocked, and how long after the last message the page showed all of it. `--profile FILE` writes a CPU profile.
import { writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import mqtt from 'mqtt'
import type { Page } from 'playwright-core'
import { makeFlood } from '../test/flood.ts'
import { openBrowser, openDesk } from '../test/system/browser.ts'
import { start, until } from '../test/system/running.ts'

const GATEWAYS = 20
const SEED = 7
const KEY_EVERY_MS = 500
const profileAt = process.argv.indexOf('--profile')
const profileFile = profileAt === -1 ? null : (process.argv[profileAt + 1] ?? 'flood.cpuprofile')

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

const running = await start({ env: { FENGSUI_DEVICE_RATE: '0', FENGSUI_ANONYMOUS_DEVICES: 'true' } })
const flood = makeFlood({ seed: SEED, beginMs: Date.now() })
// 10,000 credentials take minutes to make: the door is open, and each device says who and where it is first
const clients = await Promise.all(
  Array.from({ length: GATEWAYS }, (_, i) => mqtt.connectAsync(`mqtt://127.0.0.1:${running.mqttPort}`, { clientId: `gw-${i}` })),
)
const clientOf = new Map(flood.devices.map(({ deviceId }, i) => [deviceId, clients[i % GATEWAYS]]))
const publish = async (deviceId: string, topic: string, body: object, retain = false): Promise<void> =>
  void (await clientOf.get(deviceId)?.publishAsync(topic, JSON.stringify(body), { qos: 1, retain }))
const positionOf = new Map(flood.devices.map(({ deviceId, position }) => [deviceId, position]))

/** As fast as it was planned, or as the door takes it. */
const send = async (): Promise<void> => {
  const [first] = flood.messages
  const begun = performance.now()
  const pending: Promise<void>[] = []
  for (const { atMs, deviceId, topic, body } of flood.messages) {
    const earlyMs = begun + atMs - (first?.atMs ?? 0) - performance.now()
    if (earlyMs > 0) await delay(earlyMs)
    pending.push(publish(deviceId, topic, { ...body, ts: Date.now(), position: positionOf.get(deviceId) }))
  }
  await Promise.all(pending)
}
const raised = async (): Promise<number> => {
  const text = await (await running.api('/metrics')).text()
  return [...text.matchAll(/^fengsui_alarms_raised_total\{[^}]*\} (\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0)
}
const browser = await openBrowser()
try {
  await Promise.all(
    flood.devices.map(({ deviceId, kind, place: { area: _area, ...place }, position }) =>
      publish(deviceId, `fire/v1/${kind}/${deviceId}/about`, { v: 1, deviceId, kind, place, position }, true),
    ),
  )
  const page = await openDesk(browser, running)
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 60_000 })
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 60_000 })
  const cdp = await page.context().newCDPSession(page)
  if (profileFile !== null) {
    await cdp.send('Profiler.enable')
    await cdp.send('Profiler.setSamplingInterval', { interval: 1000 })
    await cdp.send('Profiler.start')
  }
  await cdp.send('Performance.enable')
  const spent = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics')
    return ['ScriptDuration', 'RecalcStyleDuration', 'LayoutDuration'].map(name => metrics.find(one => one.name === name)?.value ?? 0)
  }
  await page.evaluate(WATCH)
  const spentBefore = await spent()
  const from = performance.now()
  await send()
  const sentMs = performance.now() - from
  let last = ''
  await until(
    async () => {
      const now = `${await shown(page)} ${await raised()}`
      const isStill = now === last
      last = now
      if (!isStill) await delay(3_000)
      return isStill
    },
    300_000,
    'the page shows all of it',
  )
  const settledMs = performance.now() - from - sentMs - 3_000
  await delay(3_000)
  const { long, keys } = (await page.evaluate('({ long: flood.long, keys: flood.keys })')) as Watched
  await page.evaluate('clearInterval(flood.timer)')
  if (profileFile !== null) {
    const { profile } = await cdp.send('Profiler.stop')
    await writeFile(profileFile, JSON.stringify(profile))
  }
  const [script = 0, style = 0, layout = 0] = (await spent()).map((s, i) => s - (spentBefore[i] ?? 0))
  const rows = await page.getByTestId('incident-row').count()
  const blockedMs = long.reduce((sum, [, ms]) => sum + ms, 0)
  await cdp.send('HeapProfiler.collectGarbage')
  const { usedSize } = await cdp.send('Runtime.getHeapUsage')
  console.log(
    `${flood.messages.length} messages in ${(sentMs / 1000).toFixed(0)} s, ${await raised()} alarms raised; the page says: ${await shown(page)}`,
  )
  console.log(
    `a key to the next frame: p50 ${quantile(keys, 0.5).toFixed(0)} ms, p95 ${quantile(keys, 0.95).toFixed(0)} ms, most ${quantile(keys, 1).toFixed(0)} ms (n=${keys.length})`,
  )
  console.log(
    `main thread in tasks above 50 ms: ${((blockedMs / (sentMs + settledMs + 3_000)) * 100).toFixed(0)} % of the time, longest ${Math.round(Math.max(0, ...long.map(([, ms]) => ms)))} ms`,
  )
  console.log(`script ${script.toFixed(1)} s, style ${style.toFixed(1)} s, layout ${layout.toFixed(1)} s; ${rows} rows drawn`)
  console.log(`rows there ${Math.round(settledMs)} ms after the last alarm; heap ${(usedSize / 1e6).toFixed(0)} MB`)
} finally {
  await browser.close()
  for (const client of clients) client.end(true)
  await running[Symbol.asyncDispose]()
}
