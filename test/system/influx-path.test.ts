// The whole path with a real InfluxDB (Debian's 1.6.7): readings arrive there, history is read back from there, and while it is
// down alarms go on, nothing is lost, and it is filled up when it is back.
import { expect, test } from 'vitest'
import { startInflux } from '../ingest/influxd.ts'
import { device, register, start, until } from './running.ts'

test('written, read back, and filled up after an outage', async () => {
  await using influx = await startInflux()
  await using running = await start({ env: { FENGSUI_INFLUX_URL: influx.url, FENGSUI_INFLUX_BUCKET: 'fengsui' } })
  const { username, password } = await register(running, {
    deviceId: 'env-1',
    kind: 'environment',
    place: { area: '湖熟', building: 'b1' },
  })
  const smoke = await register(running, { deviceId: 'smk-1', kind: 'smoke', place: { building: 'b1' } })
  const client = await device(running, username, password)
  const base = Date.now() - 60_000
  const send = (i: number) =>
    client.publishAsync(
      'fire/v1/environment/env-1/telemetry',
      JSON.stringify({
        v: 1,
        msgId: `reading-${i}`,
        deviceId: 'env-1',
        kind: 'environment',
        ts: base + i * 100,
        metrics: { temperature_c: 20 + i / 100 },
      }),
      { qos: 1 },
    )
  for (let i = 0; i < 50; i++) await send(i)
  const counted = async () => {
    const answer = await fetch(`${influx.url}/query?db=fengsui&q=${encodeURIComponent('SELECT count(temperature_c) FROM environment')}`)
    const body = (await answer.json()) as { results: { series?: { values: [string, number][] }[] }[] }
    return body.results[0]?.series?.[0]?.values[0]?.[1] ?? 0
  }
  await until(async () => (await counted()) === 50, 60_000, '50 points in InfluxDB')

  await influx.stop()
  for (let i = 50; i < 100; i++) await send(i)
  const alarmed = await device(running, smoke.username, smoke.password)
  await alarmed.publishAsync(
    'fire/v1/smoke/smk-1/telemetry',
    JSON.stringify({ v: 1, deviceId: 'smk-1', kind: 'smoke', ts: Date.now(), alarms: { smoke: true } }),
    { qos: 1 },
  )
  await until(
    async () => (await running.get<{ incidents: unknown[] }>('/api/v1/incidents?state=open')).incidents.length === 1,
    60_000,
    'an alarm without InfluxDB',
  )
  await until(async () => (await fetch(`${running.http}/readyz`)).status === 503, 60_000, '/readyz says the store is behind')
  const metrics = await (await fetch(`${running.http}/metrics`)).text()
  const lag = Number(/fengsui_journal_lag\{consumer="store"\} (\d+)/.exec(metrics)?.[1])
  expect(lag, 'the lag grows while the store is down').toBeGreaterThanOrEqual(51)

  await influx.restart()
  await until(async () => (await counted()) === 100, 60_000, 'all 100 points after the outage')
  type Answer = { series: { metric: string; points: [number, number][] }[] }
  const path = `/api/v1/devices/env-1/readings?from=${new Date(base - 1000).toISOString()}&to=${new Date(base + 20_000).toISOString()}&metric=temperature_c&points=500`
  const { series } = await running.get<Answer>(path)
  expect(series[0]?.points.length).toBe(100)
  expect(series[0]?.points.at(-1)?.[1]).toBeCloseTo(20.99)
  // a corrected name leaves the device where it stands
  expect((await running.api('/api/v1/devices/env-1', { method: 'PATCH', json: { name: 'Market hall' } })).ok).toBe(true)
  await send(100)
  type Rows = { rows: { t: number; count: number; mean: number; min: number; max: number }[] }
  const span = `from=${new Date(base - 60_000).toISOString()}&to=${new Date(base + 120_000).toISOString()}`
  const inArea = `/api/v1/readings/aggregate?metric=temperature_c&area=${encodeURIComponent('湖熟')}&kind=environment&${span}`
  const counts = async () => (await running.get<Rows>(inArea)).rows.reduce((sum, { count }) => sum + count, 0)
  await until(async () => (await counts()) === 101, 60_000, '101 values of the area in the rollups')
  const { rows } = await running.get<Rows>(inArea)
  expect(rows.reduce((sum, { mean, count }) => sum + mean * count, 0)).toBeCloseTo(101 * 20.5, 6)
  expect([Math.min(...rows.map(({ min }) => min)), Math.max(...rows.map(({ max }) => max))]).toEqual([20, 21])
  await client.endAsync()
  await alarmed.endAsync()
})
