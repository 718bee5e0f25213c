// A day's report counts every alarm of an incident, also where the incident itself lists no more than 500 of their ids.
import { expect, it } from 'vitest'
import { NIGHT_MS, openDesk, raise, send } from './desk.ts'
import { fireAt, openWorld } from './stations.ts'

it('counts all alarms of a flood at one place', () => {
  const { dispatch } = openDesk()
  const place = { building: 'B7' }
  const { incidents } = send(dispatch, ...Array.from({ length: 501 }, (_, i) => raise({ id: `a${i}`, deviceId: `d${i}`, place })))
  expect(incidents[0]?.alarmIds).toHaveLength(500)
  const report = dispatch.reports.daily('2026-03-12', NIGHT_MS)
  expect(report.totals.alarms).toBe(501)
  expect(report.incidents).toMatchObject([{ id: incidents[0]?.id, alarms: 501 }])
  dispatch.close()
})

it('keeps how soon it was first answered of one that was opened again half an hour later', () => {
  const { dispatch, clock } = openDesk()
  const id = send(dispatch, raise({ id: 'a1', deviceId: 'd1' })).incidents[0]?.id ?? ''
  const acknowledgedAfterS = () => dispatch.reports.daily('2026-03-12', clock.nowMs()).incidents[0]?.intervals.acknowledged
  clock.add(10_000)
  dispatch.acknowledgeIncident(id, { by: 'li' })
  dispatch.closeIncident(id, { by: 'li', cause: 'cooking', falseAlarm: true })
  clock.add(1_800_000)
  dispatch.reopenIncident(id, { by: 'wang', reason: 'smoke again' })
  expect(acknowledgedAfterS()).toBe(10)
  expect(dispatch.incident(id)).toMatchObject({ state: 'new', firstHandling: { acknowledgedAt: expect.any(String) as string } })
  expect(dispatch.incident(id)?.acknowledgedAt).toBeUndefined()
  dispatch.acknowledgeIncident(id, { by: 'wang' })
  expect(acknowledgedAfterS()).toBe(10)
  expect(dispatch.kpis(clock.nowMs())).toMatchObject({ mttaP50S: 10 })
  dispatch.close()
})

it('shows the whole way of the crew that was first on scene, of one that was opened again and where another came', () => {
  const { dispatch, clock } = openWorld({ metres: [300, 500] })
  const id = fireAt(dispatch)
  const times = () => dispatch.reports.daily('2026-03-12', clock.nowMs()).incidents[0]?.times
  const handle = (resourceId: string): void => {
    dispatch.dispatchIncident(id, { by: 'li', resourceIds: [resourceId] })
    const order = dispatch.incident(id)?.orders.at(-1)?.id ?? ''
    for (const step of ['acceptOrder', 'enRouteOrder', 'onSceneOrder', 'completeOrder'] as const) {
      clock.add(5_000)
      dispatch[step](order, { by: 'li' })
    }
    clock.add(5_000)
    dispatch.closeIncident(id, { by: 'li', cause: 'cooking', falseAlarm: false })
  }
  handle('s1')
  const first = times()
  expect(first?.controlled).toBe(new Date(NIGHT_MS + 20_000).toISOString())
  clock.add(60_000)
  dispatch.reopenIncident(id, { by: 'wang', reason: 'smoke again' })
  handle('s2')
  const { closed, ...way } = times()!
  expect(way).toEqual({
    ...way,
    dispatched: first?.dispatched,
    enRoute: first?.enRoute,
    onScene: first?.onScene,
    controlled: first?.controlled,
  })
  expect(closed).not.toBe(first?.closed)
  dispatch.close()
})
