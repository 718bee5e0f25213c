// Node-RED as one more client of the system: starts it, keeps it alive, answers its questions about people and files.
// Never in the way of an alarm: it reads the feed and raises alarms through the API like anybody else.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { systemClock, type Clock, type Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import { createIdentity, type Identity } from './identity.ts'
import { createEar, type Answers } from './hear.ts'
import type { FeedState, FlowNode, Lang, Start } from './link.ts'
import { openFlowStore, type FlowStore } from './store.ts'
import { RESTART, supervise, type Restart } from './supervisor.ts'

export { signToken, type SsoClaim } from './sso.ts'

export type FlowsOptions = {
  host: '127.0.0.1'
  /** 0 = a free one */
  port: number
  /** made when missing; `store/` keeps flows and revisions, `scratch/` is all that Node-RED itself may write */
  userDir: string
  /** where the HTTP API is, without a path: http://127.0.0.1:8080 */
  apiUrl: string
  /** service token with the scopes feed, alarms:raise, read */
  apiToken: string
  ssoSecret: string
  credentialSecret: string
  lang: Lang
  log: Log
  meter: Meter
  clock?: Clock
  random?: () => number
  /** heap limit of the Node-RED process */
  memoryMb?: number
  restart?: Partial<Restart>
}
/** `url` has no path; the editor is at `${url}/flows/`. */
export type Flows = { url: string; healthy(): { ok: boolean; detail: string }; pid(): number | undefined; close(): Promise<void> }

const FEEDS_MAX = 200

/**
 * Resolves when Node-RED answers, or when its first start failed: from then on it is restarted in the background.
 * @throws FengsuiError setting-invalid, data-dir-unwritable; never because of Node-RED or its flows
 */
export async function startFlows(o: FlowsOptions): Promise<Flows> {
  const { log, meter, clock = systemClock, random = Math.random } = o
  for (const name of ['apiUrl', 'apiToken', 'ssoSecret', 'credentialSecret'] as const)
    if (o[name] === '') throw new FengsuiError('setting-invalid', `flows cannot start: ${name} is empty`)
  const scratch = join(o.userDir, 'scratch')
  const store = openFlowStore({ dir: join(o.userDir, 'store'), first: shippedFlows, clock })
  mkdirSync(scratch, { recursive: true })
  writeFileSync(join(scratch, 'package.json'), '{}\n') // Node-RED looks there for installed nodes: none
  const port = o.port === 0 ? await freePort(o.host) : o.port
  const identity = createIdentity({ apiUrl: o.apiUrl, ssoSecret: o.ssoSecret, clock, log })
  const feeds = new Map<string, FeedState>()

  const { host, apiUrl, apiToken, credentialSecret, lang } = o
  const start: Start = { host, port, userDir: scratch, apiUrl, apiToken, credentialSecret, lang }
  const hear = createEar({
    log,
    answers: answersOf(store, identity, log, () => (feeds.clear(), supervisor.deployed())),
    started: () => feeds.clear(),
    feed: state => void ((feeds.has(state.consumer) || feeds.size < FEEDS_MAX) && feeds.set(state.consumer, state)),
  })
  const supervisor = supervise({
    start,
    memoryMb: o.memoryMb ?? 256,
    store,
    restart: { ...RESTART, ...o.restart },
    clock,
    random,
    log,
    meter,
    on: (message, child) => hear(message, answer => child.send(answer)),
  })
  await supervisor.settled
  return {
    url: `http://${host}:${port}`,
    healthy: () => health(supervisor.status(), feeds),
    pid: supervisor.pid,
    close: supervisor.close,
  }
}

/** The child's questions; what it may not know (the signing secret, other people's files) it cannot ask. */
function answersOf(store: FlowStore, identity: Identity, log: Log, deployed: () => void): Answers {
  return {
    who: identity.who,
    login: identity.login,
    getFlows: store.flows,
    saveFlows(flows: FlowNode[], by: string) {
      const { rev, added, changed, removed } = store.save(flows, `user:${by}`)
      deployed()
      log.info({ room: 'flows', rev, by, added, changed, removed }, 'flows deployed')
      return { rev }
    },
    getCredentials: store.credentials,
    saveCredentials: credentials => (store.saveCredentials(credentials), null),
    getSettings: store.settings,
    saveSettings: settings => (store.saveSettings(settings), null),
  }
}

function health(process: { ok: boolean; detail: string }, feeds: Map<string, FeedState>): { ok: boolean; detail: string } {
  if (!process.ok) return process
  const states = [...feeds.values()]
  const stuck = states.filter(s => s.problem !== undefined)
  const lag = Math.max(0, ...states.map(s => s.head - s.cursor))
  const said = stuck.length > 0 ? `, ${stuck.map(s => `${s.consumer}: ${s.problem}`).join('; ')}` : ''
  return { ok: stuck.length === 0, detail: `${process.detail}, ${states.length} feeds, at most ${lag} behind${said}` }
}

const shippedFlows = (): FlowNode[] => JSON.parse(readFileSync(join(import.meta.dirname, 'examples', 'shipped.json'), 'utf8')) as FlowNode[]

/** Chosen here and not by the child, so that the address stays the same through restarts. */
async function freePort(host: string): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, host, resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}
