// Trouble of the system itself, on the real system: a disk below its reserve stands in the queue, in a technical incident, and not twice
// after a restart; with room again it is over by itself.
import { rm } from 'node:fs/promises'
import { afterAll, expect, test } from 'vitest'
import type { Alarm } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import { start, until, type Running } from './running.ts'

let running: Running | undefined
afterAll(async () => {
  await running?.stop()
  if (running !== undefined) await rm(running.dir, { recursive: true, force: true })
})

const FULL = { FENGSUI_DISK_RESERVE_MB: '1000000000' }
const own = async (system: Running) =>
  (await system.get<{ alarms: Alarm[] }>('/api/v1/alarms')).alarms.filter(({ origin }) => origin === 'system:disk-reserve')

test('the disk below its reserve is an alarm, once, and over when there is room', async () => {
  running = await start({ env: FULL })
  await until(async () => (await own(running!)).length === 1, 60_000, 'the alarm stands in the queue')
  const [alarm] = await own(running)
  expect(alarm).toMatchObject({ kind: 'health', state: 'UNACK', severity: 2, subject: 'system:disk-reserve' })
  const { incidents } = await running.get<{ incidents: Incident[] }>('/api/v1/incidents?state=open')
  expect(incidents).toMatchObject([{ id: alarm!.incidentId, category: 'technical' }])

  const ports = { mqtt: running.mqttPort, http: Number(new URL(running.http).port), flows: 0 }
  const { dir } = running
  await running.stop()
  running = await start({ dir, ports, env: FULL })
  // said again and told again, but it is the same alarm
  await until(async () => (await (await running!.api('/readyz')).text()).includes('alarms go on'), 60_000, 'the journal says so')
  await until(async () => (await own(running!)).length > 0, 60_000, 'the alarm is still there')
  await running.stop()
  running = await start({ dir, ports, env: { FENGSUI_CANARY_S: '1' } })
  await until(async () => (await own(running!)).every(({ state }) => state === 'RTNUN'), 60_000, 'it is over')
  expect((await own(running)).map(({ id }) => id)).toEqual([alarm!.id])

  // a canary goes the way of an alarm, its times are told, and nothing else comes of it
  const readyz = async () => (await running!.api('/readyz')).text()
  await until(async () => /in the queue's database after \d+ ms; \d+ s ago/.test(await readyz()), 60_000, 'the canary arrives')
  expect((await running.get<{ total: number }>('/api/v1/devices')).total).toBe(0)
  expect((await running.get<{ alarms: Alarm[] }>('/api/v1/alarms')).alarms.map(({ origin }) => origin)).toEqual(['system:disk-reserve'])
  expect(await (await running.api('/metrics')).text()).toMatch(/^fengsui_canary_late 0$/m)
})
