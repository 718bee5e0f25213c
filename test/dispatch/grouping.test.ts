// Alarms of one place and time make one incident, whatever the order in which they come; two homes at once stay two.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AlarmSignal } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Dispatch } from '../../dispatch/index.ts'
import { SAME_PLACE_M } from '../../dispatch/place.ts'
import { clear, iso, MINUTE_MS, NIGHT_MS, openDesk, raise, send, update } from './desk.ts'

const open = (dispatch: Dispatch): Incident[] => dispatch.incidents({ limit: 5000 }).filter(i => i.state !== 'merged')
/** The grouping itself: sets of alarm ids, in an order that does not depend on ids of incidents. */
const groups = (dispatch: Dispatch): string[][] =>
  open(dispatch)
    .map(i => i.alarmIds.toSorted())
    .sort((a, b) => (a[0] ?? '').localeCompare(b[0] ?? ''))

const NORTH_OF_DEGREES_M = 111_195
const at = (metresNorth: number): { lat: number; lon: number } => ({ lat: 31.9 + metresNorth / NORTH_OF_DEGREES_M, lon: 118.8 })

/** Like eight house fires of one night: 142 activations of 142 detectors, all homes at once, interleaved. */
const nightOfFires = (): AlarmSignal[] =>
  Array.from({ length: 142 }, (_, i) =>
    raise({
      id: `act-${String(i).padStart(3, '0')}`,
      deviceId: `smoke-${i}`,
      atMs: NIGHT_MS + i * 11_000,
      place: { building: `home-${i % 8}`, floor: '1', room: 'ABCDEF'[i % 6] ?? 'A' },
      position: at((i % 8) * 500),
    }),
  )

describe('grouping', () => {
  it('makes eight incidents of 142 activations in eight homes, each confirmed by its second detector', () => {
    const { dispatch } = openDesk()
    for (const signal of nightOfFires()) send(dispatch, signal)
    const incidents = open(dispatch)
    expect(incidents).toHaveLength(8)
    expect(incidents.map(i => i.alarmIds.length).reduce((a, b) => a + b)).toBe(142)
    for (const i of incidents) {
      expect(new Set(i.alarmIds.map(id => dispatch.alarm(id)?.place?.building))).toEqual(new Set([i.place?.building]))
      expect(Date.parse(i.confirmedAt ?? '') - Date.parse(i.openedAt)).toBe(8 * 11_000)
      expect(i.severity).toBe(1)
    }
  })

  it('answers the first alarm of a new place in the same commit', () => {
    const { dispatch } = openDesk()
    const { incidents } = send(dispatch, raise({ id: 'a', place: { building: 'b2', floor: '14', room: '1405' } }))
    expect(incidents).toMatchObject([{ state: 'new', queuedAt: iso(NIGHT_MS), alarmIds: ['a'], category: 'fire' }])
    expect(incidents[0]?.title).toEqual({ zh: '火灾报警 · b2 14 层 1405', en: 'Fire alarm · b2, floor 14, room 1405' })
  })

  it('is the same for every order of arrival, in one commit or many', () => {
    const alarm = fc.record({
      home: fc.integer({ min: 0, max: 3 }),
      minute: fc.integer({ min: 0, max: 150 }),
      floor: fc.constantFrom('1', '2'),
    })
    fc.assert(
      fc.property(
        fc
          .array(alarm, { minLength: 2, maxLength: 24 })
          .chain(list => fc.tuple(fc.constant(list), fc.shuffledSubarray([...list.keys()], { minLength: list.length }))),
        ([list, order]) => {
          const signals = list.map((a, i) =>
            raise({
              id: `a${i}`,
              deviceId: `d${i % 7}`,
              atMs: NIGHT_MS + a.minute * MINUTE_MS,
              place: { building: `home-${a.home}`, floor: a.floor },
            }),
          )
          const inOrder = openDesk().dispatch
          for (const s of signals.toSorted((a, b) => a.at.localeCompare(b.at))) send(inOrder, s)
          const shuffled = openDesk().dispatch
          for (const i of order) send(shuffled, signals[i] as AlarmSignal)
          const atOnce = openDesk().dispatch
          send(atOnce, ...order.map(i => signals[i] as AlarmSignal))
          expect(groups(shuffled)).toEqual(groups(inOrder))
          expect(groups(atOnce)).toEqual(groups(inOrder))
          const facts = (d: Dispatch): unknown[] =>
            open(d)
              .map(i => [i.openedAt, i.lastAt, i.severity, i.confirmedAt, i.alarmIds])
              .sort((a, b) => String(a).localeCompare(String(b)))
          expect(facts(shuffled)).toEqual(facts(inOrder))
        },
      ),
      { numRuns: 40 },
    )
  })

  it('gives a replay the same incident ids', () => {
    const [a, b] = [openDesk().dispatch, openDesk().dispatch]
    for (const d of [a, b]) for (const signal of nightOfFires()) send(d, signal)
    expect(open(a).map(i => i.id)).toEqual(open(b).map(i => i.id))
    expect(open(a)[0]?.id).toMatch(/^F0312-[0-9A-HJKMNP-TV-Z]{6}$/)
  })

  it('opens a new incident for the same building after the window, and joins a late one by its event time', () => {
    const { dispatch } = openDesk()
    const place = { building: 'b2' }
    send(dispatch, raise({ id: 'first', deviceId: 'd1', place, atMs: NIGHT_MS }))
    send(dispatch, raise({ id: 'later', deviceId: 'd2', place, atMs: NIGHT_MS + 61 * MINUTE_MS }))
    send(dispatch, raise({ id: 'late', deviceId: 'd3', place, atMs: NIGHT_MS - 20 * MINUTE_MS }))
    expect(groups(dispatch)).toEqual([['first', 'late'], ['later']])
  })

  it('keeps an incident open to its place while evidence goes on', () => {
    const { dispatch } = openDesk()
    const place = { building: 'b2' }
    send(dispatch, raise({ id: 'a', deviceId: 'd1', place }))
    send(dispatch, update('a', NIGHT_MS + 25 * MINUTE_MS), update('a', NIGHT_MS + 50 * MINUTE_MS))
    send(dispatch, raise({ id: 'b', deviceId: 'd2', place, atMs: NIGHT_MS + 75 * MINUTE_MS }))
    expect(groups(dispatch)).toEqual([['a', 'b']])
  })

  it('makes a second fire of a building a new incident, although the detectors of the first were reset just before it', () => {
    const { dispatch } = openDesk()
    const place = { building: 'b2' }
    for (const id of ['a', 'b']) send(dispatch, raise({ id, deviceId: `d-${id}`, place }))
    send(dispatch, clear('a', NIGHT_MS + 55 * MINUTE_MS), clear('b', NIGHT_MS + 55 * MINUTE_MS))
    const { incidents } = send(dispatch, raise({ id: 'c', deviceId: 'd-a', place, atMs: NIGHT_MS + 60 * MINUTE_MS }))
    expect(incidents).toMatchObject([{ state: 'new', alarmIds: ['c'] }])
    expect(groups(dispatch)).toEqual([['a', 'b'], ['c']])
  })

  it('takes the window as an option', () => {
    const { dispatch } = openDesk({ groupWindowMs: MINUTE_MS })
    send(dispatch, raise({ id: 'a', place: { building: 'b2' } }))
    send(dispatch, raise({ id: 'b', place: { building: 'b2' }, atMs: NIGHT_MS + 2 * MINUTE_MS }))
    expect(groups(dispatch)).toHaveLength(2)
  })

  it('tells buildings of one name apart by area, by grid and by distance', () => {
    const { dispatch } = openDesk()
    const twin = (id: string, area: string | undefined, grid: string | undefined, metres: number | undefined): AlarmSignal =>
      raise({
        id,
        place: { building: '1号楼', ...(area && { area }), ...(grid && { grid }) },
        ...(metres !== undefined && { position: at(metres) }),
      })
    send(dispatch, twin('a', '青禾里', 'g1', undefined), twin('b', '澄溪里', 'g1', undefined), twin('c', '青禾里', 'g2', undefined))
    send(dispatch, twin('d', '远山里', undefined, 0), twin('e', '远山里', undefined, 301), twin('f', '远山里', undefined, 40))
    expect(groups(dispatch)).toEqual([['a'], ['b'], ['c'], ['d', 'f'], ['e']])
  })

  it('reads full-width and differently spaced names of a building as one', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', place: { building: '２号楼  A' } }), raise({ id: 'b', place: { building: ' 2号楼 a ' } }))
    expect(groups(dispatch)).toEqual([['a', 'b']])
  })

  it(`joins alarms without a building within ${SAME_PLACE_M} m, and by device where nothing is known`, () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', position: at(0) }), raise({ id: 'b', position: at(59) }), raise({ id: 'c', position: at(150) }))
    send(dispatch, raise({ id: 'd', deviceId: 'x' }), raise({ id: 'e', deviceId: 'x' }), raise({ id: 'f', deviceId: 'y' }))
    expect(groups(dispatch)).toEqual([['a', 'b'], ['c'], ['d', 'e'], ['f']])
  })

  it('does not let a camera between two homes make one fire of two', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', place: { building: 'home-1' }, position: at(0) }))
    send(dispatch, raise({ id: 'b', place: { building: 'home-2' }, position: at(80) }))
    send(dispatch, raise({ id: 'c-camera', position: at(35) }))
    expect(groups(dispatch)).toHaveLength(2)
    expect(open(dispatch).every(i => i.state === 'new')).toBe(true)
  })

  it('keeps technical alarms apart from the fire of the same building, one incident a device', () => {
    const { dispatch } = openDesk()
    const place = { building: 'b2' }
    send(dispatch, raise({ id: 'fire', deviceId: 'd1', place }))
    send(
      dispatch,
      raise({ id: 'battery', kind: 'low-battery', deviceId: 'd1', place }),
      raise({ id: 'fault', kind: 'fault', deviceId: 'd2', place }),
    )
    send(dispatch, raise({ id: 'offline', kind: 'device-offline', deviceId: 'd1', place, atMs: NIGHT_MS + 3 * 86_400_000 }))
    expect(groups(dispatch)).toEqual([['battery', 'offline'], ['fault'], ['fire']])
    expect(open(dispatch).map(i => i.category)).toEqual(['fire', 'technical', 'technical'])
  })

  it('ends a technical incident by itself when all its alarms have returned, never a fire', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'off', kind: 'device-offline', deviceId: 'd1', latching: false }), raise({ id: 'fire', deviceId: 'd2' }))
    const { incidents } = send(dispatch, clear('off'), clear('fire'))
    expect(incidents.find(i => i.category === 'technical')).toMatchObject({ state: 'closed', closedBy: 'system', unacknowledgedAlarms: 0 })
    expect(incidents.find(i => i.category === 'fire')).toMatchObject({ state: 'new', activeAlarms: 0, unacknowledgedAlarms: 1 })
  })

  it('does not join a closed incident', () => {
    const { dispatch } = openDesk()
    const place = { building: 'b2' }
    const [incident] = send(dispatch, raise({ id: 'a', deviceId: 'd1', place })).incidents
    dispatch.closeIncident(incident?.id ?? '', { by: 'li', cause: 'cooking', falseAlarm: true })
    const { incidents } = send(dispatch, raise({ id: 'b', deviceId: 'd2', place, atMs: NIGHT_MS + 1_000 }))
    expect(incidents).toMatchObject([{ state: 'new', alarmIds: ['b'] }])
  })

  it('merges two untouched incidents when a late alarm shows that they are one, but not when somebody works on one', () => {
    const place = { building: 'b2' }
    const three = [0, 50, 25].map((minute, i) => raise({ id: `a${i}`, deviceId: `d${i}`, place, atMs: NIGHT_MS + minute * MINUTE_MS }))
    const untouched = openDesk().dispatch
    for (const s of three) send(untouched, s)
    expect(groups(untouched)).toEqual([['a0', 'a1', 'a2']])
    const [merged] = untouched.incidents({ states: ['merged'], limit: 9 })
    expect(merged).toMatchObject({ mergedInto: open(untouched)[0]?.id, alarmIds: [], activeAlarms: 0 })

    const taken = openDesk().dispatch
    for (const [i, s] of three.entries()) {
      const { incidents } = send(taken, s)
      if (i === 0) taken.acknowledgeIncident(incidents[0]?.id ?? '', { by: 'li' })
    }
    expect(groups(taken)).toHaveLength(2)
  })
})
