// A day's report counts every alarm of an incident, also where the incident itself lists no more than 500 of their ids.
import { expect, it } from 'vitest'
import { NIGHT_MS, openDesk, raise, send } from './desk.ts'

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
