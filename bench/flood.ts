// The flood on the running system: 10,000 devices in 200 places say within a minute that something is wrong, three real fires among them, over
// MQTT. Counted: alarms in the queue, the first word of each place to a webhook, the five first rows of the API, and what looks at the
// queue cost meanwhile. The PUBACK of the same messages is the baseline.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import mqtt from 'mqtt'
import { isHazard } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import { makeFlood } from '../test/flood.ts'
import { start } from '../test/system/running.ts'
import { cpuSeconds, processTree, roleOf } from './process-tree.ts'
import { line, percentile } from './queue-desk.ts'

const SECONDS = 60
const GATEWAYS = 20
const LOOK_EVERY_MS = 2_000
const SEED = 7
const now = () => performance.timeOrigin + performance.now()

const toldAt = new Map<string, number>()
const receiver = createServer((request, response) => {
  let body = ''
  request.on('data', chunk => (body += String(chunk)))
  request.on('end', () => {
    response.end()
    const { event, incident } = JSON.parse(body) as { event: string; incident: { place?: { building?: string } } }
    const building = incident.place?.building ?? ''
    if (event === 'opened' && !toldAt.has(building)) toldAt.set(building, now())
  })
})
await new Promise<void>(resolve => receiver.listen(0, '127.0.0.1', resolve))
const hook = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/fires`
const env = {
  FENGSUI_WEBHOOK_URL: hook,
  FENGSUI_WEBHOOK_SECRET: 'a-secret-of-some-length',
  FENGSUI_DEVICE_RATE: '0',
  FENGSUI_ANONYMOUS_DEVICES: 'true',
}

await using running = await start({ env })
const flood = makeFlood({ seed: SEED, beginMs: Date.now() })
// 10,000 credentials take minutes to make: the door is open, and each device says who and where it is first
const clients = await Promise.all(
  Array.from({ length: GATEWAYS }, (_, i) => mqtt.connectAsync(`mqtt://127.0.0.1:${running.mqttPort}`, { clientId: `gw-${i}` })),
)
const clientOf = new Map(flood.devices.map(({ deviceId }, i) => [deviceId, clients[i % GATEWAYS]]))
await Promise.all(
  flood.devices.map(async ({ deviceId, kind, place: { area: _area, ...place }, position }) => {
    const about = JSON.stringify({ v: 1, deviceId, kind, place, position })
    await clientOf.get(deviceId)?.publishAsync(`fire/v1/${kind}/${deviceId}/about`, about, { qos: 1, retain: true })
  }),
)
const known = async (): Promise<boolean> =>
  /(\d+) devices known/.exec(await (await fetch(`${running.http}/readyz`)).text())?.[1] === String(flood.devices.length)
for (let i = 0; i < 60 && !(await known()); i++) await delay(1_000)
const positionOf = new Map(flood.devices.map(({ deviceId, position }) => [deviceId, position]))
const buildingOf = new Map(flood.devices.map(({ deviceId, place }) => [deviceId, place.building ?? '']))

const open = async (): Promise<Incident[]> =>
  (await running.get<{ incidents: Incident[] }>('/api/v1/incidents?state=open&limit=5')).incidents
const lookMs: number[] = []
let isOver = false
const looking = (async () => {
  while (!isOver) {
    const from = performance.now()
    await open()
    lookMs.push(performance.now() - from)
    await delay(LOOK_EVERY_MS)
  }
})()

const pids = await processTree(running.process.pid ?? 0)
const cpuBefore = await Promise.all(pids.map(cpuSeconds))
const ackedMs: number[] = []
const signAt = new Map<string, number>()
const [first] = flood.messages
const begun = performance.now()
const pending: Promise<void>[] = []
for (const { atMs, deviceId, topic, body } of flood.messages) {
  const earlyMs = begun + atMs - (first?.atMs ?? 0) - performance.now()
  if (earlyMs > 0) await delay(earlyMs)
  const at = now()
  const flags = Object.keys((body as { alarms: object }).alarms)
  const building = buildingOf.get(deviceId) ?? ''
  const isSign = flags.some(flag => ['smoke', 'heat', 'manualCall', 'preAlarm'].includes(flag))
  if (isSign && !signAt.has(building)) signAt.set(building, at)
  const client = clientOf.get(deviceId)
  if (client === undefined) throw new Error(`${deviceId} has no connection`)
  pending.push(
    client
      .publishAsync(topic, JSON.stringify({ ...body, ts: Math.round(at), position: positionOf.get(deviceId) }), { qos: 1 })
      .then(() => void ackedMs.push(now() - at)),
  )
}
await Promise.all(pending)
const tookS = (performance.now() - begun) / 1000
await delay(3_000)
isOver = true
await looking
const cpuAfter = await Promise.all(pids.map(cpuSeconds))
const roles = await Promise.all(pids.map(roleOf))

const metrics = await (await running.api('/metrics')).text()
const raised = [...metrics.matchAll(/^fengsui_alarms_raised_total\{kind="([^"]+)"\} (\d+)/gm)].map(
  ([, kind, n]) => [kind, Number(n)] as const,
)
const inQueue = raised.reduce((sum, [, n]) => sum + n, 0)
const top = await open()
const toldMs = [...signAt].map(([building, at]) => (toldAt.get(building) ?? Infinity) - at)
const base = percentile(ackedMs, 0.5)
const burning = top.filter(one => flood.fires.includes(one.place?.building ?? '')).length

console.log(
  `${flood.messages.length.toLocaleString('en')} messages in ${tookS.toFixed(0)} s (planned ${SECONDS}), ${inQueue.toLocaleString('en')} alarms in the queue, ${raised.filter(([kind]) => isHazard(kind as 'fire-alarm')).reduce((sum, [, n]) => sum + n, 0)} of them of fires`,
)
console.log(line('publish -> durable PUBACK (baseline)', ackedMs, base))
console.log(line("a place's first sign -> the webhook", toldMs, base))
console.log(line('GET /incidents, the first five', lookMs, base))
console.log(`real fires in the first five rows: ${burning} of ${flood.fires.length}`)
console.log(
  `CPU s of the minute, by process: ${roles.map((role, i) => `${role} ${((cpuAfter[i] ?? 0) - (cpuBefore[i] ?? 0)).toFixed(1)}`).join(', ')}`,
)
for (const client of clients) await client.endAsync()
receiver.closeAllConnections()
receiver.close()
if (inQueue < flood.messages.length || burning < flood.fires.length) process.exitCode = 1
