// What people build otherwise, as the control of the flows' benchmarks: mosquitto (or Aedes, where it is not installed) and a stock Node-RED 5 that
// posts its alerts, and in batches its points, to a server that counts them and can be away.
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer as createHttp } from 'node:http'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Aedes } from 'aedes'
import { freePort, isOpen, root, until } from '../test/system/running.ts'

const MOSQUITTO = '/usr/sbin/mosquitto'
export const brokerName = existsSync(MOSQUITTO) ? 'mosquitto' : 'Aedes'

export type Sink = {
  url: string
  /** alerts by their text: how often, and when first (as performance.now() of this process) */
  alerts: Map<string, { n: number; atMs: number }>
  points: Set<string>
  alertsDown: boolean
  pointsDown: boolean
}
export type Stock = {
  mqttPort: number
  url: string
  pid(): number
  killFlows(): Promise<void>
  killAll(): Promise<void>
  /** a full deploy */
  deploy(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

export async function startSink(): Promise<Sink & AsyncDisposable> {
  const server = createHttp((req, res) => {
    const isPoints = req.url === '/points'
    if (isPoints ? sink.pointsDown : sink.alertsDown) {
      req.socket.destroy()
      return
    }
    const atMs = performance.now()
    let body = ''
    req.on('data', chunk => (body += String(chunk)))
    req.on('end', () => {
      if (isPoints) for (const line of body.split('\n')) sink.points.add(line)
      else {
        const seen = sink.alerts.get(body)
        if (seen === undefined) sink.alerts.set(body, { n: 1, atMs })
        else seen.n++
      }
      res.end('{}')
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const sink = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    alerts: new Map<string, { n: number; atMs: number }>(),
    points: new Set<string>(),
    alertsDown: false,
    pointsDown: false,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
    },
  }
  return sink
}

/** `nodes` stand on the tab `tab`; what reads is wired to them as `mqtt in` with the broker `broker`. */
export async function startStock(nodes: object[]): Promise<Stock> {
  const dir = await mkdtemp(join(tmpdir(), 'flows-stock-'))
  const [mqttPort, redPort] = [await freePort(), await freePort()]
  const url = `http://127.0.0.1:${redPort}`
  const flows = [
    { id: 'broker', type: 'mqtt-broker', broker: '127.0.0.1', port: String(mqttPort), clientid: 'node-red', cleansession: true, autoConnect: true, keepalive: '60', protocolVersion: '4' },
    { id: 'tab', type: 'tab', label: 'load' },
    ...nodes,
  ] // prettier-ignore
  await writeFile(join(dir, 'flows.json'), JSON.stringify(flows))
  await writeFile(
    join(dir, 'settings.js'),
    `module.exports = { flowFile: 'flows.json', uiHost: '127.0.0.1', uiPort: ${redPort}, telemetry: { enabled: false, updateNotification: false }, logging: { console: { level: 'error' } } }\n`,
  )
  await writeFile(
    join(dir, 'mosquitto.conf'),
    `listener ${mqttPort} 127.0.0.1\nallow_anonymous true\nlog_type error\nmax_queued_messages 0\n`,
  )

  async function broker(): Promise<() => Promise<void>> {
    if (brokerName === 'mosquitto') {
      const child = spawn(MOSQUITTO, ['-c', join(dir, 'mosquitto.conf')], { stdio: 'ignore' })
      await until(() => isOpen(mqttPort), 20_000, 'mosquitto listens')
      return () => ended(child)
    }
    const aedes = await Aedes.createBroker()
    const server = createServer(socket => void aedes.handle(socket))
    await new Promise<void>(resolve => server.listen(mqttPort, '127.0.0.1', resolve))
    return async () => {
      aedes.close()
      await new Promise(resolve => server.close(resolve))
    }
  }
  async function nodeRed(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [join(root, 'node_modules/node-red/red.js'), '-u', dir, '-s', join(dir, 'settings.js')], {
      stdio: 'ignore',
    })
    await until(() => isOpen(redPort), 60_000, 'the stock Node-RED listens')
    await delay(2000) // it subscribes
    return child
  }
  let killBroker = await broker()
  let red = await nodeRed()
  return {
    mqttPort,
    url,
    pid: () => red.pid ?? 0,
    async killFlows() {
      await ended(red)
      red = await nodeRed()
    },
    async killAll() {
      await killBroker()
      await ended(red)
      await delay(500)
      killBroker = await broker()
      red = await nodeRed()
    },
    async deploy() {
      const headers = { 'content-type': 'application/json', 'Node-RED-Deployment-Type': 'full' }
      await fetch(`${url}/flows`, { method: 'POST', headers, body: JSON.stringify(flows) })
    },
    async [Symbol.asyncDispose]() {
      await ended(red)
      await killBroker()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
