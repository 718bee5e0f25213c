// One foreign broker, read as its client (ChirpStack, The Things Stack, an MQTT 5 broker with docks, mosquitto). Its session persists there,
// and a QoS 1 message is acknowledged to it only when it is in our journal: that acknowledgement is the position from which it goes on after
// any failure of either side. Never gives up.
import { readFileSync } from 'node:fs'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { systemClock, type Clock, type Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { BRIDGE_CLIENT } from '#contracts/topic.ts'
import type { Intake } from '../intake.ts'
import { createHostWatch, stateOf, stateTopic } from '../sparkplug-b/host.ts'
import { createBackoff } from './backoff.ts'
import type { MqttBridge } from './config.ts'
import { localTopic, remoteTopic } from './topics.ts'

export type BridgeOptions = {
  config: MqttBridge
  intake: Intake
  log: Log
  clock?: Clock
  /** hears what is safe, and sends what its sender waits for or is to be asked; only where downlinks lead there */
  answering?(send: (topic: string, payload: string | Uint8Array) => void): Heard
  random?(): number
  /** of the first try after a loss */
  retryMs?: number
}
type Heard = { heard(topic: string, payload: Uint8Array): void; close(): void }
export type Bridge = {
  name: string
  status(): { ok: boolean; detail: string }
  /** false = not one of its downlinks. @throws FengsuiError room-unavailable: it is, and the broker cannot be reached */
  publish(topic: string, payload: string): Promise<boolean>
  close(): Promise<void>
}

/** QoS 0 messages that are not on disk yet; beyond it the foreign broker is not read. */
export const IN_FLIGHT_MAX = 256
const SESSION_S = 7 * 86_400
const CONNECT_MS = 15_000
const AGAIN_MS = 500
/** What will not become better by sending it again. */
const HOPELESS: ReadonlySet<string> = new Set(['payload-too-large', 'invalid-request'])

/** Certificates are read here, so that a missing file stops the start. @throws FengsuiError setting-invalid */
export function startBridge({ config, intake, log, clock = systemClock, answering, random = Math.random, retryMs }: BridgeOptions): Bridge {
  const { name, sparkplugHostId } = config
  const ownState = sparkplugHostId === undefined ? undefined : stateTopic(sparkplugHostId)
  const options = optionsOf(config)
  const backoff = createBackoff({ random, ...(retryMs !== undefined && { firstMs: retryMs }) })
  let client: MqttClient | null = null
  let timer: NodeJS.Timeout | null = null
  let state = { ok: false, detail: 'connecting' }
  let isClosed = false
  let isSubscribed = false
  let inFlight = 0
  let connectedAtMs = 0
  const answers = answering?.((topic, payload) => {
    const remote = remoteTopic(topic, config)
    // one that is lost is asked for again, by who waits for it or by us
    if (remote !== undefined && client !== null) client.publish(remote, Buffer.from(payload), { qos: 0 })
  })
  const watchOwnState = createHostWatch({ clock, say: sayOnline })

  function sayOnline(): void {
    if (ownState === undefined || client === null) return
    client.publish(ownState, stateOf(true, connectedAtMs), { qos: 1, retain: true })
  }

  async function take(from: MqttClient, packet: { topic: string; payload: Buffer | string; retain: boolean; dup: boolean }): Promise<void> {
    // a retained copy is from before our birth, which follows
    if (packet.topic === ownState) return packet.retain ? undefined : watchOwnState(Buffer.from(packet.payload))
    const topic = localTopic(packet.topic, config.topics)
    if (topic === undefined)
      return intake.refuse({ code: 'unknown-topic', reason: 'no mapping of the bridge fits', topic: packet.topic, identity: name })
    const arrival = { entrance: 'bridge', source: `${BRIDGE_CLIENT}${name}`, clientId: `${BRIDGE_CLIENT}${name}`, isPatient: true } as const
    const message = { topic, payload: Buffer.from(packet.payload), retain: packet.retain, dup: packet.dup }
    for (;;) {
      try {
        await intake.take({ ...arrival, ...message })
        if (!packet.retain) answers?.heard(topic, message.payload)
        return
      } catch (error) {
        if (error instanceof FengsuiError && HOPELESS.has(error.code)) return
        // the journal cannot take it now: it stays with the foreign broker meanwhile
        await new Promise(resolve => setTimeout(resolve, AGAIN_MS))
        if (isClosed || client !== from) throw error
      }
    }
  }

  function read(from: MqttClient): void {
    from.handleMessage = (packet, done) => {
      if (packet.cmd !== 'publish') return done()
      const waits = packet.qos > 0 || inFlight >= IN_FLIGHT_MAX
      inFlight += 1
      take(from, packet)
        .then(
          // of a connection that is gone nothing can be acknowledged: it comes again
          () => void (waits && from.connected && done()),
          () => {},
        )
        .finally(() => (inFlight -= 1))
      if (!waits) done()
    }
  }

  function connected(filters: string[]): void {
    isSubscribed = true
    state = { ok: true, detail: 'connected' }
    log.info({ bridge: name, filters }, 'a foreign broker is read')
    backoff.succeeded()
    sayOnline()
  }

  function connect(): void {
    connectedAtMs = clock.nowMs()
    const own = (client = mqtt.connect(config.url, { ...options, ...willOf(ownState, connectedAtMs) }))
    let problem = 'the connection was closed'
    read(own)
    own.on('connect', ({ sessionPresent }) => {
      const filters = [...config.topics.map(({ filter }) => filter), ...(ownState === undefined ? [] : [ownState])]
      // subscribing again would bring every retained message again
      if (isSubscribed && sessionPresent) return connected(filters)
      own.subscribe(filters, { qos: config.qos ?? 1, ...(config.protocolVersion === 5 && { rh: 1 }) }, (error, granted = []) => {
        const refused = granted.filter(({ qos }) => (qos as number) >= 128).map(({ topic }) => topic)
        if (error !== null || refused.length > 0) {
          problem = error === null ? `it refuses to be read: ${refused.join(', ')}` : `subscribing: ${error.message}`
          own.end(true)
          return
        }
        connected(filters)
      })
    })
    own.on('error', error => (problem = error.message))
    own.once('close', () => {
      if (isClosed || client !== own) return
      own.end(true)
      client = null
      const waitMs = backoff.nextMs()
      if (state.ok) log.warn({ bridge: name, reason: problem, againInMs: waitMs }, 'a foreign broker is lost')
      state = { ok: false, detail: `${problem.slice(0, 200)}; tried again` }
      timer = setTimeout(connect, waitMs)
    })
  }
  connect()

  return {
    name,
    status: () => state,
    async publish(topic, payload) {
      const remote = remoteTopic(topic, config)
      if (remote === undefined) return false
      if (client === null || !state.ok) throw new FengsuiError('room-unavailable', `the foreign broker ${name} cannot be reached now`)
      await client.publishAsync(remote, payload, { qos: 1 })
      return true
    },
    async close() {
      isClosed = true
      answers?.close()
      if (timer !== null) clearTimeout(timer)
      // not with DISCONNECT: what is not acknowledged must come again
      const last = client
      if (last !== null) await new Promise<void>(resolve => last.end(true, () => resolve()))
    },
  }
}

/** With the time of the birth that follows: who finds it later knows of which connection it is. */
const willOf = (topic: string | undefined, atMs: number): Pick<IClientOptions, 'will'> =>
  topic === undefined ? {} : { will: { topic, payload: Buffer.from(stateOf(false, atMs)), qos: 1, retain: true } }

function optionsOf(config: MqttBridge): IClientOptions {
  const { name, protocolVersion = 4, clientId = `fengsui-${name}`, username, password, keepaliveS = 30 } = config
  const file = (key: 'ca' | 'cert' | 'key'): object => {
    const path = config[key]
    if (path === undefined) return {}
    try {
      return { [key]: readFileSync(path) }
    } catch (error) {
      throw new FengsuiError('setting-invalid', `FENGSUI_BRIDGES_FILE: ${key} of ${name}: ${(error as Error).message}`)
    }
  }
  return {
    clientId,
    protocolVersion,
    clean: false,
    keepalive: keepaliveS,
    connectTimeout: CONNECT_MS,
    reconnectPeriod: 0,
    resubscribe: false,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: SESSION_S, receiveMaximum: IN_FLIGHT_MAX } }),
    ...file('ca'),
    ...file('cert'),
    ...file('key'),
  }
}
