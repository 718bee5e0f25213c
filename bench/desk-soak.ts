// A desk that stays open: the whole system, a real Chromium, 2,000 simulated devices over MQTT, an alarm each ten seconds that is answered and closed, and what an
// officer does meanwhile: rows, other pages, the past, the other theme, a line that is cut. After each forced garbage collection it takes the page's heap, DOM nodes and listeners,
// and prints how fast they grow after the warm-up. `--minutes N` (30), `--snapshot FILE` writes the heap at the end, and FILE.first after four rounds.
import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { CDPSession, Page } from 'playwright-core'
import { badLine } from '../test/system/bad-line.ts'
import { openBrowser, openDesk } from '../test/system/browser.ts'
import { root, start } from '../test/system/running.ts'
import { processTree, roleOf } from './process-tree.ts'

const option = (name: string): string | undefined => {
  const at = process.argv.indexOf(`--${name}`)
  return at === -1 ? undefined : process.argv[at + 1]
}
const MINUTES = Number(option('minutes') ?? 30)
const WARM_MS = Math.min(5, MINUTES / 3) * 60_000
const DEVICES = 2_000
const RATE_PER_S = 100
const ALARM_EVERY_MS = 10_000
const ANSWER_AFTER_MS = 4_000
const CLOSE_AFTER_MS = 45_000
/** one round: every page once, the line cut once, the past once, both themes once, then a sample */
const ROUND_MS = 60_000
const PAGES = ['devices', 'health', 'rules', 'report', 'resources', 'audit'] as const

/** rounds before the first of the two heaps that `--snapshot` writes */
const HEAP_AFTER = 4

type Sample = { atMs: number; heapMb: number; nodes: number; listeners: number; coreMb: number }

/** Least squares: growth an hour, and what the points leave open of it (95 %). */
const growth = (points: readonly (readonly [number, number])[]): { anHour: number; plusMinus: number } => {
  const n = points.length
  const mean = (of: 0 | 1): number => points.reduce((sum, point) => sum + point[of], 0) / n
  const [meanX, meanY] = [mean(0), mean(1)]
  const spread = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / spread
  const left = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  return { anHour: slope * 3_600_000, plusMinus: 2 * Math.sqrt(left / Math.max(1, n - 2) / spread) * 3_600_000 }
}

const residentMb = async (pid: number): Promise<number> =>
  Number(/VmRSS:\s+(\d+)/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024

await using running = await start({ withinMs: 300_000 })
const line = await badLine(running.http)
const browser = await openBrowser()
const simulator = spawn(
  process.execPath,
  [
    join(root, 'simulators/simulate.ts'),
    '--devices',
    String(DEVICES),
    '--rate',
    String(RATE_PER_S),
    '--url',
    `mqtt://127.0.0.1:${running.mqttPort}`,
  ],
  { env: { ...process.env, FENGSUI_DATA_DIR: running.dir }, stdio: ['ignore', 'pipe', 'inherit'] },
)
let said = ''
simulator.stdout.on('data', chunk => (said = String(chunk).trim()))

const post = async <T>(path: string, json: object): Promise<T> => {
  const answer = await running.api(`/api/v1/${path}`, { method: 'POST', json })
  // somebody at the page was first
  if (!answer.ok && answer.status !== 409) throw new Error(`POST ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}
let raised = 0
/** Taken, answered in the page or beside it, and closed: what is open stays as much as it is. */
const oneAlarm = async (page: Page): Promise<void> => {
  const n = ++raised
  const { incident } = await post<{ incident: { id: string } }>('alarms', {
    idempotencyKey: `soak-${n}`,
    kind: n % 3 === 0 ? 'gas-alarm' : 'fire-alarm',
    severity: (n % 4) + 1,
    place: { area: '样例街道', building: `样例楼 ${n}`, floor: '14', room: '1405' },
    position: { lat: 31.7 + (n % 40) / 100, lon: 118.5 + (n % 50) / 100 },
    text: { zh: '居民报告有烟', en: 'a resident reports smoke' },
  })
  const path = `incidents/${encodeURIComponent(incident.id)}`
  await delay(ANSWER_AFTER_MS)
  const row = page.locator(`[data-testid="incident-row"][data-incident-id="${incident.id}"]`)
  // where another page is open, or the line is down, the answer comes from another desk
  if (await row.isVisible()) {
    await row.click({ timeout: 5_000 }).catch(() => {})
    await page.keyboard.press('a')
  } else await post(`${path}/acknowledge`, {})
  await delay(CLOSE_AFTER_MS)
  await post(`${path}/acknowledge`, {})
  await post(`${path}/close`, { cause: 'done', falseAlarm: false })
}

const round = async (page: Page): Promise<void> => {
  for (const name of PAGES) {
    await page.evaluate(`location.hash = '#/${name}'`)
    await delay(2_000)
  }
  await page.evaluate(`location.hash = '#/desk'`)
  line.cut()
  await delay(5_000)
  await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 180_000 })
  for (let n = 0; n < 2; n += 1) {
    await page.getByTestId('theme').click()
    await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 60_000 })
  }
  await page.getByTestId('time-slider').focus()
  await page.keyboard.press('ArrowLeft')
  await page.getByTestId('queue-past').waitFor({ timeout: 20_000 })
  await page.keyboard.press('l')
  await page.getByTestId('queue-past').waitFor({ state: 'detached', timeout: 20_000 })
}

const tree = await processTree(running.process.pid ?? 0)
const roles = await Promise.all(tree.map(roleOf))
const core = tree[roles.indexOf('core')] ?? 0
const take = async (cdp: CDPSession): Promise<Sample> => {
  for (let n = 0; n < 2; n += 1) await cdp.send('HeapProfiler.collectGarbage')
  const { usedSize } = await cdp.send('Runtime.getHeapUsage')
  const { nodes, jsEventListeners } = await cdp.send('Memory.getDOMCounters')
  return { atMs: performance.now(), heapMb: usedSize / 1e6, nodes, listeners: jsEventListeners, coreMb: await residentMb(core) }
}
const writeHeap = async (cdp: CDPSession, file: string): Promise<void> => {
  const out = createWriteStream(file)
  cdp.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => void out.write(chunk))
  await cdp.send('HeapProfiler.takeHeapSnapshot', {})
  await new Promise(resolve => out.end(resolve))
}

try {
  const page = await openDesk(browser, { ...running, http: line.url }, { query: '?map=canvas' })
  page.on('pageerror', error => console.log(`the page: ${error.message}`))
  await page.locator('[data-testid="map"][data-ready="true"]').waitFor({ timeout: 60_000 })
  const cdp = await page.context().newCDPSession(page)
  const fromMs = performance.now()
  const troubles: string[] = []
  const alarms = setInterval(() => void oneAlarm(page).catch(error => troubles.push(String(error))), ALARM_EVERY_MS)
  const samples: Sample[] = []
  const heapFile = option('snapshot')
  while (performance.now() - fromMs < MINUTES * 60_000) {
    const roundMs = performance.now()
    await round(page)
    await delay(Math.max(5_000, roundMs + ROUND_MS - performance.now()))
    const sample = await take(cdp)
    samples.push(sample)
    if (heapFile !== undefined && samples.length === HEAP_AFTER) await writeHeap(cdp, `${heapFile}.first`)
    const { atMs, heapMb, nodes, listeners, coreMb } = sample
    console.log(
      `${((atMs - fromMs) / 60_000).toFixed(1)} min  heap ${heapMb.toFixed(2)} MB  nodes ${nodes}  listeners ${listeners}  core ${coreMb.toFixed(0)} MB  rows ${await page.getByTestId('incident-row').count()}`,
    )
  }
  clearInterval(alarms)
  const late = samples.filter(({ atMs }) => atMs - fromMs >= WARM_MS)
  const [first, last] = [late[0], late.at(-1)]
  const of = (key: 'heapMb' | 'nodes' | 'listeners' | 'coreMb', digits: number): string => {
    const { anHour, plusMinus } = growth(late.map(one => [one.atMs, one[key]]))
    return `${(first?.[key] ?? 0).toFixed(digits)} -> ${(last?.[key] ?? 0).toFixed(digits)}, ${anHour >= 0 ? '+' : ''}${anHour.toFixed(digits)} an hour (± ${plusMinus.toFixed(digits)})`
  }
  console.log(
    `${MINUTES} min, ${WARM_MS / 60_000} of them warm-up; ${raised} alarms raised, answered and closed; ${said.split('\n').at(-1)}`,
  )
  for (const trouble of new Set(troubles)) console.log(`trouble: ${trouble}`)
  console.log(`heap of the page, MB: ${of('heapMb', 2)}`)
  console.log(`DOM nodes: ${of('nodes', 0)}`)
  console.log(`listeners: ${of('listeners', 0)}`)
  console.log(`the core process, MB resident: ${of('coreMb', 0)}`)
  if (heapFile !== undefined) await writeHeap(cdp, heapFile)
} finally {
  simulator.kill('SIGTERM')
  await browser.close()
  await line.close()
}
