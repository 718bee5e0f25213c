// The desk as it stood: at any instant it is what a fold over everything that was answered says, however the past is asked for.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Incident } from '#contracts/incident.ts'
import { clear, codeOf, folder, MINUTE_MS, NIGHT_MS, openDesk, raise, send, update, type TestDesk } from './desk.ts'

/** What an officer sees of an incident; the newest evidence's time is not kept. */
const seen = (i: Incident) => ({
  id: i.id,
  state: i.state,
  severity: i.severity,
  kind: i.kind,
  confirmedAt: i.confirmedAt,
  acknowledgedBy: i.acknowledgedBy,
  activeAlarms: i.activeAlarms,
  unacknowledgedAlarms: i.unacknowledgedAlarms,
  alarmIds: i.alarmIds.toSorted(),
  deviceIds: i.deviceIds.toSorted(),
})
const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1)
const picture = (list: Incident[]) => list.map(seen).toSorted(byId)
const openNow = ({ dispatch }: TestDesk) =>
  picture(dispatch.incidents({ limit: 5000 }).filter(one => one.state !== 'closed' && one.state !== 'merged'))

type Step = (desk: TestDesk) => void
const first = (desk: TestDesk): Incident | undefined => desk.dispatch.incidents({ limit: 1, states: ['new', 'acknowledged'] })[0]
let raised = 0
const aRaise = (building: number, severity: 1 | 2 | 3): Step => {
  return desk => {
    raised += 1
    const at = desk.clock.nowMs()
    send(desk.dispatch, raise({ id: `a${raised}`, severity, place: { building: `b${building}`, floor: '1' }, atMs: at }))
  }
}
const onFirst =
  (act: (desk: TestDesk, incident: Incident) => void): Step =>
  desk => {
    const incident = first(desk)
    if (incident !== undefined) codeOf(() => act(desk, incident))
  }
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom(1 as const, 2 as const, 3 as const)).map(([b, s]) => aRaise(b, s)),
  },
  {
    weight: 5,
    arbitrary: fc.constantFrom<Step>(
      onFirst((desk, one) => void desk.dispatch.acknowledgeIncident(one.id, { by: 'li' })),
      onFirst((desk, one) => void desk.dispatch.closeIncident(one.id, { by: 'li', cause: 'tea', falseAlarm: true })),
      onFirst((desk, one) => void send(desk.dispatch, clear(one.alarmIds[0] ?? '', desk.clock.nowMs()))),
      onFirst((desk, one) => void send(desk.dispatch, update(one.alarmIds[0] ?? '', desk.clock.nowMs(), 1))),
      onFirst((desk, one) => {
        const other = desk.dispatch.incidents({ limit: 2, states: ['new', 'acknowledged'] })[1]
        if (other !== undefined) desk.dispatch.mergeIncident(one.id, { by: 'li', into: other.id, reason: 'same' })
      }),
    ),
  },
)

describe('deskAt', () => {
  test('at every instant it is what stood open then', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyStep, fc.integer({ min: 1, max: 5 })), { maxLength: 25 }), steps => {
        const desk = openDesk()
        const truth: { atMs: number; open: ReturnType<typeof openNow> }[] = []
        for (const [step, minutes] of steps) {
          step(desk)
          truth.push({ atMs: desk.clock.nowMs(), open: openNow(desk) })
          desk.clock.add(minutes * MINUTE_MS)
        }
        for (const [i, { atMs, open }] of truth.entries()) {
          const until = (truth[i + 1]?.atMs ?? desk.clock.nowMs()) - 1
          for (const when of [atMs, until]) expect(picture(desk.dispatch.deskAt(when).incidents)).toEqual(open)
        }
        expect(desk.dispatch.deskAt(NIGHT_MS - 1).incidents).toEqual([])
        desk.dispatch.close()
      }),
      { numRuns: 60 },
    )
  })

  test('alarms come in the state they had, and more evidence alone makes no version', () => {
    const desk = openDesk()
    send(desk.dispatch, raise({ id: 'a', place: { building: 'b' } }))
    const afterRaise = desk.clock.nowMs()
    desk.clock.add(MINUTE_MS)
    for (let i = 0; i < 20; i++) send(desk.dispatch, update('a', NIGHT_MS + i))
    const id = first(desk)?.id ?? ''
    desk.dispatch.acknowledgeIncident(id, { by: 'li' })
    expect(desk.dispatch.deskAt(afterRaise).alarms).toMatchObject([{ id: 'a', state: 'UNACK', updates: 0 }])
    expect(desk.dispatch.deskAt(desk.clock.nowMs()).alarms).toMatchObject([{ id: 'a', state: 'ACKED', acknowledgedBy: 'li' }])
    expect(desk.dispatch.deskAt(afterRaise).since).toBe(new Date(NIGHT_MS).toISOString())
    desk.dispatch.close()
  })

  test('a restart knows the same past', () => {
    using dir = folder()
    const desk = openDesk({ file: dir.file })
    send(desk.dispatch, raise({ id: 'a', place: { building: 'b' } }))
    desk.clock.add(MINUTE_MS)
    const before = desk.dispatch.deskAt(desk.clock.nowMs())
    desk.dispatch.close()
    const again = openDesk({ file: dir.file, clock: desk.clock })
    expect(again.dispatch.deskAt(desk.clock.nowMs())).toEqual(before)
    again.dispatch.close()
  })
})

test('the strip counts what came in, by level', () => {
  const desk = openDesk()
  send(desk.dispatch, raise({ id: 'a', severity: 1, place: { building: 'b' } }), raise({ id: 'b', severity: 3, place: { building: 'c' } }))
  desk.clock.add(5 * MINUTE_MS)
  send(desk.dispatch, raise({ id: 'c', severity: 3, place: { building: 'd' }, atMs: desk.clock.nowMs() }))
  const bars = desk.dispatch.strip({ fromMs: NIGHT_MS, toMs: NIGHT_MS + 10 * MINUTE_MS, stepMs: MINUTE_MS })
  expect(bars).toEqual([
    { t: NIGHT_MS, counts: [1, 0, 1, 0] },
    { t: NIGHT_MS + 5 * MINUTE_MS, counts: [0, 0, 1, 0] },
  ])
  desk.dispatch.close()
})
