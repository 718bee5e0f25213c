// Quarantine over HTTP: browsed, seen, corrected, sent through again by one and by many, put away; every act with its actor in the audit.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import { startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom()
})
afterAll(async () => room[Symbol.asyncDispose]())

const AT = '2026-07-22T14:40:00.000Z'
const entry = (id: string, o: Partial<QuarantineEntry> = {}): QuarantineEntry => ({
  id,
  source: 'decoder',
  code: 'json-invalid',
  reason: 'position 7',
  disposition: 'held',
  identity: 'smk-1',
  topic: 'fire/v1/smoke/smk-1/telemetry',
  count: 1,
  firstAt: AT,
  lastAt: AT,
  bytes: 6,
  payloadBase64: 'eyJ2Ijox',
  decoder: 'native@0123456789',
  ...o,
})
const as = 'engineer'
const act = (path: string, json: object = {}) => room.ask(`/api/v1/quarantine/${path}`, { as, method: 'POST', json })
const sent = () => room.redriven.splice(0).map(m => [m.clientId, m.topic, Buffer.from(m.payload).toString()])
const audit = () => room.dispatch.audit({ limit: 1 })[0]

test('listed without bytes, by code, source, topic, device, disposition and time; shown with them', async () => {
  room.quarantine.put([
    entry('q-1'),
    entry('q-2', {
      topic: 'zigbee2mqtt/kitchen',
      identity: 'gw-1',
      firstAt: '2026-07-23T00:00:00.000Z',
      lastAt: '2026-07-23T00:00:00.000Z',
    }),
    entry('q-3', { code: 'clock-implausible', disposition: 'kept-with-note' }),
  ])
  room.quarantine.note({ code: 'bad-credentials', reason: 'wrong', identity: 'x', count: 3, firstAt: AT, lastAt: AT })
  const ids = async (query: string) =>
    (await room.ask(`/api/v1/quarantine?${query}`, { as: 'viewer' })).body.entries.map(one => one.id.slice(0, 3))
  const all = await room.ask('/api/v1/quarantine', { as: 'viewer' })
  expect(all.body).toMatchObject({ total: 4, codes: ['bad-credentials', 'clock-implausible', 'json-invalid'] })
  expect(all.text).not.toContain('payloadBase64')
  expect(await ids('source=decoder')).toEqual(['q-3', 'q-2', 'q-1'])
  expect(await ids('topic=zigbee2mqtt/')).toEqual(['q-2'])
  expect(await ids('device=smk-1')).toEqual(['q-3', 'q-1'])
  expect(await ids('device=kitchen')).toEqual(['q-2'])
  expect(await ids('device=kitch')).toEqual([])
  expect(await ids('disposition=held&code=json-invalid')).toEqual(['q-2', 'q-1'])
  expect(await ids('from=2026-07-22T23:00:00Z')).toEqual(['q-2'])
  expect(await ids('to=2026-07-22T22:41:00%2B08:00&source=decoder')).toEqual(['q-3', 'q-1'])
  expect((await room.ask('/api/v1/quarantine/q-1', { as: 'viewer' })).body).toMatchObject({
    payloadBase64: 'eyJ2Ijox',
    decoder: 'native@0123456789',
    isWhole: true,
  })
})

test('sent again once, by whom and when; a second time only with force', async () => {
  const answer = await act('q-1/redrive')
  expect(answer.body).toMatchObject({ id: 'q-1', disposition: 'redriven', settledBy: 'user:engineer', redrives: 1 })
  expect(room.redriven[0]).toMatchObject({ receivedAtMs: Date.parse(AT), identity: 'smk-1', retain: false })
  expect(sent()).toEqual([['redrive:q-1#1', 'fire/v1/smoke/smk-1/telemetry', '{"v":1']])
  expect(audit()).toMatchObject({ actor: 'user:engineer', action: 'quarantine.redrive', subject: 'q-1', detail: { try: 1 } })
  const again = await act('q-1/redrive')
  expect([again.status, again.body.code]).toEqual([409, 'conflict'])
  expect(again.body.message).toContain('user:engineer')
  expect(sent()).toEqual([])
  expect((await act('q-1/redrive', { force: true })).body).toMatchObject({ redrives: 2 })
  expect(sent().map(([clientId]) => clientId)).toEqual(['redrive:q-1#2'])
})

test('corrected in payload and topic, and said to be', async () => {
  await act('q-2/redrive', { payload: '{"v":1}', topic: 'fire/v1/smoke/smk-2/telemetry' })
  expect(sent()).toMatchObject([['redrive:q-2#1+edited', 'fire/v1/smoke/smk-2/telemetry', '{"v":1}']])
  expect(audit()).toMatchObject({ detail: { edited: { bytes: 7, topic: 'fire/v1/smoke/smk-2/telemetry' } } })
  await act('q-3/redrive', { payloadBase64: 'AAE=', force: true })
  expect(sent()).toMatchObject([['redrive:q-3#1+edited', 'fire/v1/smoke/smk-1/telemetry', '\0\u0001']])
  expect((await act('q-3/redrive', { payload: 'a', payloadBase64: 'AAE=' })).status).toBe(400)
  expect((await act('q-3/redrive', { topic: 'fire/#' })).status).toBe(400)
})

test('what is too long for quarantine comes out of the journal while that keeps it; the bytes can be fetched, never as a page', async () => {
  const whole = Buffer.from(`<script>${'x'.repeat(70_000)}`)
  const big = entry('q-9', { seq: 9, bytes: whole.byteLength, payloadBase64: whole.subarray(0, 65_536).toString('base64') })
  room.quarantine.put(big)
  expect((await room.ask('/api/v1/quarantine/q-9', { as })).body).toMatchObject({ isWhole: false })
  expect((await act('q-9/redrive')).body.message).toContain('only a part')
  expect((await room.ask('/api/v1/quarantine/q-9/payload', { as })).status).toBe(404)
  const message = { seq: 9, topic: big.topic!, receivedAtMs: 5, payload: whole } as never
  room.originals.set(9, message)
  const bytes = await room.ask('/api/v1/quarantine/q-9/payload', { as: 'viewer' })
  expect(bytes.text).toHaveLength(whole.byteLength)
  expect(bytes.headers.get('content-type')).toBe('application/octet-stream')
  expect(bytes.headers.get('content-disposition')).toContain('attachment')
  expect((await room.ask('/api/v1/quarantine/q-9', { as })).body).toMatchObject({ isWhole: true })
  await act('q-9/redrive')
  expect(room.redriven.splice(0)).toMatchObject([{ receivedAtMs: 5, payload: whole }])
  const away = await act('q-9/discard')
  expect([away.status, away.body.message]).toEqual([409, expect.stringContaining('was re-driven by user:engineer already')])
  expect(room.quarantine.get('q-9')?.disposition).toBe('redriven')
})

test('everything of a filter, oldest first; what holds no bytes is told and passed by; what remains is counted', async () => {
  const many = Array.from({ length: 70 }, (_, i) => entry(`m-${i}`, { code: 'unknown-topic', topic: `vendor/${i}` }))
  const { payloadBase64: _bytes, ...bare } = entry('m-bare', { code: 'unknown-topic', topic: 'vendor/bare' })
  room.quarantine.put([bare, ...many, entry('other', { topic: 'elsewhere' })])
  const first = await act('redrive', { topic: 'vendor/', limit: 60 })
  expect(first.body).toMatchObject({ failed: [{ id: 'm-bare' }], remaining: 11 })
  expect(first.body.redriven).toHaveLength(60)
  expect(
    sent()
      .slice(0, 2)
      .map(([clientId]) => clientId),
  ).toEqual(['redrive:m-0#1', 'redrive:m-1#1'])
  expect(audit()).toMatchObject({ action: 'quarantine.redrive-all', actor: 'user:engineer', detail: { filter: { topic: 'vendor/' } } })
  expect((await act('redrive', { topic: 'vendor/' })).body).toMatchObject({ failed: [{ id: 'm-bare' }], remaining: 1 })
  expect(sent()).toHaveLength(10)
  expect(room.quarantine.get('other')?.disposition).toBe('held')
})

test('put away once; what was refused at the door is its sender’s to send again', async () => {
  expect((await act('other/discard')).body).toMatchObject({ disposition: 'discarded', settledBy: 'user:engineer' })
  expect(audit()).toMatchObject({ action: 'quarantine.discard', subject: 'other' })
  expect((await act('other/discard')).status).toBe(409)
  expect((await act('other/redrive')).status).toBe(409)
  const { entries } = room.quarantine.list({ limit: 1, source: 'door' })
  expect((await act(`${entries[0]!.id}/redrive`, { force: true })).body.message).toContain('never acknowledged')
  expect((await act('nowhere/redrive')).status).toBe(404)
  expect(sent()).toEqual([])
})
