// Sample payloads sent the way their devices send them, each over its own transport: our broker, a foreign broker that is read by a bridge, HTTP
// pushes with the platform's own proof, event streams of cameras, TCP and UDP. Returns when everything has been answered.
import { createHash, createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { createServer, type Server, type ServerResponse } from 'node:http'
import { connect as tcp, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { createSocket } from 'node:dgram'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Aedes } from 'aedes'
import mqtt from 'mqtt'
import type { Sample } from './ingest/samples.ts'
import { freePort, until } from './system/running.ts'

export type Sent = Pick<Sample, 'family' | 'file' | 'topic' | 'payload' | 'retain'>
export type Site = {
  /** settings that open every entrance */
  env: Record<string, string>
  /** sends in order, those of one transport before those of the next */
  send(samples: readonly Sent[], mqttPort: number, login: { username: string; password: string }): Promise<void>
  close(): Promise<void>
}

const TOKEN = 'a-shared-secret-of-the-tests'
const BOUNDARY = 'fengsui'
type Way = 'mqtt' | 'bridge' | 'push' | 'hikvision' | 'dahua' | 'gbt26875' | 'dc09' | 'meokon' | 'mavlink'

export function wayOf({ topic, payload, family }: Sent): Way {
  if (topic.startsWith('application/') || topic.startsWith('v3/')) return 'bridge'
  const entrance = /^in\/([a-z0-9-]+)\//.exec(topic)?.[1]
  if (entrance === 'gbt26875' || entrance === 'meokon' || entrance === 'mavlink') return entrance
  if (entrance === 'alarm-panel-dc09') return 'dc09'
  if (entrance === 'nbiot-cn') return 'push'
  if (entrance !== 'cameras' || family !== 'cameras') return 'mqtt'
  const text = Buffer.from(payload).toString('latin1')
  if (text.includes('Code=')) return 'dahua'
  return text.includes('EventNotificationAlert') || text.includes('macAddress') ? 'hikvision' : 'push'
}

export async function openSite(dir: string): Promise<Site> {
  const foreign = await Aedes.createBroker()
  const foreignServer = createTcpServer(socket => void foreign.handle(socket))
  await new Promise<void>(resolve => foreignServer.listen(0, '127.0.0.1', resolve))
  const cameras = { hikvision: await camera(), dahua: await camera() }
  const ports = {
    gbt26875: await freePort(),
    dc09: await freePort(),
    meokon: await freePort(),
    mavlink: await freePort(),
    push: await freePort(),
  }
  const platforms = ['ctwing', 'oceanconnect', 'onenet', 'tuya', 'feibee', 'vias', 'hikvision']
  const pushFile = join(dir, 'push.json')
  writeFileSync(pushFile, JSON.stringify({ sources: platforms.map(platform => ({ name: platform, platform, token: TOKEN })) }))
  const bridgesFile = join(dir, 'bridges.json')
  const topics = [{ filter: 'application/#' }, { filter: 'v3/#' }]
  const streams = (['hikvision', 'dahua'] as const).map(vendor => ({ name: vendor, vendor, url: cameras[vendor].url }))
  const foreignUrl = `mqtt://127.0.0.1:${(foreignServer.address() as AddressInfo).port}`
  writeFileSync(bridgesFile, JSON.stringify({ mqtt: [{ name: 'network', url: foreignUrl, topics }], cameras: streams }))

  async function overMqtt(url: string, samples: readonly Sent[], login: object): Promise<void> {
    const client = await mqtt.connectAsync(url, { reconnectPeriod: 0, ...login })
    for (const { topic, payload, retain } of samples) await client.publishAsync(topic, Buffer.from(payload), { qos: 1, retain })
    await client.endAsync()
  }

  /** The connection stays until everything it sent is answered, or nothing more can be expected. */
  async function overTcp(port: number, samples: readonly Sent[], bytesOf: (sample: Sent) => Buffer, answerMs: number): Promise<void> {
    for (const sample of samples) {
      const socket = tcp(port, '127.0.0.1')
      const answered = new Promise<void>(resolve => socket.once('data', () => resolve()))
      socket.write(bytesOf(sample))
      await Promise.race([answered, delay(answerMs)])
      socket.end()
      await new Promise(resolve => socket.once('close', resolve))
    }
  }

  /** A transmitter that has spoken stays connected: on a slow machine its absence would be told before all is sent. */
  const standing: Socket[] = []
  function stays(port: number, sample: Sent | undefined): void {
    if (sample === undefined) return
    const socket = tcp(port, '127.0.0.1').on('error', () => {})
    socket.resume().write(unhexed(sample))
    standing.push(socket)
  }

  async function overUdp(samples: readonly Sent[]): Promise<void> {
    const socket = createSocket('udp4')
    for (const sample of samples)
      await new Promise<void>((resolve, reject) =>
        socket.send(unhexed(sample), ports.mavlink, '127.0.0.1', error => (error === null ? resolve() : reject(error))),
      )
    await delay(1_200) // the listener gathers for a second
    socket.close()
  }

  async function overPush(samples: readonly Sent[]): Promise<void> {
    for (const sample of samples) {
      const platform = platformOf(sample)
      const { body, headers } = proven(platform, Buffer.from(sample.payload))
      const answer = await fetch(`http://127.0.0.1:${ports.push}/push/${platform}/${platform}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: Uint8Array.from(body),
      })
      if (answer.status !== 200) throw new Error(`${sample.file}: ${answer.status} ${await answer.text()}`)
    }
  }

  return {
    env: {
      FENGSUI_GBT26875_PORT: String(ports.gbt26875),
      FENGSUI_DC09_PORT: String(ports.dc09),
      FENGSUI_MEOKON_PORT: String(ports.meokon),
      FENGSUI_MAVLINK_PORT: String(ports.mavlink),
      FENGSUI_PUSH_PORT: String(ports.push),
      FENGSUI_PUSH_FILE: pushFile,
      FENGSUI_BRIDGES_FILE: bridgesFile,
    },
    async send(samples, mqttPort, login) {
      const by = Map.groupBy(samples, wayOf)
      const of = (way: Way): Sent[] => by.get(way) ?? []
      await until(
        () => foreign.connectedClients > 0 && cameras.hikvision.isRead() && cameras.dahua.isRead(),
        10_000,
        'bridge and streams are there',
      )
      await Promise.all([
        overMqtt(`mqtt://127.0.0.1:${mqttPort}`, of('mqtt'), login),
        overMqtt(foreignUrl, of('bridge'), {}),
        overPush(of('push')),
        ...(['hikvision', 'dahua'] as const).map(async vendor => of(vendor).forEach(one => cameras[vendor].tell(one))),
        overTcp(ports.gbt26875, of('gbt26875'), unhexed, 300).then(() =>
          stays(
            ports.gbt26875,
            of('gbt26875').find(({ file }) => file === 'heartbeat.bin'),
          ),
        ),
        overTcp(ports.dc09, of('dc09'), ({ payload }) => Buffer.from(payload), 300),
        overTcp(ports.meokon, of('meokon'), ({ payload }) => Buffer.from(payload), 20),
        overUdp(of('mavlink')),
      ])
    },
    async close() {
      for (const socket of standing) socket.destroy()
      cameras.hikvision.close()
      cameras.dahua.close()
      await new Promise<void>(resolve => foreign.close(() => resolve()))
      foreignServer.close()
    },
  }
}

const unhexed = ({ payload, file }: Sent): Buffer => {
  const bytes = Buffer.from(payload)
  return file.endsWith('.hex') ? Buffer.from(bytes.toString('latin1').replaceAll(/\s/g, ''), 'hex') : bytes
}

function platformOf({ topic }: Sent): string {
  const [, family, name = ''] = topic.split('/')
  if (family === 'cameras') return name === 'vias' ? name : 'hikvision'
  return name === 'oc' ? 'oceanconnect' : name
}

/** With the platform's own proof; OneNET's is inside the body. */
function proven(platform: string, body: Buffer): { body: Buffer; headers: Record<string, string> } {
  if (platform === 'onenet') {
    const given = JSON.parse(body.toString()) as { msg?: unknown; nonce?: string }
    const msg = typeof given.msg === 'string' ? given.msg : JSON.stringify(given.msg)
    const signature = createHash('md5').update(`${TOKEN}n0nce${msg}`).digest('base64')
    const { msg: _, ...rest } = given
    return {
      body: Buffer.from(JSON.stringify({ ...rest, msg: given.msg, nonce: 'n0nce', msg_signature: signature, signature })),
      headers: {},
    }
  }
  const t = '1767225600000'
  if (platform === 'tuya') return { body, headers: { t, sign: createHmac('sha256', TOKEN).update(t).update(body).digest('hex') } }
  return { body, headers: { token: TOKEN } }
}

/** A camera that is asked for its events and keeps the answer open. */
async function camera(): Promise<{ url: string; isRead(): boolean; tell(sample: Sent): void; close(): void }> {
  let open: ServerResponse | undefined
  const server: Server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': `multipart/mixed; boundary=${BOUNDARY}` })
    response.write(`--${BOUNDARY}\r\n`)
    open = response
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    isRead: () => open !== undefined,
    tell({ payload, file }) {
      const bytes = Buffer.from(payload)
      const type = file.endsWith('.json') ? 'application/json' : file.endsWith('.xml') ? 'application/xml' : 'text/plain'
      open?.write(`Content-Type: ${type}\r\nContent-Length: ${bytes.length}\r\n\r\n`)
      open?.write(bytes)
      open?.write(`\r\n--${BOUNDARY}\r\n`)
    },
    close() {
      server.closeAllConnections()
      server.close()
    },
  }
}
