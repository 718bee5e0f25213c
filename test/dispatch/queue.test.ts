// Reading the queue: what must be answered stands first, so that a cut list never hides it; and the numbers of the top bar.
import { describe, expect, it } from 'vitest'
import type { Severity } from '#contracts/alarm.ts'
import { clear, codeOf, iso, MINUTE_MS, NIGHT_MS, openDesk, raise, send, type TestDesk } from './desk.ts'

const one = ({ dispatch, clock }: TestDesk, id: string, severity: Severity, area = 'a'): string => {
  clock.add(1_000)
  send(dispatch, raise({ id, severity, place: { building: id, area } }))
  return dispatch.alarm(id)?.incidentId ?? ''
}

describe('incidents', () => {
  it('are sorted unacknowledged, then level, then oldest; closed ones last, newest first', () => {
    const desk = openDesk()
    const ids = { old3: one(desk, 'old3', 3), new1: one(desk, 'new1', 1), done: one(desk, 'done', 1), new3: one(desk, 'new3', 3) }
    const seen = one(desk, 'seen', 1)
    const done2 = one(desk, 'done2', 2)
    desk.dispatch.acknowledgeIncident(seen, { by: 'li' })
    for (const id of [ids.done, done2]) desk.dispatch.closeIncident(id, { by: 'li', cause: 'x', falseAlarm: false })
    const order = [ids.new1, ids.old3, ids.new3, seen, done2, ids.done]
    expect(desk.dispatch.incidents({ limit: 100 }).map(i => i.id)).toEqual(order)
    expect(desk.dispatch.incidents({ limit: 2 }).map(i => i.id)).toEqual(order.slice(0, 2))
    expect(desk.dispatch.incidents({ states: ['closed', 'acknowledged'], limit: 9 }).map(i => i.id)).toEqual([seen, done2, ids.done])
    expect(desk.dispatch.incidents({ category: 'technical', limit: 9 })).toEqual([])
    expect(desk.dispatch.incident('nothing')).toBeUndefined()
  })

  it('refuse filters that mean nothing', () => {
    const { dispatch } = openDesk()
    expect(codeOf(() => dispatch.incidents({ limit: 0 }))).toBe('invalid-request')
    expect(codeOf(() => dispatch.incidents({ limit: 5, states: ['burning' as never] }))).toBe('invalid-request')
    expect(codeOf(() => dispatch.alarms({ limit: 5, since: 'noon' }))).toBe('invalid-request')
    expect(dispatch.alarms({ limit: 1_000_000 })).toEqual([])
  })
})

describe('alarms', () => {
  it('are found by state, area and the time they stood in the queue, unacknowledged first', () => {
    const desk = openDesk()
    for (const [id, severity, area] of [
      ['a', 3, '澄溪街道'],
      ['b', 1, '澄溪街道'],
      ['c', 2, '青麓街道'],
      ['d', 1, '澄溪街道'],
    ] as const)
      one(desk, id, severity, area)
    desk.dispatch.acknowledgeAlarm('b', { by: 'li' })
    send(desk.dispatch, clear('a'))
    const found = (f: object): string[] => desk.dispatch.alarms({ limit: 10, ...f }).map(a => a.id)
    expect(found({})).toEqual(['d', 'c', 'a', 'b'])
    expect(found({ states: ['ACKED', 'RTNUN'] })).toEqual(['a', 'b'])
    expect(found({ area: ' 澄溪街道' })).toEqual(['d', 'a', 'b'])
    expect(found({ since: iso(NIGHT_MS + 3_000) })).toEqual(['d', 'c'])
    expect(desk.dispatch.alarm('nothing')).toBeUndefined()
  })
})

describe('kpis', () => {
  it('count what is open, what needs an answer and what came in, and how long answers took today', () => {
    const desk = openDesk()
    const { dispatch, clock } = desk
    expect(dispatch.kpis(clock.nowMs())).toEqual({ unacknowledged: 0, alarmsIn10Min: 0, mttaP50S: null, mttaP90S: null, openIncidents: 0 })
    for (let i = 1; i <= 10; i += 1) {
      const id = one(desk, `a${i}`, 2)
      clock.add(i * 1_000)
      dispatch.acknowledgeIncident(id, { by: 'li' })
    }
    one(desk, 'waiting', 2)
    send(dispatch, raise({ id: 'battery', kind: 'low-battery', severity: 4 }))
    expect(dispatch.kpis(clock.nowMs())).toEqual({ unacknowledged: 2, alarmsIn10Min: 12, mttaP50S: 5, mttaP90S: 9, openIncidents: 12 })
    expect(dispatch.kpis(clock.nowMs() + 11 * MINUTE_MS)).toMatchObject({ alarmsIn10Min: 0, mttaP50S: 5 })
    // 22:41 local time: in 80 minutes it is another day
    expect(dispatch.kpis(clock.nowMs() + 80 * MINUTE_MS)).toMatchObject({ mttaP50S: null, openIncidents: 12 })
  })
})

describe('a flood', () => {
  it('of 1,000 alarms in one building and 1,000 silent devices stays one fire and hides no device', () => {
    const { dispatch } = openDesk()
    const fires = Array.from({ length: 1000 }, (_, i) =>
      raise({ id: `f${i}`, deviceId: `smoke-${i}`, atMs: NIGHT_MS + i, place: { building: 'tower', floor: String(i % 30) } }),
    )
    const silent = Array.from({ length: 1000 }, (_, i) =>
      raise({ id: `s${i}`, kind: 'device-offline', severity: 4, deviceId: `quiet-${i}` }),
    )
    for (let i = 0; i < 1000; i += 250) send(dispatch, ...fires.slice(i, i + 250), ...silent.slice(i, i + 250))
    const [fire] = dispatch.incidents({ category: 'fire', limit: 10 })
    expect(fire).toMatchObject({ activeAlarms: 1000, unacknowledgedAlarms: 1000 })
    // the list of ids is bounded, the counts are not
    expect(fire?.alarmIds).toHaveLength(500)
    expect([fire?.alarmIds[0], fire?.alarmIds.at(-1)]).toEqual(['f0', 'f999'])
    expect(dispatch.kpis(NIGHT_MS)).toMatchObject({ openIncidents: 1001, alarmsIn10Min: 2000 })
    expect(dispatch.incidents({ limit: 1 })[0]?.id).toBe(fire?.id)
  })
})
