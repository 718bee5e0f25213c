// A directory that knows devices only well enough to make readings richer makes them exactly as rich as the one that knows all.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Reading } from '#contracts/reading.ts'
import { createDirectory } from '../../ingest/index.ts'

const at = (s: number): string => new Date(Date.UTC(2026, 0, 5) + s * 1000).toISOString()
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
/** seldom: such a reading is no news, and must not be all there are */
const yes = fc.constantFrom(undefined, undefined, undefined, undefined, undefined, true)

const readings: fc.Arbitrary<Reading> = fc
  .record({
    deviceId: fc.constantFrom('a', 'b', 'c', 'd'),
    kind: fc.constantFrom('other', 'smoke', 'drone'),
    ts: fc.integer({ min: 0, max: 9 }).map(at),
    tsSource: fc.constant('device'),
    receivedAt: fc.integer({ min: 0, max: 9 }).map(at),
    metrics: fc.constantFrom({}, { temperature_c: 20 }),
    alarms: fc.constantFrom({}, { smoke: true }),
    flags: fc.record({ history: yes, stale: yes, retained: yes, test: yes }),
    source: fc.constantFrom({ family: 'native' }, { family: 'native', gateway: 'g' }),
    place: optional(fc.constantFrom({ building: '1' }, { building: '2', room: '3' })),
    position: optional(fc.constantFrom({ lat: 32, lon: 118 }, { lat: 31.9, lon: 118.1 })),
    about: optional(fc.constantFrom({ name: 'n' }, { expectNextS: 30 }, { expectNextS: 60, model: 'm' })),
    online: optional(fc.boolean()),
    seq: optional(fc.integer({ min: 0, max: 9 })),
  })
  .map(all => JSON.parse(JSON.stringify(all)) as Reading)

test('readings come back the same from a directory that knows only who devices are', () => {
  const seed = Date.now() % 2 ** 31
  console.log(`seed ${seed}`)
  const registered = { deviceId: 'a', kind: 'other' as const, place: { building: '9' } }
  const isSame = (given: Reading[]) => {
    // fewer places than devices: who was heard longest ago makes room
    const [all, who] = [false, true].map(onlyWho => createDirectory({ devicesMax: 3, onlyWho }))
    for (const directory of [all!, who!]) directory.register(registered)
    for (const reading of given) expect(who!.apply(reading)).toStrictEqual(all!.apply(reading))
  }
  fc.assert(fc.property(fc.array(readings, { maxLength: 30 }), isSame), { seed, numRuns: 300 })
})
