// Publish -> alarm in the queue, on the running system under load, at 500 and at 5,000 messages a second; of 500 from gateways twelve a second
// are the first alarm of another detector, what is above that is bulk telemetry from a process of its own. Measured from just before the publish to the
// alarm's commit in the queue and to its arrival at a live socket; the PUBACK of the same messages in the same run is the baseline.
import { setTimeout as delay } from 'node:timers/promises'
import type { MqttClient } from 'mqtt'
import { WebSocket } from 'ws'
import type { LiveMessage } from '#contracts/live.ts'
import { device, start } from '../test/system/running.ts'
import { cpuSeconds, processTree, roleOf } from './process-tree.ts'
import { line, percentile } from './queue-desk.ts'
import { deviceName } from './raw-frames.ts'
import { load } from './side-by-side.ts'

/** messages a second in all */
const RATES = [500]
/** of them by mqtt.js, in this process, alarms among them */
const RATE = 500
const SECONDS = 20
/** not counted: a system runs for months, and its first seconds are those of a compiler */
const WARM_UP_S = 10
const GATEWAYS = 10
const DEVICES_EACH = 100
/** no divisor of the devices, so that each alarm is the first of another one */
const ALARM_EVERY = 41
const BULK_CONNECTIONS = 20
const BULK_DEVICES = 50

for (const rate of RATES) await measure(rate)

async function measure(rate: number): Promise<void> {
  await using running = await start({ env: { FENGSUI_DEVICE_RATE: '0' } })
  const rows = Array.from({ length: GATEWAYS }, (_, g) => [
    { deviceId: `gw-${g}`, kind: 'gateway' },
    ...Array.from({ length: DEVICES_EACH }, (_, d) => ({
      deviceId: `smk-${g}-${d}`,
      kind: 'smoke',
      via: `gw-${g}`,
      place: { building: `b${g}-${d}` },
    })),
  ])
  const bulk = Array.from({ length: BULK_CONNECTIONS }, (_, g) => [
    { deviceId: `bulk-gw-${g}`, kind: 'gateway' },
    ...Array.from({ length: BULK_DEVICES }, (_, d) => ({ deviceId: deviceName(`blk${g}`, d), kind: 'environment', via: `bulk-gw-${g}` })),
  ])
  type Issued = { devices: { deviceId: string; credentials: { username: string; password: string } }[] }
  const issued = (await (await running.api('/api/v1/devices', { method: 'POST', json: [...rows, ...bulk].flat() })).json()) as Issued
  const clients: MqttClient[] = []
  for (let g = 0; g < GATEWAYS; g++) {
    const { credentials } = issued.devices.find(d => d.deviceId === `gw-${g}`)!
    clients.push(await device(running, credentials.username, credentials.password))
  }

  const session = (await (
    await fetch(`${running.http}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username: 'admin', password: 'a-long-test-password' }),
    })
  ).json()) as { token: string }
  const socket = new WebSocket(`${running.http.replace('http', 'ws')}/api/v1/live`, {
    headers: { authorization: `Bearer ${session.token}` },
  })
  const sentAt = new Map<string, number>()
  let seen = 0
  let countFrom = Infinity
  const queuedMs: number[] = []
  const shownMs: number[] = []
  socket.on('message', (data: Buffer) => {
    const now = performance.timeOrigin + performance.now()
    const message = JSON.parse(data.toString()) as LiveMessage
    if (message.type !== 'delta') return
    for (const alarm of message.alarms ?? []) {
      const sent = sentAt.get(alarm.deviceId ?? '')
      if (sent === undefined || alarm.waterfall.alarmAt === undefined) continue
      sentAt.delete(alarm.deviceId ?? '')
      seen += 1
      if (sent < countFrom) continue
      queuedMs.push(Date.parse(alarm.waterfall.alarmAt) - sent)
      shownMs.push(now - sent)
    }
  })
  await new Promise(resolve => socket.once('open', resolve))
  await delay(1500)

  const pids = await processTree(running.process.pid!)
  const cpuBefore = await Promise.all(pids.map(cpuSeconds))
  const ackedMs: number[] = []
  let acked = 0
  const alarmed = new Set<string>()
  const credentials = bulk.map(([gateway]) => issued.devices.find(d => d.deviceId === gateway!.deviceId)!.credentials)
  const group = { connections: BULK_CONNECTIONS, window: 256, rate: rate - RATE, devices: BULK_DEVICES, prefix: 'blk', credentials }
  const bulkLoad = rate > RATE ? load({ port: running.mqttPort, groups: [group], ms: (WARM_UP_S + SECONDS) * 1000, drainMs: 5000 }) : null
  console.log('BEGUN')
  const begun = performance.now()
  countFrom = performance.timeOrigin + begun + WARM_UP_S * 1000
  const pending: Promise<void>[] = []
  for (let n = 0; n < RATE * (WARM_UP_S + SECONDS); n++) {
    const due = begun + (n * 1000) / RATE
    const earlyMs = due - performance.now()
    if (earlyMs > 0) await delay(earlyMs)
    const deviceId = `smk-${n % GATEWAYS}-${Math.floor(n / GATEWAYS) % DEVICES_EACH}`
    const isAlarm = n % ALARM_EVERY === 0 && !alarmed.has(deviceId)
    const at = performance.timeOrigin + performance.now()
    if (isAlarm) {
      alarmed.add(deviceId)
      sentAt.set(deviceId, at)
    }
    const body = {
      v: 1,
      deviceId,
      kind: 'smoke',
      ts: Math.round(at),
      alarms: { smoke: alarmed.has(deviceId) },
      smoke: { obscurationDbPerM: 0.01, temperatureC: 21.5, coPpm: 2 },
    }
    pending.push(
      new Promise(resolve => {
        clients[n % GATEWAYS]!.publish(`fire/v1/smoke/${deviceId}/telemetry`, JSON.stringify(body), { qos: 1 }, () => {
          acked += 1
          if (at >= countFrom) ackedMs.push(performance.timeOrigin + performance.now() - at)
          resolve()
        })
      }),
    )
  }
  await Promise.all(pending)
  const bulkAcked = (await bulkLoad)?.acked ?? 0
  const cpuAfter = await Promise.all(pids.map(cpuSeconds))
  const roles = await Promise.all(pids.map(roleOf))
  const tookS = (performance.now() - begun) / 1000
  await delay(1000)
  socket.close()
  for (const client of clients) await client.endAsync()

  const base = percentile(ackedMs, 0.5)
  process.stdout.write('')
  console.log(
    `${rate.toLocaleString('en')} messages/s wanted, ${((acked + bulkAcked) / tookS).toFixed(0)} acknowledged, ${alarmed.size} alarms sent, ${seen} seen`,
  )
  process.stdout.write('')
  console.log(line('publish -> durable PUBACK (baseline)', ackedMs, base))
  process.stdout.write('')
  console.log(line('publish -> alarm committed in queue', queuedMs, base))
  process.stdout.write('')
  console.log(line('publish -> alarm at a live socket', shownMs, base))
  const cpu = roles.map((role, i) => `${role} ${(((cpuAfter[i]! - cpuBefore[i]!) * 1000) / (acked + bulkAcked)).toFixed(2)}`)
  process.stdout.write('')
  console.log(`CPU ms a message, by process: ${cpu.join(', ')}`)
  if (seen !== alarmed.size) process.exitCode = 1
}
