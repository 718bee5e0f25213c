// Publish -> station speaker: a detector's message through the whole running system to the tablet or speaker of a station that listens over
// MQTT, told by its ladder; the PUBACK of the same messages in the same run is the baseline. Each message is the first fire of another home.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { device, start } from '../test/system/running.ts'
import { line, percentile } from './queue-desk.ts'

const FIRES = 300
const EVERY_MS = 100
const GATEWAY = 'gw-speaker'
const STATION = 'station-speaker'

const folder = await mkdtemp(join(tmpdir(), 'fengsui-bench-'))
const notifyFile = join(folder, 'notify.yaml')
await writeFile(
  notifyFile,
  `channels:\n  speaker: {type: mqtt, kind: micro-station}\nrecipients:\n  - name: crew\n    ladder: [{channel: speaker, to: ${STATION}, waitS: 60}]\n`,
)
{
  await using running = await start({ env: { FENGSUI_NOTIFY_FILE: notifyFile, FENGSUI_DEVICE_RATE: '0' } })
  const rows = [
    { deviceId: GATEWAY, kind: 'gateway' },
    { deviceId: STATION, kind: 'micro-station' },
    ...Array.from({ length: FIRES }, (_, n) => ({ deviceId: `smk-${n}`, kind: 'smoke', via: GATEWAY, place: { building: `home ${n}` } })),
  ]
  type Issued = { devices: { deviceId: string; credentials: { username: string; password: string } }[] }
  const issued = (await (await running.api('/api/v1/devices', { method: 'POST', json: rows })).json()) as Issued
  const connect = async (deviceId: string) => {
    const found = issued.devices.find(one => one.deviceId === deviceId)
    if (found === undefined) throw new Error(`${deviceId} was not registered`)
    return device(running, found.credentials.username, found.credentials.password)
  }
  const now = () => performance.timeOrigin + performance.now()
  const [gateway, speaker] = [await connect(GATEWAY), await connect(STATION)]
  const sentAt = new Map<string, number>()
  const [ackedMs, heardMs]: [number[], number[]] = [[], []]
  speaker.on('message', (_topic, payload) => {
    const command = JSON.parse(payload.toString()) as {
      id: string
      parameters: { event: string; incident: { place?: { building?: string } } }
    }
    void speaker.publishAsync(`fire/v1/micro-station/${STATION}/ack`, JSON.stringify({ v: 1, id: command.id, status: 'received' }), {
      qos: 1,
    })
    const building = command.parameters.incident.place?.building ?? ''
    const at = sentAt.get(building)
    if (command.parameters.event !== 'opened' || at === undefined) return
    sentAt.delete(building)
    heardMs.push(now() - at)
  })
  await speaker.subscribeAsync(`fire/v1/micro-station/${STATION}/cmd`, { qos: 1 })
  await delay(1000)
  for (let n = 0; n < FIRES; n++) {
    const at = now()
    sentAt.set(`home ${n}`, at)
    const body = { v: 1, deviceId: `smk-${n}`, kind: 'smoke', ts: Math.round(at), alarms: { smoke: true } }
    void gateway.publishAsync(`fire/v1/smoke/smk-${n}/telemetry`, JSON.stringify(body), { qos: 1 }).then(() => ackedMs.push(now() - at))
    await delay(EVERY_MS)
  }
  await delay(3000)
  const base = percentile(ackedMs, 0.5)
  console.log(line('publish -> durable PUBACK (baseline)', ackedMs, base))
  console.log(line('publish -> station speaker over MQTT', heardMs, base))
  if (heardMs.length !== FIRES) {
    console.log(`${FIRES - heardMs.length} of ${FIRES} fires were not heard`)
    process.exitCode = 1
  }
  await gateway.endAsync()
  await speaker.endAsync()
}
await rm(folder, { recursive: true, force: true })
