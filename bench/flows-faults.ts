// Faults under 500 readings a second, with the real processes: which alarms of a flow are lost or stand there twice. Beside it what people build
// otherwise, under the same faults: a stock Node-RED fed by MQTT that posts its alarms. The control must lose some, or the rest would prove nothing.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { createServer as createHttp } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { Aedes } from 'aedes'
import mqtt from 'mqtt'
import { ALARM_EVERY, deploy, flowsPid, gateway, load, outcome, type Outcome } from '../test/system/flow-load.ts'
import { freePort, isOpen, root, start, until } from '../test/system/running.ts'
import { processTree, roleOf } from './process-tree.ts'

const RATE = 500
const SECONDS = 10
const DOWN_MS = 10_000
const said = (who: string, fault: string, { expected, missing, doubled }: Outcome): void =>
  console.log(
    `${who.padEnd(6)} ${fault.padEnd(34)} ${RATE * SECONDS} readings, ${expected} alarms: ${missing.length} lost, ${doubled.length} doubled`,
  )

// ours
let running = await start({ flows: true, env: { FENGSUI_DEVICE_RATE: '0' } })
await until(async () => (await running.api('/flows/settings')).status === 200, 60_000, 'Node-RED answers')
await deploy(running)
const client = await gateway(running)
const ports = { mqtt: running.mqttPort, http: Number(new URL(running.http).port), flows: running.flowsPort }
const core = async (): Promise<number> => {
  const pids = await processTree(running.process.pid!)
  const roles = await Promise.all(pids.map(roleOf))
  return pids[roles.indexOf('core')]!
}
const faults: Record<string, () => Promise<void>> = {
  'kill -9 of the flows': async () => void process.kill(flowsPid(running), 'SIGKILL'),
  'full deploy': () => deploy(running, { more: [{ id: 'note', type: 'comment', z: 'load-tab', name: 'another', x: 9, y: 9, wires: [] }] }),
  'the API does not answer for 10 s': async () => {
    const pid = await core()
    process.kill(pid, 'SIGSTOP')
    await delay(DOWN_MS)
    process.kill(pid, 'SIGCONT')
  },
  'kill -9 of the main process': async () => {
    const { dir } = running
    await running.kill()
    running = await start({ flows: true, dir, ports, env: { FENGSUI_DEVICE_RATE: '0' } })
  },
}
let failed = false
for (const [fault, strike] of Object.entries(faults)) {
  const result = await outcome(running, await load(client, { rate: RATE, seconds: SECONDS, fault: strike }))
  said('ours', fault, result)
  failed ||= result.missing.length > 0 || result.doubled.length > 0
}
await client.endAsync()
await running.stop()
await rm(running.dir, { recursive: true, force: true })

// the control
const hasMosquitto = existsSync('/usr/sbin/mosquitto')
const dir = await mkdtemp(join(tmpdir(), 'flows-stock-'))
const [mqttPort, redPort] = [await freePort(), await freePort()]
const posted = new Map<string, number>()
let isDown = false
const sink = createHttp((req, res) => {
  if (isDown) {
    req.socket.destroy()
    return
  }
  let body = ''
  req.on('data', chunk => (body += String(chunk)))
  req.on('end', () => (posted.set(body, (posted.get(body) ?? 0) + 1), res.end('{}')))
})
await new Promise<void>(resolve => sink.listen(0, '127.0.0.1', resolve))
const stockFlows = [
  { id: 'broker', type: 'mqtt-broker', broker: '127.0.0.1', port: String(mqttPort), clientid: 'node-red', cleansession: true, autoConnect: true, keepalive: '60', protocolVersion: '4' },
  { id: 'tab', type: 'tab', label: 'load' },
  { id: 'in', type: 'mqtt in', z: 'tab', topic: 'fire/#', qos: '1', datatype: 'json', broker: 'broker', wires: [['each']] },
  { id: 'each', type: 'function', z: 'tab', func: `if (msg.payload.ts % ${ALARM_EVERY} !== 0) return null\nmsg.payload = new Date(msg.payload.ts).toISOString()\nreturn msg`, outputs: 1, wires: [['post']] },
  { id: 'post', type: 'http request', z: 'tab', method: 'POST', ret: 'txt', url: `http://127.0.0.1:${(sink.address() as AddressInfo).port}/`, wires: [[]] },
] // prettier-ignore
await writeFile(join(dir, 'flows.json'), JSON.stringify(stockFlows))
await writeFile(
  join(dir, 'settings.js'),
  `module.exports = { flowFile: 'flows.json', uiHost: '127.0.0.1', uiPort: ${redPort}, telemetry: { enabled: false, updateNotification: false }, logging: { console: { level: 'error' } } }\n`,
)
await writeFile(join(dir, 'mosquitto.conf'), `listener ${mqttPort} 127.0.0.1\nallow_anonymous true\nlog_type error\n`)
async function broker(): Promise<{ kill(): Promise<void> }> {
  if (hasMosquitto) {
    const child = spawn('/usr/sbin/mosquitto', ['-c', join(dir, 'mosquitto.conf')], { stdio: 'ignore' })
    await until(() => isOpen(mqttPort), 20_000, 'mosquitto listens')
    return { kill: async () => void child.kill('SIGKILL') }
  }
  const aedes = await Aedes.createBroker()
  const server = createServer(socket => void aedes.handle(socket))
  await new Promise<void>(resolve => server.listen(mqttPort, '127.0.0.1', resolve))
  return {
    async kill() {
      aedes.close()
      await new Promise(resolve => server.close(resolve))
    },
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
let stockBroker = await broker()
let stock = await nodeRed()
const kill9 = async (): Promise<void> => {
  stock.kill('SIGKILL')
  stock = await nodeRed()
}
const stockFaults: Record<string, () => Promise<void>> = {
  'kill -9 of the flows': kill9,
  'full deploy': async () => {
    const headers = { 'content-type': 'application/json', 'Node-RED-Deployment-Type': 'full' }
    await fetch(`http://127.0.0.1:${redPort}/flows`, { method: 'POST', headers, body: JSON.stringify(stockFlows) })
  },
  'the API does not answer for 10 s': async () => {
    isDown = true
    await delay(DOWN_MS)
    isDown = false
  },
  'kill -9 of broker and flows': async () => {
    await stockBroker.kill()
    stock.kill('SIGKILL')
    await delay(500)
    stockBroker = await broker()
    stock = await nodeRed()
  },
}
console.log(`stock: Node-RED 5 as it is installed, ${hasMosquitto ? 'mosquitto' : 'Aedes'}, QoS 1, alarms by http request`)
const publisher = await mqtt.connectAsync(`mqtt://127.0.0.1:${mqttPort}`, {
  reconnectPeriod: 200,
  clean: false,
  clientId: 'gw-load',
  protocolVersion: 4,
})
publisher.on('error', () => {})
let lost = 0
for (const [fault, strike] of Object.entries(stockFaults)) {
  const expected = await load(publisher, { rate: RATE, seconds: SECONDS, fault: strike })
  await delay(3000)
  const missing = [...expected].filter(ts => !posted.has(ts))
  lost += missing.length
  said('stock', fault, { expected: expected.size, missing, doubled: [...expected].filter(ts => (posted.get(ts) ?? 0) > 1), raised: 0 })
}
await publisher.endAsync(true)
stock.kill('SIGKILL')
await stockBroker.kill()
sink.closeAllConnections()
sink.close()
await rm(dir, { recursive: true, force: true })
if (failed || lost === 0) process.exitCode = 1
