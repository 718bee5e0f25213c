// The feed as a stream: credit holds it back, an acknowledgement lets it go on, what the consumer remembers is stored with its cursor, and
// incidents have a feed of their own.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '../system/running.ts'
import { reading, startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['admin'] })
  room.issue('flows', ['feed', 'alarms:raise'])
})
afterAll(() => room?.[Symbol.asyncDispose]())

let head = 0
let consumer = ''
beforeEach(() => (consumer = `s-${performance.now()}`.replaceAll('.', '-')))
const grow = (count: number): void => {
  for (let i = 0; i < count; i++) room.journal.push(reading((head += 1)))
}
const post = (json: object) => room.ask(`/api/v1/feed/${consumer}`, { as: 'flows', method: 'POST', json })

type Line = { cursor: number; head: number; readings: { off: number }[] }
async function stream(query = '') {
  const stop = new AbortController()
  const response = await fetch(`${room.url}/api/v1/feed/${consumer}/stream${query}`, {
    headers: { authorization: `Bearer ${room.tokens['flows']}` },
    signal: stop.signal,
  })
  expect(response.status).toBe(200)
  const lines: Line[] = []
  const ended = (async () => {
    let rest = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
      const parts = (rest + chunk).split('\n')
      rest = parts.pop() ?? ''
      lines.push(...parts.map(line => JSON.parse(line) as Line))
    }
  })().catch(() => {})
  return { lines, ended, stop: () => stop.abort(), offs: () => lines.flatMap(line => line.readings.map(one => one.off)) }
}

test('sends no more than its credit, and goes on when that is acknowledged', async () => {
  const from = head
  await using _ = { [Symbol.asyncDispose]: async () => open.stop() }
  const open = await stream('?credit=3')
  await until(() => open.lines.length === 1, 60_000, 'the first line says where it begins')
  expect(open.lines[0]).toEqual({ cursor: from, head: from, readings: [], ticks: [] })
  grow(8)
  await until(() => open.offs().length === 3, 60_000, 'as much as there is credit for')
  await new Promise(resolve => setTimeout(resolve, 150))
  expect(open.offs()).toEqual([from + 1, from + 2, from + 3])
  expect((await post({ ack: from + 3 })).body).toEqual({ cursor: from + 3 })
  await until(() => open.offs().length === 6, 60_000, 'three more')
  // what was not acknowledged comes again on the next stream, and the older one ends
  const next = await stream('?credit=100')
  await open.ended
  await until(() => next.offs().length === 5, 60_000, 'what is not acknowledged')
  expect(next.offs()).toEqual([4, 5, 6, 7, 8].map(n => from + n))
  next.stop()
})

test('rows are stored with the acknowledgement, and taken away again', async () => {
  grow(2)
  await room.ask(`/api/v1/feed/${consumer}?from=start`, { as: 'flows' })
  const rows = async () => (await room.ask(`/api/v1/feed/${consumer}/rows`, { as: 'flows' })).body
  await post({
    ack: 1,
    rows: [
      ['n1 dev', '{"a":1}'],
      ['n1 other', 'x'],
    ],
  })
  expect(await rows()).toEqual({
    cursor: 1,
    rows: [
      ['n1 dev', '{"a":1}'],
      ['n1 other', 'x'],
    ],
  })
  await post({
    ack: 2,
    rows: [
      ['n1 other', null],
      ['n1 dev', '{"a":2}'],
    ],
  })
  expect(await rows()).toEqual({ cursor: 2, rows: [['n1 dev', '{"a":2}']] })
  expect((await post({ ack: 2, rows: [['', 'x']] })).status).toBe(400)
  expect((await post({ ack: head + 1 })).status).toBe(400)
})

test('incidents: what happens after the consumer began, in order, until acknowledged', async () => {
  const events = async (query = '') =>
    (await room.ask(`/api/v1/feed/${consumer}/incidents${query}`, { as: 'flows' })).body as unknown as {
      cursor: number
      events: { seq: number; incidentId: string; entry: { what: string }; incident: { state: string } }[]
    }
  expect((await events()).events).toEqual([])
  const raise = { idempotencyKey: consumer, kind: 'fire-alarm', text: 'fire', place: { building: 'bi' } }
  const { incident } = (await room.ask('/api/v1/alarms', { as: 'flows', method: 'POST', json: raise })).body
  const first = await events('?wait=5000')
  expect(first.events.length).toBeGreaterThan(0)
  expect(first.events[0]).toMatchObject({ incidentId: incident.id, incident: { state: 'new' } })
  expect((await events()).events).toHaveLength(first.events.length)
  expect((await events(`?ack=${first.cursor}`)).events).toEqual([])
  await room.ask(`/api/v1/incidents/${incident.id}/acknowledge`, { as: 'admin', method: 'POST', json: {} })
  const then = await events('?wait=5000')
  expect(then.events.map(event => event.incident.state)).toContain('acknowledged')
})

test('another revision of the flows that posts the same key adds evidence, lifts the level, and makes no second alarm', async () => {
  const at = new Date().toISOString()
  const piece = (seq: number) => ({ seq, deviceId: 'd', ts: at, receivedAt: at, what: 'temperature_c', value: 60 + seq })
  const raise = (origin: string, severity: number, evidence: object[]) =>
    room.ask('/api/v1/alarms', {
      as: 'flows',
      method: 'POST',
      json: { idempotencyKey: `key-${consumer}`, origin, kind: 'pre-alarm', severity, at, text: 'x', place: { building: 'bk' }, evidence },
    })
  const first = await raise('flow:aaa', 3, [piece(1)])
  const again = await raise('flow:bbb', 3, [piece(1), piece(2)])
  expect([first.status, again.status]).toEqual([201, 200])
  expect(again.body.alarm).toMatchObject({ id: first.body.alarm.id, origin: 'flow:aaa', severity: 3 })
  expect(again.body.alarm.evidence).toHaveLength(2)
  expect((await raise('flow:bbb', 4, [piece(3)])).body.alarm.severity).toBe(3)
  expect((await raise('flow:bbb', 2, [piece(4)])).body.alarm.severity).toBe(2)
})
