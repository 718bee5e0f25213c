// Stations that wait for orders: what a terminal hears over a real broker, what it answers, and the way of its crew from the call to the return,
// said in the words by which the platform moves the order.
import mqtt from 'mqtt'
import { afterEach, describe, expect, test } from 'vitest'
import { heardIn } from '../../simulators/orders.ts'
import { startRun } from '../../simulators/run.ts'
import { findScene } from '../../simulators/scenarios/scene.ts'
import type { SimMessage } from '../../simulators/world.ts'
import { planOf, START_MS, startTestBroker, until, violation, worldOf } from './setup.ts'

let undo: (() => unknown)[] = []
afterEach(async () => {
  for (const one of undo.toReversed()) await one()
  undo = []
})

type Task = { dispatchId: string; state: string }
const taskOf = (m: SimMessage): Task | undefined => (m.body['station'] as { task?: Task }).task
const readinessOf = (m: SimMessage): string => (m.body['station'] as { readiness: string }).readiness
const statesOf = (messages: SimMessage[], deviceId: string): string[] =>
  messages
    .filter(m => m.deviceId === deviceId)
    .map(m => (taskOf(m) === undefined ? 'none' : `${taskOf(m)!.dispatchId} ${taskOf(m)!.state}`))
    .filter((state, i, all) => state !== all[i - 1])
const walked = (id: string) => ['received', 'acknowledged', 'departed', 'arrived', 'controlled', 'returned'].map(state => `${id} ${state}`)

describe('a crew', () => {
  const { planned, world } = worldOf({ devices: 60, scenario: 'night-fire', awaitOrders: true })
  const scene = findScene(planned)!
  const { deviceId } = scene.station!
  const said: SimMessage[] = []
  const go = (storyS: number) => said.push(...world.until(START_MS + storyS * 1000))

  test('does nothing by itself, and walks the whole way of its order', () => {
    go(120)
    expect(statesOf(said, deviceId), 'the story sends nobody').toEqual(['none'])
    world.told(deviceId, { event: 'order', dispatchId: 'F-1', target: scene.origin }, START_MS + 120_000)
    // told again, and another one meanwhile: the crew has one order
    go(140)
    world.told(deviceId, { event: 'order', dispatchId: 'F-1', target: scene.origin }, START_MS + 140_000)
    world.told(deviceId, { event: 'order', dispatchId: 'F-9', target: scene.origin }, START_MS + 141_000)
    go(2_000)
    expect(statesOf(said, deviceId)).toEqual(['none', ...walked('F-1')])
    const own = said.filter(m => m.deviceId === deviceId)
    expect(own.map(m => violation('reading', m.body)).filter(problem => problem !== '')).toEqual([])
    expect(readinessOf(own.find(m => taskOf(m)?.state === 'departed')!)).toBe('responding')
    expect(readinessOf(own.at(-1)!), 'ready for the next').not.toBe('responding')
    const arrived = own.find(m => taskOf(m)?.state === 'arrived')!.body['station'] as { vehicles: { position: object }[] }
    expect(arrived.vehicles[0]?.position).toMatchObject({
      lat: expect.closeTo(scene.origin.lat, 4),
      lon: expect.closeTo(scene.origin.lon, 4),
    })
  })

  test('goes again, and turns round when it is called back', () => {
    const from = said.length
    world.told(deviceId, { event: 'order', dispatchId: 'F-2', target: undefined }, START_MS + 2_000_000)
    go(2_030)
    world.told(deviceId, { event: 'order-ended', dispatchId: 'F-1', target: undefined }, START_MS + 2_030_000)
    go(2_040)
    world.told(deviceId, { event: 'order-ended', dispatchId: 'F-2', target: undefined }, START_MS + 2_040_000)
    go(2_500)
    expect(statesOf(said.slice(from), deviceId)).toEqual(['F-2 received', 'F-2 acknowledged', 'F-2 controlled', 'F-2 returned'])
  })
})

test('a terminal hears its orders from the broker, answers each time it is told, and asks its crew once', async () => {
  const broker = await startTestBroker()
  undo.push(broker.stop)
  const planned = planOf(20)
  const station = planned.find(p => p.kind === 'micro-station')!
  const run = startRun({
    url: `mqtt://127.0.0.1:${broker.port}`,
    planned,
    logins: new Map(),
    seed: '5',
    scenario: 'quiet-night',
    messagesPerS: 5,
    speed: 60,
    awaitOrders: true,
    clock: { nowMs: Date.now },
  })
  undo.push(run.stop)
  await until('all connected', () => run.fleet.connections().open === run.fleet.connections().all)
  const platform = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port}`)
  undo.push(() => platform.endAsync(true))
  const topic = `fire/v1/micro-station/${station.deviceId}`
  const incident = { id: 'F0312-7K3QX2', position: { lat: station.lat + 0.002, lon: station.lon } }
  const order = {
    v: 1,
    id: 'F0312-7K3QX2-1.order',
    command: 'order',
    parameters: { event: 'order', dispatchId: 'F0312-7K3QX2-1', incident },
  }
  const acks = () => broker.heard.filter(h => h.topic === `${topic}/ack`).map(h => JSON.parse(String(h.payload)) as { id: string })
  for (const nonsense of ['', 'null', '[]', '{"id":7}', 'x'.repeat(10_000)])
    await platform.publishAsync(`${topic}/cmd`, nonsense, { qos: 1 })
  for (let i = 0; i < 2; i += 1) await platform.publishAsync(`${topic}/cmd`, JSON.stringify(order), { qos: 1 })
  await platform.publishAsync(`${topic}/cmd`, JSON.stringify({ v: 1, id: 'c-1', command: 'alert', parameters: {} }), { qos: 1 })
  await until('three answers', () => acks().length === 3)
  expect(acks().map(({ id }) => id)).toEqual([order.id, order.id, 'c-1'])
  expect(acks()[0]).toEqual({ v: 1, id: order.id, status: 'received' })
  const tasks = () =>
    broker.heard.flatMap(h => {
      if (!h.topic.startsWith(`${topic}/`) || !/(event|telemetry)$/.test(h.topic)) return []
      const task = (JSON.parse(String(h.payload)) as { station: { task?: Task } }).station.task
      return task === undefined ? [] : [task.state]
    })
  await until('the crew is on the road', () => tasks().includes('departed'))
  expect(new Set(tasks().slice(0, tasks().indexOf('departed')))).toEqual(new Set(['received', 'acknowledged']))
})

test('what is no command is passed over', () => {
  const station = planOf(20).find(p => p.kind === 'micro-station')!
  const heard = (value: unknown) => heardIn(station, Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)))
  for (const nonsense of ['', '{', '[]', 'null', '7', '"order"', {}, { id: 1 }]) expect(heard(nonsense)).toBeNull()
  expect(heard({ id: 'x', command: 'order', parameters: null })?.order).toBeUndefined()
  expect(heard({ id: 'x', command: 'order', parameters: { event: 'order', dispatchId: 7 } })?.order).toBeUndefined()
  expect(
    heard({ id: 'x', command: 'order', parameters: { event: 'order', dispatchId: 'F-1', incident: { position: { lat: 'x' } } } })?.order,
  ).toEqual({
    event: 'order',
    dispatchId: 'F-1',
    target: undefined,
  })
})
