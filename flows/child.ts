// One life of the Node-RED process: how it is started (permission model, bounds, empty environment), what it is told, and how
// it ends. Knows nothing of restarts. What it may touch: read its own program files, write its scratch folder, use the network.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import { holdIn, type Bounds, type Usage } from './bounds.ts'
import type { Start, ToChild } from './link.ts'

const STDERR_CHARS_MAX = 4000
const CLOSE_MS_MAX = 3000
const NONE: Usage = { cpuMs: 0, heldBackMs: 0, memoryBytes: 0 }

export type Child = {
  pid: number | undefined
  /** of a trial: readings go in here */
  stdin: Writable | null
  send(message: ToChild): void
  kill(): void
  /** asks it to stop, kills it when it does not */
  stop(): Promise<void>
  usage(): Usage
  /** how it ended: code or signal and the tail of what it wrote to stderr, or the bound that it went over */
  ended: Promise<string>
}

/** A process that has loaded its programs and waits to be told what to run. */
export type Prepared = { begin(on: (message: unknown) => void, more?: Pick<Start, 'careful'>): Child; kill(): void; ended: Promise<string> }

export type ChildOptions = {
  start: Start
  bounds: Bounds
  /** ends after so much CPU time, whoever still watches over it */
  cpuS?: number
}

export const startChild = (o: ChildOptions & { on: (message: unknown) => void }): Child => prepareChild(o).begin(o.on)

export function prepareChild(o: ChildOptions): Prepared {
  const env = { NODE_ENV: 'production', NODE_RED_DISABLE_TELEMETRY: '1' }
  const args = [
    ...modest(o.cpuS),
    process.execPath,
    ...permissions(o.start),
    `--max-old-space-size=${o.bounds.heapMb}`,
    join(import.meta.dirname, o.start.trial === undefined ? 'run.ts' : 'trial-run.ts'),
  ]
  const child = spawn('/bin/sh', args, {
    cwd: o.start.userDir,
    env,
    stdio: [o.start.trial === 'backtest' ? 'pipe' : 'ignore', 'ignore', 'pipe', 'ipc'],
  })
  let overBound = ''
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-STDERR_CHARS_MAX)))
  const tooMuch = (why: string): void => {
    overBound = why
    child.kill('SIGKILL')
  }
  const held = child.pid === undefined ? undefined : holdIn({ pid: child.pid, bounds: o.bounds, tooMuch })
  const ended = new Promise<string>(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('exit', (code, signal) => {
      held?.end()
      resolve(overBound === '' ? `${signal ?? `exit ${code}`}${reason(stderr)}` : overBound)
    })
  })
  const send = (message: ToChild): void => {
    // a channel that closes meanwhile belongs to a process that ended, which `ended` says
    if (child.connected) child.send(message, () => {})
  }
  const kill = (): void => void child.kill('SIGKILL')
  return {
    kill,
    ended,
    begin(on, more) {
      child.on('message', (message: unknown) => on(message))
      send({ type: 'start', start: { ...o.start, ...more } })
      return {
        pid: child.pid,
        stdin: child.stdin,
        send,
        kill,
        stop: () => stop(child, send, ended),
        usage: () => held?.usage() ?? NONE,
        ended,
      }
    },
  }
}

/**
 * A limit of CPU time is the kernel's own. By the shell, since only a program that is not running yet can be told so as a whole.
 */
const modest = (cpuS: number | undefined): string[] => {
  const limit = cpuS === undefined ? '' : `ulimit -t ${Math.ceil(cpuS)}; `
  return ['-c', `${limit}exec "$@"`, 'sh']
}

async function stop(child: ChildProcess, send: (m: ToChild) => void, ended: Promise<string>): Promise<void> {
  const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS_MAX)
  send({ type: 'stop' })
  await ended
  clearTimeout(timer)
}

/** Reads: the packages, this room, the rules engine and the contracts. Not the folder above them, where .env and the data may lie. */
function permissions({ userDir, trial }: Start): string[] {
  const root = dirname(import.meta.dirname)
  const programs = ['contracts', 'rules', 'parts', 'package.json'].map(name => join(root, name))
  const reads = [...modulesFolders(), import.meta.dirname, ...programs, userDir]
  return [
    '--permission',
    '--no-experimental-sqlite', // it opens files past the permission model
    // a flow that is tried on what was recorded has nobody to talk to
    ...(trial === 'backtest' ? [] : ['--allow-net']),
    ...reads.map(path => `--allow-fs-read=${path}`),
    `--allow-fs-write=${userDir}`,
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=SecurityWarning',
  ]
}

/** Every node_modules above Node-RED: an installation may hoist packages. */
function modulesFolders(): string[] {
  const paths = createRequire(import.meta.url).resolve.paths('node-red') ?? []
  return paths.filter(path => existsSync(path))
}

/** The line of an error report that says what it was. */
function reason(stderr: string): string {
  const lines = stderr.split('\n').filter(line => line.trim() !== '')
  const line = lines.find(l => /error|EADDRINUSE|heap out of memory/i.test(l)) ?? lines[0]
  return line === undefined ? '' : `: ${line.trim().slice(0, 300)}`
}
