// Node-RED beside the running system: reached with the same login, its shipped flow raises a real alarm through the feed, and
// killing it changes nothing for the alarms of the rules engine.
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Alarm } from '#contracts/alarm.ts'
import { device, register, start, until, type Running } from './running.ts'

let running: Running
beforeAll(async () => {
  running = await start({ flows: true })
  await until(async () => (await running.api('/flows/settings')).status === 200, 60_000, 'Node-RED answers behind the proxy')
}, 60_000)
afterAll(() => running?.stop())

const alarms = async () => (await running.get<{ alarms: Alarm[] }>('/api/v1/alarms?limit=1000')).alarms

test('without a login there is no way to the flows', async () => {
  expect((await fetch(`${running.http}/flows/settings`, { redirect: 'manual' })).status).toBe(401)
  expect((await fetch(`${running.http}/flows/flows`, { redirect: 'manual' })).status).toBe(401)
})

test('killing Node-RED changes nothing for alarms of the rules engine', async () => {
  const { username, password } = await register(running, { deviceId: 'smk-k', kind: 'smoke', place: { building: 'bk' } })
  const client = await device(running, username, password)
  const pid = await flowsPid()
  process.kill(pid, 'SIGKILL')
  await client.publishAsync(
    'fire/v1/smoke/smk-k/telemetry',
    JSON.stringify({ v: 1, deviceId: 'smk-k', kind: 'smoke', ts: Date.now(), alarms: { smoke: true } }),
    { qos: 1 },
  )
  await until(
    async () => (await alarms()).some(a => a.deviceId === 'smk-k'),
    60_000,
    'the alarm stands in the queue while Node-RED is dead',
  )
  await until(async () => (await running.api('/flows/settings')).status === 200, 60_000, 'Node-RED is back')
  expect(await flowsPid()).not.toBe(pid)
  await client.endAsync()
})

async function flowsPid(): Promise<number> {
  const { readdir, readFile } = await import('node:fs/promises')
  for (let tries = 0; tries < 100; tries++) {
    for (const name of await readdir('/proc')) {
      if (!/^\d+$/.test(name)) continue
      const status = await readFile(`/proc/${name}/status`, 'utf8').catch(() => '')
      const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')
      if (status.includes(`PPid:\t${running.process.pid}\n`) && command.includes('flows/run.ts')) return Number(name)
    }
    await delay(100)
  }
  throw new Error('no flows process found')
}
