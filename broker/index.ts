// The broker room: MQTT 3.1.1 over TCP. Who are you, may you publish here, is it small enough, is it on disk - then the PUBACK.
// Decodes no payload, keeps nothing that a restart needs: what was acknowledged is in the journal.
import { createServer, type Server, type Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Aedes, type Client } from 'aedes'
import { FengsuiError } from '#contracts/errors.ts'
import { textProblem } from './access.ts'
import { Admission, type AdmissionOptions } from './admission.ts'
import { boundPersistence, type Persistence } from './bounded-store.ts'
import { Entry, type EntryOptions } from './entry.ts'
import { Gate } from './gate.ts'
import { Guard } from './guard.ts'
import { CLOSE_WAIT_MS, DRAIN_TIMEOUT_MS, LIMITS, type Limits } from './limits.ts'
import { Refused, Sessions, type Refusal } from './sessions.ts'
import { Subscribing } from './subscribing.ts'

export { openCredentials, type Credentials, type Identity } from './credentials.ts'
export type { Refusal } from './sessions.ts'

export type BrokerOptions = EntryOptions &
  AdmissionOptions & {
    refused: (r: Refusal) => void
    host: string
    /** 0 takes a free one */
    port: number
    /** tighter bounds, for tests */
    limits?: Partial<Limits>
  }

export type Broker = {
  port: number
  /** Sends to subscribers; not journalled, since it comes from us. QoS 1 unless said. */
  publish(topic: string, payload: Uint8Array | string, o?: { qos?: 0 | 1; retain?: boolean }): Promise<void>
  /** Ends every connection of an identity. */
  disconnect(username: string): void
  connections(): number
  /** Stops reading, lets what is on its way get to disk and be acknowledged, then ends all connections without their wills. */
  close(): Promise<void>
}

/** @throws FengsuiError port-in-use, setting-invalid */
export async function startBroker(o: BrokerOptions): Promise<Broker> {
  const limits: Limits = { ...LIMITS, ...o.limits }
  const sessions = new Sessions(o.clock, o.refused)
  const admission = new Admission(o, sessions)
  const aedes = await startAedes(o, limits, sessions, admission)
  const guards = new Set<Guard>()
  const gate = new Gate(limits.inFlightBytes)

  const handle = (socket: Socket): void => {
    let client: Client | null = null
    const guard: Guard = new Guard({
      socket,
      gate,
      limits,
      maxPayloadBytes: o.maxPayloadBytes,
      refused: (code, reason, more) => sessions.report({ code, reason }, client, more),
      tooSlow: pendingBytes =>
        o.log.warn(
          { identity: client === null ? null : sessions.identityOf(client)?.username, pendingBytes },
          'cut a subscriber that does not read',
        ),
    })
    guards.add(guard)
    guard.once('close', () => guards.delete(guard))
    client = aedes.handle(guard)
  }

  const server = createServer({ noDelay: true, keepAlive: true, highWaterMark: 16 * 1024 }, handle)
  server.maxConnections = limits.connections
  server.on('drop', () => sessions.report({ code: 'too-many-connections', reason: `${limits.connections} sockets are open` }, null))
  const port = await listen(server, o.host, o.port)
  o.log.info({ host: o.host, port, anonymous: o.anonymous }, 'MQTT is listening')
  return {
    port,
    publish: (topic, payload, options = {}) => publish(aedes, topic, payload, options),
    disconnect(username) {
      for (const guard of guards) {
        const client = clientOf(guard)
        if (client !== null && sessions.identityOf(client)?.username === username) client.close()
      }
    },
    connections: () => aedes.connectedClients,
    async close() {
      const stopped = new Promise<void>(resolve => server.close(() => resolve()))
      for (const guard of guards) guard.stopReading()
      await admission.close(CLOSE_WAIT_MS)
      await nextTurn() // Aedes writes the last PUBACKs in this turn,
      await nextTurn() // and the guards send them in this one
      await new Promise<void>(resolve => aedes.close(resolve))
      for (const guard of guards) guard.destroy()
      await stopped
    },
  }
}

/** Aedes hangs its client on the stream it was given. */
const clientOf = (guard: Guard & { client?: Client }): Client | null => guard.client ?? null

async function startAedes(o: BrokerOptions, limits: Limits, sessions: Sessions, admission: Admission): Promise<Aedes> {
  const entry = new Entry(o, sessions)
  const subscribing = new Subscribing(o.log, sessions)
  const aedes = await Aedes.createBroker({
    connectTimeout: limits.connectTimeoutMs,
    drainTimeout: DRAIN_TIMEOUT_MS,
    // Aedes' queue before CONNACK is never used: the guard holds everything back. Raised, so that it cannot be what fails.
    queueLimit: 1000,
    // MQTT 3.1 allowed 23 characters; the namespace in front of the ClientId would always break that
    maxClientsIdLength: 65_535,
    preConnect: entry.preConnect,
    authenticate: entry.authenticate,
    authorizePublish: admission.authorizePublish,
    authorizeSubscribe: subscribing.authorizeSubscribe,
  })
  const { persistence } = aedes as unknown as { persistence: Persistence }
  let reported = ''
  boundPersistence(persistence, limits, (what, where) => {
    if (reported !== what + where) o.log.warn({ what, where }, 'a bound of the broker is reached: not kept (it is in the journal)')
    reported = what + where
  })
  admission.useStore(persistence)
  subscribing.useStore(persistence)
  aedes.on('connackSent', (packet, client) => {
    if (packet.returnCode === 0 && client.conn instanceof Guard) client.conn.accept()
  })
  const gauge = (): void => o.meter.gauge('fengsui_mqtt_connections', aedes.connectedClients)
  aedes.on('client', gauge)
  aedes.on('clientDisconnect', gauge)
  const ended = (client: Client, error: Error): void => connectionEnded(o, sessions, client, error)
  aedes.on('clientError', ended)
  aedes.on('connectionError', ended)
  aedes.addListener('error', (error: Error) => o.log.error({ err: error }, 'the broker library failed'))
  return aedes
}

/** Ends of a connection that are nobody's mistake, in Aedes' words; errors of the network carry a `code`. */
const ORDINARY_ENDS = new Set(['keep alive timeout', 'connection closed', 'drain timeout', 'no such packet'])

function connectionEnded(o: BrokerOptions, sessions: Sessions, client: Client, error: Error): void {
  o.log.debug({ clientId: client.id, reason: error.message }, 'a connection ended with an error')
  if (error instanceof Refused) return
  if (error instanceof FengsuiError) return sessions.report({ code: error.code, reason: error.message }, client)
  if ('code' in error || ORDINARY_ENDS.has(error.message)) return
  sessions.report({ code: 'protocol-error', reason: error.message }, client)
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

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'port-in-use' : 'setting-invalid'
      reject(new FengsuiError(code, `listening for MQTT on ${host}:${port}: ${error.message}`, { cause: error }))
    })
    server.listen(port, host, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
