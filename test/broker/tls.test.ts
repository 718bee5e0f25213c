// TLS at the door, with real handshakes: who may come in with which certificate, what the ones without get, certificates that
// change while devices are connected, tickets, and peers that begin a handshake and never end it.
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { afterAll, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { Certificates } from '../../broker/certificates.ts'
import type { BrokerOptions } from '../../broker/index.ts'
import { closed, connectFrame, lay, publishFrame, until, type Table } from './table.ts'
import { authority, folder, type Made } from './x509.ts'

const ca = authority()
const foreign = authority()
const server = ca.server()
const files = folder()
afterAll(() => files[Symbol.dispose]())

type Tls = NonNullable<BrokerOptions['tls']>
const tlsFiles = (o: Partial<Tls> = {}, made: Made = server): Tls => ({
  cert: files.put('server.pem', made.cert),
  key: files.put('server.key', made.key),
  clients: 'none',
  ...o,
})
const mutual = (clients: Tls['clients']): Tls => tlsFiles({ clients, clientCa: files.put('ca.pem', ca.cert) })
const provisioned = { provision: () => true }

type Ended = { bytes: Buffer; error: string | null }
type Line = { socket: TLSSocket; got(): Buffer; ended: Promise<Ended> }

function dial(port: number, o: ConnectionOptions = {}): Line {
  const socket = connect({ host: '127.0.0.1', port, ca: [ca.cert], ...o })
  const chunks: Buffer[] = []
  let error: string | null = null
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.on('error', (e: NodeJS.ErrnoException) => (error = e.code ?? e.message))
  const ended = new Promise<Ended>(resolve => socket.once('close', () => resolve({ bytes: Buffer.concat(chunks), error })))
  return { socket, got: () => Buffer.concat(chunks), ended }
}

const tlsPort = (table: Table): number => table.broker.ports.mqtts ?? 0
const shows = ({ cert, key }: Made): ConnectionOptions => ({ cert, key })

/** What comes of a CONNECT: the CONNACK code, or 'closed' where there is none. */
async function connack(table: Table, o: ConnectionOptions, frame: Buffer): Promise<number | 'closed'> {
  const line = dial(tlsPort(table), o)
  line.socket.write(frame)
  const { bytes } = await Promise.race([line.ended, until(() => line.got().length).then(() => ({ bytes: line.got() }))])
  line.socket.destroy()
  return bytes[0] === 0x20 ? (bytes[3] ?? 'closed') : 'closed'
}

test('a device comes in over TLS with its password, publishes, and is acknowledged from the journal', async () => {
  await using table = await lay({ tlsPort: 0, tls: tlsFiles() })
  await table.issue('d1')
  const line = dial(tlsPort(table))
  const payload = Buffer.alloc(40_000, 'x') // more than one TLS record
  line.socket.write(
    Buffer.concat([connectFrame({ clientId: 'c', ...table.login('d1') }), publishFrame({ topic: 'fire/v1/smoke/d1/event', payload })]),
  )
  await until(
    () => line.got().length,
    n => n === 8,
  )
  expect(table.journal.messages).toMatchObject([{ identity: 'd1', topic: 'fire/v1/smoke/d1/event' }])
  line.socket.destroy()
})

test('with a CA, the certificate says who it is; a wrong one, a foreign one, none, or one of nobody gets nothing', async () => {
  await using table = await lay({ tlsPort: 0, tls: mutual('required') })
  await table.issue('d1')
  await table.issue('d2')
  const d1 = ca.device('d1')
  const past = ca.device('d1', { fromMs: Date.now() - 3e8, toMs: Date.now() - 1e8 })
  const connect = (o: ConnectionOptions, who: { username?: string; password?: string } = {}) =>
    connack(table, o, connectFrame({ clientId: 'c', ...who }))
  expect(await connect(shows(d1))).toBe(0)
  expect(await connect(shows(d1), { username: 'd1', password: '' })).toBe(0)
  expect(await connect(shows(d1), table.login('d1'))).toBe(0)
  expect(await connect(shows(ca.device('whatever', { uri: 'urn:fengsui:device:d2' })))).toBe(0)
  expect(table.refusals).toEqual([])
  expect(await connect(shows(d1), { username: 'd1', password: 'not it' })).toBe(4)
  expect(await connect(shows(d1), table.login('d2'))).toBe(4)
  expect(await connect(shows(ca.device('stranger')))).toBe(4)
  expect(await connect(shows(ca.device('not a device/id')))).toBe(4)
  expect(await connect(shows(past))).toBe('closed')
  expect(await connect(shows(foreign.device('d1')))).toBe('closed')
  expect(await connect({}, table.login('d1'))).toBe('closed')
  expect(table.refusals.map(r => r.code)).toEqual(Array.from({ length: 7 }, () => 'bad-credentials'))
  expect(table.refusals.map(r => r.reason).join('\n')).toMatch(
    /password is not\n.*of d1, the user name of d2\n.*not registered\n.*names no device id\n.*CERT_HAS_EXPIRED\n.*not accepted.*\n.*no client certificate/,
  )
  expect(table.refusals[0]?.address).toBe('127.0.0.1')
  expect(table.journal.messages).toEqual([])
})

test('a certificate gives no right to the topic of another device', async () => {
  await using table = await lay({ tlsPort: 0, tls: mutual('required') })
  await table.issue('d1')
  await table.issue('d2')
  const line = dial(tlsPort(table), shows(ca.device('d1')))
  line.socket.write(Buffer.concat([connectFrame({ clientId: 'c' }), publishFrame({ topic: 'fire/v1/smoke/d2/event', payload: '{}' })]))
  const { bytes } = await line.ended
  expect(bytes).toEqual(Buffer.from([0x20, 2, 0, 0]))
  expect(table.journal.messages).toEqual([])
  expect(table.refusals).toMatchObject([{ code: 'not-your-topic', identity: 'd1' }])
})

test('where certificates are optional, a password is enough, and a bad certificate still is not', async () => {
  await using table = await lay({ tlsPort: 0, tls: mutual('optional') })
  await table.issue('d1')
  expect(await connack(table, {}, connectFrame({ clientId: 'c', ...table.login('d1') }))).toBe(0)
  expect(await connack(table, {}, connectFrame({ clientId: 'c' }))).toBe(4)
  expect(await connack(table, shows(foreign.device('d1')), connectFrame({ clientId: 'c', ...table.login('d1') }))).toBe('closed')
})

test('an unknown device with a good certificate is registered where that is allowed, once it was revoked never again', async () => {
  let made = 0
  const later: { provision: (deviceId: string) => boolean } = { provision: () => false }
  const provision = ({ deviceId }: { deviceId: string }): boolean => (made++, later.provision(deviceId))
  await using table = await lay({ tlsPort: 0, tls: mutual('required'), provision })
  later.provision = deviceId => table.credentials.provision(deviceId)
  const fresh = ca.device('fresh')
  expect(await connack(table, shows(fresh), connectFrame({ clientId: 'c' }))).toBe(0)
  expect(await connack(table, shows(fresh), connectFrame({ clientId: 'c' }))).toBe(0)
  expect(made).toBe(1)
  expect(table.credentials.list()).toMatchObject([{ deviceId: 'fresh' }])
  expect(await table.credentials.check('fresh', '')).toBe(null)
  table.credentials.revoke('fresh')
  expect(await connack(table, shows(fresh), connectFrame({ clientId: 'c' }))).toBe(4)
  expect(table.refusals.at(-1)?.reason).toContain('revoked')
  await table.issue('fresh')
  expect(await connack(table, shows(fresh), connectFrame({ clientId: 'c' }))).toBe(0)
})

test('a certificate on the revocation list of the CA is not accepted', async () => {
  const bad = ca.device('d1')
  const clientCrl = files.put('crl.pem', ca.crl([bad]))
  await using table = await lay({ tlsPort: 0, tls: { ...mutual('required'), clientCrl }, ...provisioned })
  await table.issue('d1')
  expect(await connack(table, shows(ca.device('d1')), connectFrame({ clientId: 'c' }))).toBe(0)
  expect(await connack(table, shows(bad), connectFrame({ clientId: 'c' }))).toBe('closed')
  expect(table.refusals.at(-1)?.reason).toContain('CERT_REVOKED')
})

test('a device comes back on its session ticket, with its certificate remembered', async () => {
  await using table = await lay({ tlsPort: 0, tls: mutual('required') })
  await table.issue('d1')
  const first = dial(tlsPort(table), shows(ca.device('d1')))
  const ticket = new Promise<Buffer>(resolve => first.socket.once('session', resolve))
  first.socket.write(connectFrame({ clientId: 'c' }))
  const session = await ticket
  await until(() => first.got().length)
  first.socket.destroy()
  const again = dial(tlsPort(table), { session })
  again.socket.write(connectFrame({ clientId: 'c' }))
  await until(() => again.got().length)
  expect([again.socket.isSessionReused(), again.got()[3]]).toEqual([true, 0])
  table.credentials.revoke('d1')
  table.broker.disconnect('d1')
  await again.ended
  expect(await connack(table, { session }, connectFrame({ clientId: 'c' }))).toBe(4)
})

test('a new certificate is taken without a restart, a half-written one is not, and other trust ends old tickets', () => {
  const next = ca.server()
  const tls = mutual('required')
  const errors: unknown[] = []
  const log = { ...noLog, error: (...told: unknown[]) => void errors.push(told) }
  const certificates = new Certificates(tls, { clock: systemClock, log, meter: noMeter })
  const taken: Certificates['context'][] = []
  const look = (): void => certificates.look(context => taken.push(context))
  look()
  expect(taken).toEqual([])
  files.put('server.pem', next.cert) // its key has not come yet
  look()
  look()
  expect([taken.length, errors.length]).toEqual([0, 1])
  expect(certificates.problem).toContain('cannot be used')
  files.put('server.key', next.key)
  look()
  expect(taken).toHaveLength(1)
  expect(certificates.problem).toBe(null)
  files.put('ca.pem', foreign.cert)
  look()
  expect(taken).toHaveLength(2)
  expect(taken[0]!.ticketKeys.equals(taken[1]!.ticketKeys)).toBe(false)
})

test('what is wrong with the files is said at start', async () => {
  const wrong = async (tls: Tls) =>
    lay({ tlsPort: 0, tls }).then(
      () => 'started',
      (error: Error) => error.message,
    )
  expect(await wrong(tlsFiles({ cert: '/nowhere/cert.pem' }))).toMatch(/FENGSUI_TLS_CERT=\/nowhere\/cert.pem: cannot be read/)
  expect(await wrong(tlsFiles({ key: files.put('other.key', ca.server().key) }))).toMatch(
    /FENGSUI_TLS_KEY=.*not the key of the certificate/,
  )
  expect(await wrong(tlsFiles({ key: files.put('no.key', 'nothing') }))).toMatch(/FENGSUI_TLS_KEY=.*not a PEM private key/)
  expect(await wrong(tlsFiles({ cert: files.put('no.pem', 'nothing') }))).toMatch(/FENGSUI_TLS_CERT=.*no PEM certificate/)
  expect(await wrong(tlsFiles({ clients: 'required', clientCa: files.put('no.pem', 'x') }))).toMatch(/FENGSUI_TLS_CLIENT_CA=.*no PEM/)
})

test('an expired certificate of our own is a warning, not the end', async () => {
  const warnings: unknown[] = []
  const log = { ...noLog, warn: (...told: unknown[]) => void warnings.push(told) }
  const past = ca.server({ fromMs: Date.now() - 3e8, toMs: Date.now() - 1e8 })
  await using table = await lay({ tlsPort: 0, tls: tlsFiles({}, past), log })
  expect(JSON.stringify(warnings)).toContain('has ended')
  expect(table.broker.problem()).toContain('ended')
})

test('plain MQTT on the TLS port, and a peer that never ends its handshake, are sent away', async () => {
  await using table = await lay({ tlsPort: 0, tls: tlsFiles(), anonymous: true, limits: { connectTimeoutMs: 200, handshakes: 1 } })
  const plain = table.socket(tlsPort(table))
  plain.write(connectFrame({ clientId: 'c' }))
  await closed(plain)
  const silent = table.socket(tlsPort(table))
  await closed(silent)
  // the one place for a handshake is free again
  expect(await connack(table, {}, connectFrame({ clientId: 'c' }))).toBe(0)
  expect(table.refusals.map(r => r.reason)).toEqual([
    expect.stringMatching(/TLS handshake: ERR_SSL/),
    expect.stringMatching(/ERR_TLS_HANDSHAKE_TIMEOUT/),
  ])
})

test('behind a proxy its header comes before TLS, and its address stands in the refusal', async () => {
  await using table = await lay({ tlsPort: 0, tls: tlsFiles(), proxyProtocol: true })
  const raw = table.socket(tlsPort(table))
  raw.pause()
  raw.write('PROXY TCP4 203.0.113.7 192.0.2.1 8080 8883\r\n')
  const line = dial(tlsPort(table), { socket: raw })
  line.socket.write(connectFrame({ clientId: 'c', username: 'd1', password: 'x' }))
  await line.ended
  expect(table.refusals).toMatchObject([{ code: 'bad-credentials', address: '203.0.113.7 8080' }])
})

test('thirty handshakes at once all end well', async () => {
  await using table = await lay({ tlsPort: 0, tls: tlsFiles(), anonymous: true, limits: { handshakes: 4 } })
  const lines = Array.from({ length: 30 }, (_, i) => {
    const line = dial(tlsPort(table))
    line.socket.write(connectFrame({ clientId: `c${i}` }))
    return line
  })
  await until(() => lines.every(line => line.got()[3] === 0))
  expect(table.broker.connections()).toBe(30)
  for (const line of lines) line.socket.destroy()
})
