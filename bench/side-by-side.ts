// Brokers for benchmarks, each in a process and (where `taskset` is there) on a core of its own, with the generator on the other: ours,
// Aedes alone, and mosquitto, which a user installs by himself. Linux only.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePort, isOpen } from '../test/system/running.ts'
import type { BrokerReady, LoopDelay } from './mqtt-broker.ts'
import { cpuSeconds } from './process-tree.ts'
import type { LoadOptions, LoadReport } from './raw-load.ts'

export type Variant = 'ours' | 'stock' | 'mosquitto' | 'mosquitto-persistent'
export type Broker = {
  variant: Variant
  port: number
  pid: number
  /** its data folder */
  dir: string
  /** of ours and stock; since it was asked last */
  loopDelay(): Promise<LoopDelay>
  cpuS(): Promise<number>
  rssBytes(): number
  [Symbol.asyncDispose](): Promise<void>
}

const BROKER_CORE = 0
const LOAD_CORE = 1
const has = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`], { stdio: 'ignore' }).status === 0
export const isPinned = availableParallelism() >= 2 && has('taskset')
const hasMosquitto = has('mosquitto') || has('/usr/sbin/mosquitto')

/** Those of them that can be run here; says on stderr which cannot. */
export function runnable(wanted: readonly Variant[]): Variant[] {
  if (!isPinned) console.error('no taskset or only one core: broker and generator share what there is, read the ratios with care')
  if (!hasMosquitto && wanted.some(v => v.startsWith('mosquitto')))
    console.error('mosquitto is not installed (Debian: apt-get install mosquitto, and stop its service): left out')
  return wanted.filter(v => hasMosquitto || !v.startsWith('mosquitto'))
}

function start(core: number, program: string, args: string[], stdio: 'ipc' | 'ignore'): ChildProcess {
  const [file, all] = isPinned ? ['taskset', ['-c', String(core), program, ...args]] : [program, args]
  return spawn(file, all, { stdio: stdio === 'ipc' ? ['ignore', 'inherit', 'inherit', 'ipc'] : 'ignore' })
}

const script = (name: string): string => join(import.meta.dirname, name)

/** On the disk of the working copy: a temporary folder may be memory, and syncing that proves nothing. */
function folder(): { dir: string; remove(): void } {
  const cache = join(import.meta.dirname, '..', '.cache')
  mkdirSync(cache, { recursive: true })
  const dir = mkdtempSync(join(cache, 'bench-'))
  return { dir, remove: () => rmSync(dir, { recursive: true, force: true }) }
}

export type BrokerOptions = { addedSyncMs?: number }

export async function openBroker(variant: Variant, { addedSyncMs = 0 }: BrokerOptions = {}): Promise<Broker> {
  const { dir, remove } = folder()
  const isNode = variant === 'ours' || variant === 'stock'
  const child = isNode ? start(BROKER_CORE, process.execPath, [script('mqtt-broker.ts'), variant, dir, String(addedSyncMs)], 'ipc') : null
  const { process: running, port } = child === null ? await openMosquitto(variant, dir) : { process: child, port: await portOf(child) }
  const pid = running.pid ?? 0
  return {
    variant,
    port,
    pid,
    dir,
    async loopDelay() {
      running.send('loop')
      return ((await once(running, 'message')) as [LoopDelay])[0]
    },
    cpuS: () => cpuSeconds(pid),
    rssBytes: () => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024,
    async [Symbol.asyncDispose]() {
      const gone = once(running, 'exit')
      running.kill('SIGKILL')
      await gone
      remove()
    },
  }
}

async function portOf(child: ChildProcess): Promise<number> {
  return ((await once(child, 'message')) as [BrokerReady])[0].port
}

async function openMosquitto(variant: Variant, dir: string): Promise<{ process: ChildProcess; port: number }> {
  const port = await freePort()
  const lines = [`listener ${port} 127.0.0.1`, 'allow_anonymous true', 'user root', 'log_dest none', 'max_connections -1']
  if (variant === 'mosquitto-persistent') lines.push('persistence true', `persistence_location ${dir}/`, 'autosave_interval 1')
  const config = join(dir, 'mosquitto.conf')
  writeFileSync(config, `${lines.join('\n')}\n`)
  const program = has('mosquitto') ? 'mosquitto' : '/usr/sbin/mosquitto'
  const running = start(BROKER_CORE, program, ['-c', config], 'ignore')
  while (!(await isOpen(port))) {
    if (running.exitCode !== null) throw new Error(`mosquitto ended with ${running.exitCode}; its configuration: ${lines.join('; ')}`)
    await delay(20)
  }
  return { process: running, port }
}

/** Runs the generator to its end; `measuring` is called when the connections are open and warm. */
export async function load(o: LoadOptions, measuring?: () => void): Promise<LoadReport> {
  const generator = start(LOAD_CORE, process.execPath, [script('raw-load.ts'), JSON.stringify(o)], 'ipc')
  const exited = once(generator, 'exit').then(([code]: unknown[]) => {
    throw new Error(`the generator ended with ${String(code)} before its report`)
  })
  const reported = new Promise<LoadReport>(resolve => {
    generator.on('message', (message: { report?: LoadReport; measuring?: true }) => {
      if (message.measuring === true) measuring?.()
      if (message.report !== undefined) resolve(message.report)
    })
  })
  const report = await Promise.race([reported, exited])
  exited.catch(() => {}) // after the report it may go
  return report
}

export const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
export const round = (value: number, digits = 0): number => Number(value.toFixed(digits))
