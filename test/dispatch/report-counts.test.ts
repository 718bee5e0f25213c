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
