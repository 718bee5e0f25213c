// HTTP pushes: who does not prove who he is reaches nothing, a 200 is said only when the message is safe, pictures stay out.
import { createCipheriv, createHmac } from 'node:crypto'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { createCatalogue, loadDecoders } from '../../ingest/catalogue.ts'
import { createIntake, type Refusal } from '../../ingest/intake.ts'
import { readPushSources, type PushSource } from '../../ingest/push/config.ts'
import { createOnce, REMEMBERED_MS } from '../../ingest/push/fresh.ts'
import { oneNetSignature, rawValue } from '../../ingest/push/proof.ts'
import { FAILURES_MAX, startPush } from '../../ingest/push/server.ts'

const TOKEN = 'a-long-enough-token'
const SOURCES: PushSource[] = [
  { name: 'nanhu', platform: 'ctwing', token: TOKEN },
  { name: 'one', platform: 'onenet', token: TOKEN },
  { name: 'studio', platform: 'onenet', token: TOKEN, aesKey: 'sixteen-letters!' },
  { name: 'older', platform: 'onenet', token: TOKEN, aesKey: 'abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG' },
  { name: 'timely', platform: 'onenet', token: TOKEN, maxAgeS: 600 },
  { name: 'cloud', platform: 'tuya', token: TOKEN },
  { name: 'gate', platform: 'hikvision', token: TOKEN, username: 'camera' },
  { name: 'yard', platform: 'hikvision', token: 'another-long-token' },
  { name: 'fire-eye', platform: 'vias', token: TOKEN },
]
const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})

async function pushing(o: { ratePerS?: number; bodyBytesMax?: number; commit?(): Promise<void> } = {}) {
  const messages: InboundMessage[] = []
  const refused: Refusal[] = []
  const append = async (m: InboundMessage) => {
    await o.commit?.()
    messages.push(m)
  }
  const parts = { append, refused: (r: Refusal) => refused.push(r), clock: systemClock, meter: noMeter, maxPayloadBytes: 4_096 }
  const intake = createIntake({ ...parts, ratePerS: o.ratePerS ?? 0 })
  const { bodyBytesMax } = o
  const server = await startPush({
    host: '127.0.0.1',
    port: 0,
    sources: SOURCES,
    intake,
    clock: systemClock,
    log: noLog,
    meter: noMeter,
    ...(bodyBytesMax !== undefined && { bodyBytesMax }),
  })
  opened.push(server)
  const at = (path: string) => `http://127.0.0.1:${server.port}${path}`
  const post = (path: string, body: string | Buffer, headers: Record<string, string> = {}) =>
    fetch(at(path), { method: 'POST', body: new Uint8Array(Buffer.from(body)), headers })
  return { messages, refused, at, post }
}
const REPORT = JSON.stringify({
  timestamp: 1767225600000,
  messageType: 'dataReport',
  deviceId: 'd1',
  payload: { serviceData: { Alarm_Status: 1 } },
})

describe('a token', () => {
  test.each([
    ['in the query', `/push/ctwing?token=${TOKEN}`, {}],
    ['as Bearer', '/push/ctwing/nanhu', { authorization: `Bearer ${TOKEN}` }],
    ['in a header', '/push/ctwing/nanhu', { token: TOKEN }],
  ])('%s lets the body in', async (_, path, headers) => {
    const { messages, post } = await pushing()
    const answer = await post(path, REPORT, headers as Record<string, string>)
    expect([answer.status, await answer.json()]).toEqual([200, { ok: true }])
    expect(messages).toMatchObject([{ topic: 'in/nbiot-cn/nanhu', identity: 'push:nanhu' }])
    const catalogue = createCatalogue({ decoders: await loadDecoders() })
    expect(catalogue.decode(messages[0]!).readings[0]).toMatchObject({ deviceId: 'ctwing:d1', alarms: { smoke: true } })
  })

  test('a wrong one, none, and one of another source reach nothing; then they are told to wait, and who has the right one is heard', async () => {
    const { messages, refused, post } = await pushing()
    const answers = [
      await post('/push/ctwing?token=wrong', REPORT),
      await post('/push/ctwing', REPORT),
      await post('/push/hikvision/gate?token=another-long-token', '<x/>'),
      await post('/push/hikvision/gate', '<x/>', { authorization: `Basic ${Buffer.from(`other:${TOKEN}`).toString('base64')}` }),
    ]
    expect(answers.map(a => a.status)).toEqual([401, 401, 401, 401])
    expect(await answers[0]!.text()).not.toContain(TOKEN)
    expect(refused.map(r => [r.code, r.identity])).toContainEqual(['bad-credentials', 'push:nanhu'])
    for (let i = 0; i < FAILURES_MAX; i++) await post('/push/ctwing?token=wrong', REPORT)
    const told = refused.length
    expect((await post('/push/ctwing?token=wrong', REPORT)).status).toBe(429)
    expect((await post('/push/onenet/one', '{"msg":"{}","nonce":"x","signature":"y"}')).status).toBe(429)
    expect(refused).toHaveLength(told)
    expect(messages).toEqual([])
    // behind a proxy everybody has this address
    expect((await post(`/push/ctwing?token=${TOKEN}`, REPORT)).status).toBe(200)
    expect(messages).toHaveLength(1)
  })

  test('Basic with the user name of the source', async () => {
    const { messages, post } = await pushing()
    const authorization = `Basic ${Buffer.from(`camera:${TOKEN}`).toString('base64')}`
    expect((await post('/push/hikvision/gate', '<EventNotificationAlert/>', { authorization })).status).toBe(200)
    expect(messages[0]?.topic).toBe('in/cameras/gate')
  })
})

test('paths that are none', async () => {
  const { post, at } = await pushing()
  // two sources of one platform: the path has to say which
  for (const path of ['/', '/push/', '/push/none', '/push/hikvision', '/push/ctwing/other', '/push/ctwing/nanhu/x'])
    expect((await post(path, '{}')).status).toBe(404)
  expect((await fetch(at('/push/ctwing'), { method: 'DELETE' })).status).toBe(400)
})

describe('OneNET', () => {
  test('its challenge is answered with msg, a wrong one is not', async () => {
    const { at } = await pushing()
    const query = (signature: string) => `/push/onenet/one?${new URLSearchParams({ msg: 'hello', nonce: 'n0nce', signature }).toString()}`
    expect(await (await fetch(at(query(oneNetSignature(TOKEN, 'n0nce', 'hello'))))).text()).toBe('hello')
    expect((await fetch(at(query(oneNetSignature('wrong', 'n0nce', 'hello'))))).status).toBe(401)
  })
  test('signature over msg as text and as object', async () => {
    const { messages, post } = await pushing()
    const msg = { at: 1767225600000, type: 1, dev_id: 7, ds_id: 'smoke_state', value: 1 }
    const text = `{ "at":1767225600000,"dev_id":7, "ds_id":"a\\"},b","value":1,"type":1 }`
    const signed = (m: string, raw: string) => `{"nonce":"x1","msg":${raw},"signature":"${oneNetSignature(TOKEN, 'x1', m)}"}`
    expect((await post('/push/onenet/one', signed(JSON.stringify(msg), JSON.stringify(JSON.stringify(msg))))).status).toBe(200)
    expect((await post('/push/onenet/one', signed(text, text))).status).toBe(200)
    expect((await post('/push/onenet/one', signed(`${text} `, text))).status).toBe(401)
    expect((await post('/push/onenet/one', '{"msg":{},"nonce":"x"}')).status).toBe(401)
    expect(messages).toHaveLength(2)
  })
  test('encrypted messages are opened with the key of their source; with none, or a wrong one, quarantine says that they are sealed', async () => {
    const { messages, post } = await pushing()
    const plain = JSON.stringify({ deviceId: '1', notifyType: 'property', data: { params: { smoke_state: { value: 1 } } } })
    const studioKey = Buffer.from('sixteen-letters!')
    const studio = createCipheriv('aes-128-cbc', studioKey, studioKey)
    const sealed = Buffer.concat([studio.update(plain), studio.final()]).toString('base64')
    const olderKey = Buffer.from('abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG=', 'base64')
    const length = Buffer.alloc(4)
    length.writeUInt32BE(plain.length)
    const framed = Buffer.concat([Buffer.alloc(16, 7), length, Buffer.from(plain)])
    const older = createCipheriv('aes-256-cbc', olderKey, olderKey.subarray(0, 16)).setAutoPadding(false)
    const padded = Buffer.concat([framed, Buffer.alloc(16 - (framed.length % 16), 3)])
    const old = Buffer.concat([older.update(padded), older.final()]).toString('base64')
    const signed = (field: string, text: string) =>
      JSON.stringify({ nonce: 'n', [field]: text, signature: oneNetSignature(TOKEN, 'n', text), time: 1767225600000 })
    for (const [path, body] of [
      ['studio', signed('msg', sealed)],
      ['older', signed('enc_msg', old)],
      ['one', signed('msg', sealed)],
      ['older', signed('msg', sealed)],
    ] as const)
      expect((await post(`/push/onenet/${path}`, body)).status).toBe(200)
    expect((await post('/push/onenet/studio', signed('msg', sealed).replace(sealed, `${sealed.slice(0, -4)}AAA=`))).status).toBe(401)
    const catalogue = createCatalogue({ decoders: await loadDecoders() })
    const decoded = messages.map(message => catalogue.decode(message))
    expect(decoded.slice(0, 2).map(one => one.readings[0])).toMatchObject([
      { deviceId: 'onenet:1', alarms: { smoke: true } },
      { deviceId: 'onenet:1', alarms: { smoke: true } },
    ])
    for (const one of decoded.slice(2)) expect(one.rejected?.reason).toMatch(/encrypted.*aesKey/)
  })
  test('the text of a value as it was sent', () => {
    expect(rawValue('{"a":{"msg":1},"msg" : [1, "]"] , "b":2}', 'msg')).toBe('[1, "]"]')
    expect(rawValue('{"a":"msg","msg":"x,}"}', 'msg')).toBe('"x,}"')
    expect(rawValue('{"a":1}', 'msg')).toBeUndefined()
  })
})

describe('Tuya: HMAC over time and body', () => {
  const body = JSON.stringify({ devId: 'x', status: [{ code: 'smoke_sensor_status', value: 'alarm', t: 1767225600000 }] })
  const signed = (atMs: number, text = body) => ({
    t: String(atMs),
    sign: createHmac('sha256', TOKEN).update(String(atMs)).update(text).digest('hex').toUpperCase(),
  })
  test('of now, and of nobody else', async () => {
    const { messages, post } = await pushing()
    const headers = signed(Date.now())
    expect((await post('/push/tuya', body, headers)).status).toBe(200)
    expect((await post('/push/tuya', body, { ...headers, t: String(Date.now() + 1_000) })).status).toBe(401)
    expect((await post('/push/tuya', body, { sign: createHmac('sha256', TOKEN).update(body).digest('hex') })).status).toBe(401)
    expect((await post('/push/tuya', body)).status).toBe(401)
    expect(messages).toHaveLength(1)
  })
  test('a copy of an old one, or of a clock that is ahead, is refused and shown; it is no guess at a secret', async () => {
    const { messages, refused, post } = await pushing()
    for (const atMs of [Date.now() - 400_000, Date.now() + 200_000, Number.NaN]) {
      const answer = await post('/push/tuya', body, signed(atMs))
      expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([401, 'message-stale'])
    }
    for (let i = 0; i < FAILURES_MAX; i++) await post('/push/tuya', body, signed(i))
    expect((await post('/push/tuya', body)).status).toBe(401)
    expect(messages).toEqual([])
    expect(refused[0]).toMatchObject({ code: 'message-stale', identity: 'push:cloud', reason: expect.stringMatching(/^signed 400 s ago/) })
  })
  test('what comes again within the time is answered as before and kept once', async () => {
    const { messages, post } = await pushing()
    const headers = signed(Date.now())
    const answers = await Promise.all(Array.from({ length: 4 }, () => post('/push/tuya', body, headers)))
    expect(answers.map(a => a.status)).toEqual([200, 200, 200, 200])
    expect((await post('/push/tuya', body, signed(Date.now() + 1))).status).toBe(200)
    expect(messages).toHaveLength(2)
  })
})

describe('OneNET, heard again', () => {
  const sent = (msg: object, nonce: string, more: object = {}) =>
    JSON.stringify({ ...more, msg: JSON.stringify(msg), nonce, signature: oneNetSignature(TOKEN, nonce, JSON.stringify(msg)) })
  test('a copy with another id beside it is the same message; one that could not be kept is taken the next time', async () => {
    let isFull = true
    const commit = async () => {
      if (isFull) throw new FengsuiError('disk-reserve', 'the disk is nearly full')
    }
    const { messages, post } = await pushing({ commit })
    const message = { type: 1, dev_id: 1, ds_id: 'smoke_state', value: 1, at: 1467225600000 }
    expect((await post('/push/onenet/one', sent(message, 'a'))).status).toBe(503)
    isFull = false
    for (const more of [{}, { id: '2' }, { time: 5 }]) expect((await post('/push/onenet/one', sent(message, 'a', more))).status).toBe(200)
    expect(messages).toHaveLength(1)
    expect((await post('/push/onenet/one', sent(message, 'b'))).status).toBe(200)
    expect(messages).toHaveLength(2)
  })
  test('its own times may be old, unless the source says how old', async () => {
    const { messages, post } = await pushing()
    const studio = (time: number) => ({
      deviceId: 1,
      messageType: 'notify',
      data: { params: { a: { value: 1, time: 5 }, b: { value: 2, time } } },
    })
    const list = (at: number) => [
      { type: 1, dev_id: 1, value: 1, at: 5 },
      { type: 1, dev_id: 1, value: 1, at },
    ]
    for (const of of [studio, list]) {
      expect((await post('/push/onenet/timely', sent(of(Date.now() - 500_000), 'n'))).status).toBe(200)
      expect((await post('/push/onenet/timely', sent(of(Date.now() - 700_000), 'n'))).status).toBe(401)
    }
    expect(messages).toHaveLength(2)
  })
  test('what is remembered has a bound and an end', async () => {
    const clock = { nowMs: () => nowMs }
    let nowMs = 0
    let taken = 0
    const take = async () => void taken++
    const once = createOnce(clock, 2)
    for (const key of ['a', 'b', 'a', 'c', 'b', 'a']) await once.do(key, take)
    expect(taken).toBe(4)
    nowMs += REMEMBERED_MS
    await once.do('a', take)
    expect(taken).toBe(5)
  })
})

test('answered when it is on disk and not before; what the journal refuses is answered 503', async () => {
  let release = (): void => {}
  let isFull = false
  const gate = new Promise<void>(resolve => (release = resolve))
  const commit = async () => {
    if (isFull) throw new FengsuiError('disk-reserve', 'the disk is nearly full')
    await gate
  }
  const { post } = await pushing({ commit })
  let status = 0
  const asked = post(`/push/ctwing?token=${TOKEN}`, REPORT).then(answer => (status = answer.status))
  await delay(100)
  expect(status).toBe(0)
  release()
  expect(await asked).toBe(200)
  isFull = true
  const answer = await post(`/push/ctwing?token=${TOKEN}`, REPORT)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '10'])
})

test('sizes and rates have bounds', async () => {
  const { messages, post } = await pushing({ ratePerS: 1, bodyBytesMax: 20_000 })
  const path = `/push/ctwing?token=${TOKEN}`
  expect((await post(path, Buffer.alloc(30_000, 0x20))).status).toBe(413)
  expect((await post(path, Buffer.alloc(10_000, 0x20))).status).toBe(413)
  const answers = await Promise.all(Array.from({ length: 15 }, () => post(path, REPORT)))
  expect(answers.filter(a => a.status === 429).length).toBeGreaterThanOrEqual(4)
  expect(messages.length).toBe(answers.filter(a => a.status === 200).length)
})

test('pictures stay out: of a multipart body its texts are kept, of VIAS its words', async () => {
  const { messages, post } = await pushing()
  const xml =
    '<EventNotificationAlert><eventType>fireDetection</eventType><macAddress>00:01:02:03:04:05</macAddress></EventNotificationAlert>'
  const body = Buffer.concat([
    Buffer.from(`--b\r\nContent-Disposition: form-data; name="fireDetection"\r\nContent-Type: application/xml\r\n\r\n${xml}\r\n`),
    Buffer.from('--b\r\nContent-Disposition: form-data; name="picture"\r\nContent-Type: image/jpeg\r\nContent-Length: 9000\r\n\r\n'),
    Buffer.alloc(9_000, 0xff),
    Buffer.from('\r\n--b--\r\n'),
  ])
  expect((await post(`/push/hikvision/gate?token=${TOKEN}`, body, { 'content-type': 'multipart/form-data; boundary=b' })).status).toBe(200)
  const vias = JSON.stringify({ stream_id: 's1', timestamp: 1767225600, event_type: 'fire', image_base64: 'A'.repeat(9_000) })
  expect((await post(`/push/vias?token=${TOKEN}`, vias)).status).toBe(200)
  expect(messages.map(m => Buffer.from(m.payload).toString())).toEqual([xml, vias.replace('A'.repeat(9_000), '')])
})

test('the file is checked, and says nothing of its secrets', () => {
  const file = (value: unknown) => {
    const path = join(mkdtempSync(join(tmpdir(), 'fengsui-push-')), 'push.json')
    writeFileSync(path, JSON.stringify(value))
    return path
  }
  expect(readPushSources(file({ sources: SOURCES }))).toEqual(SOURCES)
  expect(() => readPushSources(file({ sources: [{ ...SOURCES[0], token: 'short' }] }))).toThrow(/\/sources\/0\/token/)
  expect(() => readPushSources(file({ sources: [{ ...SOURCES[0], platform: 'other' }] }))).toThrow(/ctwing,oceanconnect/)
  expect(() => readPushSources(file({ sources: [SOURCES[0], SOURCES[0]] }))).toThrow(/ctwing\/nanhu is there twice/)
  expect(() => readPushSources(file({ sources: [{ ...SOURCES[0], maxAgeS: 60 }] }))).toThrow(/a token proves no time/)
})
