// All rooms in one process, as `createApp` wires them: a detector's alarm over MQTT becomes an incident behind the API, its reading can
// be read back, and a second life on the same data folder knows both.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, test } from 'vitest'
import type { Incident } from '#contracts/incident.ts'
import { createApp } from '../app.ts'
import { readSettings } from '../settings.ts'
import { until } from './system/running.ts'

const PASSWORD = 'a-long-test-password'

test('one process, the same way of a reading, and nothing doubled in its second life', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fengsui-app-'))
  const given = { FENGSUI_DATA_DIR: dir, FENGSUI_MQTT_PORT: '0', FENGSUI_HTTP_PORT: '0', FENGSUI_ADMIN_PASSWORD: PASSWORD }
  const settings = readSettings({ ...given, FENGSUI_ANONYMOUS_DEVICES: 'true' }, dir)
  const seen: Incident[][] = []
  for (const life of [1, 2]) {
    const app = await createApp(settings)
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${app.edge.port}`, { reconnectPeriod: 0 })
    const reading = { v: 1, deviceId: 'smk-1', kind: 'smoke', ts: Date.now(), alarms: { smoke: true }, smoke: { temperatureC: 30 + life } }
    await client.publishAsync('fire/v1/smoke/smk-1/telemetry', JSON.stringify(reading), { qos: 1 })
    await client.endAsync()
    const get = await signedIn(app.core.port)
    await until(
      async () => ((await get('/devices/smk-1')) as { readings?: number }).readings === life,
      30_000,
      `reading ${life} has passed the rules`,
    )
    seen.push(((await get('/incidents?state=open')) as { incidents: Incident[] }).incidents)
    const from = new Date(Date.now() - 600_000).toISOString()
    const to = new Date(Date.now() + 600_000).toISOString()
    const stored = async () =>
      (
        (await get(`/devices/smk-1/readings?from=${from}&to=${to}&metric=temperature_c&points=10`)) as {
          series: { points: [number, number][] }[]
        }
      ).series
    await until(async () => (await stored())[0]?.points.length === life, 60_000, `${life} readings stored`)
    const { rows } = (await get(`/readings/aggregate?metric=temperature_c&kind=smoke&from=${from}&to=${to}&step=3600`)) as {
      rows: { count: number; max: number }[]
    }
    expect([rows.reduce((sum, { count }) => sum + count, 0), rows.at(-1)?.max]).toEqual([life, 30 + life])
    await app.close()
  }
  expect(seen.map(list => list.length)).toEqual([1, 1])
  expect(seen[1]![0]!.id).toBe(seen[0]![0]!.id)
  expect(seen[1]![0]!.alarmIds).toEqual(seen[0]![0]!.alarmIds)
  await rm(dir, { recursive: true, force: true })
})

test('a device taken off the register and heard again is known after a restart too', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'fengsui-app-'))
  const given = { FENGSUI_DATA_DIR: dir, FENGSUI_MQTT_PORT: '0', FENGSUI_HTTP_PORT: '0', FENGSUI_ADMIN_PASSWORD: PASSWORD }
  const settings = readSettings({ ...given, FENGSUI_ANONYMOUS_DEVICES: 'true' }, dir)
  const first = await createApp(settings)
  const publish = async (deviceId: string) => {
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${first.edge.port}`, { reconnectPeriod: 0 })
    const reading = { v: 1, deviceId, kind: 'smoke', ts: Date.now(), alarms: { smoke: false } }
    await client.publishAsync(`fire/v1/smoke/${deviceId}/telemetry`, JSON.stringify(reading), { qos: 1 })
    await client.endAsync()
  }
  const get = await signedIn(first.core.port)
  const heard = async (deviceId: string) => ((await get(`/devices/${deviceId}`)) as { readings?: number }).readings === 1
  await publish('smk-1')
  await until(() => heard('smk-1'), 60_000, 'the device is known')
  await get('/devices/smk-1', 'DELETE')
  // the register is looked at four times a second
  await new Promise(resolve => setTimeout(resolve, 1_500))
  await publish('smk-1')
  await until(() => heard('smk-1'), 60_000, 'the device is known again')
  await publish('smk-2')
  await until(() => heard('smk-2'), 60_000, 'what came before is committed')
  await first.close()

  const second = await createApp(settings)
  const getNow = await signedIn(second.core.port)
  await new Promise(resolve => setTimeout(resolve, 1_500))
  expect(await getNow('/devices/smk-1')).toMatchObject({ readings: 1 })
  await second.close()
  await rm(dir, { recursive: true, force: true })
})

async function signedIn(port: number): Promise<(path: string, method?: string) => Promise<unknown>> {
  const base = `http://127.0.0.1:${port}/api/v1`
  const body = JSON.stringify({ username: 'admin', password: PASSWORD })
  const answer = await fetch(`${base}/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { token } = (await answer.json()) as { token: string }
  return async (path, method = 'GET') => {
    const text = await (await fetch(`${base}${path}`, { method, headers: { authorization: `Bearer ${token}` } })).text()
    return text === '' ? undefined : JSON.parse(text)
  }
}
