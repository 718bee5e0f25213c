// The load generator for fault tests: a process of its own that publishes like many devices, survives the server's death as they would, and
// tells at the end which messages were acknowledged. And the faults themselves, as far as they are signals.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { processTree, roleOf } from '../../bench/process-tree.ts'
import type { LoadGroup, LoadOptions, LoadProgress, LoadReport } from '../../bench/raw-load.ts'
import { root, until, type Running } from './running.ts'

export type RunningLoad = {
  progress(): LoadProgress
  /** waits until so many more were acknowledged, in all or of one group */
  acked(more: number, group?: number): Promise<void>
  /** nothing new becomes due meanwhile: what a starved machine has to catch up with stays within bounds */
  pause(): void
  resume(): void
  /** every connection is accepted */
  ready(): Promise<void>
  /** nothing new is sent, what is unacknowledged is waited for */
  stop(): Promise<LoadReport>
  [Symbol.asyncDispose](): Promise<void>
}

const BACK_OFF_MS = { first: 50, longest: 1000 }
/** how long the unacknowledged may take at the end */
const DRAIN_MS = 60_000
const PATIENCE_MS = 60_000

export async function startLoad(o: LoadOptions): Promise<RunningLoad> {
  const options: LoadOptions = { backOffMs: BACK_OFF_MS, drainMs: DRAIN_MS, ...o }
  const child = spawn(process.execPath, [join(root, 'bench/raw-load.ts'), JSON.stringify(options)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const connections = o.groups.reduce((sum, g) => sum + g.connections, 0)
  let progress: LoadProgress = { acked: 0, ackedOf: o.groups.map(() => 0), sent: 0, ready: 0, lost: 0, why: {}, p99Ms: 0 }
  let report: LoadReport | undefined
  let ended: number | null | undefined
  child.on('message', (message: { progress?: LoadProgress; report?: LoadReport }) => {
    progress = message.progress ?? progress
    report = message.report ?? report
  })
  child.once('exit', code => (ended = code))
  const wait = (condition: () => boolean, what: string) =>
    until(
      () => {
        if (ended !== undefined && report === undefined) throw new Error(`the generator ended with ${ended}`)
        return condition()
      },
      PATIENCE_MS + (o.drainMs ?? DRAIN_MS),
      () => `${what}; the generator is at ${JSON.stringify(progress)}`,
    )
  return {
    progress: () => progress,
    acked: (more, group) => {
      const acked = () => (group === undefined ? progress.acked : (progress.ackedOf[group] ?? 0))
      const wanted = acked() + more
      return wait(() => acked() >= wanted, `${more} more acknowledged`)
    },
    pause: () => void child.send('pause'),
    resume: () => void child.send('resume'),
    ready: () => wait(() => progress.ready === connections, `all ${connections} connected`),
    async stop() {
      child.send('stop')
      await wait(() => report !== undefined, 'its report')
      return report!
    },
    async [Symbol.asyncDispose]() {
      if (ended !== undefined) return
      child.kill('SIGKILL')
      await until(() => ended !== undefined, PATIENCE_MS, 'the generator ended')
    },
  }
}

type Issued = { devices: { credentials: { username: string; password: string } }[] }

/** Registers publishers that may speak for any device, and answers the groups with their credentials. */
export async function admit(running: Running, groups: LoadGroup[]): Promise<LoadGroup[]> {
  const admitted: LoadGroup[] = []
  for (const group of groups) {
    const name = group.prefix ?? 'env'
    const json = Array.from({ length: group.connections }, (_, i) => ({
      deviceId: `gw-${name}-${i}`,
      kind: 'gateway',
      grants: ['fire/v1/#'],
    }))
    const answer = await running.api('/api/v1/devices', { method: 'POST', json })
    if (!answer.ok) throw new Error(`POST /devices: ${answer.status} ${await answer.text()}`)
    admitted.push({ ...group, credentials: ((await answer.json()) as Issued).devices.map(d => d.credentials) })
  }
  return admitted
}

/** Environment sensors with `rate` messages a second in all, and 20 times a second a detector that responds for the first time. */
export const district = (rate: number, connections = 50): LoadGroup[] => [
  { connections, window: 64, rate, devices: 2, prefix: 'env' },
  { connections: 1, window: 64, rate: 20, devices: 'each', alarm: true, prefix: 'alm' },
]

/** kill -9 of the supervisor and everything it started, all at once. */
export async function killAll(running: Running): Promise<void> {
  for (const pid of await processTree(running.process.pid!)) kill9(pid)
  await running.kill()
}

/** kill -9 of one process of the system under load; waits until another one is in its place and has caught up. */
export async function killOne(running: Running, load: RunningLoad, role: 'edge' | 'core' | 'store'): Promise<void> {
  const before = await pidOf(running, role)
  kill9(before)
  await until(async () => ![before, 0].includes(await pidOf(running, role)), PATIENCE_MS, `another ${role} after kill -9`)
  await load.ready()
  await load.acked(1)
  load.pause()
  await ready(running, `after kill -9 of ${role}`)
  load.resume()
}

/** Waits until /readyz says so; tells what it says and what was logged when it does not. */
export async function ready(running: Running, when: string): Promise<void> {
  let said = ''
  const isReady = async (): Promise<boolean> => {
    const answer = await fetch(`${running.http}/readyz`).catch(() => null)
    said = answer === null ? 'nothing' : await answer.text()
    return answer?.status === 200
  }
  await until(isReady, 2 * PATIENCE_MS, () => `not ready ${when}: /readyz says ${said}\n${logged(running)}`)
}

/** the end of the log, without the lines about our own asking */
export const logged = (running: Running): string =>
  running
    .output()
    .split('\n')
    .filter(line => !line.includes('"http request"'))
    .slice(-30)
    .join('\n')

async function pidOf(running: Running, role: string): Promise<number> {
  try {
    for (const pid of await processTree(running.process.pid!)) if ((await roleOf(pid)) === role) return pid
  } catch {
    // one ended while we looked; the next look sees what came after it
  }
  return 0
}

export const isReady = async (running: Running): Promise<boolean> =>
  fetch(`${running.http}/readyz`).then(
    answer => answer.status === 200,
    () => false,
  )

function kill9(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // it has ended by itself meanwhile
  }
}

/** Nothing of a group was acknowledged for a while: true stillness, not a slow moment. */
export async function still(load: RunningLoad, group: number): Promise<void> {
  const acked = (): number => load.progress().ackedOf[group] ?? 0
  let seen = -1
  let looks = 0
  await until(
    async () => {
      looks = acked() === seen ? looks + 1 : 0
      seen = acked()
      await delay(200)
      return looks >= 10
    },
    120_000,
    () => `still ${acked()} acknowledged and going on`,
  )
}

/** Repeatable chance; the seed is printed, FAULT_SEED repeats it (moments of the machine are not repeated by it). */
export function chance(name: string): { between(low: number, high: number): number; pause(lowMs: number, highMs: number): Promise<void> } {
  const seed = Number(process.env['FAULT_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`${name}: FAULT_SEED=${seed}`)
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const between = (low: number, high: number): number => low + next() * (high - low)
  return { between, pause: (lowMs, highMs) => delay(between(lowMs, highMs)) }
}
