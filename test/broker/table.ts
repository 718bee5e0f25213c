// A broker on a free port with a journal that can be held, refusals that can be waited for, and clients that are all ended
// afterwards. For the tests of this folder only.
import { mkdtempSync, rmSync } from 'node:fs'
import { Socket, connect as tcp } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type IClientOptions, type MqttClient } from 'mqtt'
import { generate } from 'mqtt-packet'
import { expect } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openCredentials, startBroker, type Broker, type Credentials, type Refusal } from '../../broker/index.ts'
import type { BrokerOptions } from '../../broker/index.ts'

type Waiter = {
  written(count: number, lane: Lane): void
  failed(count: number, lane: Lane, error: FengsuiError): void
}
type Origin = { identity: string; clientId: string; topic: string }
type Put = Omit<InboundMessage, keyof Origin> & { from: number; to: number }
type Pending = { m: InboundMessage; lane: Lane; written: () => void; failed: (error: FengsuiError) => void }

/** A journal in memory. While held, messages wait, a lane can be let go by itself; `fail` makes those that wait and those that come be refused. */
export class HeldJournal {
  readonly messages: InboundMessage[] = []
  #waiting: Pending[] = []
  #held = false
  #failing = false

  append(m: InboundMessage, lane: Lane): Promise<void> {
    return new Promise((resolve, reject) => this.#take(m, lane, resolve, reject))
  }
  origin(of: Origin): Origin {
    return { ...of }
  }
  put({ identity, clientId, topic }: Origin, m: Put, lane: Lane, waiter: Waiter): void {
    const { payload, from, to, ...own } = m
    const tell = (what: () => void) => () => queueMicrotask(what)
    this.#take(
      { ...own, payload: payload.subarray(from, to), identity, clientId, topic },
      lane,
      tell(() => waiter.written(1, lane)),
      error => queueMicrotask(() => waiter.failed(1, lane, error)),
    )
  }
  get waiting(): number {
    return this.#waiting.length
  }
  lanes(): string {
    return this.#waiting.map(({ lane }) => lane[0]).join('')
  }
  hold(): void {
    this.#held = true
  }
  release(): void {
    this.#held = false
    this.#settle(this.#waiting.splice(0))
  }
  /** Commits what waits in one lane; the other goes on waiting. */
  commit(lane: Lane, count = Infinity): void {
    const now = this.#waiting.filter(p => p.lane === lane).slice(0, count)
    this.#waiting = this.#waiting.filter(p => !now.includes(p))
    this.#settle(now)
  }
  fail(): void {
    this.#failing = true
    this.release()
  }
  work(): void {
    this.#failing = false
  }
  #take(m: InboundMessage, lane: Lane, written: () => void, failed: (error: FengsuiError) => void): void {
    this.#waiting.push({ m: { ...m, payload: Uint8Array.from(m.payload) }, lane, written, failed })
    if (!this.#held) this.#settle(this.#waiting.splice(0))
  }
  #settle(those: Pending[]): void {
    for (const { m, written, failed } of those) {
      if (this.#failing) failed(new FengsuiError('journal-unavailable', 'disk full'))
      else {
        this.messages.push(m)
        written()
      }
    }
  }
}

type Lane = 'alarm' | 'bulk'

export type Table = {
  broker: Broker
  credentials: Credentials
  journal: HeldJournal
  refusals: Refusal[]
  /** A connected client: `who` is a device id with credentials, null for nobody. Rejects as mqtt.js does. */
  client(who: string | null, o?: IClientOptions): Promise<MqttClient>
  /** A bare socket, for bytes that no library would send. */
  socket(port?: number): Socket
  issue(deviceId: string, o?: { via?: string; grants?: string[] }): Promise<void>
  /** Credentials of an issued device. */
  login(deviceId: string): { username: string; password: string }
  [Symbol.asyncDispose](): Promise<void>
}

export async function lay(o: Partial<Omit<BrokerOptions, 'journal'>> = {}): Promise<Table> {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-broker-'))
  const credentials = openCredentials({ dir })
  const journal = new HeldJournal()
  const refusals: Refusal[] = []
  const broker = await startBroker({
    host: '127.0.0.1',
    port: 0,
    credentials,
    journal,
    maxPayloadBytes: 64 * 1024,
    anonymous: false,
    log: noLog,
    meter: noMeter,
    clock: systemClock,
    refused: r => refusals.push(r),
    ...o,
  })
  const ends: (() => void)[] = []
  const passwords = new Map<string, string>()
  const login = (deviceId: string) => ({ username: deviceId, password: passwords.get(deviceId) ?? '' })
  return {
    broker,
    credentials,
    journal,
    refusals,
    login,
    async client(who, options = {}) {
      const client = mqtt.connect(`mqtt://127.0.0.1:${broker.port}`, {
        protocolVersion: 4,
        reconnectPeriod: 0,
        connectTimeout: 60_000,
        ...(who === null ? {} : login(who)),
        ...options,
      })
      ends.push(() => client.end(true))
      await connected(client)
      return client
    },
    socket(port = broker.port) {
      const socket = tcp(port, '127.0.0.1')
      socket.resume()
      socket.on('error', () => {}) // a reset is one of the ways to be refused
      ends.push(() => socket.destroy())
      return socket
    },
    async issue(deviceId, options = {}) {
      passwords.set(deviceId, (await credentials.issue({ deviceId, ...options })).password)
    },
    async [Symbol.asyncDispose]() {
      for (const end of ends) end()
      journal.release()
      await broker.close()
      credentials.close()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** Resolves on CONNACK 0; later errors of the client are of no interest, its 'close' is. */
function connected(client: MqttClient): Promise<void> {
  return new Promise((resolve, reject) => {
    client.on('error', reject)
    client.once('connect', () => resolve())
    client.once('close', () => reject(new Error('closed before CONNACK')))
  })
}

/** Waits for something that must become true; fails saying what was there instead. */
export async function until<T>(what: () => T, isSo: (value: T) => boolean = Boolean, timeoutMs = 60_000): Promise<T> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    const value = what()
    if (isSo(value)) return value
    if (Date.now() > deadline) expect.fail(`waited ${timeoutMs} ms; still ${JSON.stringify(value)}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

/** Long enough for anything that was going to happen to have happened. */
export const aMoment = (): Promise<void> => new Promise(resolve => setTimeout(resolve, 150))

export const closed = async (client: MqttClient | Socket): Promise<void> => {
  if (client instanceof Socket ? client.destroyed : !client.connected) return
  await new Promise<void>(resolve => {
    const end = () => resolve()
    if (client instanceof Socket) client.once('close', end)
    else client.once('close', end)
  })
}

export const textOf = (m: InboundMessage | undefined): string => Buffer.from(m?.payload ?? []).toString()

export const connectFrame = (o: { clientId: string; username?: string; password?: string; clean?: boolean }): Buffer =>
  generate({
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: 4,
    keepalive: 0,
    clean: o.clean ?? true,
    clientId: o.clientId,
    ...(o.username === undefined ? {} : { username: o.username, password: Buffer.from(o.password ?? '') }),
  })

export const publishFrame = (o: { topic: string; payload: string | Buffer; qos?: 0 | 1 | 2; messageId?: number; dup?: boolean }): Buffer =>
  generate({
    cmd: 'publish',
    retain: false,
    dup: o.dup ?? false,
    qos: o.qos ?? 1,
    topic: o.topic,
    payload: o.payload,
    messageId: o.messageId ?? 1,
  })

/** Collects what a socket receives. */
export function received(socket: Socket): { bytes(): Buffer } {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  return { bytes: () => Buffer.concat(chunks) }
}
