// Flows beside a stock Node-RED 5 with mosquitto, in one run on one machine: how long from a publish until the flow's alert is taken, how many messages a
// second each carries without losing one (ours through the durable journal), and how long an alarm waits while another flow burns 3 ms a
// message, and how soon a bad flow is undone. Arguments choose parts: `alert`, `burn`, `undo`, `rate`.
import { rm } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import mqtt, { type MqttClient } from 'mqtt'
import type { Alarm } from '#contracts/alarm.ts'
import { deploy, flowsDetail, gateway } from '../test/system/flow-load.ts'
import { start, until, type Running } from '../test/system/running.ts'
import { percentile } from './queue-desk.ts'
import { deviceName } from './raw-frames.ts'
import { load, median, round } from './side-by-side.ts'
import { brokerName, startSink, startStock } from './stock-node-red.ts'

const RATE = 500
const SECONDS = 12
const ROUNDS = 3
/** each so many-th message of the load is one that an alert is due for */
const ALERT_EVERY = 20
const RATES = [1_000, 2_000, 3_000, 4_000, 6_000, 8_000, 10_000]
const RATE_SECONDS = 6
const RATE_ALERT_EVERY = 500
const HARM = {
  'a flow that ends its process': 'Promise.reject(new Error("nobody waits for me"))\nreturn null',
  'a flow that hangs its process': 'await 0\nwhile (true) {}',
}
const GATEWAYS = 10
const DEVICES = 200
const KIND = 'environment'
const chosen = process.argv.slice(2)
const isWanted = (part: string): boolean => chosen.length === 0 || chosen.includes(part)

const story = (name: string, expect: string, startsAt: string) => ({ name, expect, startsAt, readings: [{ deviceId: 'd', kind: KIND }] })
const stories = (id: string, z: string) => ({ id, type: 'fire-backtest', z, wires: [], x: 4, y: 1, scenarios: JSON.stringify([story('a', 'alarm', '2026-03-01T12:00:00.000Z'), story('b', 'no-alarm', '2026-03-01T12:00:00.001Z')]) }) // prettier-ignore
/** the clock by a way the lint does not know: it must burn by time, not by turns */
const BURN = `const until = Date['now']() + 3\nwhile (Date['now']() < until);\nreturn null`
const EACH = (msOf: string, then: string) => `if (${msOf} % ${ALERT_EVERY} !== 0) return null\n${then}\nreturn msg`
const OURS_ALERT = EACH(
  'Date.parse(msg.payload.ts)',
  "msg.alert = { subject: msg.payload.ts, episode: msg.payload.ts, text: { en: 'each so many' } }",
)
const STOCK_ALERT = EACH('msg.payload.ts', 'msg.payload = new Date(msg.payload.ts).toISOString()')
const COUNT = (then: string) =>
  `const n = (context.get('n') || 0) + 1\ncontext.set('n', n)\nif (n % ${RATE_ALERT_EVERY} !== 0) return null\n${then}\nreturn msg`

const tabOf = (name: string, kinds: string, func: string, more: object[] = []): object[] => [
  { id: name, type: 'tab', label: name },
  { id: `${name}-read`, type: 'fire-reading', z: name, consumer: name, kinds, limit: '2000', x: 1, y: 1, wires: [[`${name}-each`]] },
  { id: `${name}-each`, type: 'function', z: name, func, outputs: 1, x: 2, y: 1, wires: [[`${name}-raise`]] },
  { id: `${name}-raise`, type: 'fire-alert', z: name, rule: name, kind: 'fault', severity: '4', x: 3, y: 1, wires: [[]] },
  ...more,
]
const burning = [
  { id: 'burn', type: 'tab', label: 'burn' },
  { id: 'burn-read', type: 'fire-reading', z: 'burn', consumer: 'burn', kinds: KIND, limit: '2000', x: 1, y: 1, wires: [['burn-each']] },
  { id: 'burn-each', type: 'function', z: 'burn', func: BURN, outputs: 1, x: 2, y: 1, wires: [[]] },
]

type Sent = Map<string, number>
/** Publishes at a steady rate; answers when each reading that an alert is due for was sent, by its time. `ackMs` takes how long its PUBACK took. */
async function publish(client: MqttClient, ackMs: number[] = [], seconds = SECONDS): Promise<Sent> {
  const sent: Sent = new Map()
  const acked: Promise<unknown>[] = []
  const firstMs = Math.ceil((Date.now() - seconds * 1000) / ALERT_EVERY) * ALERT_EVERY
  const begun = performance.now()
  for (let n = 0; n < RATE * seconds; n++) {
    const earlyMs = begun + (n * 1000) / RATE - performance.now()
    if (earlyMs > 0) await delay(earlyMs)
    const ts = firstMs + n
    const isDue = ts % ALERT_EVERY === 0
    const sentMs = performance.now()
    if (isDue) sent.set(new Date(ts).toISOString(), performance.timeOrigin + sentMs)
    const deviceId = `load-${n % DEVICES}`
    const body = JSON.stringify({ v: 1, deviceId, kind: KIND, ts, metrics: { temperature_c: 20 } })
    const ack = client.publishAsync(`fire/v1/${KIND}/${deviceId}/telemetry`, body, { qos: 1 })
    acked.push(isDue ? ack.then(() => ackMs.push(performance.now() - sentMs)) : ack)
  }
  await Promise.all(acked)
  return sent
}

async function taken(running: Running, sent: Sent, waitMs: number): Promise<number[]> {
  const since = encodeURIComponent(new Date(Math.min(...[...sent.keys()].map(ts => Date.parse(ts))) - 60_000).toISOString())
  const found = new Map<string, number>()
  const look = async (): Promise<boolean> => {
    const { alarms } = await running.get<{ alarms: Alarm[] }>(`/api/v1/alarms?limit=5000&since=${since}`)
    for (const { subject, waterfall } of alarms)
      if (sent.has(subject) && waterfall.alarmAt !== undefined) found.set(subject, Date.parse(waterfall.alarmAt))
    return found.size >= sent.size
  }
  const untilMs = performance.now() + waitMs
  while (!(await look()) && performance.now() < untilMs) await delay(500)
  // the queue's time has whole milliseconds, cut off: half of one is added
  return [...found].map(([subject, atMs]) => Math.max(0, atMs + 0.5 - sent.get(subject)!))
}

const told = (who: string, ms: readonly number[], due: number): string =>
  `${who} ${ms.length} of ${due} alerts, p50 ${percentile(ms, 0.5).toFixed(1)} ms, p99 ${percentile(ms, 0.99).toFixed(1)} ms`

console.log(
  `load of the machine at the start ${loadavg()[0]!.toFixed(1)}; stock: Node-RED 5 as it is installed, ${brokerName}, alerts by http request`,
)
await using sink = await startSink()
const stockTab = (func: string): object[] => [
  { id: 'in', type: 'mqtt in', z: 'tab', topic: 'fire/#', qos: '1', datatype: 'json', broker: 'broker', wires: [['each']] },
  { id: 'each', type: 'function', z: 'tab', func, outputs: 1, wires: [['post']] },
  { id: 'post', type: 'http request', z: 'tab', method: 'POST', ret: 'txt', url: `${sink.url}/alerts`, wires: [[]] },
]
const stockBurn = [
  { id: 'other', type: 'tab', label: 'other' },
  { id: 'burn-in', type: 'mqtt in', z: 'other', topic: 'fire/#', qos: '1', datatype: 'json', broker: 'broker', wires: [['burn-each']] },
  { id: 'burn-each', type: 'function', z: 'other', func: BURN, outputs: 1, wires: [[]] },
]
const stockClient = (port: number): Promise<MqttClient> =>
  mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: 'gw-load', protocolVersion: 4 })
async function stockTaken(sent: Sent, waitMs: number): Promise<number[]> {
  const untilMs = performance.now() + waitMs
  while ([...sent.keys()].some(ts => !sink.alerts.has(ts)) && performance.now() < untilMs) await delay(200)
  return [...sent].flatMap(([ts, atMs]) => {
    const seen = sink.alerts.get(ts)
    return seen === undefined ? [] : [performance.timeOrigin + seen.atMs - atMs]
  })
}

const running = await start({ flows: true, env: { FENGSUI_DEVICE_RATE: '0' } })
try {
  await until(async () => (await running.api('/flows/settings')).status === 200, 60_000, 'Node-RED answers')
  const client = await gateway(running)
  if (isWanted('alert') || isWanted('burn')) {
    await deploy(running, { only: [...tabOf('alert', KIND, OURS_ALERT), stories('alert-bt', 'alert')] })
    await until(async () => (await flowsDetail(running)).includes('1 feeds'), 30_000, 'the flow reads')
  }
  if (isWanted('alert')) {
    const stock = await startStock(stockTab(STOCK_ALERT))
    const theirs = await stockClient(stock.mqttPort)
    const [p50, p99]: [number[], number[]] = [[], []]
    for (let i = 0; i < ROUNDS; i++) {
      const [ackOurs, ackStock]: [number[], number[]] = [[], []]
      const sentOurs = await publish(client, ackOurs)
      const ours = await taken(running, sentOurs, 30_000)
      const sentStock = await publish(theirs, ackStock)
      const stocks = await stockTaken(sentStock, 30_000)
      console.log(`${told('ours', ours, sentOurs.size)}; ${told('stock', stocks, sentStock.size)}`)
      // ours has the reading on disk by then, and no flow sees it before
      const puback = (ms: readonly number[]): string =>
        `p50 ${percentile(ms, 0.5).toFixed(1)} ms, p99 ${percentile(ms, 0.99).toFixed(1)} ms`
      console.log(`  of that until the PUBACK: ours, on disk, ${puback(ackOurs)}; stock, in memory, ${puback(ackStock)}`)
      p50.push(percentile(ours, 0.5) / percentile(stocks, 0.5))
      p99.push(percentile(ours, 0.99) / percentile(stocks, 0.99))
    }
    console.log(
      `alert of a flow at ${RATE}/s, ours beside stock: p50 ${round(median(p50), 2)} x, p99 ${round(median(p99), 2)} x (medians of ${ROUNDS} pairs)`,
    )
    await theirs.endAsync(true)
    await stock[Symbol.asyncDispose]()
  }
  if (isWanted('burn')) {
    await deploy(running, { only: [...tabOf('alert', KIND, OURS_ALERT), stories('alert-bt', 'alert'), ...burning] })
    // the engine's own alarm: a detector in alarm, twelve times a second, among the readings that the flow burns on
    const engine = await burnt(running, client)
    const stock = await startStock([...stockTab(STOCK_ALERT), ...stockBurn])
    const theirs = await stockClient(stock.mqttPort)
    const sentStock = await publish(theirs)
    const stocks = await stockTaken(sentStock, 60_000)
    console.log(
      `while a flow burns 3 ms a message at ${RATE}/s: ${told('engine (ours)', engine.ms, engine.due)}; ${told('stock', stocks, sentStock.size)}`,
    )
    console.log(
      `p99 of the engine's alarm ${round(percentile(engine.ms, 0.99) / percentile(stocks, 0.99), 4)} x of stock's alert; flows: ${await flowsDetail(running)}`,
    )
    await theirs.endAsync(true)
    await stock[Symbol.asyncDispose]()
  }
  if (isWanted('undo')) {
    for (const [name, harm] of Object.entries(HARM)) {
      const tookMs: number[] = []
      for (let i = 0; i < ROUNDS; i++) tookMs.push(await undone(running, client, harm))
      console.log(
        `${name}: ${tookMs.map(ms => (ms / 1000).toFixed(1)).join(', ')} s from the reading that did it to its alarm by the flows before`,
      )
    }
  }
  if (isWanted('rate')) {
    const ours = await sustained('ours', await oursAt(running))
    const stock = await startStock(stockTab(COUNT('msg.payload = String(n)')))
    const theirs = await sustained('stock', stockAt(stock.mqttPort))
    await stock[Symbol.asyncDispose]()
    console.log(
      `sustained with none lost and done ${RATE_SECONDS / 2} s after the last: ours ${ours}/s, stock ${theirs}/s: ${round(ours / theirs, 2)} x`,
    )
  }
  await client.endAsync()
} finally {
  await running.stop()
  await rm(running.dir, { recursive: true, force: true })
}

/** Engine alarms while the flow burns: each of a detector of its own, so that each is an alarm of its own. */
async function burnt(system: Running, client: MqttClient): Promise<{ ms: number[]; due: number }> {
  const detectors = Array.from({ length: SECONDS * 12 }, (_, i) => `smk-${i}`)
  const rows = detectors.map(deviceId => ({ deviceId, kind: 'smoke', via: 'gw-load', place: { building: deviceId } }))
  await system.api('/api/v1/devices', { method: 'POST', json: rows })
  const sent: Sent = new Map()
  const load = publish(client)
  for (const deviceId of detectors) {
    sent.set(deviceId, performance.timeOrigin + performance.now())
    const body = JSON.stringify({ v: 1, deviceId, kind: 'smoke', ts: Date.now(), alarms: { smoke: true } })
    await client.publishAsync(`fire/v1/smoke/${deviceId}/telemetry`, body, { qos: 1 })
    await delay(1000 / 12)
  }
  await load
  await delay(2000)
  const { alarms } = await system.get<{ alarms: Alarm[] }>('/api/v1/alarms?limit=5000')
  const ms = alarms.flatMap(({ deviceId = '', origin, waterfall }) => {
    const atMs = sent.get(deviceId)
    return atMs === undefined || !origin.startsWith('rule:') || waterfall.alarmAt === undefined
      ? []
      : [Date.parse(waterfall.alarmAt) + 0.5 - atMs]
  })
  return { ms, due: sent.size }
}

/** Deploys what passes the gate and breaks on one device's readings, lets such a reading come, and waits for what the flows before say to it. */
async function undone(system: Running, client: MqttClient, harm: string): Promise<number> {
  const flows = (func: string) => [...tabOf('undo', KIND, func), undoStories()]
  const good = `if (msg.payload.deviceId === 'e') return null\nmsg.alert = { subject: msg.payload.ts, text: { en: 'heard' } }\nreturn msg`
  await deploy(system, { only: flows(good) })
  await until(async () => /^true.* 1 feeds, at most 0 behind/.test(await flowsDetail(system)), 60_000, 'the good flow reads')
  // the process that stands by is made when the first has answered for so long
  await delay(12_000)
  await deploy(system, { only: flows(`if (msg.payload.deviceId === 'load-7') {\n${harm}\n}\n${good}`) })
  const ts = Date.now()
  const body = JSON.stringify({ v: 1, deviceId: 'load-7', kind: KIND, ts, metrics: { temperature_c: 20 } })
  await client.publishAsync(`fire/v1/${KIND}/load-7/telemetry`, body, { qos: 1 })
  const begun = performance.now()
  const subject = new Date(ts).toISOString()
  await until(
    async () => (await system.get<{ alarms: Alarm[] }>('/api/v1/alarms?limit=50')).alarms.some(alarm => alarm.subject === subject),
    90_000,
    () => `the flows before raise; ${system.output().slice(-1000)}`,
  )
  return performance.now() - begun
}

function undoStories(): object {
  const one = (name: string, expect: string, deviceId: string) => ({ name, expect, readings: [{ deviceId, kind: KIND }] })
  const scenarios = JSON.stringify([one('a', 'alarm', 'd'), one('b', 'no-alarm', 'e')])
  return { id: 'undo-bt', type: 'fire-backtest', z: 'undo', scenarios, wires: [], x: 4, y: 1 }
}

type At = (rate: number) => Promise<{ acked: number; alerts: number }>
/** The highest rate at which everything that was acknowledged had gone through the flow soon after. */
async function sustained(who: string, at: At): Promise<number> {
  let best = 0
  for (const rate of RATES) {
    const { acked, alerts } = await at(rate)
    const through = alerts * RATE_ALERT_EVERY
    const isWell = acked >= rate * RATE_SECONDS * 0.97 && through > acked - RATE_ALERT_EVERY
    console.log(
      `${who} at ${rate}/s: ${acked} acknowledged in ${RATE_SECONDS} s, ${through} through the flow soon after: ${isWell ? 'sustained' : 'not'}`,
    )
    if (!isWell) break
    best = rate
  }
  return best
}

async function oursAt(system: Running): Promise<At> {
  const rows = Array.from({ length: GATEWAYS }, (_, g) => [
    { deviceId: `rate-gw-${g}`, kind: 'gateway' },
    ...Array.from({ length: DEVICES }, (_, d) => ({ deviceId: deviceName(`rate${g}`, d), kind: KIND, via: `rate-gw-${g}` })),
  ]).flat()
  type Issued = { devices: { deviceId: string; credentials: { username: string; password: string } }[] }
  const { devices } = (await (await system.api('/api/v1/devices', { method: 'POST', json: rows })).json()) as Issued
  const credentials = Array.from({ length: GATEWAYS }, (_, g) => devices.find(d => d.deviceId === `rate-gw-${g}`)!.credentials)
  const raise = "msg.alert = { rule: 'count', subject: String(n), episode: msg.payload.ts, text: { en: 'each so many' } }"
  await deploy(system, { only: [...tabOf('count', KIND, COUNT(raise)), countStories()] })
  await until(async () => (await flowsDetail(system)).includes('at most 0 behind'), 60_000, 'nothing is left of before')
  let before = 0
  return async rate => {
    const group = { connections: GATEWAYS, window: 256, rate, devices: DEVICES, prefix: 'rate', credentials }
    const { acked } = await load({ port: system.mqttPort, groups: [group], ms: RATE_SECONDS * 1000, drainMs: 3000 })
    await delay((RATE_SECONDS * 1000) / 2)
    const { alarms } = await system.get<{ alarms: Alarm[] }>('/api/v1/alarms?limit=5000')
    const all = alarms.filter(alarm => alarm.text.en === 'each so many' && /^\d+$/.test(alarm.subject)).length
    const alerts = all - before
    before = all
    return { acked, alerts }
  }
}

/** A count is reached by as many readings, and not by one fewer. */
function countStories(): object {
  const many = (name: string, expect: string, times: number) => ({
    name,
    expect,
    readings: [{ deviceId: 'd', kind: KIND, everyS: 1, times }],
  })
  const scenarios = JSON.stringify([many('a', 'alarm', RATE_ALERT_EVERY), many('b', 'no-alarm', RATE_ALERT_EVERY - 1)])
  return { id: 'count-bt', type: 'fire-backtest', z: 'count', scenarios, wires: [], x: 4, y: 1 }
}

function stockAt(port: number): At {
  return async rate => {
    sink.alerts.clear()
    const group = { connections: GATEWAYS, window: 256, rate, devices: DEVICES, prefix: 'rate' }
    const { acked } = await load({ port, groups: [group], ms: RATE_SECONDS * 1000, drainMs: 3000 })
    await delay((RATE_SECONDS * 1000) / 2)
    return { acked, alerts: sink.alerts.size }
  }
}
