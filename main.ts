// The process an operator starts: reads the settings, supervises the others, prints where everything is, ends cleanly.
//   node main.ts start | demo        the supervisor
//   node main.ts edge | store | core one of its processes (started by the supervisor only)
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { flushCompileCache } from 'node:module'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { pino, type Logger } from 'pino'
import { systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { RoomHealth } from '#contracts/live.ts'
import type { Meter } from '#contracts/metrics.ts'
import {
  createCore,
  createEdge,
  createStore,
  EDGE_METHODS,
  FLOWS_METHODS,
  FLOWS_MS_MAX,
  preload,
  STORE_METHODS,
  SUPERVISOR_METHODS,
  type EdgePort,
  type FlowsPort,
  type StorePort,
  type SupervisorPort,
} from './app.ts'
import type { Flows } from './flows/start.ts'
import { bellPath, listenForBell, openBell } from './processes/bell.ts'
import { linkToSupervisor, remote, serve } from './processes/link.ts'
import { createMeter } from './processes/metrics.ts'
import { resolveOurs } from './processes/resolving.ts'
import { spaced } from './processes/spaced.ts'
import { createSupervisor, type Supervisor } from './processes/supervise.ts'
import type { Settings } from './settings.ts'

/** It takes what there is in batches, and looks by itself where nobody tells it. */
const STORE_TOLD_EVERY_MS = 100

type Configuration = { settings: Settings; flowsSecret: string }
type Closable = { close(): Promise<void> }

// the rooms are imported from here on
resolveOurs()
const role = process.argv[2] ?? 'start'
const started = Date.now()
// whatever is made here, by this process or those it starts, is for the operator's account only
process.umask(0o077)
if (role === 'start' || role === 'demo') await supervise(role === 'demo')
else runProcess(role)

function createLog(name: string, level: Settings['logLevel']): Logger {
  const options = { name, level, base: { name }, redact: ['password', 'token', 'authorization', 'cookie', '*.password', '*.token'] }
  // people read a terminal, machines read JSON
  if (process.stderr.isTTY)
    return pino({ ...options, transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } } })
  return pino(options, pino.destination({ dest: 2, sync: true }))
}

async function supervise(demo: boolean): Promise<void> {
  const log = createLog('main', 'info')
  const { meter, snapshot } = createMeter()
  const supervisor = createSupervisor({
    entry: import.meta.filename,
    log,
    onRestart: name => meter.count('fengsui_process_restarts_total', { process: name }),
  })
  // they load while the settings and ports are looked at; none touches anything before it is set to work
  for (const name of ['core', 'store', 'edge']) supervisor.prepare(name)
  let settings: Settings
  try {
    const { readSettings } = await import('./settings.ts')
    settings = readSettings(process.env)
    await portsAreFree(settings)
  } catch (error) {
    return refuse(error)
  }
  log.level = settings.logLevel
  const flowsSecret = randomBytes(32).toString('base64url')
  let flows: Flows | null = null
  let flowsProblem: string | null = null
  const port: SupervisorPort = { health: async () => processLines(supervisor, flowsLine(settings, flows, flowsProblem)), metrics: snapshot }
  serve<SupervisorPort>(supervisor.link, port, SUPERVISOR_METHODS)
  serve<FlowsPort>(supervisor.link, { flows: (question, asked) => askFlows(flows, question, asked) }, FLOWS_METHODS)

  let stopping = false
  const stop = async (signal: string) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping')
    await flows?.close()
    await supervisor.stop()
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => void stop(signal))
  process.on('disconnect', () => void stop('the starting process is gone'))

  const configuration: Configuration = { settings, flowsSecret }
  const at: Ports = { http: 0, mqtt: 0, others: {} }
  try {
    // the store and core first, the door last: who knocks finds everyone in
    const inside = [supervisor.start('store', configuration), supervisor.start('core', configuration)]
    const [, core] = (await Promise.all(inside)) as [unknown, CoreReady]
    at.http = core.port
    const edge = (await supervisor.start('edge', configuration)) as EdgeReady
    at.mqtt = edge.port
    at.others = edge.ports
    banner(settings, {
      ...at,
      ...(core.adminPassword === undefined ? {} : { adminPassword: core.adminPassword }),
    })
  } catch (error) {
    stopping = true
    await supervisor.stop()
    return refuse(error)
  }
  if (demo) startDemo(`mqtt://${reachable(settings.host)}:${at.mqtt}`, log)
  if (settings.flowsPort === 0) return
  try {
    flows = await openFlows(settings, supervisor, { ssoSecret: flowsSecret, at, log, meter })
  } catch (error) {
    // flows only add; alarms from the rules engine do not need them
    flowsProblem = error instanceof Error ? error.message : String(error)
    log.error({ err: error }, 'rule flows could not be started; everything else goes on')
  }
}

type CoreReady = { port: number; adminPassword?: string }
type EdgeReady = { port: number; ports: Partial<Record<'mqtts' | 'ws' | 'wss', number>> }
type Ports = { http: number; mqtt: number; others: EdgeReady['ports'] }

function banner(settings: Settings, at: Ports & { adminPassword?: string }): void {
  const host = reachable(settings.host)
  const lines = [
    `Fengsui is ready after ${((Date.now() - started) / 1000).toFixed(1)} s`,
    `  dashboard  http://${host}:${at.http}/`,
    `  API docs   http://${host}:${at.http}/api/docs`,
    ...(settings.flowsPort === 0 ? [] : [`  rule flows http://${host}:${at.http}/flows/`]),
    `  MQTT       mqtt://${host}:${at.mqtt}`,
    ...(['mqtts', 'ws', 'wss'] as const).flatMap(name =>
      at.others[name] === undefined ? [] : [`             ${name}://${host}:${at.others[name]}`],
    ),
    `  data       ${settings.dataDir}`,
    ...(at.adminPassword === undefined
      ? []
      : [`  first run: user admin, password ${at.adminPassword} (shown once; change it with: npm run admin -- user password admin)`]),
  ]
  process.stdout.write(`${lines.join('\n')}\n`)
}

/** An address this machine can call when the server listens on all of them. */
function reachable(host: string): string {
  return host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
}

/** One clear line, exit code 2. */
function refuse(error: unknown): never {
  const known = error instanceof FengsuiError
  process.stderr.write(`fengsui: ${known ? `${error.code}: ${error.message}. ${error.hint}` : (error as Error).stack}\n`)
  process.exit(2)
}

async function portsAreFree(settings: Settings): Promise<void> {
  const wanted = [
    ['FENGSUI_MQTT_PORT', settings.host, settings.mqttPort],
    ['FENGSUI_MQTTS_PORT', settings.host, settings.mqttsPort ?? 0],
    ['FENGSUI_MQTT_WS_PORT', settings.host, settings.mqttWsPort ?? 0],
    ['FENGSUI_MQTT_WSS_PORT', settings.host, settings.mqttWssPort ?? 0],
    ['FENGSUI_HTTP_PORT', settings.host, settings.httpPort],
    ['FENGSUI_FLOWS_PORT', '127.0.0.1', settings.flowsPort],
    ['FENGSUI_GBT26875_PORT', settings.host, settings.entrances.gbt26875Port],
    ['FENGSUI_DC09_PORT', settings.host, settings.entrances.dc09Port],
    ['FENGSUI_MEOKON_PORT', settings.host, settings.entrances.meokonPort],
    ['FENGSUI_PUSH_PORT', settings.host, settings.entrances.push?.port ?? 0],
  ] as const
  for (const [name, host, port] of wanted) {
    if (port === 0) continue
    const server = createServer()
    const problem = await new Promise<NodeJS.ErrnoException | null>(resolve => {
      server.once('error', resolve)
      server.listen(port, host, () => server.close(() => resolve(null)))
    })
    if (problem) throw new FengsuiError('port-in-use', `${name}=${port} on ${host}: ${problem.code ?? problem.message}`)
  }
}

type Line = { ok: boolean; detail: string }
function flowsLine(settings: Settings, flows: Flows | null, problem: string | null): Line {
  if (settings.flowsPort === 0) return { ok: true, detail: 'off (FENGSUI_FLOWS_PORT=0)' }
  if (problem !== null) return { ok: false, detail: `could not be started: ${problem}` }
  return flows?.healthy() ?? { ok: false, detail: 'starting' }
}

function processLines(supervisor: Supervisor, flows: Line): RoomHealth[] {
  const down = supervisor.states().filter(s => !s.up)
  const restarts = supervisor.states().map(s => `${s.name} ${s.restarts}`)
  return [
    { room: 'flows', ...flows },
    {
      room: 'processes',
      ok: down.length === 0,
      detail: down.length > 0 ? `down: ${down.map(s => s.name).join(', ')}` : `restarts: ${restarts.join(', ')}`,
    },
  ]
}

type FlowsParts = { ssoSecret: string; at: Ports; log: Logger; meter: Meter }
async function openFlows(settings: Settings, supervisor: Supervisor, { ssoSecret, at, log, meter }: FlowsParts): Promise<Flows> {
  const userDir = join(settings.dataDir, 'flows')
  const { startFlows } = await import('./flows/start.ts')
  const { openFlowRecordings } = await import('./parts/flow-recordings.ts')
  const apiToken = String(await supervisor.link.request('core', 'flowsToken', []))
  return await startFlows({
    host: '127.0.0.1',
    port: settings.flowsPort,
    userDir,
    apiUrl: `http://${reachable(settings.host)}:${at.http}`,
    apiToken,
    ssoSecret,
    credentialSecret: secretOf(join(settings.dataDir, 'flows.secret')),
    lang: settings.lang === 'zh-CN' ? 'zh-CN' : 'en-US',
    open: openFlowRecordings(settings.dataDir),
    approval: settings.flowsApproval,
    closed: closedTo(settings, at),
    bounds: { cpuShare: settings.flowsCpuShare, heapMb: settings.flowsMemoryMb },
    audit: entry =>
      void supervisor.link
        .request('core', 'audit', entry)
        .catch((error: Error) => log.error({ err: error }, 'the audit could not be told')),
    log,
    meter,
  })
}

/** Readings come to flows over the feed and go to the store by the journal: broker, device ports and database are not theirs. */
function closedTo({ entrances, influx }: Settings, at: Ports): string[] {
  const { gbt26875Port, dc09Port, meokonPort, push } = entrances
  const ports = [at.mqtt, ...Object.values(at.others), gbt26875Port, dc09Port, meokonPort, push?.port ?? 0]
  return [...ports.filter(port => port > 0).map(port => `tcp://127.0.0.1:${port}`), ...(influx === null ? [] : [influx.url])]
}

/** One of the questions of the flows' desk; what a question may be is listed there. */
async function askFlows(flows: Flows | null, question: string, asked: object): Promise<object> {
  if (flows === null) throw new FengsuiError('room-unavailable', 'the flows have not started yet')
  const { FLOW_QUESTIONS } = await import('./flows/start.ts')
  const known = FLOW_QUESTIONS.find(q => q === question)
  if (known === undefined) throw new FengsuiError('internal', `the flows have no answer to ${question}`)
  const answer = flows.desk[known] as (asked: object) => object | Promise<object>
  return answer(asked)
}

/** A secret made once and kept beside the data, readable by the operator's account only. */
function secretOf(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    const secret = randomBytes(32).toString('base64url')
    writeFileSync(file, secret, { mode: 0o600 })
    return secret
  }
}

function startDemo(url: string, log: Logger): void {
  const args = ['--devices', '2000', '--rate', '60', '--seed', '7', '--scenario', 'night-fire', '--speed', '4', '--orders', '--url', url]
  const child = spawn(process.execPath, [join(import.meta.dirname, 'simulators/simulate.ts'), ...args], {
    // over the channel it notices when this process is gone, however that happened
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  child.on('exit', code => log.info({ code }, 'the simulated district has ended'))
  process.on('exit', () => child.kill())
}

/** Where compiled code is kept between starts (NODE_COMPILE_CACHE): written now and not at the end, for one that is killed has none. */
const keepCompiled = (): void => void setImmediate(flushCompileCache)

function runProcess(name: string): void {
  const link = linkToSupervisor(name, () => process.exit(0))
  let running: Closable | null = null
  const loaded = preload(name)
  process.on('SIGINT', () => {})
  process.on('SIGTERM', () => {})
  process.on('SIGHUP', () => {}) // a terminal that closes: the supervisor ends us in order
  process.on('message', (message: { configure?: Configuration; stop?: boolean }) => {
    if (message.configure) {
      start(message.configure).then(
        ready => process.send?.({ ready }, keepCompiled),
        (error: unknown) => {
          const known =
            error instanceof FengsuiError
              ? { code: error.code, message: error.message }
              : { code: 'process-start-failed', message: String((error as Error).stack) }
          process.send?.({ fatal: known }, () => process.exit(2))
        },
      )
    }
    if (message.stop === true) void Promise.race([running?.close(), delay(4000)]).finally(() => process.exit(0))
  })

  async function start({ settings, flowsSecret }: Configuration): Promise<unknown> {
    await loaded
    const parts = { clock: systemClock, log: createLog(name, settings.logLevel) }
    if (name === 'edge') {
      const tellStore = spaced(STORE_TOLD_EVERY_MS, (head: number) => link.notify('store', 'committed', head))
      const bell = openBell({ path: bellPath(settings.dataDir), otherwise: head => link.notify('core', 'committed', head) })
      const edge = await createEdge(settings, parts, head => {
        bell.ring(head)
        tellStore(head)
      })
      serve<EdgePort>(link, edge, EDGE_METHODS)
      running = { close: () => edge.close().finally(bell.close) }
      return { port: edge.port, ports: edge.ports }
    }
    if (name === 'store') {
      const store = await createStore(settings, parts)
      serve<StorePort>(link, store, STORE_METHODS)
      link.handle('committed', (head: number) => store.wake(head))
      running = store
      return {}
    }
    if (name !== 'core') throw new FengsuiError('process-start-failed', `no process is called '${name}'`)
    const core = await createCore(settings, parts, {
      edge: remote<EdgePort>(link, 'edge', EDGE_METHODS),
      store: remote<StorePort>(link, 'store', STORE_METHODS),
      flowsSecret,
      flows: remote<FlowsPort>(link, 'main', FLOWS_METHODS, FLOWS_MS_MAX),
      supervisor: remote<SupervisorPort>(link, 'main', SUPERVISOR_METHODS),
    })
    link.handle('committed', core.wake)
    const bell = await listenForBell({ path: bellPath(settings.dataDir), heard: core.wake, log: parts.log })
    link.handle('flowsToken', () => core.flowsToken())
    link.handle('audit', (entry: Parameters<typeof core.audit>[0]) => core.audit(entry))
    running = { close: () => core.close().finally(bell.close) }
    return { port: core.port, ...(core.adminPassword === undefined ? {} : { adminPassword: core.adminPassword }) }
  }
}
