// The feed: where a consumer begins, that nothing is lost between answer and acknowledgement, waiting, filters.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { createBeginnings } from '../../flows/beginnings.ts'
import { CONSUMERS_MAX, ROWS_BYTES_MAX } from '../../dashboard/api/feed-source.ts'
import { openCursors } from '../../journal/index.ts'
import { reading, startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['admin'] })
  room.issue('flows', ['feed'])
})
afterAll(() => room?.[Symbol.asyncDispose]())

let head = 0
let consumer = ''
beforeEach(() => {
  consumer = `c-${performance.now()}`.replaceAll('.', '-')
})
const grow = (count: number, o: Parameters<typeof reading>[1] = {}): void => {
  for (let i = 0; i < count; i++) room.journal.push(reading((head += 1), o))
}
const feed = async (query = '') => (await room.ask(`/api/v1/feed/${consumer}${query}`, { as: 'flows' })).body
const offs = (body: { readings: { off: number }[] }): number[] => body.readings.map(one => one.off)

test('a new consumer begins at the head, or at the start, or where it says', async () => {
  grow(3)
  expect(await feed()).toMatchObject({ cursor: head, head, readings: [] })
  grow(2)
  expect(offs(await feed())).toEqual([head - 1, head])
  consumer = 'from-start'
  expect(offs(await feed('?from=start'))[0]).toBe(1)
  consumer = 'from-two'
  expect(offs(await feed('?from=2'))[0]).toBe(3)
})

test('at least once: what was not acknowledged comes again, what was does not; the cursor is on disk', async () => {
  const from = head
  await feed()
  grow(5)
  const first = await feed('?limit=3')
  expect(offs(first)).toEqual([from + 1, from + 2, from + 3])
  expect(offs(await feed('?limit=3'))).toEqual(offs(first))
  const second = await feed(`?limit=3&ack=${first.cursor}`)
  expect(offs(second)).toEqual([from + 4, from + 5])
  const onDisk = openCursors({ dir: room.dir })
  expect(onDisk.get(`feed:${consumer}`)).toBe(first.cursor)
  onDisk.close()
  // an old acknowledgement that arrives late does not take the cursor back
  expect(offs(await feed(`?ack=${from + 1}`))).toEqual([from + 4, from + 5])
})

test('the feeds of a flow begin where it was deployed, whenever its nodes get through; where one stands already it stays', async () => {
  const begin = createBeginnings({ apiUrl: room.url, token: room.tokens['flows']!, log: noLog })
  const nodes = [
    { id: 'n1', type: 'fire-reading', consumer: ` ${consumer} ` },
    { id: 'n2', type: 'fire-reading' },
    { id: 'n3', type: 'fire-incident' },
    { id: 'n4', type: 'fire-reading', consumer: 'no/name' },
    { id: 'n5', type: 'debug' },
  ]
  const from = head
  await begin(nodes)
  const onDisk = openCursors({ dir: room.dir })
  const standing = () => [`feed:${consumer}`, 'feed:flow-n2'].map(onDisk.get)
  expect(standing()).toEqual([from, from])
  expect(onDisk.get('incidents:flow-n3')).toBeGreaterThan(0)
  grow(4)
  expect(offs(await feed())).toEqual([from + 1, from + 2, from + 3, from + 4])
  // a system that starts again asks again
  await createBeginnings({ apiUrl: room.url, token: room.tokens['flows']!, log: noLog })(nodes)
  expect(standing()).toEqual([from, from])
  onDisk.close()
})

test('where feeds begin cannot be fixed: said, and the deploy goes on', async () => {
  const said: string[] = []
  const log = { ...noLog, warn: (_: object, message: string) => void said.push(message) }
  await createBeginnings({ apiUrl: room.url, token: 'wrong', log })([{ id: 'n1', type: 'fire-reading' }])
  expect(said).toEqual([expect.stringContaining('begin when they first read')])
})

test('a consumer that began on an empty journal misses nothing', async () => {
  const other = await startRoom({ roles: [] })
  other.issue('flows', ['feed'])
  const ask = async (query = '') => (await other.ask(`/api/v1/feed/early${query}`, { as: 'flows' })).body
  expect(await ask()).toEqual({ cursor: 0, head: 0, readings: [] })
  const onDisk = openCursors({ dir: other.dir })
  // what is only remembered would be gone after a kill, and it would begin at another head
  expect(onDisk.has('feed:early')).toBe(true)
  expect(onDisk.has('feed:nobody')).toBe(false)
  onDisk.close()
  other.journal.push(reading(1), reading(2))
  expect(offs(await ask())).toEqual([1, 2])
  await other[Symbol.asyncDispose]()
})

test('waiting: answered as soon as there is news, announced or not; empty after the time', async () => {
  await feed()
  const polled = feed('?wait=20000')
  await new Promise(resolve => setTimeout(resolve, 100))
  grow(1)
  const answer = await polled
  expect(offs(answer)).toEqual([head])
  const woken = feed(`?wait=20000&ack=${answer.cursor}`)
  await new Promise(resolve => setTimeout(resolve, 100))
  grow(1)
  room.api.wake()
  expect(offs(await woken)).toEqual([head])
  const began = performance.now()
  expect(await feed(`?wait=300&ack=${head}`)).toEqual({ cursor: head, head, readings: [] })
  expect(performance.now() - began).toBeGreaterThanOrEqual(290)
})

test('filters let through what was asked for, and the cursor passes what was not', async () => {
  await feed()
  const from = head
  grow(300, { kind: 'door' })
  grow(1, { kind: 'smoke', place: { area: 'north' } })
  grow(2, { kind: 'smoke', place: { area: 'south' } })
  expect(await feed('?kinds=smoke&areas=north&limit=50')).toMatchObject({ readings: [{ off: from + 301 }] })
  const nothing = await feed('?kinds=water-leak&limit=50')
  expect(nothing).toMatchObject({ cursor: head, readings: [] })
  expect(offs(await feed(`?kinds=smoke,door&ack=${nothing.cursor}`))).toEqual([])
})

test('messages without a reading are passed, and a message with several is never cut', async () => {
  await feed()
  const from = head
  for (let i = 0; i < 5; i++) room.journal.push({ seq: (head += 1), readings: [] })
  const many = reading((head += 1))
  many.readings.push({ ...many.readings[0]!, deviceId: 'smk-2' })
  room.journal.push(many)
  const answer = await feed('?limit=1')
  expect(answer.readings.map(one => [one.off, one.deviceId])).toEqual([
    [from + 6, 'smk-1'],
    [from + 6, 'smk-2'],
  ])
  expect(answer.cursor).toBe(head)
})

test('what is not allowed is refused', async () => {
  const refused = async (path: string) => (await room.ask(`/api/v1/feed/${path}`, { as: 'flows' })).body.message
  expect(await refused('..%2Fstore')).toMatch(/^params\.consumer must match/)
  expect(await refused(`x?ack=${head + 1}`)).toMatch(/beyond the head/)
  expect(await refused('x?limit=1001')).toMatch(/limit must be <= 1000/)
  expect(await refused('x?wait=25001')).toMatch(/wait must be <= 25000/)
  expect(await refused('x?kinds=dragon')).toMatch(/kinds must be of micro-station/)
  expect((await room.ask('/api/v1/feed/store?ack=0', { as: 'flows' })).status).toBe(200)
  expect(room.cursors.get('store')).toBe(0)
})

test('closing answers those who wait', async () => {
  const other = await startRoom({ roles: [] })
  other.issue('flows', ['feed'])
  const waiting = other.ask('/api/v1/feed/x?wait=25000', { as: 'flows' }).then(
    answer => answer.status,
    () => 'closed',
  )
  await new Promise(resolve => setTimeout(resolve, 100))
  const began = performance.now()
  await other.api.close()
  expect([200, 'closed']).toContain(await waiting)
  expect(performance.now() - began).toBeLessThan(1000)
})

test('names of consumers, and what they store, have a bound: a name there is goes on, and rows can be taken away', async () => {
  const kept = { names: CONSUMERS_MAX - 1, bytes: 0 }
  const cursors = {
    ...room.cursors,
    all: () => Object.fromEntries(Array.from({ length: kept.names }, (_, i) => [`c${i}`, 0])),
    bytes: () => kept.bytes,
  }
  await using other = await startRoom({ roles: ['engineer'], page: false, parts: { feed: { head: () => 0, read: () => [], cursors } } })
  const ask = (name: string, path = '') => other.ask(`/api/v1/feed/${name}${path}`, { as: 'engineer' })
  expect((await ask('bounded-1')).status).toBe(200)
  kept.names = CONSUMERS_MAX
  expect(await ask('bounded-2')).toMatchObject({ status: 409, body: { code: 'conflict' } })
  expect((await ask('bounded-2', '/incidents')).status).toBe(409)
  expect((await ask('bounded-1')).status).toBe(200)

  const store = (rows: [string, string | null][]) => other.post('/api/v1/feed/bounded-1', { ack: 0, rows }, 'engineer')
  expect((await store([['a', 'x'.repeat(60_000)]])).status).toBe(200)
  expect(room.cursors.bytes()).toBeGreaterThan(60_000)
  kept.bytes = ROWS_BYTES_MAX + 1
  expect(await store([['b', 'y']])).toMatchObject({ status: 503, body: { code: 'disk-reserve' } })
  expect((await store([['a', null]])).status).toBe(200)
})
