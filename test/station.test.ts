// A station's speaker over our own broker, all rooms in one process: told within the alarm's way, told again until it says it is there, heard
// through the journal, and the next channel where it stays silent. No secret of the notify file in any log line.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Log } from '#contracts/clock.ts'
import { systemClock } from '#contracts/clock.ts'
import type { IncidentDetail } from '#contracts/incident.ts'
import { createApp } from '../app.ts'
import { readSettings } from '../settings.ts'
import { startReceiver, TOKEN, type Receiver } from './dispatch/receiver.ts'
import { until } from './system/running.ts'

const PASSWORD = 'a-long-test-password'
const KEY = 'robot-secret-that-nobody-may-read'
type Alert = {
  id: string
  command: string
  parameters: { event: string; level: string; incident: { id: string; place?: { building: string } } }
}

let dir: string
let app: Awaited<ReturnType<typeof createApp>>
let robot: Receiver
let get: (path: string) => Promise<unknown>
let call: (path: string, json: object) => Promise<unknown>
const lines: string[] = []
const line = (fields: object, message: string): void => void lines.push(`${message} ${JSON.stringify(fields)}`)
const log: Log = { info: line, warn: line, error: line, debug: line }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'fengsui-station-'))
  robot = await startReceiver(() => ({ status: 200, body: '{"errcode":0}' }))
  await writeFile(join(dir, 'robot.url'), robot.url)
  await writeFile(join(dir, 'robot.key'), KEY)
  const ladder = (to: string) => `[{channel: tablet, to: ${to}, waitS: 5}, {channel: room}]`
  const file = join(dir, 'notify.yaml')
  await writeFile(
    file,
    `channels:\n  tablet: {type: mqtt, ackTimeoutMs: 1000}\n  room: {type: dingtalk, url: {file: robot.url}, secret: {file: robot.key}}\n` +
      `recipients:\n  - {name: near, areas: [东山], ladder: ${ladder('st-1')}}\n  - {name: far, areas: [汤山], ladder: ${ladder('st-2')}}\n`,
  )
  const given = { FENGSUI_DATA_DIR: join(dir, 'data'), FENGSUI_MQTT_PORT: '0', FENGSUI_HTTP_PORT: '0', FENGSUI_ADMIN_PASSWORD: PASSWORD }
  app = await createApp(readSettings({ ...given, FENGSUI_ANONYMOUS_DEVICES: 'true', FENGSUI_NOTIFY_FILE: file }, dir), {
    clock: systemClock,
    log,
  })
  const url = `http://127.0.0.1:${app.core.port}/api/v1`
  const session = await fetch(`${url}/session`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: 'admin', password: PASSWORD }),
  })
  const { token } = (await session.json()) as { token: string }
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  call = async (path, json) => (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(json) })).json()
  get = async path => (await fetch(url + path, { headers: { authorization: `Bearer ${token}` } })).json()
})
afterAll(async () => {
  await app.close()
  await robot[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})

/** A speaker with a persistent session; it answers what `answer` says. */
async function speaker(id: string, answer: (alert: Alert) => string | null): Promise<{ client: MqttClient; got: Alert[] }> {
  const got: Alert[] = []
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${app.edge.port}`, { clientId: id, clean: false, reconnectPeriod: 0 })
  client.on('message', (_topic, payload) => {
    const alert = JSON.parse(payload.toString()) as Alert
    got.push(alert)
    const status = answer(alert)
    if (status !== null)
      client.publish(`fire/v1/micro-station/${id}/ack`, JSON.stringify({ v: 1, id: alert.id, status, by: 'chen' }), { qos: 1 })
  })
  await client.subscribeAsync(`fire/v1/micro-station/${id}/cmd`, { qos: 1 })
  return { client, got }
}
async function smoke(deviceId: string, area: string): Promise<void> {
  await call('/devices', { deviceId, kind: 'smoke', place: { area, building: deviceId } })
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${app.edge.port}`, { reconnectPeriod: 0 })
  const reading = { v: 1, deviceId, kind: 'smoke', ts: Date.now(), alarms: { smoke: true } }
  await client.publishAsync(`fire/v1/smoke/${deviceId}/telemetry`, JSON.stringify(reading), { qos: 1 })
  await client.endAsync()
}
const incidentOf = async (building: string): Promise<IncidentDetail | undefined> => {
  const { incidents } = (await get('/incidents?state=open')) as { incidents: IncidentDetail[] }
  const found = incidents.find(i => i.place?.building === building)
  return found && ((await get(`/incidents/${found.id}`)) as IncidentDetail)
}
const whats = async (building: string): Promise<string[]> => ((await incidentOf(building))?.timeline ?? []).map(entry => entry.what)

test('is told, told again until it answers, and heard', async () => {
  const tries = { n: 0 }
  const { client, got } = await speaker('st-1', () => {
    tries.n += 1
    return tries.n === 1 ? null : 'accepted'
  })
  await smoke('smk-near', '东山')
  await until(() => got.length >= 2, 60_000, 'the speaker is told again while it does not answer')
  expect(new Set(got.map(alert => alert.id)).size, 'under one id').toBe(1)
  expect(got[0]).toMatchObject({ command: 'alert', parameters: { event: 'opened', incident: { place: { building: 'smk-near' } } } })
  await until(async () => (await whats('smk-near')).includes('recipient-accepted'), 60_000, 'its answer stands in the timeline')
  expect(await whats('smk-near')).toContain('notified')
  const accepted = (await incidentOf('smk-near'))?.timeline.find(entry => entry.what === 'recipient-accepted')
  expect(accepted?.actor).toBe('device:st-1')
  await client.endAsync()
})

test('where it stays silent the next channel is tried, and another device cannot answer for it', async () => {
  const { client: liar } = await speaker('st-3', () => null)
  await smoke('smk-far', '汤山')
  await until(async () => (await incidentOf('smk-far')) !== undefined, 60_000, 'the incident is there')
  const { id } = (await incidentOf('smk-far'))!
  await liar.publishAsync('fire/v1/micro-station/st-3/ack', JSON.stringify({ id: `${id}.opened@far`, status: 'accepted' }), { qos: 1 })
  await until(() => robot.got.some(r => r.body.includes(id)), 60_000, 'the robot is told')
  expect(await whats('smk-far')).toContain('next-channel')
  expect(await whats('smk-far')).not.toContain('recipient-accepted')
  await liar.endAsync()
  const said = lines.join('\n') + JSON.stringify(await incidentOf('smk-far')) + JSON.stringify(await get('/audit?limit=1000'))
  expect(said).toContain('told outside')
  for (const secret of [KEY, TOKEN]) expect(said).not.toContain(secret)
})

test('the crew hears its order on its own terminal, answers there, and is told when it is over', async () => {
  const { client, got } = await speaker('st-9', alert => (alert.parameters.event === 'order' ? 'accepted' : 'received'))
  await call('/resources', {
    id: 'st-9',
    kind: 'micro-station',
    name: { zh: '九号站', en: 'Station 9' },
    position: { lat: 31.9, lon: 118.8 },
    deviceId: 'st-9',
  })
  const { incident } = (await call('/alarms', {
    idempotencyKey: 'order',
    kind: 'manual-call',
    place: { area: '禄口', building: 'smk-order' },
    text: 'by hand',
  })) as { incident: IncidentDetail }
  await call(`/incidents/${incident.id}/dispatch`, { resourceIds: ['st-9'], evenIfNotReady: true, reason: 'a test' })
  const order = async () => ((await get(`/incidents/${incident.id}`)) as IncidentDetail).orders[0]
  await until(async () => (await order())?.state === 'accepted', 60_000, 'the order is accepted on the terminal')
  expect(got[0]).toMatchObject({
    id: `${incident.id}-1.order`,
    command: 'order',
    parameters: { event: 'order', dispatchId: `${incident.id}-1`, resourceId: 'st-9', incident: { place: { building: 'smk-order' } } },
  })
  expect((await order())?.steps.at(-1)).toMatchObject({ state: 'accepted', by: 'device:st-9' })
  await until(async () => (await whats('smk-order')).includes('notified'), 60_000, 'that it was delivered stands in the timeline')
  await call(`/orders/${incident.id}-1/withdraw`, { reason: 'false alarm' })
  await until(() => got.some(alert => alert.parameters.event === 'order-ended'), 60_000, 'the crew is told to stand down')
  await client.endAsync()
})
