// Faults under 500 readings a second, with the real processes: which alarms of a flow are lost or stand there twice, and which readings never reach
// InfluxDB. Beside it what people build otherwise, under the same faults: a stock Node-RED fed by MQTT that posts its alarms and points. The control must
// lose some, or the rest would prove nothing. Arguments choose faults by a word of their names.
import { rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import mqtt from 'mqtt'
import { startInflux, type Influxd } from '../test/ingest/influxd.ts'
import { ALARM_EVERY, deploy, flowsPid, gateway, load, outcome, type Outcome } from '../test/system/flow-load.ts'
import { start, until } from '../test/system/running.ts'
import { processTree, roleOf } from './process-tree.ts'
import { brokerName, startSink, startStock } from './stock-node-red.ts'

const RATE = 500
const SECONDS = 10
const DOWN_MS = 10_000
const chosen = process.argv.slice(2)
const wanted = <T>(all: Record<string, T>): [string, T][] =>
  Object.entries(all).filter(([name]) => chosen.length === 0 || chosen.some(word => name.includes(word)))
const said = (who: string, fault: string, { expected, missing, doubled }: Omit<Outcome, 'raised'>, more = ''): void =>
  console.log(
    `${who.padEnd(6)} ${fault.padEnd(34)} ${RATE * SECONDS} readings, ${expected} alarms: ${missing.length} lost, ${doubled.length} doubled${more}`,
  )
console.log(`load of the machine at the start: ${loadavg()[0]!.toFixed(1)}`)

// ours
const influx: Influxd = await startInflux()
const env = { FENGSUI_DEVICE_RATE: '0', FENGSUI_INFLUX_URL: influx.url, FENGSUI_INFLUX_BUCKET: 'flows' }
let running = await start({ flows: true, env })
await until(async () => (await running.api('/flows/settings')).status === 200, 60_000, 'Node-RED answers')
await deploy(running)
const client = await gateway(running)
const ports = { mqtt: running.mqttPort, http: Number(new URL(running.http).port), flows: running.flowsPort }
const core = async (): Promise<number> => {
  const pids = await processTree(running.process.pid!)
  const roles = await Promise.all(pids.map(roleOf))
  return pids[roles.indexOf('core')]!
}
async function points(): Promise<number> {
  const query = encodeURIComponent('SELECT count("temperature_c") FROM "environment"')
  const { results } = (await (await fetch(`${influx.url}/query?db=flows&q=${query}`)).json()) as {
    results: { series?: { values: [string, number][] }[] }[]
  }
  return results[0]?.series?.[0]?.values[0]?.[1] ?? 0
}
const faults: Record<string, () => Promise<void>> = {
  'kill -9 of the flows': async () => void process.kill(flowsPid(running), 'SIGKILL'),
  'full deploy': () => deploy(running, { more: [{ id: 'note', type: 'comment', z: 'load-tab', name: 'another', x: 9, y: 9, wires: [] }] }),
  'InfluxDB is down for 10 s': async () => {
    await influx.stop()
    await delay(DOWN_MS)
    await influx.restart()
  },
  'the API does not answer for 10 s': async () => {
    const pid = await core()
    process.kill(pid, 'SIGSTOP')
    await delay(DOWN_MS)
    process.kill(pid, 'SIGCONT')
  },
  'kill -9 of the main process': async () => {
    const { dir } = running
    await running.kill()
    running = await start({ flows: true, dir, ports, env })
  },
}
let failed = false
let published = 0
for (const [fault, strike] of wanted(faults)) {
  const result = await outcome(running, await load(client, { rate: RATE, seconds: SECONDS, fault: strike }))
  published += RATE * SECONDS
  // the times of one load never meet those of another, so each reading is a point of its own
  await until(async () => (await points().catch(() => 0)) >= published, 60_000, 'every point is in InfluxDB').catch(() => {})
  const lost = published - (await points())
  said('ours', fault, result, `; ${lost} readings not in InfluxDB`)
  failed ||= result.missing.length > 0 || result.doubled.length > 0 || lost !== 0
  published -= lost
}
await client.endAsync()
await running.stop()
await rm(running.dir, { recursive: true, force: true })
await influx[Symbol.asyncDispose]()

// the control
await using sink = await startSink()
await using stock = await startStock([
  { id: 'in', type: 'mqtt in', z: 'tab', topic: 'fire/#', qos: '1', datatype: 'json', broker: 'broker', wires: [['each', 'line']] },
  { id: 'each', type: 'function', z: 'tab', func: `if (msg.payload.ts % ${ALARM_EVERY} !== 0) return null\nmsg.payload = new Date(msg.payload.ts).toISOString()\nreturn msg`, outputs: 1, wires: [['post']] },
  { id: 'post', type: 'http request', z: 'tab', method: 'POST', ret: 'txt', url: `${sink.url}/alerts`, wires: [[]] },
  { id: 'line', type: 'function', z: 'tab', func: 'return { payload: `environment,device=${msg.payload.deviceId} temperature_c=${msg.payload.metrics.temperature_c} ${msg.payload.ts}` }', outputs: 1, wires: [['batch']] },
  { id: 'batch', type: 'join', z: 'tab', mode: 'custom', build: 'string', property: 'payload', propertyType: 'msg', joiner: '\\n', joinerType: 'str', timeout: '0.5', count: '500', wires: [['write']] },
  { id: 'write', type: 'http request', z: 'tab', method: 'POST', ret: 'txt', url: `${sink.url}/points`, wires: [[]] },
]) // prettier-ignore
const stockFaults: Record<string, () => Promise<void>> = {
  'kill -9 of the flows': stock.killFlows,
  'full deploy': stock.deploy,
  'InfluxDB is down for 10 s': async () => {
    sink.pointsDown = true
    await delay(DOWN_MS)
    sink.pointsDown = false
  },
  'the API does not answer for 10 s': async () => {
    sink.alertsDown = true
    await delay(DOWN_MS)
    sink.alertsDown = false
  },
  'kill -9 of broker and flows': stock.killAll,
}
console.log(`stock: Node-RED 5 as it is installed, ${brokerName}, QoS 1, alarms by http request, points joined to 500 or half a second`)
const publisher = await mqtt.connectAsync(`mqtt://127.0.0.1:${stock.mqttPort}`, {
  reconnectPeriod: 200,
  clean: false,
  clientId: 'gw-load',
  protocolVersion: 4,
})
publisher.on('error', () => {})
let lost = 0
for (const [fault, strike] of wanted(stockFaults)) {
  sink.points.clear()
  const expected = await load(publisher, { rate: RATE, seconds: SECONDS, fault: strike })
  await delay(3000)
  const missing = [...expected].filter(ts => !sink.alerts.has(ts))
  const doubled = [...expected].filter(ts => (sink.alerts.get(ts)?.n ?? 0) > 1)
  const gone = RATE * SECONDS - sink.points.size
  lost += missing.length + gone
  said('stock', fault, { expected: expected.size, missing, doubled }, `; ${gone} readings not in InfluxDB`)
}
await publisher.endAsync(true)
if (failed || lost === 0) process.exitCode = 1
