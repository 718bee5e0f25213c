// A fire is told to another system by a signed webhook; a dead receiver changes nothing for alarms and is told when it is back.
import { createHmac } from 'node:crypto'
import { createServer } from 'node:http'
import { expect, test } from 'vitest'
import { device, freePort, register, start, until } from './running.ts'

const SECRET = 'a-shared-secret-of-some-length'

test('signed, once a fire, also after the receiver was down', async () => {
  const port = await freePort()
  const got: { body: string; headers: Record<string, string | string[] | undefined> }[] = []
  const receiver = () =>
    createServer((request, response) => {
      let body = ''
      request.on('data', chunk => (body += String(chunk)))
      request.on('end', () => {
        got.push({ body, headers: request.headers })
        response.end()
      })
    })
  await using running = await start({ env: { FENGSUI_WEBHOOK_URL: `http://127.0.0.1:${port}/fires`, FENGSUI_WEBHOOK_SECRET: SECRET } })
  const { username, password } = await register(running, { deviceId: 'smk-w', kind: 'smoke', place: { building: 'bw' } })
  const client = await device(running, username, password)
  const payload = { v: 1, deviceId: 'smk-w', kind: 'smoke', ts: Date.now(), alarms: { smoke: true } }
  await client.publishAsync('fire/v1/smoke/smk-w/telemetry', JSON.stringify(payload), { qos: 1 })
  await until(
    async () => (await running.get<{ incidents: unknown[] }>('/api/v1/incidents?state=open')).incidents.length === 1,
    60_000,
    'the alarm does not wait for the receiver',
  )
  expect(got).toEqual([])

  const server = receiver()
  await new Promise<void>(resolve => server.listen(port, '127.0.0.1', resolve))
  await until(() => got.length > 0, 60_000, 'the receiver is told when it is there')
  const { body, headers } = got[0]!
  const [, t, v1] = /^t=(\d+),v1=([0-9a-f]+)$/.exec(String(headers['fengsui-signature'])) ?? []
  expect(v1).toBe(createHmac('sha256', SECRET).update(`${t}.${body}`).digest('hex'))
  expect(body).toContain('bw')
  expect(new Set(got.map(g => g.headers['idempotency-key'])).size).toBe(got.length)
  expect(running.output()).not.toContain(SECRET)
  server.closeAllConnections()
  server.close()
  await client.endAsync()
})
