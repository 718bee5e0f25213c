// Whatever goes wrong, the answer has one shape and says what to do; nothing of our inside leaks.
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ERROR_CODES, FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import { type Answer } from './answers.ts'
import { startRoom, type Room, ruleDesk } from './room.ts'

let room: Room
let broken: () => never = () => {
  throw new Error('secret inside: token=abc at /srv/x.ts')
}
beforeAll(async () => {
  room = await startRoom({
    roles: ['admin'],
    parts: {
      history: { query: async () => broken(), aggregate: async () => broken() },
      rules: { ...ruleDesk(), get: () => broken() },
    },
  })
})
afterAll(() => room?.[Symbol.asyncDispose]())

const isError = (answer: Answer, code: ErrorCode, message: RegExp) => {
  expect({ status: answer.status, body: answer.body }).toEqual({
    status: ERROR_CODES[code].status,
    body: { code, message: expect.stringMatching(message), hint: ERROR_CODES[code].hint, requestId: answer.headers.get('x-request-id') },
  })
  expect(answer.headers.get('content-type')).toContain('application/json')
}
const raise = (json: unknown) => room.post('/api/v1/alarms', json)
const good = { idempotencyKey: 'k', kind: 'fire-alarm', text: 'x' }

test('an unknown address', async () => {
  isError(await room.ask('/api/v1/nothing'), 'not-found', /GET \/api\/v1\/nothing/)
  isError(await room.ask('/api/v1/alarms', { method: 'PUT', json: {} }), 'not-found', /PUT \/api\/v1\/alarms/)
  isError(await room.ask('/nothing/here.js', { as: null }), 'not-found', /here\.js/)
  isError(await room.ask('/flows/'), 'not-found', /switched off/)
})

test('an unknown id', async () => {
  isError(await room.ask('/api/v1/alarms/none'), 'not-found', /alarm none/)
  isError(await room.ask('/api/v1/incidents/none'), 'not-found', /incident none/)
  isError(await room.ask('/api/v1/devices/none'), 'not-found', /device none/)
  isError(await room.ask('/api/v1/quarantine/none'), 'not-found', /entry none/)
  isError(await room.ask('/api/v1/district/roads'), 'not-found', /layer roads/)
})

test('a bad body says which field and what is allowed, not what was sent', async () => {
  isError(await raise({ ...good, kind: 'SENT-VALUE' }), 'invalid-request', /^body\.kind must be one of fire-alarm, pre-alarm/)
  isError(await raise({ ...good, kind: undefined }), 'invalid-request', /^body\.kind is missing$/)
  isError(await raise({ ...good, colour: 1 }), 'invalid-request', /^body\.colour is not known here; allowed: .*severity/)
  isError(await raise({ ...good, severity: 5 }), 'invalid-request', /^body\.severity must be one of 1, 2, 3, 4$/)
  isError(await raise({ ...good, severity: '2' }), 'invalid-request', /^body\.severity must be one of/)
  isError(await raise({ ...good, at: 'yesterday' }), 'invalid-request', /^body\.at must be a time like/)
  isError(await raise({ ...good, at: '2026-07-22T22:40:00' }), 'invalid-request', /^body\.at must be a time like/)
  isError(await raise({ ...good, position: { lat: 91, lon: 0 } }), 'invalid-request', /^body\.position\.lat must be <= 90$/)
  isError(await raise({ ...good, text: { zh: 'x' } }), 'invalid-request', /^body\.text\.en is missing$/)
  isError(await raise({ ...good, idempotencyKey: undefined }), 'invalid-request', /idempotencyKey .* is missing/)
  isError(await raise([]), 'invalid-request', /^body must be object$/)
  for (const line of room.lines) expect(line).not.toContain('SENT-VALUE')
})

test('a bad query', async () => {
  isError(await room.ask('/api/v1/alarms?limit=many'), 'invalid-request', /^querystring\.limit must be integer$/)
  isError(await room.ask('/api/v1/alarms?state=ON'), 'invalid-request', /^querystring\.state must be of NORM, UNACK/)
  isError(
    await room.ask('/api/v1/alarms?stat=UNACK'),
    'invalid-request',
    /^querystring\.stat is not known here; allowed: state, area, since, limit$/,
  )
  isError(await room.ask('/api/v1/incidents?state=open,closed'), 'invalid-request', /^querystring\.state must be of new,/)
  isError(await room.ask('/api/v1/district/..%2F..%2Fetc'), 'invalid-request', /^params\.layer must be one of areas/)
  isError(await room.ask('/api/v1/devices/x/readings?from=2026-07-22T00:00:00Z&to=2026-07-21T00:00:00Z'), 'invalid-request', /before/)
})

test('bytes that are no JSON, no content-type, nothing, too much', async () => {
  const send = (body: string, type: string) => room.ask('/api/v1/alarms', { method: 'POST', body, headers: { 'content-type': type } })
  isError(await send('{"kind":', 'application/json'), 'invalid-request', /not valid JSON/)
  isError(await send('{"__proto__":{"x":1}}', 'application/json'), 'invalid-request', /not valid JSON|not known/)
  isError(await send('kind=fire', 'application/x-www-form-urlencoded'), 'invalid-request', /application\/json/)
  isError(await send('', 'application/json'), 'invalid-request', /empty/)
  isError(await send(JSON.stringify({ ...good, subject: 'x'.repeat(300_000) }), 'application/json'), 'payload-too-large', /larger/)
})

test('a URL that cannot be decoded, and bytes that are no HTTP', async () => {
  isError(await room.ask('/api/v1/alarms/%E0%A4%A'), 'invalid-request', /URL/)
  const answer = await new Promise<string>((resolve, reject) => {
    const socket = connect(Number(new URL(room.url).port), '127.0.0.1', () => socket.write('\x16\x03\x01 this is TLS\r\n\r\n'))
    let text = ''
    socket.on('data', chunk => (text += String(chunk)))
    socket.on('end', () => resolve(text))
    socket.on('error', reject)
  })
  expect(answer).toMatch(/^HTTP\/1\.1 400 /)
  expect(JSON.parse(answer.slice(answer.indexOf('{')))).toEqual({
    code: 'invalid-request',
    message: expect.any(String),
    hint: expect.any(String),
    requestId: expect.any(String),
  })
})

test('what nobody foresaw is logged with its stack under the requestId, and answered without', async () => {
  const answer = await room.ask('/api/v1/rules')
  isError(answer, 'internal', /^something broke on our side$/)
  const line = room.lines.find(one => one.includes(answer.body.requestId) && one.includes('a request failed'))
  expect(line).toContain('secret inside')
})

test('a room that does not answer is a 503 with its own words', async () => {
  isError(await room.ask('/api/v1/devices/x/readings'), 'room-unavailable', /reading store/)
  broken = () => {
    throw new FengsuiError('journal-unavailable', 'the disk is full')
  }
  isError(await room.ask('/api/v1/devices/x/readings'), 'journal-unavailable', /disk is full/)
})

test('a port that is taken stops the start with its name', async () => {
  await expect(startRoom({ roles: [], parts: { port: room.api.port } })).rejects.toMatchObject({
    code: 'port-in-use',
    message: expect.stringContaining(String(room.api.port)),
  })
})
