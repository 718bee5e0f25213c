// The real door of the running system: what devices may do, and how each kind of bad input is refused, counted and shown.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import { device, register, run, start, until, type Running } from './running.ts'

const exec = promisify(execFile)
let running: Running
let smoke: { username: string; password: string }

beforeAll(async () => {
  running = await start()
  smoke = await register(running, {
    deviceId: 'smk-1',
    kind: 'smoke',
    place: { building: 'b1', floor: '2', room: '201' },
    position: { lat: 31.9, lon: 118.8 },
  })
})
afterAll(() => running?.stop())

const topic = 'fire/v1/smoke/smk-1/telemetry'
const quarantined = async (code: string) =>
  (await running.get<{ entries: QuarantineEntry[] }>('/api/v1/quarantine?limit=500')).entries.filter(e => e.code === code)
const seen = async (code: string) => {
  await until(
    async () => (await quarantined(code)).length > 0,
    60_000,
    () => `no ${code} in quarantine`,
  )
  return (await quarantined(code))[0]!
}
const metric = async (pattern: RegExp) => Number(pattern.exec(await (await fetch(`${running.http}/metrics`)).text())?.[1] ?? 0)
const logged = (code: string) =>
  running
    .output()
    .split('\n')
    .filter(line => line.includes(code)).length

/** how a publish ended: with its PUBACK, or with the connection closed and none */
const outcome = (client: MqttClient, to: string, payload: string | Buffer) =>
  new Promise<'acknowledged' | 'closed'>(resolve => {
    client.once('close', () => resolve('closed'))
    client.publish(to, payload, { qos: 1 }, error => error || resolve('acknowledged'))
  })

test('mosquitto_pub publishes an alarm and it stands in the queue with its evidence', async () => {
  const payload = JSON.stringify({
    v: 1,
    deviceId: 'smk-1',
    kind: 'smoke',
    ts: Date.now(),
    alarms: { smoke: true },
    smoke: { obscurationDbPerM: 0.3 },
  })
  await exec('mosquitto_pub', [
    '-h',
    '127.0.0.1',
    '-p',
    String(running.mqttPort),
    '-u',
    smoke.username,
    '-P',
    smoke.password,
    '-q',
    '1',
    '-t',
    topic,
    '-m',
    payload,
  ])
  type List = { incidents: { id: string; category: string; alarmIds: string[]; place?: { room?: string } }[] }
  let list: List = { incidents: [] }
  await until(async () => (list = await running.get<List>('/api/v1/incidents?state=open')).incidents.length > 0, 60_000, 'an incident')
  expect(list.incidents).toMatchObject([{ category: 'fire', place: { building: 'b1', room: '201' } }])
  const alarm = await running.get<Record<string, unknown>>(`/api/v1/alarms/${encodeURIComponent(list.incidents[0]!.alarmIds[0]!)}`)
  expect(alarm).toMatchObject({
    kind: 'fire-alarm',
    state: 'UNACK',
    rule: { id: expect.any(String), version: expect.any(String) },
    evidence: [{ deviceId: 'smk-1' }],
  })
  expect(Object.keys(alarm['waterfall'] as object)).toEqual(
    expect.arrayContaining(['sensorAt', 'brokerAt', 'diskAt', 'ruleAt', 'alarmAt', 'incidentAt']),
  )
})

test('the reading can be read back', async () => {
  type Answer = { series: { metric: string; points: [number, number][] }[] }
  let answer: Answer = { series: [] }
  const to = new Date(Date.now() + 60_000).toISOString()
  const from = new Date(Date.now() - 3_600_000).toISOString()
  await until(
    async () =>
      (answer = await running.get<Answer>(`/api/v1/devices/smk-1/readings?from=${from}&to=${to}&metric=obscuration_db_per_m&points=100`))
        .series.length > 0,
    60_000,
    'a stored reading',
  )
  expect(answer.series[0]).toMatchObject({ metric: 'obscuration_db_per_m' })
  expect(answer.series[0]!.points[0]![1]).toBeCloseTo(0.3)
})

describe('bad input', () => {
  test('wrong password: refused, counted, shown, logged once', async () => {
    for (let i = 0; i < 3; i++) await expect(device(running, 'smk-1', 'wrong-password')).rejects.toThrow(/not authorized|bad user/i)
    const entry = await seen('bad-credentials')
    expect(entry).toMatchObject({ source: 'door', disposition: 'refused' })
    expect(JSON.stringify(entry)).not.toContain('wrong-password')
    await until(async () => (await metric(/fengsui_mqtt_refused_total\{code="bad-credentials"\} (\d+)/)) >= 3, 60_000, 'counted 3 times')
    expect(logged('bad-credentials')).toBe(1)
  })

  test('another device’s topic: no acknowledgement, connection closed', async () => {
    const client = await device(running, smoke.username, smoke.password)
    expect(await outcome(client, 'fire/v1/smoke/smk-2/telemetry', '{}')).toBe('closed')
    expect(await seen('not-your-topic')).toMatchObject({ topic: 'fire/v1/smoke/smk-2/telemetry', identity: 'smk-1' })
  })

  test('oversized payload', async () => {
    const client = await device(running, smoke.username, smoke.password)
    expect(await outcome(client, topic, Buffer.alloc(400_000, 120))).toBe('closed')
    expect((await seen('payload-too-large')).reason).toMatch(/\d/)
  })

  const held: [string, string, string, RegExp][] = [
    ['json-invalid', 'invalid JSON', '{"v":1,', /JSON|position|end/i],
    [
      'schema-violation',
      'a metric without a unit',
      JSON.stringify({ v: 1, deviceId: 'smk-1', kind: 'smoke', metrics: { temperature: 21 } }),
      /temperature/,
    ],
    ['position-invalid', 'a 0/0 position', JSON.stringify({ v: 1, deviceId: 'smk-1', kind: 'smoke', position: { lat: 0, lon: 0 } }), /0/],
    ['device-id-mismatch', 'another id in the payload', JSON.stringify({ v: 1, deviceId: 'smk-9', kind: 'smoke' }), /smk-9/],
  ]
  test.each(held)('%s: %s is acknowledged, kept whole and explained', async (code, _what, payload, reason) => {
    const client = await device(running, smoke.username, smoke.password)
    for (let i = 0; i < 3; i++) await client.publishAsync(topic, payload, { qos: 1 })
    await client.endAsync()
    await until(async () => (await quarantined(code)).length >= 3, 60_000, `3 entries of ${code}`)
    const entry = await running.get<QuarantineEntry>(`/api/v1/quarantine/${(await quarantined(code))[0]!.id}`)
    expect(entry).toMatchObject({ source: 'decoder', topic, identity: 'smk-1', disposition: 'held' })
    expect(entry.reason).toMatch(reason)
    expect(Buffer.from(entry.payloadBase64!, 'base64').toString()).toBe(payload)
    expect(await metric(new RegExp(`fengsui_quarantined_total\\{code="${code}"\\} (\\d+)`))).toBeGreaterThanOrEqual(3)
    expect(logged(code)).toBe(1)
  })

  test('a reading from 2012 is kept under server time and pointed out', async () => {
    const client = await device(running, smoke.username, smoke.password)
    await client.publishAsync(
      topic,
      JSON.stringify({ v: 1, deviceId: 'smk-1', kind: 'smoke', ts: '2012-06-01T08:00:00Z', alarms: { smoke: true } }),
      { qos: 1 },
    )
    await client.endAsync()
    expect(await seen('clock-implausible')).toMatchObject({ disposition: 'kept-with-note', where: '/ts' })
  })

  test('MQTT 5 gets an answer and a log line instead of silence', async () => {
    await expect(device(running, smoke.username, smoke.password, { protocolVersion: 5 })).rejects.toThrow()
    expect((await seen('protocol-version')).reason).toMatch(/5/)
  })
})

test('a re-driven message that still cannot be read says so', async () => {
  const [entry] = await quarantined('json-invalid')
  const answer = await running.api(`/api/v1/quarantine/${entry!.id}/redrive`, { method: 'POST' })
  expect(answer.status).toBeLessThan(300)
  await until(async () => (await quarantined('json-invalid')).length >= 4, 60_000, 'the re-driven message is looked at again')
})

test('credentials made on the command line work while the system runs', async () => {
  const { code, stdout } = await run('bin/admin.ts', ['device', 'add', 'smk-cli', '--kind', 'smoke', '--building', 'b7'], {
    FENGSUI_DATA_DIR: running.dir,
  })
  expect(code).toBe(0)
  const { username, password } = JSON.parse(stdout) as { username: string; password: string }
  const client = await device(running, username, password)
  await client.publishAsync(
    'fire/v1/smoke/smk-cli/telemetry',
    JSON.stringify({ v: 1, deviceId: 'smk-cli', kind: 'smoke', alarms: { smoke: false } }),
    { qos: 1 },
  )
  await client.endAsync()
  const place = async () => ((await (await running.api('/api/v1/devices/smk-cli')).json()) as { place?: { building?: string } }).place
  await until(async () => (await place())?.building === 'b7', 60_000, 'the device is known with its place')
})

test('no secret in any log line', () => {
  expect(running.output()).not.toContain(smoke.password)
  expect(running.output()).not.toContain('a-long-test-password')
})
