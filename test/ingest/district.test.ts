// A bad position costs only the position: what is withheld, what is said of it, and that no alarm goes with it.
// docs/decisions/0009-a-bad-position-costs-only-the-position.md
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import gcoordModule from 'gcoord'
import { describe, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import type { Reading } from '#contracts/reading.ts'
import { createCatalogue, loadDecoders } from '../../ingest/catalogue.ts'
import { createDirectory } from '../../ingest/directory.ts'
import { districtIn, loadDistrict, registeredPosition } from '../../ingest/district.ts'
import { readSheet } from '../../ingest/registration-csv.ts'

const gcoord = gcoordModule as unknown as (typeof gcoordModule)['default']
const FOLDER = join(import.meta.dirname, '../../dashboard/district')
const district = districtIn(JSON.parse(readFileSync(join(FOLDER, 'areas.geojson'), 'utf8')))
const decoders = await loadDecoders()
const AT = Date.parse('2026-01-01T00:00:10.000Z')
const HOME = { lat: 31.86, lon: 118.8 }

type Given = { lat: number; lon: number; crs?: string }
const catalogueHere = (rows: [string, string][] = []) => createCatalogue({ decoders, district, rows })
function send(position: Given, more: object = { alarms: { smoke: true } }, catalogue = catalogueHere()) {
  const payload = Buffer.from(JSON.stringify({ v: 1, deviceId: 's1', kind: 'smoke', position, ...more }))
  return catalogue.decode({ topic: 'fire/v1/smoke/s1/event', payload, receivedAtMs: AT, retain: false })
}

const asGcj = (lat: number, lon: number): Given => {
  const [x, y] = gcoord.transform([lon, lat], gcoord.WGS84, gcoord.GCJ02)
  return { lat: y, lon: x }
}

describe('an alarm with a bad position goes on without it, and the mistake is named', () => {
  // the district's eastern edge with its border: GCJ-02 lies half a kilometre east of what it means
  const edge = asGcj(31.86, 119.029665 + 9.8 / (111.2 * Math.cos((31.86 * Math.PI) / 180)))
  const cases: [string, Given, string, RegExp][] = [
    [
      'another city',
      { lat: 39.9042, lon: 116.4074 },
      'position-outside-district',
      /s1 used without its position: 39\.9042, 116\.4074 .* \d{3} km outside/,
    ],
    ['swapped, and so no latitude', { lat: 118.8, lon: 31.86 }, 'position-invalid', /lat and lon are swapped/],
    ['a wrong sign', { lat: 31.86, lon: -118.8 }, 'position-outside-district', /the sign of lon/],
    ['0/0', { lat: 0, lon: 0 }, 'position-invalid', /no fix yet/],
    ['degrees times 10^7', { lat: 318_600_000, lon: 1_188_000_000 }, 'position-invalid', /times 10,000,000/],
    ['NMEA', { lat: 3151.6, lon: 11848 }, 'position-invalid', /NMEA/],
    ['GCJ-02 that says nothing', edge, 'position-outside-district', /looks like GCJ-02/],
  ]
  for (const [name, position, code, reason] of cases)
    test(name, () => {
      const { readings, notes, rejected } = send(position)
      expect(rejected).toBeUndefined()
      expect(readings).toMatchObject([{ deviceId: 's1', alarms: { smoke: true } }])
      expect(readings[0]).not.toHaveProperty('position')
      expect(notes).toMatchObject([{ code, where: '/position' }])
      expect(notes?.[0]?.reason).toMatch(reason)
    })

  test('the word that it is over goes on too; without a word of an alarm the message is refused whole, with the hint', () => {
    expect(send({ lat: 0, lon: 0 }, { alarms: { smoke: false } }).readings).toMatchObject([{ alarms: { smoke: false } }])
    expect(send({ lat: 0, lon: 0 }, { smoke: { state: 'alarm' } }).readings).toMatchObject([{ alarms: { smoke: true } }])
    const { rejected } = send({ lat: 118.8, lon: 31.86 }, { metrics: { temperature_c: 20 } })
    expect(rejected).toMatchObject({ code: 'position-invalid', reason: expect.stringMatching(/swapped/) as string })
  })

  test('who is wrong elsewhere too is refused whole, an alarm in it in capitals', () => {
    const { rejected } = send({ lat: 0, lon: 0 }, { alarms: { smoke: true }, metrics: { temperature: 21 } })
    expect(rejected).toMatchObject({ code: 'schema-violation', reason: expect.stringMatching(/LOOKS LIKE AN ACTIVE ALARM/) as string })
  })

  test('its alarm has the place where the device is registered', () => {
    const directory = createDirectory({})
    directory.register({ deviceId: 's1', kind: 'smoke', position: HOME })
    const [reading] = send({ lat: 39.9, lon: 116.4 }).readings
    expect(directory.apply(reading as Reading).reading.position).toEqual(HOME)
    expect(directory.get('s1')?.position).toEqual(HOME)
  })
})

test('inside nothing is said; a drone may be farther out, and what it sees is held to the same', () => {
  expect(send(HOME)).toMatchObject({ readings: [{ position: HOME }] })
  expect(send(HOME).notes).toBeUndefined()
  const drone = (position: Given, seen: Given) => {
    const payload = {
      v: 1,
      deviceId: 'u1',
      kind: 'drone',
      position,
      drone: {},
      camera: { detections: [{ class: 'fire', position: seen }] },
    }
    return catalogueHere().decode({
      topic: 'fire/v1/drone/u1/telemetry',
      payload: Buffer.from(JSON.stringify(payload)),
      receivedAtMs: AT,
      retain: false,
    })
  }
  const away = { lat: HOME.lat, lon: 119.4 }
  expect(send(away).notes).toHaveLength(1)
  expect(drone(away, HOME)).toMatchObject({ readings: [{ position: away, detections: [{ position: HOME }] }] })
  const { readings, notes } = drone(HOME, { lat: 39.9, lon: 116.4 })
  expect(readings).toMatchObject([{ position: HOME, detections: [{ class: 'fire' }] }])
  expect(readings[0]?.detections?.[0]).not.toHaveProperty('position')
  expect(notes).toMatchObject([{ code: 'position-outside-district', where: '/detections' }])
})

test('the same wrong place is noted once, over a restart too; another one, or a wrong one after a right one, again', () => {
  let catalogue = catalogueHere()
  const noted = (position: Given) => send(position, {}, catalogue).notes?.length ?? 0
  const [far, other] = [
    { lat: 39.9, lon: 116.4 },
    { lat: 22.5, lon: 113.9 },
  ]
  expect([noted(far), noted({ lat: 39.901, lon: 116.401 }), noted(far)]).toEqual([1, 0, 0])
  const rows = catalogue.dirty().filter((row): row is [string, string] => row[1] !== null)
  catalogue = catalogueHere(rows)
  expect([noted(far), noted(other), noted(HOME), noted(other)]).toEqual([0, 1, 0, 1])
})

test('a reference is honoured once: converted where it is said, and said to be too much where the numbers are WGS84 already', () => {
  const gcj = asGcj(HOME.lat, HOME.lon)
  const { readings, notes } = send({ ...gcj, crs: 'GCJ02' })
  expect(notes).toBeUndefined()
  expect(readings[0]?.position).toMatchObject({ crsWas: 'GCJ02' })
  expect(readings[0]?.position?.lat).toBeCloseTo(HOME.lat, 6)
  // at the western edge what is converted though it need not be falls out of the district
  const west = 118.561665 - 9.9 / (111.2 * Math.cos((31.86 * Math.PI) / 180))
  expect(send({ lat: 31.86, lon: west, crs: 'GCJ02' }).notes?.[0]?.reason).toMatch(/WGS84 already: leave "crs": "GCJ02" out/)
  expect(registeredPosition({ ...HOME, crsWas: 'GCJ02' } as never, 'smoke', district)).toEqual({ ...HOME, crsWas: 'GCJ02' })
})

test('registration is refused with the hint, by line', () => {
  const csv = 'deviceId,lat,lon,crs\na,31.86,118.8,\nb,118.8,31.86,\nc,39.9,116.4,\nd,31.858,118.8052,GCJ02\ne,31.86,118.8,ED50\nf,0,0,\n'
  const { wanted, problems } = readSheet(csv, { district })
  expect(wanted.map(({ registration }) => registration.deviceId)).toEqual(['a', 'd'])
  expect(wanted[1]?.registration.position).toMatchObject({ crsWas: 'GCJ02' })
  expect(wanted[1]?.registration.position?.lon).toBeLessThan(118.8052)
  const told = problems.map(({ line, column, message }) => `${line} ${column}: ${message}`)
  expect(told).toEqual([
    expect.stringMatching(/^3 lat: '118\.8' is not within ±90 degrees; .*swapped/),
    expect.stringMatching(/^4 lat: .* km outside the district/),
    expect.stringMatching(/^6 crs: crs 'ED50' is none of/),
    expect.stringMatching(/^7 lat: .*no place.*no fix/),
  ])
  expect(() => registeredPosition({ lat: 39.9, lon: 116.4 }, 'smoke', undefined)).not.toThrow()
})

test('without readable areas nothing is held against positions, and the log says so', async () => {
  const told: unknown[] = []
  const log = { ...noLog, warn: (...what: unknown[]) => void told.push(what) }
  expect(await loadDistrict(join(FOLDER, 'nowhere'), log)).toBeUndefined()
  expect(told).toHaveLength(1)
  expect((await loadDistrict(FOLDER, log))?.problem({ lat: 39.9, lon: 116.4 })).toMatch(/outside/)
})
