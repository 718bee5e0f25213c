// Persistent sessions of the running system over kill -9 of every process: nothing that was acknowledged to a
// publisher is missing for the subscriber that was away, and retained messages are there.
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { expect, test } from 'vitest'
import { processTree } from '../../bench/process-tree.ts'
import { freePort, register, start, until, type Running } from './running.ts'

const open = (running: Running, o: IClientOptions): Promise<MqttClient> =>
  mqtt.connectAsync(`mqtt://127.0.0.1:${running.mqttPort}`, { protocolVersion: 4, reconnectPeriod: 0, ...o }, false)

test('a subscriber that was away gets all that was acknowledged before kill -9, and what is retained is there', async () => {
  const ports = { mqtt: await freePort(), http: await freePort(), flows: 0 }
  let running = await start({ ports })
  const sensor = await register(running, { deviceId: 'd1', kind: 'smoke' })
  const watcher = { ...(await register(running, { deviceId: 'watch', kind: 'other', grants: ['fire/v1/#'] })), clientId: 'w', clean: false }
  const away = await open(running, watcher)
  await away.subscribeAsync('fire/v1/+/d1/#', { qos: 2 })
  await away.endAsync(true)

  const sent: string[] = []
  const publish = async (count: number): Promise<void> => {
    const device = await open(running, sensor)
    await device.publishAsync('fire/v1/smoke/d1/status', JSON.stringify({ v: 1, deviceId: 'd1', online: true }), { qos: 1, retain: true })
    for (let i = 0; i < count; i++) {
      const msgId = `m${sent.length}`
      const payload = JSON.stringify({ v: 1, deviceId: 'd1', kind: 'smoke', msgId, metrics: { temperature_c: 20 } })
      await device.publishAsync('fire/v1/smoke/d1/telemetry', payload, { qos: i % 3 === 0 ? 2 : 1 })
      sent.push(msgId)
    }
    device.end(true)
  }
  await publish(120)
  // all of them at once: a process that only sees its supervisor gone would end in order
  for (const pid of await processTree(running.process.pid ?? 0)) process.kill(pid, 'SIGKILL')
  await running.kill()
  running = await start({ ports, dir: running.dir })

  const got: string[] = []
  let retained = 0
  const back = mqtt.connect(`mqtt://127.0.0.1:${running.mqttPort}`, { protocolVersion: 4, reconnectPeriod: 0, ...watcher })
  let present = false
  back.on('connect', connack => (present = connack.sessionPresent))
  back.on('message', (topic, payload, packet) => {
    if (packet.retain) retained++
    else if (topic.endsWith('telemetry')) got.push((JSON.parse(payload.toString()) as { msgId: string }).msgId)
  })
  await until(
    () => got.length >= sent.length,
    60_000,
    () => `${got.length} of ${sent.length}`,
  )
  expect(present).toBe(true)
  expect([...new Set(got)].toSorted()).toEqual(sent.toSorted()) // mqtt.js shows QoS 2 when it is released
  await back.subscribeAsync('fire/v1/smoke/d1/status', { qos: 1 })
  await until(() => retained > 0, 60_000, 'the retained status')
  back.end(true)
  await running.stop()
})
