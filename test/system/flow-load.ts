// Readings at a steady rate through a flow that raises an alarm for each twentieth, and what became of them: which alarms are missing, which stand
// there twice, whether the flow has finished every reading. For the fault test of flows and its benchmark.
import { setTimeout as delay } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import type { Alarm } from '#contracts/alarm.ts'
import type { RoomHealth } from '#contracts/live.ts'
import { device, register, until, type Running } from './running.ts'

export const ALARM_EVERY = 20
const KIND = 'environment'
const DEVICES = 200
const story = (name: string, expect: string, startsAt: string) => ({ name, expect, startsAt, readings: [{ deviceId: 'd', kind: KIND }] })
export const FLOW = [
  { id: 'load-tab', type: 'tab', label: 'load' },
  { id: 'load-read', type: 'fire-reading', z: 'load-tab', consumer: 'load', kinds: KIND, limit: '500', x: 1, y: 1, wires: [['load-each']] },
  {
    id: 'load-each',
    type: 'function',
    z: 'load-tab',
    func: `if (Date.parse(msg.payload.ts) % ${ALARM_EVERY} !== 0) return null\nmsg.alert = { subject: msg.payload.ts, episode: msg.payload.ts, text: { en: 'each twentieth' } }\nreturn msg`,
    outputs: 1,
    x: 2,
    y: 1,
    wires: [['load-raise']],
  },
  { id: 'load-raise', type: 'fire-alert', z: 'load-tab', rule: 'load', kind: 'fault', severity: '4', x: 3, y: 1, wires: [[]] },
  {
    id: 'load-stories',
    type: 'fire-backtest',
    z: 'load-tab',
    scenarios: JSON.stringify([
      story('the twentieth', 'alarm', '2026-03-01T12:00:00.000Z'),
      story('another', 'no-alarm', '2026-03-01T12:00:00.001Z'),
    ]),
    x: 4,
    y: 1,
    wires: [],
  },
]

/** As the editor does it; what stands there already is kept, unless `only` is given. */
export async function deploy(running: Running, o: { more?: object[]; only?: object[] } = {}): Promise<void> {
  const headers = { 'Node-RED-API-Version': 'v2', 'Node-RED-Deployment-Type': 'full' }
  await until(async () => (await flowsDetail(running)).startsWith('true'), 60_000, 'Node-RED answers')
  const { rev, flows } = (await (await running.api('/flows/flows', { headers })).json()) as { rev: string; flows: { id: string }[] }
  const mine = [...FLOW, ...(o.more ?? [])] as { id: string }[]
  const kept = flows.filter(node => !mine.some(one => one.id === node.id))
  const answer = await running.api('/flows/flows', { method: 'POST', headers, json: { rev, flows: o.only ?? [...kept, ...mine] } })
  if (!answer.ok) throw new Error(`deploy: ${answer.status} ${await answer.text()}`)
}

export async function flowsDetail(running: Running): Promise<string> {
  const ready = await fetch(`${running.http}/readyz`, { headers: { accept: 'application/json' } })
  const line = ((await ready.json()) as { rooms: RoomHealth[] }).rooms.find(room => room.room === 'flows')
  return `${line?.ok} ${line?.detail}`
}
export const flowsPid = (running: Running): number =>
  Number([...running.output().matchAll(/"pid":(\d+)[^\n]*Node-RED answers/g)].at(-1)?.[1])

/** One gateway that speaks for its devices, and comes back after a broken connection with what was not acknowledged. */
export async function gateway(running: Running): Promise<MqttClient> {
  const { username, password } = await register(running, { deviceId: 'gw-load', kind: 'gateway' })
  const rows = Array.from({ length: DEVICES }, (_, i) => ({
    deviceId: `load-${i}`,
    kind: KIND,
    via: 'gw-load',
    place: { building: `b${i}` },
  }))
  const answer = await running.api('/api/v1/devices', { method: 'POST', json: rows })
  if (!answer.ok) throw new Error(`devices: ${await answer.text()}`)
  const client = await device(running, username, password, { reconnectPeriod: 200, clean: false, protocolVersion: 4 })
  client.on('error', () => {}) // refused while the system is away
  return client
}

/** Publishes for `seconds` and calls `fault` in the middle; answers the times that must have an alarm. */
export async function load(client: MqttClient, o: { rate: number; seconds: number; fault: () => Promise<void> }): Promise<Set<string>> {
  const expected = new Set<string>()
  const pending: Promise<unknown>[] = []
  const firstMs = Math.ceil((Date.now() - o.seconds * 1000) / ALARM_EVERY) * ALARM_EVERY
  const begun = performance.now()
  const total = o.rate * o.seconds
  for (let n = 0; n < total; n++) {
    const earlyMs = begun + (n * 1000) / o.rate - performance.now()
    if (earlyMs > 0) await delay(earlyMs)
    if (n === Math.floor(total / 3)) pending.push(o.fault())
    const ts = firstMs + n
    if (ts % ALARM_EVERY === 0) expected.add(new Date(ts).toISOString())
    const deviceId = `load-${n % DEVICES}`
    const body = JSON.stringify({ v: 1, deviceId, kind: KIND, ts, metrics: { temperature_c: 20 } })
    pending.push(client.publishAsync(`fire/v1/${KIND}/${deviceId}/telemetry`, body, { qos: 1 }))
  }
  await Promise.all(pending)
  return expected
}

export type Outcome = { expected: number; missing: string[]; doubled: string[]; raised: number }
/**
 * When the flow has finished all that there is: what stands in the queue against what must. The line of the flows knows the journal's end as of
 * its last look, and may say that nothing is left a moment early: what is missing is waited for.
 */
export async function outcome(running: Running, expected: Set<string>): Promise<Outcome> {
  const isDone = async () => /^true .* at most 0 behind$/.test(await flowsDetail(running).catch(() => ''))
  await until(isDone, 60_000, 'the flow has finished every reading')
  const since = encodeURIComponent(new Date(Math.min(...[...expected].map(ts => Date.parse(ts))) - 60_000).toISOString())
  let now = await standing()
  for (const untilMs = performance.now() + MISSING_MS; now.missing.length > 0 && performance.now() < untilMs; now = await standing())
    await delay(250)
  return now

  async function standing(): Promise<Outcome> {
    const found = new Map<string, number>()
    const { alarms } = await running.get<{ alarms: Alarm[] }>(`/api/v1/alarms?limit=5000&since=${since}`)
    for (const alarm of alarms) if (expected.has(alarm.subject)) found.set(alarm.subject, (found.get(alarm.subject) ?? 0) + 1)
    return {
      expected: expected.size,
      missing: [...expected].filter(ts => !found.has(ts)),
      doubled: [...found].flatMap(([ts, n]) => (n > 1 ? [ts] : [])),
      raised: found.size,
    }
  }
}

const MISSING_MS = 40_000
