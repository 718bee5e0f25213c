// kill -9 of everything during a publish storm, and a start from what is on disk: every message that was acknowledged is in the
// journal, no alarm is lost or doubled, and the readings in the store are those of the journal, once.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { expect, test } from 'vitest'
import type { Alarm } from '#contracts/alarm.ts'
import { openReader, verifyJournal } from '../../journal/index.ts'
import { device, freePort, register, start, until, type Running } from './running.ts'

const DEVICES = 20
const ROUNDS = 3

/** Publishes as fast as acknowledged, every tenth reading an alarm edge, and remembers what was acknowledged. */
function storm(client: MqttClient, deviceId: string, from: number, acked: Set<string>): { stop(): number } {
  let n = from
  let stopped = false
  const next = () => {
    if (stopped) return
    const msgId = `${deviceId}-${String(n).padStart(6, '0')}`
    const alarm = Math.floor(n / 10) % 2 === 1
    n += 1
    const payload = JSON.stringify({ v: 1, msgId, deviceId, kind: 'smoke', ts: Date.now(), seq: n, alarms: { smoke: alarm } })
    client.publish(`fire/v1/smoke/${deviceId}/telemetry`, payload, { qos: 1 }, error => {
      if (error) return
      acked.add(msgId)
      next()
    })
  }
  for (let i = 0; i < 4; i++) next()
  return { stop: () => ((stopped = true), n) }
}

const journalled = (dir: string): string[] => {
  using reader = openReader({ dir })
  const ids: string[] = []
  for (let after = 0; ;) {
    const batch = reader.read(after, 1000)
    if (batch.length === 0) return ids
    for (const message of batch) {
      if (message.topic.endsWith('/telemetry')) ids.push((JSON.parse(Buffer.from(message.payload).toString()) as { msgId: string }).msgId)
    }
    after = batch.at(-1)!.seq
  }
}

const alarmsOf = async (running: Running) => (await running.get<{ alarms: Alarm[] }>('/api/v1/alarms?limit=10000')).alarms

test('nothing acknowledged is lost, no alarm is doubled', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fengsui-crash-'))
  const ports = { mqtt: await freePort(), http: await freePort(), flows: 0 }
  const acked = new Set<string>()
  const credentials = new Map<string, { username: string; password: string }>()
  const next = new Map<string, number>()
  const known = new Map<string, string>()
  for (let round = 0; round < ROUNDS; round++) {
    const running = await start({ dir, ports })
    // alarms seen before the kill are the same ones after it
    const ids = new Set((await alarmsOf(running)).map(a => a.id))
    for (const id of known.keys()) expect(ids.has(id)).toBe(true)
    const storms: { stop(): number }[] = []
    const clients: MqttClient[] = []
    for (let d = 0; d < DEVICES; d++) {
      const deviceId = `storm-${d}`
      if (!credentials.has(deviceId))
        credentials.set(deviceId, await register(running, { deviceId, kind: 'smoke', place: { building: `b${d}`, floor: '1', room: '1' } }))
      const { username, password } = credentials.get(deviceId)!
      const client = await device(running, username, password)
      client.on('error', () => {})
      clients.push(client)
      storms.push(storm(client, deviceId, next.get(deviceId) ?? 0, acked))
    }
    await delay(1200 + Math.random() * 800)
    for (const alarm of await alarmsOf(running)) known.set(alarm.id, alarm.raisedAt)
    await running.kill()
    for (const [d, s] of storms.entries()) next.set(`storm-${d}`, s.stop())
    for (const client of clients) client.end(true)
  }

  expect(acked.size).toBeGreaterThan(500)
  expect(verifyJournal({ dir })).toMatchObject({ ok: true })
  const onDisk = new Set(journalled(dir))
  expect([...acked].filter(id => !onDisk.has(id))).toEqual([])

  await using running = await start({ dir, ports })
  await until(
    async () => /fengsui_journal_lag\{consumer="rules"\} 0\b/.test(await (await fetch(`${running.http}/metrics`)).text()),
    60_000,
    'caught up',
  )
  const alarms = await alarmsOf(running)
  const identity = alarms.map(a => `${a.rule?.id} ${a.subject} ${a.raisedAt}`)
  expect(new Set(identity).size).toBe(identity.length)
  for (const [id, raisedAt] of known) expect(alarms.find(a => a.id === id)?.raisedAt).toBe(raisedAt)
  // one building a device, one open incident a building
  type Open = { incidents: { place?: { building?: string }; category: string }[] }
  const open = (await running.get<Open>('/api/v1/incidents?state=open&limit=500')).incidents
    .filter(i => i.category === 'fire')
    .map(i => i.place?.building)
  expect(new Set(open).size).toBe(open.length)
  await running.stop()
  await rm(dir, { recursive: true, force: true })
})

test('kill -9 of one process: the supervisor brings it back and nothing acknowledged is lost', async () => {
  await using running = await start()
  const credentials = await register(running, { deviceId: 'd-1', kind: 'smoke', place: { building: 'b1' } })
  const publish = async (n: number, alarm: boolean) => {
    await until(
      async () => {
        try {
          const client = await device(running, credentials.username, credentials.password)
          await client.publishAsync(
            'fire/v1/smoke/d-1/telemetry',
            JSON.stringify({ v: 1, msgId: `message-${n}`, deviceId: 'd-1', kind: 'smoke', ts: Date.now(), alarms: { smoke: alarm } }),
            { qos: 1 },
          )
          await client.endAsync()
          return true
        } catch {
          return false
        }
      },
      60_000,
      `message ${n} acknowledged`,
    )
  }
  await publish(1, false)
  const pids = await childPids(running.process.pid!)
  expect(pids.length).toBe(3)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await publish(2, true)
  await until(
    async () => {
      try {
        return (await running.get<{ incidents: unknown[] }>('/api/v1/incidents?state=open')).incidents.length === 1
      } catch {
        return false
      }
    },
    60_000,
    'the alarm after the crash stands in the queue',
  )
  await until(async () => (await fetch(`${running.http}/readyz`)).status === 200, 60_000, 'ready again')
})

async function childPids(parent: number): Promise<number[]> {
  const { readFile } = await import('node:fs/promises')
  const list = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8')
  return list.trim().split(/\s+/).map(Number)
}
