// Node-RED as one more client of the system: starts it, keeps it alive, answers its questions about people and files.
// Never in the way of an alarm: it reads the feed and raises alarms through the API like anybody else.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { systemClock, type Clock, type Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import { createBeginnings, type Begin } from './beginnings.ts'
import { BOUNDS, type Bounds } from './bounds.ts'
import { changesOf } from './diff.ts'
import { createIdentity, type Identity } from './identity.ts'
import { createDesk, type FlowAudit, type FlowsDesk, type OpenRecorded } from './desk.ts'
import { createGate } from './gate.ts'
import { openShadow, type QueueAlarm } from './shadow.ts'
import { APPROVE } from './sso.ts'
import { createEar, type Answers } from './hear.ts'
import { endLeftOvers } from './left-over.ts'
import { doorsOf } from './doors.ts'
import { takeFound } from './files-found.ts'
import type { FeedState, FlowNode, Lang, Start } from './link.ts'
import { openFlowStore, type FlowStore } from './store.ts'
import { RESTART, supervise, type Restart } from './supervisor.ts'

export { FLOW_QUESTIONS, type FlowsDesk, type OpenRecorded, type Recorded } from './desk.ts'
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
  /** URLs of the broker and the database, which flows have no business at */
  closed?: string[]
  /** what the Node-RED process may take */
  bounds?: Partial<Bounds>
  /** how recordings and the journal are read for backtests; without it none */
  open?: OpenRecorded
  /** false = deploys are not judged, for tests of what a bad flow does */
  gate?: boolean
  /** what engineers deploy runs in shadow until an approver puts it into force */
  approval?: boolean
  audit?: FlowAudit
  restart?: Partial<Restart>
}
/** `url` has no path; the editor is at `${url}/flows/`. */
export type Flows = {
  url: string
  healthy(): { ok: boolean; detail: string }
  pid(): number | undefined
  desk: FlowsDesk
  close(): Promise<void>
}

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
  const left = endLeftOvers(o.userDir)
  if (left.length > 0) log.warn({ room: 'flows', pids: left }, 'processes of flows that outlived their supervisor were ended')
  mkdirSync(scratch, { recursive: true })
  writeFileSync(join(scratch, 'package.json'), '{}\n') // Node-RED looks there for installed nodes: none
  const port = o.port === 0 ? await freePort(o.host) : o.port
  const identity = createIdentity({ apiUrl: o.apiUrl, ssoSecret: o.ssoSecret, clock, log })
  const feeds = new Map<string, FeedState>()

  const { host, apiUrl, apiToken, credentialSecret, lang } = o
  const closed = await doorsOf(o.closed ?? [])
  const start: Start = { host, port, userDir: scratch, apiUrl, apiToken, credentialSecret, lang, closed }
  const bounds = { ...BOUNDS, ...o.bounds }
  const shadow = openShadow({ dir: join(o.userDir, 'shadow'), start, bounds, clock, log })
  const audit: FlowAudit = entry => {
    log.info({ room: 'flows', ...entry }, 'flows audit')
    o.audit?.(entry)
  }
  const open = o.open
  const begin = createBeginnings({ apiUrl, token: apiToken, log })
  const desk = createDesk({
    store,
    gate: createGate(open === undefined ? {} : { open: ({ recording }) => open({ recordings: [recording] }).stream }),
    shadow,
    lang,
    clock,
    ...(open !== undefined && { open }),
    queue: sinceMs => queueSince(apiUrl, apiToken, sinceMs),
    audit,
    begin,
    reload: () => {
      feeds.clear()
      supervisor.deployed()
      supervisor.tell({ type: 'reload' })
    },
  })
  await takeFound({ store, desk, shadow, approval: o.approval === true, log })
  await begin(store.flows().flows)
  const hear = createEar({
    log,
    answers: answersOf({ store, identity, desk, begin, gated: o.gate !== false, approval: o.approval === true, audit }, () => {
      feeds.clear()
      supervisor.deployed()
    }),
    started: () => feeds.clear(),
    feed(state) {
      if (state.gone === true) feeds.delete(state.consumer)
      else if (feeds.has(state.consumer) || feeds.size < FEEDS_MAX) feeds.set(state.consumer, state)
    },
  })
  const supervisor = supervise({
    start,
    bounds,
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
    desk,
    async close() {
      await Promise.all([supervisor.close(), shadow.close()])
    },
  }
}

const QUEUE_MS_MAX = 10_000

/** Alarms that flows raised since then, as the queue has them. */
async function queueSince(apiUrl: string, token: string, sinceMs: number): Promise<QueueAlarm[]> {
  const since = encodeURIComponent(new Date(sinceMs).toISOString())
  const response = await fetch(`${apiUrl}/api/v1/alarms?limit=5000&since=${since}`, {
    headers: { authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(QUEUE_MS_MAX),
  })
  if (!response.ok) throw new FengsuiError('room-unavailable', `the queue answered ${response.status}`)
  const { alarms } = (await response.json()) as { alarms: QueueAlarm[] }
  return alarms
    .filter(alarm => alarm.origin.startsWith('flow:'))
    .map(({ id, origin, kind, subject, raisedAt }) => ({ id, origin, kind, subject, raisedAt }))
}

type Asked = {
  store: FlowStore
  identity: Identity
  desk: ReturnType<typeof createDesk>
  begin: Begin
  gated: boolean
  approval: boolean
  audit: FlowAudit
}

/** The child's questions; what it may not know (the signing secret, other people's files) it cannot ask. */
function answersOf({ store, identity, desk, begin, gated, approval, audit }: Asked, deployed: () => void): Answers {
  return {
    who: identity.who,
    login: identity.login,
    getFlows: store.flows,
    async gate(flows: FlowNode[], token: string) {
      const user = identity.who(token)
      if (user === null || !user.permissions.includes('flows.write')) throw new FengsuiError('forbidden', 'this token may not deploy')
      if (!gated) return { ok: true, code: 'flow-refused', reason: { zh: '', en: '' } }
      return desk.gateDeploy(flows, user.username, !approval || user.permissions.includes(APPROVE))
    },
    async saveFlows(flows: FlowNode[], by: string) {
      const before = store.flows().flows
      let passed = desk.approvedFor(flows)
      // a way into Node-RED that does not pass the middleware ends here
      if (gated && passed === undefined) {
        const answer = await desk.gateDeploy(flows, by, !approval)
        if (!answer.ok) throw new FengsuiError(answer.code, answer.reason.en)
        passed = desk.approvedFor(flows)
      }
      await begin(flows)
      const author = passed?.by ?? by
      const { rev, added, changed, removed } = store.save(flows, `user:${author}`)
      deployed()
      const detail = { added, changed, removed, changes: changesOf(before, flows).slice(0, 50), scenarios: passed?.verdict.results ?? [] }
      audit({ actor: `user:${author}`, action: 'flows.deploy', subject: rev, detail })
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
  // right after a start nobody has said how far it is: that is not "nothing is left"
  const where =
    states.length === 0
      ? 'no feed has reported yet'
      : `${states.length} feeds, at most ${Math.max(...states.map(s => s.head - s.cursor))} behind`
  const said = stuck.length > 0 ? `, ${stuck.map(s => `${s.consumer}: ${s.problem}`).join('; ')}` : ''
  return { ok: stuck.length === 0, detail: `${process.detail}, ${where}${said}` }
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
