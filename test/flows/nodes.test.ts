// fire-incident and fire-command against an API that can be made to fail, without a Node-RED around them: order, at least once, what is asked
// again and what is not, and that a flow on trial sends nothing.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { SAFE_COMMANDS } from '../../dashboard/api/command-requests.ts'
import commandNode, { wantedOf } from '../../flows/nodes/lib/command-node.ts'
import incidentNode from '../../flows/nodes/lib/incident-node.ts'
import { progress } from '../../flows/nodes/lib/one-progress.ts'
import type { FlowMessage, NodeStatus, Own, Red, RedNode } from '../../flows/nodes/lib/red.ts'
import { until } from './room.ts'

type Asked = { method: string; path: string; query: URLSearchParams; key: string | undefined; body: unknown }
let asked: Asked[]
let answers: ((asked: Asked) => [status: number, body: unknown])[]
let server: ReturnType<typeof createServer>
let own: Own
let closers: (() => void)[]

beforeEach(async () => {
  asked = []
  answers = []
  closers = []
  server = createServer((req, res) => {
    let text = ''
    req.on('data', chunk => (text += String(chunk)))
    req.on('end', () => {
      const url = new URL(req.url ?? '/', 'http://x')
      const key = req.headers['idempotency-key']
      const one: Asked = {
        method: req.method ?? '',
        path: url.pathname,
        query: url.searchParams,
        key: typeof key === 'string' ? key : undefined,
        body: text === '' ? null : JSON.parse(text),
      }
      asked.push(one)
      const next = answers.shift()
      if (next === undefined) return // a long poll with nothing to say
      const [status, body] = next(one)
      res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  own = { apiUrl, token: 't', revision: () => 'abcdef0123456789', ready: Promise.resolve(), feed: () => {} }
})
afterEach(async () => {
  for (const close of closers) close()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

type Made = RedNode & { sent: FlowMessage[]; statuses: NodeStatus[]; input(message: FlowMessage): Promise<FlowMessage> }
/** One node as Node-RED makes it; `sent` is what it sent into the flow. */
function make(module: (red: Red) => void, config: Record<string, unknown>, send: (message: FlowMessage) => void = () => {}): Made {
  let construct: ((this: RedNode, config: object) => void) | undefined
  const handlers: Record<string, (...given: never[]) => void> = {}
  const red = {
    nodes: {
      createNode: () => {},
      getNode: () => null,
      registerType: (_type: string, constructor: typeof construct) => (construct = constructor),
    },
    hooks: { add: () => {} },
    events: { on: () => {}, removeListener: () => {} },
    auth: { needsPermission: () => null },
    settings: { fengsui: own },
    _: (key: string) => key,
  }
  module(red as unknown as Red)
  const node = {
    id: 'n1',
    sent: [] as FlowMessage[],
    statuses: [] as NodeStatus[],
    send: (message: FlowMessage) => (node.sent.push(message), send(message)),
    status: (status: NodeStatus) => node.statuses.push(status),
    warn: () => {},
    error: () => {},
    on: (event: string, handler: (...given: never[]) => void) => (handlers[event] = handler),
    input: (message: FlowMessage) =>
      new Promise<FlowMessage>((resolve, reject) => {
        const done = (error?: Error) => (error === undefined ? resolve(message) : reject(error))
        handlers['input']!(...([message, () => {}, done] as never[]))
      }),
  }
  construct!.call(node as unknown as RedNode, { id: 'n1', ...config })
  closers.push(() => handlers['close']?.(...([() => {}] as never[])))
  return node as unknown as Made
}
const event = (seq: number, what: string, category = 'fire') => ({ seq, incidentId: `i${seq}`, entry: { what }, incident: { category } })
const batch = (cursor: number, events: object[]) => (): [number, unknown] => [200, { cursor, head: cursor, events }]

test('fire-incident: in order, only what is wanted, and acknowledged with the next question', async () => {
  answers = [
    batch(4, [event(1, 'alarm'), event(2, 'alarm', 'technical'), event(3, 'note'), event(4, 'closed')]),
    batch(5, [event(5, 'alarm')]),
  ]
  const node = make(incidentNode, { consumer: 'board', whats: 'alarm, closed', category: 'fire' })
  await until(
    () => asked.length === 3,
    5000,
    () => JSON.stringify(asked),
  )
  expect(node.sent.map(m => m.topic)).toEqual(['i1', 'i4', 'i5'])
  expect(asked.map(a => [a.path, a.query.get('ack')])).toEqual([
    ['/api/v1/feed/board/incidents', null],
    ['/api/v1/feed/board/incidents', '4'],
    ['/api/v1/feed/board/incidents', '5'],
  ])
})

test('fire-incident: what the flow has not finished is not acknowledged', async () => {
  answers = [batch(2, [event(1, 'alarm'), event(2, 'alarm')])]
  let letGo = (): void => {}
  const hold = () => (letGo = progress({} as Red).hold())
  const node = make(incidentNode, {}, message => message.topic === 'i1' && hold())
  await until(
    () => node.sent.length === 1,
    5000,
    () => 'the first one',
  )
  await new Promise(resolve => setTimeout(resolve, 50))
  expect([node.sent.length, asked.length]).toEqual([1, 1])
  letGo()
  await until(
    () => asked.length === 2,
    5000,
    () => 'the next question',
  )
  expect([node.sent.length, asked[1]!.query.get('ack')]).toEqual([2, '2'])
})

test('fire-incident: after a failure it asks from what is committed, and says so meanwhile', async () => {
  answers = [batch(1, [event(1, 'alarm')]), () => [503, { code: 'room-unavailable', message: 'away' }], batch(2, [event(2, 'alarm')])]
  const node = make(incidentNode, {})
  await until(
    () => node.sent.length === 2,
    5000,
    () => JSON.stringify(asked),
  )
  expect(asked.slice(0, 3).map(a => a.query.get('ack'))).toEqual([null, '1', null])
  expect(node.statuses).toContainEqual(expect.objectContaining({ fill: 'red', text: expect.stringContaining('503') as string }))
})

test('fire-incident: on recorded readings there is nothing to follow; in shadow it has a place of its own', async () => {
  own.trial = { tap: () => () => {}, raised: () => {}, commanded: () => {} }
  make(incidentNode, {})
  own = { ...own, trial: { raised: () => {}, commanded: () => {} }, prefix: 'shadow-' }
  make(incidentNode, { consumer: 'board' })
  await until(
    () => asked.length === 1,
    5000,
    () => 'asked',
  )
  expect(asked[0]!.path).toBe('/api/v1/feed/shadow-board/incidents')
})

const reading = { deviceId: 'cam-1', ts: '2026-03-01T12:00:00.000Z', off: 7 }

test('fire-command: asks once for one alarm, with the key of node, device, command and episode, until the API has it', async () => {
  answers = [
    () => [503, { code: 'room-unavailable' }],
    () => [202, { id: 'r1', state: 'waiting' }],
    () => [200, { id: 'r1', state: 'waiting' }],
  ]
  const node = make(commandNode, { command: 'siren-on', parameters: '{"tone": 2}', reason: 'fire' })
  const message = { payload: reading, alert: { key: 'alarm-1' } }
  const done = await node.input(message)
  expect(done['command']).toMatchObject({ deviceId: 'cam-1', command: 'siren-on', state: 'waiting', origin: 'flow:abcdef012345' })
  await node.input({ ...message })
  expect(asked.map(a => [a.method, a.path, a.body])).toEqual(
    Array.from({ length: 3 }, () => [
      'POST',
      '/api/v1/command-requests',
      { deviceId: 'cam-1', command: 'siren-on', parameters: { tone: 2 }, reason: 'fire', origin: 'flow:abcdef012345' },
    ]),
  )
  expect(new Set(asked.map(a => a.key)).size).toBe(1)
  const keyOf = (o: object) => wantedOf({ payload: reading, alert: { key: 'alarm-1' } }, { id: 'n1', command: 'siren-on', ...o }, 'r').key
  expect(new Set([keyOf({}), keyOf({ device: 'other' }), keyOf({ command: 'stop' }), keyOf({ id: 'n2' })]).size).toBe(4)
  expect(keyOf({ reason: 'another' })).toBe(asked[0]!.key)
})

test('fire-command: a request the API calls wrong is an error of the flow, and is not tried again', async () => {
  answers = [() => [400, { code: 'invalid-request', message: 'locate is not for it' }]]
  const node = make(commandNode, { command: 'locate' })
  await expect(node.input({ payload: reading })).rejects.toThrow(/refused: 400.*locate is not for it/)
  expect(asked).toHaveLength(1)
  await expect(make(commandNode, {}).input({ payload: reading })).rejects.toThrow('a command needs a name')
  await expect(make(commandNode, { command: 'locate' }).input({})).rejects.toThrow('a command needs a device')
  await expect(make(commandNode, { command: 'locate', device: 'd' }).input({})).rejects.toThrow(/needs an episode/)
})

test('fire-command: on trial nothing is sent', async () => {
  const commanded: object[] = []
  own.trial = { raised: () => {}, commanded: command => void commanded.push(command) }
  const done = await make(commandNode, { command: 'announce' }).input({ payload: reading })
  expect(done['command']).toMatchObject({ status: 'trial' })
  expect([commanded.length, asked.length]).toEqual([1, 0])
})

test('fire-command’s help names exactly what is sent without a person', () => {
  for (const lang of ['zh-CN', 'en-US']) {
    const help = readFileSync(join(import.meta.dirname, `../../flows/nodes/locales/${lang}/fire-command.html`), 'utf8')
    const named = /[(（]([a-z-]+(?:[,、]\s*[a-z-]+)+)[)）]/.exec(help)?.[1]?.split(/[,、]\s*/)
    expect(named, lang).toEqual([...SAFE_COMMANDS])
  }
})
