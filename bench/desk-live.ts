// The live picture in a real Chromium, a district's devices behind it (`--devices`, 20,000). (1) What a live tick, one device in a hundred
// changing, costs the page's main thread, without a map and with the plain canvas drawn. (2) A device's state at the server until the map has
// drawn it. (3) An alarm raised at the server until its row stands in the page after a frame, at 5/s and 50/s,
// and what it costs the page's main thread in time of that thread, which a busy machine changes less. No GPU takes part.
import { setTimeout as delay } from 'node:timers/promises'
import type { Page } from 'playwright-core'
import { openBrowser, openDeskRoom, type DeskRoom } from './desk-room.ts'

const at = process.argv.indexOf('--devices')
const DEVICES = at === -1 ? 20_000 : Number(process.argv[at + 1])
const RATES = [
  { perS: 5, seconds: 20, answerMs: 1_000 },
  { perS: 50, seconds: 6, answerMs: 200 },
] as const
const TICKS = 24
const TICK_EVERY_MS = 500
const STATES = 25
const IDLE_MS = 4_000
/** index of 'alarm' in DEVICE_CONDITIONS times the box of a sign in the atlas: where its sign is cut out */
const ALARM_AT_PX = 0

/** When each row was first seen in the document, after the next frame, and whether it was in sight. */
const WATCH_ROWS = `
  globalThis.rows = new Map()
  new MutationObserver(() => {
    const fresh = [...document.querySelectorAll('[data-testid="incident-row"]')].filter(one => !rows.has(one.dataset.incidentId))
    for (const one of fresh) rows.set(one.dataset.incidentId, null)
    if (fresh.length === 0) return
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        const atMs = performance.timeOrigin + performance.now()
        for (const one of fresh) rows.set(one.dataset.incidentId, [atMs, one.getBoundingClientRect().top < innerHeight])
      }
      port2.postMessage(0)
    })
  }).observe(document.querySelector('[data-testid="queue"]'), { childList: true, subtree: true })
`
/** Signs of alarm drawn in each frame of the plain canvas, counted as they are drawn. */
const WATCH_SIGNS = `
  globalThis.signs = { count: 0, shown: 0, atMs: 0 }
  const { drawImage } = CanvasRenderingContext2D.prototype
  CanvasRenderingContext2D.prototype.drawImage = function (...o) {
    // a frame begins with its ground
    if (o.length === 5 && this.canvas.className === 'flat-map') signs.count = 0
    if (o.length === 9 && o[1] === ${ALARM_AT_PX} && this.canvas.className === 'flat-map') {
      signs.count += 1
      if (signs.count > signs.shown) {
        signs.shown = signs.count
        requestAnimationFrame(() => { signs.atMs = performance.timeOrigin + performance.now() })
      }
    }
    return drawImage.apply(this, o)
  }
`
const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))] ?? NaN
const now = (): number => performance.timeOrigin + performance.now()
const told = (ms: readonly number[]): string =>
  `p50 ${quantile(ms, 0.5).toFixed(0)} ms, p99 ${quantile(ms, 0.99).toFixed(0)} ms, most ${quantile(ms, 1).toFixed(0)} ms`

/** Bare: what a test checks of an answer would be most of the work. */
const post = async ({ room }: DeskRoom, path: string, body: object): Promise<unknown> => {
  const headers = { authorization: `Bearer ${room.tokens['admin']}`, 'content-type': 'application/json' }
  const answer = await fetch(`${room.url}/api/v1/${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
  if (!answer.ok) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`)
  return answer.json()
}

let raised = 0
type Raised = { id: string; atMs: number; answeredMs: number }
/** A call of a person: it stands in a row of its own however many there are. */
const raise = async (desk: DeskRoom): Promise<Raised> => {
  const n = ++raised
  const atMs = now()
  const { incident } = (await post(desk, 'alarms', {
    idempotencyKey: `live-${n}`,
    kind: 'manual-call',
    severity: 1,
    place: { area: '样例街道', building: `样例楼 ${n}`, room: '1' },
    position: { lat: 31.65 + (n % 400) / 1000, lon: 118.5 + (n % 500) / 1000 },
    text: { zh: '手动报警', en: 'manual call' },
  })) as { incident: { id: string } }
  return { id: incident.id, atMs, answeredMs: now() - atMs }
}

/** Raised in the open loop; answered a moment later, as officers do, so that the next stands near the top. */
const paintedAt = async (desk: DeskRoom, page: Page, { perS, seconds, answerMs }: (typeof RATES)[number]) => {
  const sent: Promise<Raised>[] = []
  const answered: Promise<unknown>[] = []
  const fromMs = performance.now()
  for (let n = 0; n < perS * seconds; n += 1) {
    await delay(Math.max(0, fromMs + (n * 1000) / perS - performance.now()))
    const one = raise(desk)
    sent.push(one)
    answered.push(one.then(async ({ id }) => (await delay(answerMs), post(desk, `incidents/${encodeURIComponent(id)}/acknowledge`, {}))))
  }
  const all = await Promise.all(sent)
  await Promise.all(answered)
  await delay(2_000)
  const rows = new Map((await page.evaluate('[...rows]')) as [string, [number, boolean] | null][])
  const seen = all.flatMap(({ id, atMs }) => {
    const row = rows.get(id)
    return row === null || row === undefined ? [] : [{ ms: row[0] - atMs, inSight: row[1] }]
  })
  return { seen, raised: all.length, answered: all.map(one => one.answeredMs) }
}

/** Time of the page's own script, and of its main thread in all, while `work` goes on. */
const busyMs = async (page: Page, work: () => Promise<void>): Promise<{ script: number; task: number }> => {
  const cdp = await page.context().newCDPSession(page)
  // time of the thread itself: the machine does other work
  await cdp.send('Performance.setTimeDomain', { timeDomain: 'threadTicks' })
  await cdp.send('Performance.enable')
  const read = async () => {
    const { metrics } = await cdp.send('Performance.getMetrics')
    const of = (wanted: string): number => (metrics.find(({ name }) => name === wanted)?.value ?? 0) * 1000
    return { script: of('ScriptDuration'), task: of('TaskDuration') }
  }
  const before = await read()
  await work()
  const after = await read()
  await cdp.detach()
  return { script: after.script - before.script, task: after.task - before.task }
}

const tickCost = async (desk: DeskRoom, page: Page, what: string): Promise<void> => {
  await delay(3_000)
  const idle = await busyMs(page, () => delay(TICKS * TICK_EVERY_MS))
  const busy = await busyMs(page, async () => {
    for (let n = 0; n < TICKS; n += 1) {
      desk.tick(0.01)
      await delay(TICK_EVERY_MS)
    }
  })
  const each = (key: 'script' | 'task'): string => ((busy[key] - idle[key]) / TICKS).toFixed(2)
  const idleOf = (key: 'script' | 'task'): string => ((idle[key] / (TICKS * TICK_EVERY_MS)) * 1000).toFixed(1)
  console.log(
    `live tick, ${what}: script ${each('script')} ms, main thread ${each('task')} ms (idle ${idleOf('script')} and ${idleOf('task')} ms a second)`,
  )
}

const statesAt = async (desk: DeskRoom, page: Page): Promise<number[]> => {
  const feed = setInterval(() => desk.tick(0.01), 1_000)
  const calm = desk.planned.filter((_, n) => n % 97 === 0).slice(0, STATES)
  const ms: number[] = []
  for (const planned of calm) {
    await delay(300 + desk.random.between(0, 700))
    const before = (await page.evaluate('signs.shown')) as number
    const atMs = now()
    desk.room.api.push({ devices: [desk.say(planned, { alarms: { smoke: true } })] })
    for (let n = 0; n < 200 && ((await page.evaluate('signs.shown')) as number) <= before; n += 1) await delay(50)
    await delay(100)
    ms.push(((await page.evaluate('signs.atMs')) as number) - atMs)
  }
  clearInterval(feed)
  return ms
}

await using desk = await openDeskRoom(DEVICES)
const browser = await openBrowser(false)
console.log(`${DEVICES} devices, one in a hundred changing`)
// with more devices only what depends on their number: the state on the map
const isWhole = DEVICES <= 20_000
if (isWhole) {
  const blocked = (page: Page) => page.route(/assets\/(pane|gl|canvas)-[^/]*\.js/, route => route.abort())
  const bare = await desk.openPage(browser, { before: blocked })
  await bare.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 120_000 })
  await tickCost(desk, bare, 'the page without its map')
  await bare.context().close()
}

const page = await desk.openPage(browser, { query: '?map=canvas', before: one => one.addInitScript(WATCH_SIGNS) })
await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 120_000 })
if (isWhole) await tickCost(desk, page, 'with the map drawn on a plain canvas')
const states = await statesAt(desk, page)
console.log(`state at the server -> drawn on the map: ${told(states)} (n=${states.length})`)

await page.evaluate(WATCH_ROWS)
for (const rate of isWhole ? RATES : []) {
  const idle = await busyMs(page, () => delay(IDLE_MS))
  const fromMs = performance.now()
  let found: Awaited<ReturnType<typeof paintedAt>> | undefined
  const busy = await busyMs(page, async () => {
    found = await paintedAt(desk, page, rate)
  })
  if (found === undefined) continue
  const { seen, raised: of, answered } = found
  const each = (key: 'script' | 'task'): string => ((busy[key] - (idle[key] * (performance.now() - fromMs)) / IDLE_MS) / of).toFixed(1)
  console.log(
    `${rate.perS}/s: of the page's main thread an alarm and its answer take ${each('task')} ms, ${each('script')} ms of it script`,
  )
  const inSight = seen.filter(one => one.inSight).length
  console.log(
    `${rate.perS}/s: raised -> row painted ${told(seen.map(one => one.ms))} (n=${seen.length} of ${of}, ${inSight} of them in sight); the server's own answer ${told(answered)}`,
  )
}
await browser.close()
