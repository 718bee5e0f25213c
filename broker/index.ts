// The broker room: MQTT 3.1.1 over TCP, TLS and WebSocket. Who are you, may you publish here, is it small enough, is it on disk - then the PUBACK.
// Decodes no payload, keeps nothing that a restart needs: what was acknowledged is in the journal.
import type { Duplex } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Aedes, type Client } from 'aedes'
import { FengsuiError } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Identity } from './access.ts'
import { boundPersistence, NOT_QUEUED, type Persistence } from './bounded-store.ts'
import { forwarded } from './corrections.ts'
import { Entry, type EntryOptions } from './entry.ts'
import { Gate } from './gate.ts'
import { Guard, SILENT } from './guard.ts'
import type { GuardParts } from './guard-parts.ts'
import { Keepalive } from './keepalive.ts'
import type { Delivery, LaneOf, LaneParts } from './lane.ts'
import { listenAt, type PortName, type PortOptions } from './listening.ts'
import { CLOSE_WAIT_MS, DRAIN_TIMEOUT_MS, LIMITS, TOPIC_LEVELS_MAX, type Limits } from './limits.ts'
import { OnTheWay } from './on-the-way.ts'
import type { Peer } from './peer.ts'
import { KeptSessions, Refused, Sessions, type Problem, type Refusal } from './sessions.ts'
import { SessionFile } from './session-file.ts'
import { Storing, type StoringOptions } from './storing.ts'
import { Subscribers } from './subscribers.ts'
import { Subscribing } from './subscribing.ts'
import { textProblem } from './text-rules.ts'
import { Shares } from './shares.ts'
import { LoginThrottle } from './throttle.ts'
import { Turn } from './turn.ts'

export { openCredentials, type Credentials, type Identity } from './credentials.ts'
export type { Refusal } from './sessions.ts'

export type BrokerOptions = EntryOptions &
  PortOptions &
  Omit<StoringOptions, 'journal' | 'laneOf'> & {
    journal: StoringOptions['journal'] & LaneParts['journal']
    /** which messages may carry an alarm. Without it all is bulk. */
    laneOf?: LaneOf
    /** messages a second of one connection over a while; gateways 20 times that, anonymous devices without limit; 0 (default) = no limit */
    deviceRate?: number
    refused: (r: Refusal) => void
    meter: Meter
    /** where sessions and retained messages outlive a restart; without it they do not */
    dir?: string
    /** tighter bounds, for tests */
    limits?: Partial<Limits>
  }

export type Broker = {
  /** MQTT over TCP */
  port: number
  ports: Partial<Record<PortName, number>>
  /** what an operator has to look at; null = all is well */
  problem(): string | null
  /** Sends to subscribers; not journalled, since it comes from us. QoS 1 unless said. */
  publish(topic: string, payload: Uint8Array | string, o?: { qos?: 0 | 1; retain?: boolean }): Promise<void>
  /** Takes what was sent so out of the sessions of those who are away: it must not reach them any more. How many had it waiting. */
  withdraw(topic: string, payload: string): number
  /** Calls back with what is published under a filter, when it is in the journal, as if a client had subscribed. Never throws into the broker. */
  follow(filter: string, heard: (topic: string, payload: Buffer) => void): void
  /** Ends every connection of an identity. */
  disconnect(username: string): void
  /** Ends the subscriptions that an identity may not have any more, of those connected and of sessions that wait. */
  recheck(identity: Identity): void
  /** The same for all sessions that wait: a door that opens does not know what changed while it was closed. */
  recheckWaiting(identityOf: (username: string) => Identity | undefined): void
  connections(): number
  /** Stops reading, lets what is on its way get to disk and be acknowledged, then ends all connections without their wills. */
  close(): Promise<void>
}

/** @throws FengsuiError port-in-use, setting-invalid */
export async function startBroker(o: BrokerOptions): Promise<Broker> {
  const limits: Limits = { ...LIMITS, ...o.limits }
  const laneOf: LaneOf = o.laneOf ?? (() => () => 'bulk')
  const sessions = new Sessions(o.clock, o.refused)
  const subscribers = new Subscribers()
  const onTheWay = new OnTheWay(o.meter)
  const storing = new Storing({ ...o, laneOf }, sessions, onTheWay)
  const disk = openSessions(o)
  const subscribing = new Subscribing(o.log, sessions, limits.subscriptionsOfClient)
  const aedes = await startAedes(o, limits, { sessions, storing, subscribers, subscribing, disk })
  const connected = new Set<Client>()
  watch(aedes, connected, o, sessions, limits)
  const keepalive = new Keepalive()
  const guards = new Set<Guard>()
  const parts: GuardParts = {
    journal: o.journal,
    laneOf,
    clock: o.clock,
    meter: o.meter,
    maxPayloadBytes: o.maxPayloadBytes,
    deviceRate: o.deviceRate ?? 0,
    limits,
    subscribers,
    onTheWay,
    keepalive,
    gate: new Gate(limits.inFlightBytes),
    disk,
    turn: new Turn(() => {
      onTheWay.tell()
      if (disk.isDirty) disk.commit()
    }),
    deliver: (delivery, client, done) => deliver(aedes, delivery, client, done),
    refused: (guard, problem, more) => sessions.report(problem, guard.client ?? null, { ...more, address: guard.peer.address }),
    tooSlow: ({ client }, pendingBytes) => {
      const identity = client === undefined ? null : sessions.identityOf(client)?.username
      o.log.warn({ identity, pendingBytes }, 'cut a subscriber that does not read')
    },
  }
  const enter = (line: Duplex, peer: Peer): void => {
    const guard = new Guard(parts, line, peer)
    guards.add(guard)
    guard.once('close', () => guards.delete(guard))
    aedes.handle(guard)
  }
  const atTheDoor = (problem: Problem, address: string | null): void => sessions.report(problem, null, { address })
  const listening = await listenAt(o, { ...o, limits, enter, refused: atTheDoor })
  const { ports } = listening
  o.log.info({ host: o.host, ports, anonymous: o.anonymous }, 'MQTT is listening')
  return {
    port: ports.mqtt,
    ports,
    problem: () => listening.problem() ?? disk.problem,
    async publish(topic, payload, options = {}) {
      await publish(aedes, topic, payload, options)
      disk.commit() // what waits for a device that is away outlives us
    },
    withdraw(topic, payload) {
      const there = new Set([...connected].map(({ id }) => id))
      const sessionsOf = subscribing.withdraw(topic, Buffer.from(payload), there)
      if (sessionsOf > 0) disk.commit()
      return sessionsOf
    },
    follow(filter, heard) {
      const hear = (topic: string, payload: Buffer): void => {
        try {
          heard(topic, payload)
        } catch (error) {
          o.log.error({ err: error, filter }, 'a follower of the broker failed')
        }
      }
      const take = ({ topic, payload }: { topic: string; payload: string | Buffer }, done: () => void): void => {
        const own = Buffer.from(payload)
        // behind everybody else: an answer published in between would be counted before it, and Aedes keeps the older one from subscribers
        queueMicrotask(() => hear(topic, own))
        done()
      }
      aedes.subscribe(filter, take, () => {})
    },
    disconnect(username) {
      for (const { client } of guards) {
        if (client !== undefined && sessions.identityOf(client)?.username === username) client.close()
      }
    },
    recheck(identity) {
      const clients = [...guards].flatMap(({ client }) => client ?? [])
      subscribing.recheck(identity, clients, subscribers.keptOf(identity.username), unsubscribe)
      disk.commit()
    },
    recheckWaiting(identityOf) {
      subscribing.recheckWaiting(subscribers.keptOf(null), identityOf)
      disk.commit()
    },
    connections: () => connected.size,
    async close() {
      const stopped = listening.close()
      for (const guard of guards) guard.stopReading()
      storing.close()
      await onTheWay.idle(CLOSE_WAIT_MS)
      await nextTurn() // Aedes and the lanes write the last PUBACKs in this turn,
      await nextTurn() // and the guards send them in this one
      await new Promise<void>(resolve => aedes.close(resolve))
      keepalive.close()
      for (const guard of guards) guard.destroy()
      disk.close()
      await stopped
    },
  }
}

/** @throws FengsuiError data-dir-unwritable */
function openSessions({ dir, log }: BrokerOptions): SessionFile {
  try {
    return new SessionFile({ dir, log })
  } catch (cause) {
    throw new FengsuiError('data-dir-unwritable', `opening sessions.db in ${dir}: ${(cause as Error).message}`, { cause })
  }
}

type Around = { sessions: Sessions; storing: Storing; subscribers: Subscribers; subscribing: Subscribing; disk: SessionFile }

async function startAedes(o: BrokerOptions, limits: Limits, around: Around): Promise<Aedes> {
  const { sessions, storing, subscribers, subscribing, disk } = around
  const kept = new KeptSessions(limits, disk)
  const entry = new Entry(o, sessions, kept, new LoginThrottle(o.clock))
  const aedes = await Aedes.createBroker({
    connectTimeout: limits.connectTimeoutMs,
    drainTimeout: DRAIN_TIMEOUT_MS,
    // Aedes' queue before CONNACK is never used: the guard holds everything back. Raised, so that it cannot be what fails.
    queueLimit: 1000,
    maxTopicLevels: TOPIC_LEVELS_MAX,
    // MQTT 3.1 allowed 23 characters; the namespace in front of the ClientId would always break that
    maxClientsIdLength: 65_535,
    preConnect: entry.preConnect,
    authenticate: entry.authenticate,
    authorizePublish: storing.authorizePublish,
    authorizeSubscribe: subscribing.authorizeSubscribe,
    authorizeForward: forwarded(sessions),
  })
  const { persistence, mq } = aedes as unknown as { persistence: Persistence; mq: Emitter }
  let reported = ''
  const queues = await boundPersistence(persistence, {
    subscribers,
    limits,
    disk,
    restored: ids => kept.restore(ids),
    isLetIn: client => sessions.identityOf(client) !== null,
    isBack: client => sessions.isBack(client),
    full(what, where) {
      if (reported !== what + where) o.log.warn({ what, where }, 'a bound of the broker is reached: not kept (it is in the journal)')
      reported = what + where
    },
  })
  countSubscribers(mq, subscribers)
  // Aedes begins anywhere, and again with every connection: a number that is still in use would be used twice
  aedes.on('client', client => {
    ;(client as unknown as { _nextId: number })._nextId = client.clean ? 1 : queues.nextId(client.id)
  })
  storing.useStore(persistence)
  subscribing.useStore(persistence, queues)
  return aedes
}

/** Without an UNSUBACK: nobody asked for it. */
function unsubscribe(client: Client, filter: string): void {
  if (client.conn instanceof Guard) client.conn.unsubscribing()
  client.unsubscribe({ cmd: 'unsubscribe', unsubscriptions: [filter] } as unknown as Parameters<Client['unsubscribe']>[0], () => {})
}

/** Aedes' emitter, as far as it is used here: what it matches topics against is private to it. */
type Emitter = {
  on(filter: string, listener: unknown, done?: () => void): unknown
  removeListener(filter: string, listener: unknown, done?: () => void): unknown
}

/** Each listener is of one subscription. Aedes takes it away twice when a connection ends while its UNSUBSCRIBE is under way. */
function countSubscribers(mq: Emitter, subscribers: Subscribers): void {
  const original = { on: mq.on.bind(mq), remove: mq.removeListener.bind(mq) }
  const counted = new Set<unknown>()
  mq.on = (filter, listener, done) => {
    if (!counted.has(listener)) subscribers.connected(filter, 1)
    counted.add(listener)
    return original.on(filter, listener, done)
  }
  mq.removeListener = (filter, listener, done) =>
    original.remove(filter, listener, () => {
      if (counted.delete(listener)) subscribers.connected(filter, -1)
      done?.()
    })
}

function watch(aedes: Aedes, connected: Set<Client>, o: BrokerOptions, sessions: Sessions, limits: Limits): void {
  const shares = new Shares(sessions, limits)
  aedes.on('connackSent', (packet, { conn }) => {
    if (packet.returnCode === 0 && conn instanceof Guard) conn.accept()
  })
  aedes.on('subscribe', (_, { conn }) => conn instanceof Guard && conn.subscribed())
  aedes.on('unsubscribe', (filters, client) => {
    sessions.revoke(client, filters)
    if (client.conn instanceof Guard) client.conn.subscribed()
  })
  const gauge = (): void => o.meter.gauge('fengsui_mqtt_connections', connected.size)
  // counted here: of who is gone before it is quite in, or is taken over twice at once, Aedes loses count
  aedes.on('client', client => {
    if (client.closed) return forgetClosed(aedes, client)
    connected.add(client)
    shares.enter(client)
    gauge()
    client.conn.once('close', () => {
      connected.delete(client)
      shares.leave(client)
      gauge()
    })
  })
  const ended = (client: Client, error: Error): void => connectionEnded(o, sessions, client, error)
  aedes.on('clientError', ended)
  aedes.on('connectionError', ended)
  aedes.addListener('error', (error: Error) => o.log.error({ err: error }, 'the broker library failed'))
}

/** Aedes would keep it, for good, as the one who has this ClientId. */
function forgetClosed(aedes: Aedes, client: Client): void {
  const { unregisterClient } = aedes as unknown as { unregisterClient(c: Client): void }
  unregisterClient.call(aedes, client)
}

/** Ends of a connection that are nobody's mistake, in Aedes' words; errors of the network carry a `code`. */
const ORDINARY_ENDS = new Set([SILENT, 'connection closed', 'drain timeout', NOT_QUEUED])

function connectionEnded(o: BrokerOptions, sessions: Sessions, client: Client, error: Error): void {
  o.log.debug({ clientId: client.id, reason: error.message }, 'a connection ended with an error')
  if (error instanceof Refused) return
  if (error instanceof FengsuiError) return sessions.report({ code: error.code, reason: error.message }, client)
  if ('code' in error || ORDINARY_ENDS.has(error.message)) return
  sessions.report({ code: 'protocol-error', reason: error.message }, client)
}

/** What a device published and somebody wants, after its commit; it passed admission, so Aedes is not to ask again. */
function deliver(aedes: Aedes, { topic, payload, qos, messageId }: Delivery, client: Client | null, done: () => void): void {
  const packet = { cmd: 'publish' as const, topic, payload, qos, messageId, retain: false, dup: false }
  const { publish: publishFor } = aedes as unknown as { publish(p: typeof packet, c: Client | null, done: () => void): void }
  publishFor.call(aedes, packet, client, done)
}

function publish(aedes: Aedes, topic: string, payload: Uint8Array | string, o: { qos?: 0 | 1; retain?: boolean }): Promise<void> {
  const wrong = textProblem(topic) ?? (/[#+]|^\$/.test(topic) ? 'it holds a wildcard or begins with $' : null)
  if (wrong !== null) return Promise.reject(new FengsuiError('invalid-request', `publishing to ${JSON.stringify(topic)}: ${wrong}`))
  const packet = { cmd: 'publish' as const, topic, payload: Buffer.from(payload), qos: o.qos ?? 1, retain: o.retain ?? false, dup: false }
  return new Promise((resolve, reject) => {
    if (aedes.closed) return reject(new FengsuiError('room-unavailable', `publishing to ${topic}: the broker is closed`))
    aedes.publish(packet, error => (error ? reject(new FengsuiError('internal', `publishing to ${topic}: ${error.message}`)) : resolve()))
  })
}
