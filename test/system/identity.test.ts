// The door of the running system with TLS and WebSocket open: a device gets in by claim code and by certificate, what is wrong
// gets nothing, and what is revoked on the command line loses its connections, over every way in.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authority, folder } from '../broker/x509.ts'
import { freePort, register, root, start, until, type Running } from './running.ts'

const exec = promisify(execFile)
const ca = authority()
const files = folder()
const server = ca.server()
const ports = { tls: 0, ws: 0, wss: 0 }
let running: Running

beforeAll(async () => {
  for (const name of ['tls', 'ws', 'wss'] as const) ports[name] = await freePort()
  running = await start({
    env: {
      FENGSUI_MQTTS_PORT: String(ports.tls),
      FENGSUI_MQTT_WS_PORT: String(ports.ws),
      FENGSUI_MQTT_WSS_PORT: String(ports.wss),
      FENGSUI_TLS_CERT: files.put('server.pem', server.cert),
      FENGSUI_TLS_KEY: files.put('server.key', server.key),
      FENGSUI_TLS_CLIENT_CA: files.put('ca.pem', ca.cert),
      FENGSUI_TLS_AUTO_REGISTER: 'true',
    },
  })
})
afterAll(async () => {
  await running?.stop()
  files[Symbol.dispose]()
})

const dial = (url: string, o: IClientOptions): Promise<MqttClient> =>
  mqtt.connectAsync(url, { protocolVersion: 4, reconnectPeriod: 0, connectTimeout: 20_000, ca: ca.cert, ...o }, false)
const admin = async (...words: string[]): Promise<string> =>
  (await exec(process.execPath, [join(root, 'bin/admin.ts'), ...words], { env: { ...process.env, FENGSUI_DATA_DIR: running.dir } })).stdout
const gone = (client: MqttClient): Promise<void> => new Promise(resolve => client.once('close', () => resolve()))
const withCertificate = (id: string): IClientOptions => {
  const { cert, key } = ca.device(id)
  return { cert, key, clientId: id }
}

test('it says where it listens', () => {
  for (const line of [`mqtts://127.0.0.1:${ports.tls}`, `ws://127.0.0.1:${ports.ws}`, `wss://127.0.0.1:${ports.wss}`])
    expect(running.output()).toContain(line)
})

test('what is expected and heard stands in the metrics from the start, and how long the certificate lasts', async () => {
  let metrics = ''
  // the door's own come over from its process a moment later
  const isWhole = async () =>
    /fengsui_tls_certificate_left_seconds \d/.test((metrics = await (await fetch(`${running.http}/metrics`)).text()))
  await until(isWhole, 60_000, 'the metrics of the door')
  for (const name of ['fengsui_devices_expected', 'fengsui_devices_heard', 'fengsui_devices_never_heard'])
    expect(metrics).toMatch(`${name} 0`)
  expect(Number(/fengsui_tls_certificate_left_seconds (\d+)/.exec(metrics)?.[1])).toBeGreaterThan(86_400)
})

test('a claim code from the command line becomes credentials over HTTP, and they are let in over WebSocket', async () => {
  const { code } = JSON.parse(await admin('device', 'claim', 'box-1', '--kind', 'smoke', '--name', 'kitchen')) as { code: string }
  const answer = await fetch(`${running.http}/api/v1/claim`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ code }),
  })
  const { credentials } = (await answer.json()) as { credentials: { username: string; password: string } }
  const client = await dial(`ws://127.0.0.1:${ports.ws}/mqtt`, credentials)
  await client.publishAsync(
    'fire/v1/smoke/box-1/telemetry',
    JSON.stringify({ v: 1, deviceId: 'box-1', kind: 'smoke', metrics: { temperature_c: 21 } }),
    {
      qos: 1,
    },
  )
  await until(
    async () => (await running.get<{ lastReceivedAt?: string }>('/api/v1/devices/box-1')).lastReceivedAt !== undefined,
    60_000,
    () => 'not heard',
  )
  const ended = gone(client)
  await admin('device', 'revoke', 'box-1')
  await ended
  await expect(dial(`ws://127.0.0.1:${ports.ws}/mqtt`, credentials)).rejects.toMatchObject({ code: 4 })
  const expected = await running.get<{ expected: number; never: number }>('/api/v1/devices/expected')
  expect(expected.never).toBeLessThan(expected.expected)
})

test('an unknown device with a good certificate is registered by it; removed, it loses its connections and is not let in again', async () => {
  const certificate = withCertificate('auto-1')
  const [tls, wss] = [
    await dial(`mqtts://127.0.0.1:${ports.tls}`, certificate),
    await dial(`wss://127.0.0.1:${ports.wss}`, { ...certificate, clientId: 'w' }),
  ]
  await until(
    async () => (await running.api('/api/v1/devices/auto-1')).status === 200,
    60_000,
    () => 'not registered',
  )
  const ended = Promise.all([gone(tls), gone(wss)])
  await running.api('/api/v1/devices/auto-1', { method: 'DELETE' })
  await ended
  await expect(dial(`mqtts://127.0.0.1:${ports.tls}`, certificate)).rejects.toMatchObject({ code: 4 })
})

test('the wrong certificate, none, the wrong password, topic or id get nothing', async () => {
  const { password } = await register(running, { deviceId: 'd1', kind: 'smoke' })
  await register(running, { deviceId: 'd2', kind: 'smoke' })
  const url = `mqtts://127.0.0.1:${ports.tls}`
  const foreign = authority('somebody else').device('d1')
  await expect(dial(url, { cert: foreign.cert, key: foreign.key })).rejects.toThrow()
  await expect(dial(url, { username: 'd1', password })).rejects.toThrow()
  await expect(dial(url, { ...withCertificate('d1'), username: 'd1', password: 'wrong' })).rejects.toMatchObject({ code: 4 })
  await expect(dial(url, { ...withCertificate('d1'), username: 'd2' })).rejects.toMatchObject({ code: 4 })
  const client = await dial(url, { ...withCertificate('d1'), username: 'd1', password })
  await client.subscribeAsync('fire/v1/smoke/d1/cmd', { qos: 1 })
  await expect(client.subscribeAsync('fire/v1/smoke/d2/cmd', { qos: 1 })).rejects.toThrow()
  const ended = gone(client)
  client.publish('fire/v1/smoke/d2/event', '{}', { qos: 1 })
  await ended
  const { readings } = await running.get<{ readings: number }>('/api/v1/devices/d2')
  expect(readings).toBe(0)
})
