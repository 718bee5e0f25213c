// The base map over HTTP: whole, in ranges, not again when it has not changed, and a range of another file never mixed in.
import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PMTiles, FetchSource } from 'pmtiles'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { archiveOf } from '../../dashboard/basemap/pmtiles.ts'
import { spanOf } from '../../dashboard/api/basemap.ts'
import { startRoom, type Room } from './room.ts'

const ADDRESS = '/api/v1/district/basemap.pmtiles'
const tile = new Uint8Array(5000).map((_, at) => (at * 31) % 251)
const { bytes } = archiveOf([{ z: 7, x: 106, y: 52, bytes: tile }], {
  name: 't',
  bounds: { west: 118, south: 31, east: 119, north: 32 },
  layers: {},
})
let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['viewer'] })
})
afterAll(() => room?.[Symbol.asyncDispose]())
const get = async (headers: Record<string, string> = {}) => {
  const answer = await fetch(room.url + ADDRESS, { headers: { authorization: `Bearer ${room.tokens['viewer']}`, ...headers } })
  return { status: answer.status, headers: answer.headers, bytes: Buffer.from(await answer.arrayBuffer()) }
}

test('without tiles: not found, and what to do; without a session: nothing', async () => {
  expect((await room.ask(ADDRESS, { as: 'viewer' })).body).toMatchObject({
    code: 'not-found',
    message: expect.stringContaining('npm run basemap'),
  })
  await writeFile(join(room.dir, 'district', 'basemap.pmtiles'), bytes)
  expect((await fetch(room.url + ADDRESS)).status).toBe(401)
})

test('whole, a part, the end, beyond the end', async () => {
  const whole = await get()
  expect([whole.status, whole.headers.get('accept-ranges'), whole.bytes.equals(bytes)]).toEqual([200, 'bytes', true])
  const part = await get({ range: 'bytes=127-300' })
  expect([part.status, part.headers.get('content-range'), part.bytes.equals(bytes.subarray(127, 301))]).toEqual([
    206,
    `bytes 127-300/${bytes.length}`,
    true,
  ])
  expect((await get({ range: 'bytes=-10' })).bytes.equals(bytes.subarray(-10))).toBe(true)
  expect((await get({ range: `bytes=0-${bytes.length + 999}` })).bytes.equals(bytes)).toBe(true)
  const beyond = await get({ range: `bytes=${bytes.length}-` })
  expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, `bytes */${bytes.length}`])
  const etag = whole.headers.get('etag')!
  expect((await get({ 'if-none-match': etag })).status).toBe(304)
  expect((await get({ range: 'bytes=0-9', 'if-range': '"another"' })).status).toBe(200)
  expect((await get({ range: 'bytes=0-9', 'if-range': etag })).status).toBe(206)
})

test.each([
  [undefined, 100, null],
  ['bytes=0-99', 100, { from: 0, to: 99 }],
  ['bytes=5-', 100, { from: 5, to: 99 }],
  ['bytes=-0', 100, 'none'],
  ['bytes=-200', 100, { from: 0, to: 99 }],
  ['bytes=9-3', 100, null],
  ['bytes=0-1,5-6', 100, null],
  ['lines=0-1', 100, null],
  ['bytes=100-', 100, 'none'],
] as const)('range %s of %i bytes', (header, size, span) => expect(spanOf(header, size)).toEqual(span))

test("the page's own reader finds the tile through the server", async () => {
  const source = new FetchSource(room.url + ADDRESS, new Headers({ authorization: `Bearer ${room.tokens['viewer']}` }))
  const found = await new PMTiles(source).getZxy(7, 106, 52)
  expect(createHash('sha256').update(new Uint8Array(found!.data)).digest('hex')).toBe(createHash('sha256').update(tile).digest('hex'))
})
