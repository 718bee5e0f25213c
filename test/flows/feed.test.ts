// From reading to alarm through a real flow: at least once, one alarm each, also when Node-RED is killed, redeployed or the API fails.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { keyOf } from '../../flows/nodes/lib/alert.ts'
import { alarming, reading, startRoom, until, type Node, type Room } from './room.ts'

const HOT = 'if (!(msg.payload.metrics.temperatureC > 57)) return null\nmsg.alert = { text: { zh: "高温", en: "hot" } }\nreturn msg'
const FIRST = 100_000
// the limits are for a machine that does much else; when all is well nothing waits for them
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
let room: Room
let next = FIRST

beforeAll(async () => {
  room = await startRoom({ restart: { firstMs: 50 } })
})
afterAll(() => room?.[Symbol.asyncDispose]())
beforeEach(() => {
  room.api.posts.length = room.api.refuse.length = 0
  room.api.alarms.clear()
  room.api.delayMs = 0
})

/** every tenth is hot; returns the keys of the alarms that must come of it */
function stream(count: number): string[] {
  const made = Array.from({ length: count }, (_, i) =>
    reading(next + i, { kind: 'heat', metrics: { temperatureC: i % 10 === 0 ? 80 : 20 } }),
  )
  next += count
  room.api.readings.push(...made)
  return made.filter(r => r.metrics['temperatureC'] === 80).map(r => keyOf('test-rule', r.deviceId, r.ts))
}
const cursor = () => room.api.cursors.get('test') ?? 0
const allDone = () =>
  until(
    () => cursor() >= next - 1,
    60_000,
    () => `cursor ${cursor()} of ${next - 1}; ${JSON.stringify(room.flows.healthy())} ${JSON.stringify(room.log.slice(-3))}`,
  )

test('the shipped flow: camera and smoke in one building within two minutes raise one fire alarm with both as evidence', async () => {
  const shipped = JSON.parse(await readFile(join(import.meta.dirname, '../../flows/examples/shipped.json'), 'utf8')) as Node[]
  expect((await room.deploy(shipped)).status).toBe(200)
  const camera = (off: number, building: string) =>
    reading(off, { deviceId: 'cam', kind: 'camera', place: { building }, detections: [{ class: 'smoke', confidence: 0.8 }] })
  const smoke = (off: number, building: string) =>
    reading(off, { deviceId: 'smk', kind: 'smoke', place: { building }, alarms: { smoke: true } })
  room.api.readings.push(
    camera(1, 'A'),
    smoke(50, 'B'),
    camera(400, 'B'),
    smoke(420, 'C'),
    reading(430),
    smoke(60_000, 'A'),
    camera(60_060, 'A'),
    smoke(60_070, 'A'),
  )
  await until(
    () => (room.api.cursors.get('camera-and-smoke') ?? 0) >= 60_070,
    60_000,
    () => `the shipped flow reads; ${JSON.stringify(room.log.slice(-4))}`,
  )
  const [alarm, ...more] = [...room.api.alarms.values()]
  expect(more).toEqual([])
  expect(alarm).toMatchObject({
    kind: 'fire-alarm',
    severity: 1,
    subject: 'A',
    place: { building: 'A' },
    origin: expect.stringMatching(/^flow:[0-9a-f]{12}$/),
  })
  expect(alarm?.evidence.map(e => e.seq)).toEqual([60_060, 60_000])
  expect(alarm?.text.zh).toContain('烟感')
})

test('a pair whose first half was seen before a kill -9 still raises its alarm', async () => {
  room.api.readings.push(
    reading(70_000, { deviceId: 'cam', kind: 'camera', place: { building: 'K' }, detections: [{ class: 'fire', confidence: 0.9 }] }),
  )
  await until(
    () => (room.api.cursors.get('camera-and-smoke') ?? 0) >= 70_000,
    60_000,
    () => 'the first half is done',
  )
  await killed()
  room.api.readings.push(reading(70_030, { deviceId: 'smk', kind: 'smoke', place: { building: 'K' }, alarms: { smoke: true } }))
  await until(
    () => room.api.alarms.size === 1,
    60_000,
    () => `the pair is seen; ${JSON.stringify(room.log.slice(-4))}`,
  )
})

test('kill -9 in the middle of a stream: no alarm lost, none twice', async () => {
  expect((await room.deploy(alarming(HOT, { together: true }))).status).toBe(200)
  room.api.delayMs = 20
  const keys = stream(2000)
  await until(
    () => room.api.posts.length > 40,
    60_000,
    () => 'the stream has begun',
  )
  await killed()
  await allDone()
  expect([...room.api.alarms.keys()].sort()).toEqual(keys.sort())
  console.log(`${room.api.posts.length - keys.length} alarms of ${keys.length} were sent twice and stored once`)
})

test('a deploy in the middle of a stream loses nothing', async () => {
  room.api.delayMs = 20
  const keys = stream(1000)
  await until(
    () => room.api.posts.length > 20,
    60_000,
    () => 'the stream has begun',
  )
  expect((await room.deploy(alarming(HOT))).status).toBe(200)
  await allDone()
  expect([...room.api.alarms.keys()].sort()).toEqual(keys.sort())
})

test('while the API refuses, the cursor waits and the alarm is tried again', async () => {
  room.api.refuse.push(503, 500, 429)
  const before = cursor()
  const keys = stream(1)
  await until(
    () => room.api.refuse.length < 3,
    60_000,
    () => 'the first try',
  )
  expect(cursor()).toBe(before)
  await allDone()
  expect([...room.api.alarms.keys()]).toEqual(keys)
})

test('an alarm that the API calls wrong is an error of the flow and does not hold up the rest', async () => {
  room.api.refuse.push(400)
  stream(1)
  const keys = stream(1)
  await allDone()
  expect([...room.api.alarms.keys()]).toEqual(keys)
  expect(room.log.some(l => l.level === 'error' && l.message.includes('400 room-unavailable'))).toBe(true)
})

test('an empty feed is asked in long polls, not in a loop', async () => {
  const before = room.api.requests
  await new Promise(resolve => setTimeout(resolve, 1000))
  expect(room.api.requests - before).toBeLessThan(25)
})

async function killed(): Promise<void> {
  const pid = room.flows.pid()
  if (pid === undefined) throw new Error('Node-RED is not running')
  process.kill(pid, 'SIGKILL')
  await until(
    () => room.flows.pid() !== pid,
    60_000,
    () => 'the process is another one',
  )
}
