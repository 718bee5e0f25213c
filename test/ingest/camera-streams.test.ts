// Event streams of cameras over real HTTP: the login they ask for, parts in any pieces, pictures between them, and streams that end or
// fall silent.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { CameraStream } from '../../ingest/bridges/config.ts'
import { Parts } from '../../ingest/cameras/parts.ts'
import { startStream } from '../../ingest/cameras/stream.ts'
import { createCatalogue, loadDecoders } from '../../ingest/catalogue.ts'
import { createIntake } from '../../ingest/intake.ts'
import { until } from '../system/running.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})
async function camera(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  opened.push({ close: () => (server.closeAllConnections(), server.close()) })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
function reading(config: Omit<CameraStream, 'name'>, more: { silenceMs?: number } = {}) {
  const messages: InboundMessage[] = []
  const append = async (m: InboundMessage) => void messages.push(m)
  const intake = createIntake({ append, refused: () => {}, clock: systemClock, meter: noMeter, maxPayloadBytes: 65_536, ratePerS: 0 })
  const stream = startStream({ config: { name: 'gate-3', ...config }, intake, log: noLog, random: () => 0, retryMs: 40, ...more })
  opened.push(stream)
  return { messages, stream }
}
const sample = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures/cameras', name))
const part = (type: string, body: Buffer | string) =>
  Buffer.concat([
    Buffer.from(`--boundary\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n`),
    Buffer.from(body),
    Buffer.from('\r\n'),
  ])
const ALERT = `<EventNotificationAlert version="2.0"><ipAddress>10.0.0.9</ipAddress><macAddress>4c:0f:01:02:03:04</macAddress><channelID>2</channelID>
<dateTime>2026-01-01T08:00:05+08:00</dateTime><activePostCount>1</activePostCount><eventType>fireDetection</eventType><eventState>active</eventState></EventNotificationAlert>`
const ALIVE = ALERT.replace('fireDetection', 'videoloss').replace('<eventState>active', '<eventState>inactive')

test('Digest is answered as it is asked for, a wrong password is told and nothing is read', async () => {
  const md5 = (text: string) => createHash('md5').update(text).digest('hex')
  const url = await camera((request, response) => {
    const given = Object.fromEntries(
      [...(request.headers.authorization ?? '').matchAll(/(\w+)="?([^",]+)"?/g)].map(([, key = '', value]) => [key, value]),
    )
    const uri = '/ISAPI/Event/notification/alertStream'
    const want = md5(`${md5('admin:IP Camera:right')}:n1:${given['nc']}:${given['cnonce']}:auth:${md5(`GET:${uri}`)}`)
    if (given['response'] !== want || request.url !== uri) {
      response.writeHead(401, {
        'www-authenticate': ['Digest qop="auth", realm="IP Camera", nonce="n1", stale="FALSE"', 'Basic realm="x"'],
      })
      return response.end('<html>401</html>')
    }
    response.writeHead(200, { 'content-type': 'multipart/mixed; boundary=boundary' })
    const picture = part('image/jpeg', Buffer.concat([Buffer.from('--boundary\r\n\r\n'), Buffer.alloc(70_000, 0xff)]))
    const bytes = Buffer.concat([
      part('application/xml; charset="UTF-8"', ALIVE),
      picture,
      part('application/xml', ALERT),
      part('application/xml', ALIVE),
    ])
    for (let at = 0; at < bytes.length; at += 999) response.write(bytes.subarray(at, at + 999))
    return undefined
  })
  const wrong = reading({ vendor: 'hikvision', url, username: 'admin', password: 'wrong' })
  const { messages, stream } = reading({ vendor: 'hikvision', url, username: 'admin', password: 'right' })
  await until(() => messages.length === 2, 60_000, 'a sign of life and the alert; the next sign of life comes too early')
  expect(stream.status()).toEqual({ ok: true, detail: 'connected' })
  const catalogue = createCatalogue({ decoders: await loadDecoders() })
  expect(catalogue.decode(messages[0]!).readings).toMatchObject([{ deviceId: 'hik:4c:0f:01:02:03:04/2', alarms: {} }])
  const decoded = catalogue.decode(messages[1]!)
  expect(messages[1]?.topic).toBe('in/cameras/gate-3')
  expect(decoded.readings[0]).toMatchObject({ deviceId: 'hik:4c:0f:01:02:03:04/2', alarms: { fire: true } })
  expect(wrong.stream.status().detail).toMatch(/user name or password is wrong/)
  expect(wrong.messages).toEqual([])
})

test('Dahua: codes that are asked for, parts with and without length, begun again when it ends', async () => {
  const asked: string[] = []
  const url = await camera((request, response) => {
    asked.push(request.url ?? '')
    response.writeHead(200, { 'content-type': 'multipart/x-mixed-replace; boundary=myboundary' })
    response.write('--myboundary\r\nContent-Type: text/plain\r\nContent-Length:9\r\n\r\nHeartbeat\r\n')
    response.write('--myboundary\r\nContent-Type: text/plain\r\n\r\nCode=FireWarning;action=Start;index=0;data={"Temperature":210}\r\n')
    if (asked.length < 3) response.end('--myboundary\r\n\r\n')
    else response.write('--myboundary\r\n')
  })
  const { messages, stream } = reading({ vendor: 'dahua', url, codes: ['FireWarning', 'SmokeDetection'] })
  await until(() => asked.length === 3 && messages.length === 4, 60_000, 'three lives and one sign of life')
  expect(asked[0]).toBe('/cgi-bin/eventManager.cgi?action=attach&codes=[FireWarning,SmokeDetection]&heartbeat=5')
  expect(stream.status().ok).toBe(true)
  const catalogue = createCatalogue({ decoders: await loadDecoders() })
  expect(catalogue.decode(messages[0]!).readings).toMatchObject([{ deviceId: 'dahua:gate-3/0', alarms: {} }])
  expect(catalogue.decode(messages[1]!).readings[0]).toMatchObject({ deviceId: 'dahua:gate-3/0', alarms: { fire: true } })
})

test('a stream that falls silent is begun again; an answer that is no stream is told', async () => {
  let asked = 0
  const url = await camera((_, response) => {
    asked += 1
    response.writeHead(200, { 'content-type': asked > 2 ? 'text/html' : 'multipart/mixed; boundary=b' })
    response.write('x')
  })
  const { stream } = reading({ vendor: 'hikvision', url }, { silenceMs: 80 })
  await until(() => asked > 3, 60_000, 'asked again')
  expect(stream.status().detail).toMatch(/not multipart/)
})

test('parts come out the same however the bytes are cut, and nothing is kept without bound', () => {
  const bytes = Buffer.concat([
    Buffer.from('preamble\r\n'),
    part('application/xml', ALERT),
    part('image/jpeg', Buffer.alloc(300, 1)),
    part('application/xml', sample('hik-fire.xml')),
    Buffer.from('--boundary'),
  ])
  const read = (pieces: Buffer[]) => {
    const parts = new Parts('boundary')
    return pieces.flatMap(piece => parts.push(piece)).map(({ type, body }) => `${type} ${body.length}`)
  }
  const want = read([bytes])
  expect(want).toHaveLength(2)
  for (let at = 0; at <= bytes.length; at += 3) expect(read([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(want)
  expect(read([...bytes].map(byte => Buffer.of(byte)))).toEqual(want)
  // an empty line before the headers, as some firmware writes it
  const odd = Buffer.from(
    `--boundary\r\n\r\nContent-Type: application/xml\r\nContent-Length: ${ALERT.length}\r\n\r\n${ALERT}\r\n--boundary--`,
  )
  for (let at = 0; at <= odd.length; at += 7)
    expect(read([odd.subarray(0, at), odd.subarray(at)])).toEqual([`application/xml ${ALERT.length}`])
  const endless = new Parts('boundary')
  for (let i = 0; i < 100; i++) expect(endless.push(Buffer.alloc(100_000, 0x2d))).toEqual([])
})
