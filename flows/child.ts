// One life of the Node-RED process: how it is started (permission model, memory limit, empty environment), what it is told, and how
// it ends. Knows nothing of restarts. What it may touch: read its own program files, write its scratch folder, use the network.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { Writable } from 'node:stream'
import type { Start, ToChild } from './link.ts'

const STDERR_CHARS_MAX = 4000
const CLOSE_MS_MAX = 3000

export type Child = {
  pid: number | undefined
  /** of a trial: readings go in here */
  stdin: Writable | null
  send(message: ToChild): void
  kill(): void
  /** asks it to stop, kills it when it does not */
  stop(): Promise<void>
  /** how it ended: code or signal and the tail of what it wrote to stderr */
  ended: Promise<string>
}

/** A process that has loaded its programs and waits to be told what to run. */
export type Prepared = { begin(on: (message: unknown) => void): Child; kill(): void; ended: Promise<string> }

export const startChild = (o: { start: Start; memoryMb: number; on: (message: unknown) => void }): Child => prepareChild(o).begin(o.on)

export function prepareChild(o: { start: Start; memoryMb: number }): Prepared {
  const env = { NODE_ENV: 'production', NODE_RED_DISABLE_TELEMETRY: '1' }
  const child = spawn(
    process.execPath,
    [
      ...permissions(o.start),
      `--max-old-space-size=${o.memoryMb}`,
      join(import.meta.dirname, o.start.trial === undefined ? 'run.ts' : 'trial-run.ts'),
    ],
    {
      cwd: o.start.userDir,
      env,
      stdio: [o.start.trial === 'backtest' ? 'pipe' : 'ignore', 'ignore', 'pipe', 'ipc'],
    },
  )
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr = (stderr + text).slice(-STDERR_CHARS_MAX)))
  const ended = new Promise<string>(resolve => {
    child.once('error', error => resolve(error.message))
    child.once('exit', (code, signal) => resolve(`${signal ?? `exit ${code}`}${reason(stderr)}`))
  })
  const send = (message: ToChild): void => {
    // a channel that closes meanwhile belongs to a process that ended, which `ended` says
    if (child.connected) child.send(message, () => {})
  }
  const kill = (): void => void child.kill('SIGKILL')
  return {
    kill,
    ended,
    begin(on) {
      child.on('message', (message: unknown) => on(message))
      send({ type: 'start', start: o.start })
      return { pid: child.pid, stdin: child.stdin, send, kill, stop: () => stop(child, send, ended), ended }
    },
  }
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
