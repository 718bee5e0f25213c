// The real thing for tests: starts main.ts with its own data folder and ports, signs in, and ends what it started.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import mqtt, { type MqttClient } from 'mqtt'
import { freePort } from '../free-port.ts'

export { freePort }

export const root = join(import.meta.dirname, '../..')
export const PASSWORD = 'a-long-test-password'
/** as the bootstrap sets it: compiled code is kept between starts, which are most of what these tests do */
const KEPT = { NODE_COMPILE_CACHE: join(root, '.cache/node') }

export type Running = {
  process: ChildProcess
  dir: string
  http: string
  mqttPort: number
  flowsPort: number
  output(): string
  api(path: string, init?: RequestInit & { json?: unknown }): Promise<Response>
  get<T>(path: string): Promise<T>
  /** SIGTERM and the exit code */
  stop(): Promise<number | null>
  /** kill -9 of the supervisor and of everything it started */
  kill(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export type StartOptions = {
  env?: Record<string, string>
  dir?: string
  flows?: boolean
  role?: 'start' | 'demo'
  ports?: { mqtt: number; http: number; flows: number }
  /** how long it may take to be ready, default two minutes and a half: its own patience, and a little */
  withinMs?: number
}

/** Starts the system as `npm start` would after its bootstrap, and waits until it says it is ready. */
export async function start(o: StartOptions = {}): Promise<Running> {
  const dir = o.dir ?? (await mkdtemp(join(tmpdir(), 'fengsui-')))
  const ports = o.ports ?? { mqtt: await freePort(), http: await freePort(), flows: o.flows === true ? await freePort() : 0 }
  const env = {
    ...KEPT,
    ...process.env,
    FENGSUI_DATA_DIR: dir,
    FENGSUI_MQTT_PORT: String(ports.mqtt),
    FENGSUI_HTTP_PORT: String(ports.http),
    FENGSUI_FLOWS_PORT: String(ports.flows),
    FENGSUI_ADMIN_PASSWORD: PASSWORD,
    FENGSUI_LOG_LEVEL: 'info',
    // messages are counted exactly; the clock has tests of its own
    FENGSUI_CLOCK_S: '0',
    FENGSUI_CANARY_S: '0',
    ...o.env,
  }
  const child = spawn(process.execPath, [join(root, 'main.ts'), o.role ?? 'start'], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => (output += String(chunk)))
  const exited = new Promise<number | null>(resolve => child.once('exit', code => resolve(code)))
  const ended = { code: undefined as number | null | undefined }
  void exited.then(code => (ended.code = code))
  await until(
    () => output.includes('Fengsui is ready') || ended.code !== undefined,
    o.withinMs ?? 150_000,
    () => `the system did not start:\n${output}`,
  )
  if (ended.code !== undefined) throw new Error(`the system ended with ${ended.code}:\n${output}`)

  const http = `http://127.0.0.1:${ports.http}`
  let token = ''
  const api: Running['api'] = async (path, init = {}) => {
    if (token === '') token = await signIn(http)
    const { json, ...rest } = init
    const headers = {
      authorization: `Bearer ${token}`,
      ...(json === undefined ? {} : { 'content-type': 'application/json' }),
      ...(rest.headers as Record<string, string>),
    }
    return fetch(`${http}${path}`, { ...rest, headers, ...(json === undefined ? {} : { body: JSON.stringify(json) }) })
  }
  const stop = async () => {
    if (ended.code === undefined) child.kill('SIGTERM')
    return exited
  }
  return {
    process: child,
    dir,
    http,
    mqttPort: ports.mqtt,
    flowsPort: ports.flows,
    output: () => output,
    api,
    async get<T>(path: string) {
      const answer = await api(path)
      if (!answer.ok) throw new Error(`GET ${path}: ${answer.status} ${await answer.text()}`)
      return (await answer.json()) as T
    },
    stop,
    async kill() {
      child.kill('SIGKILL')
      await exited
      // the children see their supervisor gone and end by themselves
      await until(
        async () => !(await isOpen(ports.mqtt)) && !(await isOpen(ports.http)),
        60_000,
        () => 'the ports stayed open after kill -9',
      )
    },
    async [Symbol.asyncDispose]() {
      await stop()
      if (o.dir === undefined) await rm(dir, { recursive: true, force: true })
    },
  }
}

async function signIn(http: string): Promise<string> {
  const answer = await fetch(`${http}/api/v1/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: PASSWORD }),
  })
  if (!answer.ok) throw new Error(`sign in: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { token: string }).token
}

export async function isOpen(port: number): Promise<boolean> {
  const { connect } = await import('node:net')
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => (socket.destroy(), resolve(true)))
    socket.once('error', () => resolve(false))
  })
}

/** Waits until `condition` holds; throws with `what` (or its answer) when it does not in time. */
export async function until(condition: () => boolean | Promise<boolean>, timeoutMs: number, what: string | (() => string)): Promise<void> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    if (await condition()) return
    if (Date.now() > deadline) throw new Error(typeof what === 'string' ? `in ${timeoutMs} ms not: ${what}` : what())
    await delay(50)
  }
}

/** Runs a command of ours (bin/, simulators/) to its end. */
export async function run(
  entry: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [join(root, entry), ...args], {
    env: { ...KEPT, ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', chunk => (stdout += String(chunk)))
  child.stderr.on('data', chunk => (stderr += String(chunk)))
  const code = await new Promise<number | null>(resolve => child.once('exit', resolve))
  return { code, stdout, stderr }
}

/** A device as mqtt.js speaks it. Without a reconnect, so that a refusal is seen as one. */
export async function device(running: Running, username: string, password: string, o: Record<string, unknown> = {}): Promise<MqttClient> {
  return mqtt.connectAsync(`mqtt://127.0.0.1:${running.mqttPort}`, {
    username,
    password,
    clientId: username,
    reconnectPeriod: 0,
    connectTimeout: 60_000,
    ...o,
  })
}

/** Registers a device through the API and answers its credentials. */
export async function register(running: Running, body: Record<string, unknown>): Promise<{ username: string; password: string }> {
  const answer = await running.api('/api/v1/devices', { method: 'POST', json: body })
  if (!answer.ok) throw new Error(`POST /devices: ${answer.status} ${await answer.text()}`)
  return ((await answer.json()) as { credentials: { username: string; password: string } }).credentials
}
