// Observations over HTTP: JSON or a form with photos; what is no picture, too large or too many is refused and leaves nothing on disk; photos
// go out to the signed-in only, with headers under which nothing in them can run.
import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { typeOf } from '../../dispatch/photos.ts'
import { alarmBody, startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['admin', 'officer', 'viewer', 'station'] })
  room.issue('hotline', ['observations:write'])
})
afterAll(() => room[Symbol.asyncDispose]())

const MIB = 1024 * 1024
const JPEG = Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46, 0, 1, 1, 0, 0, 1])
const picture = (bytes = 2000): Blob => new Blob([JPEG, Buffer.alloc(bytes - JPEG.length, 7)], { type: 'image/jpeg' })
let keys = 0
const seen = (o: object = {}): Record<string, unknown> => {
  keys += 1
  return { source: 'citizen', text: '楼上冒烟', idempotencyKey: `o${keys}`, place: { building: `obs-${keys}` }, ...o }
}
type Sent = {
  status: number
  body: { id: string; code: string; message: string; incidentId: string; photos: { id: string; type: string; bytes: number }[] }
}
async function form(observation: unknown, photos: Blob[], as = 'hotline', extra: Record<string, string> = {}): Promise<Sent> {
  const data = new FormData()
  for (const [i, photo] of photos.entries()) data.append('photo', photo, `../../${i}.jpg`)
  if (observation !== undefined) data.append('observation', typeof observation === 'string' ? observation : JSON.stringify(observation))
  for (const [name, value] of Object.entries(extra)) data.append(name, value)
  const answer = await fetch(`${room.url}/api/v1/observations`, {
    method: 'POST',
    body: data,
    headers: { authorization: `Bearer ${room.tokens[as]}` },
  })
  return { status: answer.status, body: (await answer.json()) as Sent['body'] }
}
const filesKept = (): string[] =>
  readdirSync(join(room.dir, 'photos'), { recursive: true, encoding: 'utf8' }).filter(f => statSync(join(room.dir, 'photos', f)).isFile())

test('a report without photos, once', async () => {
  const body = seen()
  const first = await room.post('/api/v1/observations', body, 'hotline')
  expect(first).toMatchObject({ status: 201, body: { status: 'to-be-confirmed', by: 'token:hotline' } })
  expect(await room.post('/api/v1/observations', body, 'hotline')).toMatchObject({ status: 200, body: { id: first.body.id } })
  expect((await room.ask('/api/v1/observations', { as: 'viewer' })).status).toBe(200)
  expect((await room.ask(`/api/v1/observations/${first.body.id}`, { as: 'viewer' })).body.incidentId).toBe(first.body.incidentId)
})

test('photos are kept by what they are, joined to the incident, and shown to the signed-in only', async () => {
  const raised = await room.post('/api/v1/alarms', alarmBody({ place: { building: 'with-photos' } }))
  const sent = await form(seen({ place: { building: 'with-photos' } }), [picture(), picture(3000)])
  expect(sent).toMatchObject({ status: 201, body: { incidentId: raised.body.incident.id } })
  expect(sent.body.photos.map(p => [p.type, p.bytes])).toEqual([
    ['image/jpeg', 2000],
    ['image/jpeg', 3000],
  ])
  const path = `/api/v1/observations/${sent.body.id}/photos/${sent.body.photos[0]!.id}`
  expect((await fetch(room.url + path)).status).toBe(401)
  const shown = await fetch(room.url + path, { headers: { authorization: `Bearer ${room.tokens['viewer']}` } })
  expect(Buffer.from(await shown.arrayBuffer()).subarray(0, 16)).toEqual(JPEG)
  const head = (name: string) => shown.headers.get(name)
  expect(head('content-type')).toBe('image/jpeg')
  expect(head('x-content-type-options')).toBe('nosniff')
  expect(head('content-security-policy')).toBe("default-src 'none'; sandbox")
  expect(head('content-disposition')).toBe(`inline; filename="${sent.body.photos[0]!.id}.jpg"`)
  expect(head('cache-control')).toContain('private')
  const list = await room.ask(`/api/v1/observations?incident=${raised.body.incident.id}`)
  expect(list.text).toContain(sent.body.id)
  // the photo of another observation is not found under this one
  const other = await form(seen(), [picture()])
  expect((await room.ask(`/api/v1/observations/${sent.body.id}/photos/${other.body.photos[0]!.id}`)).status).toBe(404)
  expect((await room.ask(`/api/v1/observations/${sent.body.id}/photos/..%2F..%2Fdispatch.db`)).status).toBe(404)
})

test('bytes that are no form are refused as such, and leave nothing', async () => {
  const before = filesKept()
  const send = (type: string, body: string) =>
    fetch(`${room.url}/api/v1/observations`, {
      method: 'POST',
      body,
      headers: { authorization: `Bearer ${room.tokens['hotline']}`, 'content-type': type },
    })
  const photo = `--x\r\nContent-Disposition: form-data; name="photo"; filename="a.jpg"\r\n\r\n${JPEG.toString('latin1')}`
  for (const [type, body] of [
    ['multipart/form-data', '--x\r\nfoo'],
    ['multipart/form-data; boundary=x', '--x\r\nfoo'],
    ['multipart/form-data; boundary=x', photo],
    ['multipart/form-data; boundary=x', ''],
  ] as const) {
    const answer = await send(type, body)
    expect([answer.status, await answer.json()]).toMatchObject([400, { code: 'invalid-request' }])
  }
  expect(filesKept()).toEqual(before)
})

test.each<[string, () => Promise<Sent>, number, RegExp]>([
  ['a photo of 20 MB', () => form(seen(), [picture(20 * MIB)]), 413, /larger than 10 MiB/],
  [
    'a page that says it is a picture',
    () => form(seen(), [new Blob(['<html><script>alert(1)</script></html>'], { type: 'image/jpeg' })]),
    400,
    /no JPEG, PNG, WebP or HEIC/,
  ],
  [
    'a drawing with a script',
    () => form(seen(), [new Blob(['<svg xmlns="http://www.w3.org/2000/svg" onload="x()"/>'], { type: 'image/svg+xml' })]),
    400,
    /no JPEG/,
  ],
  ['nothing', () => form(seen(), [new Blob([])]), 400, /no JPEG/],
  [
    'seven photos',
    () =>
      form(
        seen(),
        Array.from({ length: 7 }, () => picture()),
      ),
    400,
    /more fields or files/,
  ],
  ['no words with it', () => form(undefined, [picture()]), 400, /no field `observation`/],
  ['words that are no JSON', () => form('{', [picture()]), 400, /not valid JSON/],
  ['a field that is wrong', () => form(seen({ source: 'bird' }), [picture()]), 400, /observation\.source must be one of/],
  ['a field nobody knows', () => form(seen(), [picture()], 'hotline', { more: 'x' }), 400, /more fields|not known/],
  ['nowhere to go', () => form({ source: 'citizen', text: 'x', idempotencyKey: 'n' }, [picture()]), 400, /place or position/],
])('%s is refused, and nothing of it stays', async (_what, send, status, message) => {
  const [before, incidents] = [filesKept(), room.dispatch.incidents({ limit: 999 }).length]
  const answer = await send()
  expect(answer.body.message).toMatch(message)
  expect(answer.status).toBe(status)
  expect(filesKept()).toEqual(before)
  expect(room.dispatch.incidents({ limit: 999 })).toHaveLength(incidents)
})

test('who may not report, may not', async () => {
  expect((await form(seen(), [picture()], 'viewer')).status).toBe(403)
  const taken = await form(seen(), [picture()], 'officer')
  expect(taken.status).toBe(201)
  // written down: a restart need not ask for it
  expect(readdirSync(join(room.dir, 'photos', 'unclaimed'))).toEqual([])
  expect(room.dispatch.observations.hasPhoto(taken.body.photos[0]!.id)).toBe(true)
})

test('markup in the words stays words', async () => {
  const sent = await room.post('/api/v1/observations', seen({ text: '<img src=x onerror=alert(1)>' }), 'hotline')
  const incident = await room.ask(`/api/v1/incidents/${sent.body.incidentId}`)
  expect(incident.headers.get('content-type')).toContain('application/json')
  expect(incident.body.timeline.at(-1)?.text?.en).toContain('<img src=x onerror=alert(1)>')
})

test.each([
  [Buffer.from('\u0089PNG\r\n\u001a\n', 'latin1'), 'image/png'],
  [Buffer.from('RIFF\0\0\0\0WEBPVP8 '), 'image/webp'],
  [Buffer.from('\0\0\0\u0018ftypheic\0\0\0\0'), 'image/heic'],
  [Buffer.from('GIF89a'), null],
  [Buffer.from('%PDF-1.7'), null],
  [Buffer.from('RIFF\0\0\0\0WAVE'), null],
  [Buffer.from('\0\0\0\u0018ftypmp42\0\0\0\0'), null],
  [Buffer.alloc(0), null],
])('%j is %s', (bytes, type) => expect(typeOf(bytes)).toBe(type))
