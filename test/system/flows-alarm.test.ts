// The whole way of a flow's alarm: two devices publish over MQTT, Node-RED reads the feed, and the alarm stands in the queue with both as
// evidence. Then again with Node-RED killed between the two witnesses, and with everything killed under 500 readings a second.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Alarm } from '#contracts/alarm.ts'
import type { RoomHealth } from '#contracts/live.ts'
import { deploy, flowsPid, gateway, load, outcome } from './flow-load.ts'
import { device, register, start, until, type Running } from './running.ts'

let running: Running
beforeAll(async () => {
  running = await start({ flows: true })
  await until(flowsRead, 60_000, () => `Node-RED follows the feed: ${running.output().slice(-500)}`)
})
afterAll(() => running?.stop())

const flowsLine = async () =>
  (
    (await (await fetch(`${running.http}/readyz`, { headers: { accept: 'application/json' } })).json()) as { rooms: RoomHealth[] }
  ).rooms.find(r => r.room === 'flows')
async function flowsRead(): Promise<boolean> {
  const line = await flowsLine()
  return line?.ok === true && line.detail.includes('1 feeds')
}
const raised = async (building: string) => {
  const { alarms } = await running.get<{ alarms: Alarm[] }>('/api/v1/alarms?limit=1000')
  return alarms.filter(a => a.origin.startsWith('flow:') && a.place?.building === building)
}
const publish = async (kind: 'camera' | 'smoke', deviceId: string, building: string, more: object) => {
  const { username, password } = await register(running, { deviceId, kind, place: { building } })
  const client = await device(running, username, password)
  await client.publishAsync(`fire/v1/${kind}/${deviceId}/telemetry`, JSON.stringify({ v: 1, deviceId, kind, ts: Date.now(), ...more }), {
    qos: 1,
  })
  await client.endAsync()
}
const camera = (building: string) =>
  publish('camera', `cam-${building}`, building, { camera: { detections: [{ class: 'smoke', confidence: 0.9 }] } })
const smoke = (building: string) => publish('smoke', `smk-${building}`, building, { alarms: { smoke: true } })

test('without a login there is no way to the flows', async () => {
  expect((await fetch(`${running.http}/flows/settings`, { redirect: 'manual' })).status).toBe(401)
  expect((await fetch(`${running.http}/flows/flows`, { redirect: 'manual' })).status).toBe(401)
})

test('camera and smoke detector in one building raise one alarm of the flow, with evidence of both', async () => {
  await camera('f1')
  await smoke('f1')
  await until(
    async () => (await raised('f1')).length > 0,
    60_000,
    () => `the flow's alarm: ${running.output().slice(-1500)}`,
  )
  const [listed, ...more] = await raised('f1')
  expect(more).toEqual([])
  const alarm = await running.get<Alarm>(`/api/v1/alarms/${listed!.id}`)
  expect(alarm).toMatchObject({ kind: 'fire-alarm', severity: 1, subject: 'f1' })
  expect(alarm.evidence.map(e => e.deviceId).sort()).toEqual(['cam-f1', 'smk-f1'])
})

test('also when Node-RED was killed between the two', async () => {
  await camera('f2')
  await until(async () => (await flowsLine())?.detail.includes('at most 0 behind') === true, 60_000, 'the first half is done')
  process.kill(flowsPid(running), 'SIGKILL')
  await smoke('f2')
  await until(
    async () => (await raised('f2')).length > 0,
    60_000,
    () => `the flow's alarm after the kill: ${running.output().slice(-1500)}`,
  )
  expect(await raised('f2')).toHaveLength(1)
})

test('kill -9 of everything under 500 readings a second: every reading is finished, every alarm stands there once', async () => {
  await deploy(running)
  const client = await gateway(running)
  const { dir } = running
  const ports = { mqtt: running.mqttPort, http: Number(new URL(running.http).port), flows: running.flowsPort }
  const expected = await load(client, {
    rate: 500,
    seconds: 3,
    async fault() {
      await running.kill()
      running = await start({ flows: true, dir, ports })
    },
  })
  expect(await outcome(running, expected)).toEqual({ expected: 75, missing: [], doubled: [], raised: 75 })
  await client.endAsync()
})
