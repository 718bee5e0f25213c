// Every sample payload, sent over its own transport to one running system, raises exactly the alarms it should and no other: not by a repeat, not
// by history, cached or retained copies, tests, nulls or what is refused. `raises` in test/fixtures/<family>/sources.json says which.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Alarm } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import { createApp } from '../app.ts'
import { openCredentials } from '../broker/credentials.ts'
import { readSettings } from '../settings.ts'
import { samples, type Sample } from './ingest/samples.ts'
import { openSite, wayOf, type Site } from './sample-transports.ts'
import { until } from './system/running.ts'

const PASSWORD = 'a-long-test-password'
const LAST: Sample = {
  family: 'native',
  file: 'last',
  topic: 'fire/v1/smoke/last/event',
  payload: Buffer.from('{"v":1,"deviceId":"last","kind":"smoke","alarms":{"smoke":true}}'),
  receivedAtMs: 0,
  retain: false,
  expect: [],
  raises: ['fire-alarm last'],
}
// a name of its own for each detector whose topic holds only the place of one
const sent = samples().map((sample, i) => ({ ...sample, topic: sample.topic.replace('<friendly_name>', `detector ${i}`) }))
const named = ({ raises, topic }: Sample): string[] => raises.map(one => one.replace('<friendly_name>', topic.slice('zigbee2mqtt/'.length)))

const dir = mkdtempSync(join(tmpdir(), 'fengsui-samples-'))
let site: Site
let app: Awaited<ReturnType<typeof createApp>>
let alarms: Alarm[] = []
let incidents: Incident[] = []

beforeAll(async () => {
  site = await openSite(dir)
  const credentials = openCredentials({ dir })
  const login = await credentials.issue({ deviceId: 'site', grants: ['#'] })
  credentials.close()
  const given = {
    FENGSUI_DATA_DIR: dir,
    FENGSUI_MQTT_PORT: '0',
    FENGSUI_HTTP_PORT: '0',
    FENGSUI_ADMIN_PASSWORD: PASSWORD,
    FENGSUI_DEVICE_RATE: '0',
  }
  // the clocks in the payloads are right: it is the night that they were made for
  const startedMs = Date.now()
  const clock = { nowMs: () => Date.parse('2026-01-01T00:00:10.000Z') + Date.now() - startedMs }
  app = await createApp(readSettings({ ...given, FENGSUI_CLOCK_S: '0', FENGSUI_CANARY_S: '0', ...site.env }, dir), { clock })
  const get = await signedIn(app.core.port)
  const look = async (): Promise<boolean> => {
    ;({ alarms } = (await get('/alarms?limit=5000')) as { alarms: Alarm[] })
    return alarms.some(({ deviceId }) => deviceId === 'last')
  }
  // each twice in a row: a repeat is no news
  await site.send(
    sent.flatMap(sample => [sample, sample]),
    app.edge.port,
    login,
  )
  await site.send([LAST], app.edge.port, login)
  await until(look, 90_000, 'the last message has passed the rules')
  await until(async () => (await look(), expected().every(one => found().includes(one))), 60_000, 'all alarms are there').catch(() => {})
  ;({ incidents } = (await get('/incidents?limit=5000')) as { incidents: Incident[] })
})
afterAll(async () => {
  await app?.close()
  await site?.close()
  rmSync(dir, { recursive: true, force: true })
})

const expected = (): string[] => [...sent, LAST].flatMap(named).sort()
const found = (): string[] => alarms.map(({ kind, deviceId = '?' }) => `${kind} ${deviceId}`).sort()

test('every family and every transport is there', () => {
  expect([...new Set(sent.map(wayOf))].sort()).toEqual([
    'bridge',
    'dahua',
    'dc09',
    'gbt26875',
    'hikvision',
    'mavlink',
    'meokon',
    'mqtt',
    'push',
  ])
})

test('the samples raise what they should, once, and nothing else', () => expect(found()).toEqual(expected()))

describe('incidents', () => {
  test('of one device and kind there is one, however often it is told', () => {
    const of = Map.groupBy(alarms, ({ kind, deviceId }) => `${kind} ${deviceId}`)
    const open = new Set(incidents.filter(({ state }) => state !== 'closed').map(({ id }) => id))
    for (const [name, all] of of)
      expect([name, new Set(all.map(({ incidentId }) => incidentId).filter(id => open.has(id))).size <= 1]).toEqual([name, true])
  })
  test('a fire is never mixed with what is only to be repaired', () => {
    for (const { kind, incidentId } of alarms) expect([kind, incidentId[0]]).toEqual([kind, HAZARDS.has(kind) ? 'F' : 'T'])
  })
})

const HAZARDS: ReadonlySet<string> = new Set(['fire-alarm', 'pre-alarm', 'gas-alarm', 'co-alarm', 'manual-call', 'heat', 'electrical-fire'])

async function signedIn(port: number): Promise<(path: string) => Promise<unknown>> {
  const base = `http://127.0.0.1:${port}/api/v1`
  const body = JSON.stringify({ username: 'admin', password: PASSWORD })
  const answer = await fetch(`${base}/session`, { method: 'POST', headers: { 'content-type': 'application/json' }, body })
  const { token } = (await answer.json()) as { token: string }
  return async path => (await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${token}` } })).json()
}
