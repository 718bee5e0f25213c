// What a process of the flows may take: a budget of CPU time on a virtual clock, and real processes that burn, hog and outlive their supervisor.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { costTeller, createBudget, holdIn, usageOf } from '../../flows/bounds.ts'
import { CORE_FILES, unneeded } from '../../flows/core-nodes.ts'
import { endLeftOvers } from '../../flows/left-over.ts'
import { until } from './room.ts'

const started: ChildProcess[] = []
afterEach(() => {
  for (const child of started.splice(0)) child.kill('SIGKILL')
})
function program(code: string, ...args: string[]): ChildProcess & { pid: number } {
  const child = spawn(process.execPath, ['-e', code, ...args], { stdio: 'ignore' })
  started.push(child)
  return child as ChildProcess & { pid: number }
}
const BURN = 'for (;;);'

test('a budget: a burst passes, then it is held to its share, and what it does not use it gets back, up to the burst', () => {
  const budget = createBudget({ cpuShare: 0.5, burstMs: 1000 })
  let [cpuMs, nowMs] = [0, 0]
  const burns = (ms: number) => {
    nowMs += ms
    return budget.spent((cpuMs += ms), nowMs)
  }
  expect(budget.spent(0, 0)).toBe(0)
  expect([burns(1000), burns(1000)]).toEqual([0, 0]) // half of each second comes back: 1000 are spent
  let pausedMs = 0
  for (let n = 0; n < 100; n++) {
    const pauseMs = burns(100)
    pausedMs += pauseMs
    nowMs += pauseMs
  }
  expect(pausedMs).toBeGreaterThan(9000)
  expect(cpuMs).toBeLessThanOrEqual(0.5 * nowMs + 1000 + 100)
  nowMs += 3_600_000
  expect(budget.spent(cpuMs, nowMs)).toBe(0)
  expect([burns(1900), burns(200)]).toEqual([0, 100])
})

test.runIf(process.platform === 'linux')('a process that burns gets its share and lives; what it costs is told', async () => {
  const child = program(BURN)
  // so small a share that a machine with twenty other programs gives it more
  const bounds = { heapMb: 256, cpuShare: 0.05, burstMs: 100 }
  const held = holdIn({ pid: child.pid, bounds, tooMuch: () => {} })
  const beganMs = performance.now()
  await until(
    () => held.usage().heldBackMs > 250,
    60_000,
    () => JSON.stringify(held.usage()),
  )
  const { cpuMs } = usageOf(child.pid)!
  // between two looks it may run 100 ms on a core; timers of a busy machine come late
  expect(cpuMs).toBeLessThan(0.05 * (performance.now() - beganMs) + 100 + 500)
  expect(child.exitCode).toBe(null)
  const counted = new Map<string, number>()
  const tell = costTeller(
    { count: (name, _, by = 1) => counted.set(name, by), gauge: (name, value) => counted.set(name, value), observe: () => {} },
    bounds.cpuShare,
  )
  expect(tell(held.usage())).toBe(', held back to 5 % of a core')
  expect(counted.get('fengsui_flows_held_back_seconds_total')).toBeGreaterThan(0.25)
  expect(counted.get('fengsui_flows_memory_bytes')).toBeGreaterThan(10_000_000)
  expect(tell(held.usage())).toBe('')
  held.end()
})

test.runIf(process.platform === 'linux')('memory outside of the heap counts: too much of it is told once', async () => {
  const child = program('const all = []; setInterval(() => all.push(Buffer.alloc(60e6, 1)), 10)')
  const told: string[] = []
  const tooMuch = (why: string) => {
    told.push(why)
    child.kill('SIGKILL')
  }
  holdIn({ pid: child.pid, bounds: { heapMb: 0, cpuShare: 1, burstMs: 10_000 }, tooMuch })
  const [, signal] = (await once(child, 'exit')) as [unknown, string]
  expect(signal).toBe('SIGKILL')
  await delay(150)
  expect(told).toEqual([expect.stringMatching(/^it held \d+ MiB of memory, 256 are allowed$/)])
})

test.runIf(process.platform === 'linux')(
  'a process that hangs after its supervisor is gone is ended at the next start, and no other one',
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'left-'))
    const [mine, others] = [dir, `${dir}-2`].map(folder => program(BURN, '--', `--allow-fs-write=${folder}/scratch`))
    await until(
      () => usageOf(others!.pid) !== null,
      5000,
      () => 'they run',
    )
    const gone = once(mine!, 'exit')
    expect(endLeftOvers(dir)).toEqual([mine!.pid])
    await gone
    expect(others!.exitCode).toBe(null)
    rmSync(dir, { recursive: true })
  },
)

test('what is known of the core nodes is what there is, so that a trial leaves out nothing it needs', async () => {
  const { readdirSync, readFileSync } = await import('node:fs')
  const { CORE } = await import('../../flows/settings.ts')
  const core = join(CORE, 'core')
  const found = readdirSync(core, { recursive: true, encoding: 'utf8' }).flatMap(path => {
    if (!path.endsWith('.js') || path.includes('lib/')) return []
    const types = [...readFileSync(join(core, path), 'utf8').matchAll(/registerType\(\s*["']([^"']+)["']/g)].map(([, type]) => type!)
    return types.length === 0 ? [] : [[path.split('/').at(-1), types.toSorted()]]
  })
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(Object.entries(CORE_FILES).map(([file, types]) => [file, types.toSorted()])))
  expect(unneeded(new Set(['function', 'link in']))).not.toContain('60-link.js')
  expect(unneeded(new Set(['function', 'link in']))).toContain('10-mqtt.js')
})
