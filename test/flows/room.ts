// The real Node-RED process for tests, with an API beside it that keeps the contract of feed and alarms and can be made to fail.
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { Role } from '#contracts/people.ts'
import type { Reading } from '#contracts/reading.ts'
import type { AlarmRequest } from '../../flows/nodes/lib/alert.ts'
import { signToken } from '../../flows/sso.ts'
import { startFlows, type Flows, type FlowsOptions } from '../../flows/start.ts'

export const SSO = 'sso-secret-of-the-test'
export const TOKEN = 'service-token-of-the-test'
export const CREDENTIAL_SECRET = 'credential-secret-of-the-test'

export type Node = { id: string; type: string; [key: string]: unknown }
export type Api = {
  url: string
  readings: (Reading & { off: number })[]
  /** committed cursor of each consumer */
  cursors: Map<string, number>
  /** what each consumer stored with its acknowledgements */
  rows: Map<string, Map<string, string>>
  ticks: { off: number; at: string }[]
  /** every POST that was answered well, repeats too */
  posts: AlarmRequest[]
  /** by idempotency key, as dispatch keeps them */
  alarms: Map<string, AlarmRequest>
  /** answer with this status instead, once for each entry */
  refuse: number[]
  delayMs: number
  requests: number
  close(): Promise<void>
}

/** GET /api/v1/feed/:consumer, POST /api/v1/alarms and POST /api/v1/session as the real API answers them. */
export async function startApi(): Promise<Api> {
  const api: Api = {
    url: '',
    readings: [],
    cursors: new Map(),
    rows: new Map(),
    ticks: [],
    posts: [],
    alarms: new Map(),
    refuse: [],
    delayMs: 0,
    requests: 0,
    close,
  }
  const server = createServer((req, res) => void answer(api, req, res).catch((error: Error) => res.destroy(error)))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  api.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  async function close(): Promise<void> {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return api
}

async function answer(api: Api, req: IncomingMessage, res: ServerResponse): Promise<void> {
  api.requests++
  const url = new URL(req.url ?? '/', api.url)
  const json = (status: number, body: unknown) => res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
  if (url.pathname === '/api/v1/session') {
    const { username, password } = JSON.parse(await bodyOf(req)) as { username: string; password: string }
    if (password !== 'right') return void json(401, { code: 'bad-credentials', message: 'wrong' })
    return void json(200, { token: 'x', principal: { name: username, kind: 'user', role: username, scopes: [] } })
  }
  if (req.headers.authorization !== `Bearer ${TOKEN}`) return void json(401, { code: 'unauthenticated', message: 'no token' })
  if (url.pathname.startsWith('/api/v1/feed/')) {
    const [, consumer = '', what] = /^\/api\/v1\/feed\/([^/]+)\/?(\w*)/.exec(url.pathname) ?? []
    if (what === 'stream') return feed(api, consumer, url, res)
    if (what === 'rows') return void json(200, { cursor: api.cursors.get(consumer) ?? 0, rows: [...(api.rows.get(consumer) ?? [])] })
    const { ack, rows = [] } = JSON.parse(await bodyOf(req)) as { ack: number; rows?: [string, string | null][] }
    const kept = api.rows.get(consumer) ?? new Map<string, string>()
    for (const [key, value] of rows) {
      if (value === null) kept.delete(key)
      else kept.set(key, value)
    }
    api.rows.set(consumer, kept)
    api.cursors.set(consumer, Math.max(ack, api.cursors.get(consumer) ?? 0))
    return void json(200, { cursor: api.cursors.get(consumer) })
  }
  if (url.pathname !== '/api/v1/alarms' || req.method !== 'POST') return void json(404, { code: 'not-found', message: url.pathname })
  const refused = api.refuse.shift()
  const wanted = JSON.parse(await bodyOf(req)) as AlarmRequest
  if (refused !== undefined) return void json(refused, { code: 'room-unavailable', message: 'as the test wants' })
  if (req.headers['idempotency-key'] !== wanted.idempotencyKey) return void json(400, { code: 'invalid-request', message: 'keys differ' })
  await delay(api.delayMs)
  const created = !api.alarms.has(wanted.idempotencyKey)
  api.posts.push(wanted)
  if (created) api.alarms.set(wanted.idempotencyKey, wanted)
  json(created ? 201 : 200, { alarm: { id: `a-${wanted.idempotencyKey.slice(0, 8)}` }, status: created ? 'created' : 'merged' })
}

/** Lines of JSON, never more than `credit` readings ahead of what is acknowledged. */
async function feed(api: Api, consumer: string, url: URL, res: ServerResponse): Promise<void> {
  const credit = Number(url.searchParams.get('credit'))
  const kinds = url.searchParams.get('kinds')?.split(',')
  const withTicks = url.searchParams.get('ticks') === 'true'
  let sent = api.cursors.get(consumer) ?? 0
  res.writeHead(200, { 'Content-Type': 'application/x-ndjson' })
  res.flushHeaders()
  while (!res.destroyed && res.socket?.writable === true) {
    const acked = api.cursors.get(consumer) ?? 0
    const ahead = api.readings.filter(r => r.off > acked && r.off <= sent).length
    const wanted = api.readings.filter(r => r.off > sent && (kinds?.includes(r.kind) ?? true))
    const readings = wanted.slice(0, Math.max(0, credit - ahead))
    const upTo = readings.at(-1)?.off ?? (ahead < credit && wanted.length === 0 ? (api.readings.at(-1)?.off ?? 0) : sent)
    const ticks = withTicks ? api.ticks.filter(t => t.off > sent && t.off <= Math.max(upTo, api.ticks.at(-1)?.off ?? 0)) : []
    if (readings.length > 0 || ticks.length > 0 || upTo > sent) {
      sent = Math.max(sent, upTo, ticks.at(-1)?.off ?? 0)
      res.write(`${JSON.stringify({ cursor: sent, head: api.readings.at(-1)?.off ?? 0, readings, ticks })}\n`)
    }
    await delay(10)
  }
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of req) text += String(chunk)
  return text
}

export type Room = {
  api: Api
  flows: Flows
  dir: string
  log: { level: string; fields: Record<string, unknown>; message: string }[]
  startedInMs: number
  as(role: Role, name?: string): Record<string, string>
  get(path: string, role?: Role): Promise<Response>
  /** posts a whole new set of flows as the editor does */
  deploy(nodes: Node[], role?: Role): Promise<Response>
  [Symbol.asyncDispose](): Promise<void>
}

export async function startRoom(o: Partial<FlowsOptions> = {}): Promise<Room> {
  const api = await startApi()
  const dir = await mkdtemp(join(tmpdir(), 'flows-'))
  const lines: Room['log'] = []
  const say = (level: string) => (fields: object, message: string) =>
    void lines.push({ level, fields: fields as Record<string, unknown>, message })
  const log: Log = { info: say('info'), warn: say('warn'), error: say('error'), debug: say('debug') }
  const beganMs = performance.now()
  const flows = await startFlows({
    host: '127.0.0.1',
    port: 0,
    userDir: join(dir, 'flows'),
    apiUrl: api.url,
    apiToken: TOKEN,
    ssoSecret: SSO,
    credentialSecret: CREDENTIAL_SECRET,
    lang: 'zh-CN',
    log,
    meter: noMeter,
    // what a bad flow does is shown by flows that the gate would refuse; the gate has tests of its own
    gate: false,
    ...o,
  })
  const startedInMs = performance.now() - beganMs
  const as: Room['as'] = (role, name = `some-${role}`) => ({
    Authorization: `Bearer ${signToken(SSO, { name, role, exp: Math.floor(Date.now() / 1000) + 60 })}`,
    'Node-RED-API-Version': 'v2',
  })
  const get: Room['get'] = (path, role = 'engineer') =>
    fetch(`${flows.url}/flows${path}`, { headers: { ...as(role), Accept: 'application/json' } })
  return {
    api,
    flows,
    dir,
    log: lines,
    startedInMs,
    as,
    get,
    async deploy(nodes, role = 'engineer') {
      const { rev } = (await (await get('/flows')).json()) as { rev: string }
      const headers = { ...as(role), 'Content-Type': 'application/json' }
      return fetch(`${flows.url}/flows/flows`, { method: 'POST', headers, body: JSON.stringify({ flows: nodes, rev }) })
    },
    async [Symbol.asyncDispose]() {
      await flows.close()
      await api.close()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export async function until(condition: () => boolean | Promise<boolean>, timeoutMs: number, what: () => string): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; Date.now() < deadline; await delay(25)) if (await condition()) return
  throw new Error(`in ${timeoutMs} ms not: ${what()}`)
}

const T0 = Date.parse('2026-03-01T02:00:00.000Z')
export function reading(off: number, o: Partial<Reading> = {}): Reading & { off: number } {
  const ts = new Date(T0 + off * 1000).toISOString()
  return {
    off,
    deviceId: `d-${off}`,
    kind: 'smoke',
    ts,
    tsSource: 'device',
    receivedAt: ts,
    metrics: {},
    alarms: {},
    flags: {},
    source: { family: 'native' },
    ...o,
  }
}

/** feed -> function -> alarm, on one tab */
export function alarming(code: string, o: { kinds?: string; rule?: string; together?: boolean } = {}): Node[] {
  return [
    { id: 'tab', type: 'tab', label: 'test', disabled: false },
    {
      id: 'read',
      type: 'fire-reading',
      z: 'tab',
      consumer: 'test',
      kinds: o.kinds ?? '',
      together: o.together ?? false,
      x: 1,
      y: 1,
      wires: [['work']],
    },
    { id: 'work', type: 'function', z: 'tab', func: code, outputs: 1, x: 2, y: 1, wires: [['raise']] },
    {
      id: 'raise',
      type: 'fire-alert',
      z: 'tab',
      rule: o.rule ?? 'test-rule',
      kind: 'pre-alarm',
      severity: '3',
      zh: '测试',
      en: 'test',
      x: 3,
      y: 1,
      wires: [[]],
    },
  ]
}
