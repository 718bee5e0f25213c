// kill -9 of all processes but the supervisor: each comes back by itself and nothing acknowledged is lost. Kills of everything under load are in
// faults-kill.test.ts.
import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { device, register, start, until } from './running.ts'

test('kill -9 of one process: the supervisor brings it back and nothing acknowledged is lost', async () => {
  await using running = await start()
  const credentials = await register(running, { deviceId: 'd-1', kind: 'smoke', place: { building: 'b1' } })
  const publish = async (n: number, alarm: boolean) => {
    await until(
      async () => {
        try {
          const client = await device(running, credentials.username, credentials.password)
          await client.publishAsync(
            'fire/v1/smoke/d-1/telemetry',
            JSON.stringify({ v: 1, msgId: `message-${n}`, deviceId: 'd-1', kind: 'smoke', ts: Date.now(), alarms: { smoke: alarm } }),
            { qos: 1 },
          )
          await client.endAsync()
          return true
        } catch {
          return false
        }
      },
      60_000,
      `message ${n} acknowledged`,
    )
  }
  await publish(1, false)
  const pids = await childPids(running.process.pid!)
  expect(pids.length).toBe(3)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await publish(2, true)
  await until(
    async () => {
      try {
        return (await running.get<{ incidents: unknown[] }>('/api/v1/incidents?state=open')).incidents.length === 1
      } catch {
        return false
      }
    },
    60_000,
    'the alarm after the crash stands in the queue',
  )
  await until(async () => (await fetch(`${running.http}/readyz`)).status === 200, 60_000, 'ready again')
})

async function childPids(parent: number): Promise<number[]> {
  const list = await readFile(`/proc/${parent}/task/${parent}/children`, 'utf8')
  return list.trim().split(/\s+/).map(Number)
}
