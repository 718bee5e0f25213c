// Store-and-forward against a real broker that goes away and comes back: nothing is lost, old news is marked, bounds hold.
import { describe, expect, test } from 'vitest'
import { createBacklog } from '../../simulators/backlog.ts'
import { createFleet } from '../../simulators/fleet.ts'
import { createRandom } from '../../simulators/random.ts'
import { startRun } from '../../simulators/run.ts'
import { createWindow } from '../../simulators/window.ts'
import { createWorld } from '../../simulators/world.ts'
import { planOf, startTestBroker, until, violation, type Heard } from './setup.ts'

const planned = planOf(30)
const logins = new Map(
  planned.filter(p => p.via === undefined).map(p => [p.deviceId, { username: p.deviceId, password: `pw-${p.deviceId}` }]),
)
const accept = (username: string | undefined, password: string | undefined) => password === `pw-${username}`
const readings = (heard: Heard[]) =>
  heard.filter(h => /\/(telemetry|event)$/.test(h.topic)).map(h => JSON.parse(String(h.payload)) as Record<string, unknown>)

test('what was said while the broker was away arrives later, complete, and as history when older than a minute', async () => {
  const first = await startTestBroker({ accept })
  let jumpMs = 0
  const clock = { nowMs: () => Date.now() + jumpMs }
  const world = createWorld({ planned, seed: '3', scenario: 'quiet-night', speed: 1, messagesPerS: 20, startMs: clock.nowMs() })
  const fleet = createFleet({
    url: `mqtt://127.0.0.1:${first.port}`,
    planned,
    logins,
    world,
    random: createRandom('f'),
    clock,
    firstPauseMs: 50,
  })
  const sent = new Map<string, number>()
  const tick = () => {
    for (const m of world.until(clock.nowMs())) {
      fleet.send(m)
      sent.set(m.deviceId, (sent.get(m.deviceId) ?? 0) + 1)
    }
  }
  fleet.open()
  await until('all connected', () => fleet.connections().open === fleet.connections().all)
  jumpMs += 5000
  tick()
  await until('all acknowledged', () => fleet.waiting() + fleet.inFlight() === 0)

  await first.stop()
  await until('all connections lost', () => fleet.connections().open === 0)
  jumpMs += 100_000
  tick()
  expect(fleet.waiting()).toBeGreaterThan(1000)
  jumpMs += 70_000
  tick()

  const second = await startTestBroker({ accept, port: first.port })
  await until(
    'everything acknowledged',
    () => fleet.connections().open === fleet.connections().all && fleet.waiting() + fleet.inFlight() === 0,
  )
  expect(fleet.counts.reconnects).toBe(fleet.connections().all)
  expect(fleet.counts.dropped).toBe(0)
  await fleet.close()

  const seen = new Map<string, Set<unknown>>()
  for (const reading of [...readings(first.heard), ...readings(second.heard)]) {
    const of = seen.get(String(reading['deviceId'])) ?? new Set()
    seen.set(String(reading['deviceId']), of.add(reading['seq']))
  }
  for (const [deviceId, count] of sent) expect(seen.get(deviceId)?.size, deviceId).toBe(count)

  const late = readings(second.heard)
  const nowMs = clock.nowMs()
  for (const reading of late) {
    const ageMs = nowMs - Date.parse(String(reading['ts']))
    if (ageMs > 75_000) expect(reading['history'], JSON.stringify(reading)).toBe(true)
    if (ageMs < 55_000) expect(reading['history']).toBeUndefined()
    expect(violation('reading', reading)).toBe('')
  }
  expect(late.some(r => r['history'] === true) && late.some(r => r['history'] === undefined)).toBe(true)
  await second.stop()
})

test('a device is born with status and self-description, and says good-bye when stopped', async () => {
  const broker = await startTestBroker({ accept })
  const run = startRun({
    url: `mqtt://127.0.0.1:${broker.port}`,
    planned,
    logins,
    seed: '1',
    scenario: 'quiet-night',
    messagesPerS: 20,
    speed: 1,
    clock: { nowMs: () => Date.now() },
  })
  await until('births', () => broker.heard.filter(h => h.topic.endsWith('/about')).length === planned.length)
  await run.stop()
  const statuses = broker.heard.filter(h => h.topic.endsWith('/status'))
  for (const h of statuses) {
    expect(violation('status', JSON.parse(String(h.payload)))).toBe('')
    expect(h.retain).toBe(true)
  }
  const last = new Map(
    statuses.map(h => [h.topic.split('/')[3]!, JSON.parse(String(h.payload)) as { online: boolean; reason: string; session: string }]),
  )
  for (const p of planned)
    expect(last.get(p.deviceId)).toMatchObject(
      p.via === undefined ? { online: false, reason: 'shutdown' } : { online: true, reason: 'birth' },
    )
  for (const h of broker.heard.filter(h => h.topic.endsWith('/about'))) expect(violation('about', JSON.parse(String(h.payload)))).toBe('')
  await broker.stop()
})

test('a connection that breaks leaves its will, of the same session as its birth', async () => {
  const broker = await startTestBroker({ accept })
  const clock = { nowMs: () => Date.now() }
  const world = createWorld({ planned, seed: '3', scenario: 'quiet-night', speed: 1, messagesPerS: 30, startMs: Date.now() })
  const fleet = createFleet({
    url: `mqtt://127.0.0.1:${broker.port}`,
    planned,
    logins,
    world,
    random: createRandom('f'),
    clock,
    firstPauseMs: 100,
  })
  fleet.open()
  await until('births', () => broker.heard.filter(h => h.topic.endsWith('/about')).length === planned.length)
  const statuses = (reason: string) =>
    broker.heard
      .filter(h => h.topic.endsWith('/status'))
      .map(h => ({
        topic: h.topic,
        retain: h.retain,
        body: JSON.parse(String(h.payload)) as { reason: string; online: boolean; session: string },
      }))
      .filter(s => s.body.reason === reason)
  broker.sever()
  await until('wills', () => statuses('will').length === fleet.connections().all)
  for (const will of statuses('will')) {
    expect(violation('status', will.body)).toBe('')
    expect(will).toMatchObject({ retain: true, body: { online: false } })
    expect(statuses('birth').find(b => b.topic === will.topic)?.body.session).toBe(will.body.session)
  }
  const owners = fleet.connections().all
  await until('births again', () => statuses('birth').length === 2 * planned.length)
  const sessions = new Set(statuses('birth').map(b => `${b.topic} ${b.body.session}`))
  expect(sessions.size).toBe(2 * planned.length)
  expect(owners).toBe(statuses('will').length)
  await fleet.close()
  await broker.stop()
})

test('wrong passwords are tried again with pauses, counted, and never end the run', async () => {
  const broker = await startTestBroker({ accept: () => false })
  const world = createWorld({ planned, seed: '3', scenario: 'quiet-night', speed: 1, messagesPerS: 30, startMs: Date.now() })
  const fleet = createFleet({
    url: `mqtt://127.0.0.1:${broker.port}`,
    planned,
    logins,
    world,
    random: createRandom('f'),
    clock: { nowMs: () => Date.now() },
    firstPauseMs: 50,
  })
  fleet.open()
  await until('failures', () => fleet.counts.failures > fleet.connections().all)
  expect([...fleet.troubles().keys()].join()).toMatch(/not authorized|bad user/i)
  expect([...fleet.troubles().keys()].join()).not.toContain('pw-')
  expect(fleet.counts.acked).toBe(0)
  await fleet.close()
  await broker.stop()
})

test('never more in flight than the bound', async () => {
  const broker = await startTestBroker({ accept })
  const clock = { nowMs: () => Date.now() }
  const world = createWorld({ planned, seed: '3', scenario: 'quiet-night', speed: 1, messagesPerS: 300, startMs: clock.nowMs() - 10_000 })
  const fleet = createFleet({
    url: `mqtt://127.0.0.1:${broker.port}`,
    planned,
    logins,
    world,
    random: createRandom('f'),
    clock,
    inFlightMax: 7,
  })
  for (const m of world.until(clock.nowMs())) fleet.send(m)
  let most = 0
  fleet.open()
  await until('all acknowledged', () => {
    most = Math.max(most, fleet.inFlight())
    return fleet.counts.acked > 2500 && fleet.waiting() + fleet.inFlight() === 0
  })
  expect(most).toBeLessThanOrEqual(7)
  await fleet.close()
  await broker.stop()
})

describe('backlog', () => {
  const message = (n: number, urgent = false) => ({ n, urgent })
  test('at the bound the oldest routine message goes, urgent ones stay', () => {
    const backlog = createBacklog<{ n: number; urgent: boolean }>(3)
    for (const m of [message(1, true), message(2), message(3)]) expect(backlog.add(m)).toBeNull()
    expect(backlog.add(message(4, true))).toEqual(message(2))
    expect(backlog.add(message(5, true))).toEqual(message(3))
    expect(backlog.add(message(6, true))).toEqual(message(1, true))
    expect([backlog.shift()?.n, backlog.shift()?.n, backlog.shift()?.n, backlog.shift()]).toEqual([4, 5, 6, undefined])
  })
  test('what is put back comes first and in order, over many shifts', () => {
    const backlog = createBacklog<{ n: number; urgent: boolean }>(5000)
    for (let n = 0; n < 2000; n++) backlog.add(message(n))
    const taken = Array.from({ length: 1500 }, () => backlog.shift()!)
    backlog.putBack(taken.slice(-3))
    expect(backlog.size()).toBe(503)
    expect(Array.from({ length: 4 }, () => backlog.shift()?.n)).toEqual([1497, 1498, 1499, 1500])
  })
})

test('a window passes a free place on even when the first in line no longer wants it', () => {
  const window = createWindow(1)
  const got: string[] = []
  expect(window.take(() => {})).toBe(true)
  window.take(() => got.push('gone'))
  window.take(() => {
    if (window.take(() => {})) got.push('b')
  })
  window.give()
  expect(got).toEqual(['gone', 'b'])
  expect(window.used()).toBe(1)
})
