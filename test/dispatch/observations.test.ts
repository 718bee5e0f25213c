// Other eyes: evidence of the fire that is near in place and time, else an incident to be confirmed; never a trigger, never swallowed.
import { describe, expect, it } from 'vitest'
import type { Report } from '../../dispatch/observations.ts'
import { NEAR_M } from '../../dispatch/observations.ts'
import { codeOf, MINUTE_MS, NIGHT_MS, openDesk, iso, raise, send, type TestDesk } from './desk.ts'

const HERE = { lat: 31.95, lon: 118.84 }
const metresNorth = (m: number) => ({ lat: HERE.lat + m / 111_195, lon: HERE.lon })
let keys = 0
const report = (o: Partial<Report> = {}): Report => {
  keys += 1
  return { source: 'citizen', text: '七楼有烟', idempotencyKey: `k${keys}`, position: HERE, photos: [], by: 'token:12345', ...o }
}
const fire = (d: TestDesk, o: object = {}): string => {
  send(d.dispatch, raise({ id: 'a', deviceId: 'd1', position: HERE, place: { building: 'b2' }, ...o }))
  return d.dispatch.incidents({ limit: 1 })[0]!.id
}

describe('an observation', () => {
  it('is evidence of the fire near by, and changes neither level nor confirmation', () => {
    const d = openDesk()
    const id = fire(d)
    d.clock.add(MINUTE_MS)
    const { observation, created } = d.dispatch.observations.add(
      report({ position: metresNorth(150), photos: [{ id: 'p', type: 'image/jpeg', bytes: 9, sha256: 'x' }] }),
    )
    expect([created, observation.incidentId, observation.alarmId, observation.status, observation.distanceM]).toEqual([
      true,
      id,
      'a',
      'evidence',
      150,
    ])
    const alarm = d.dispatch.alarm('a')!
    expect(alarm.evidence.at(-1)).toMatchObject({
      deviceId: `observation:${observation.id}`,
      what: 'citizen report',
      value: '七楼有烟',
      note: '1 photo(s)',
    })
    const incident = d.dispatch.incident(id)!
    expect([incident.severity, incident.confirmedAt, incident.alarmIds]).toEqual([2, undefined, ['a']])
    expect(incident.timeline.at(-1)).toMatchObject({
      what: 'observation',
      actor: 'token:12345',
      text: { zh: '随手拍：七楼有烟', en: 'Citizen snapshot: 七楼有烟' },
    })
    expect(d.dispatch.verifyAudit().ok).toBe(true)
  })

  it.each([
    ['further than it can be seen', { position: metresNorth(NEAR_M + 5) }],
    ['in another building, without a position', { position: undefined, place: { building: 'b9' } }],
    ['long after', { at: iso(NIGHT_MS + 31 * MINUTE_MS) }],
    ['long before', { at: iso(NIGHT_MS - 31 * MINUTE_MS) }],
  ])('%s opens an incident to be confirmed', (_what, o) => {
    const d = openDesk()
    const id = fire(d)
    d.clock.add(31 * MINUTE_MS)
    const { position, ...rest } = report()
    const { observation } = d.dispatch.observations.add({
      ...rest,
      ...('position' in o ? {} : { position: position! }),
      ...JSON.parse(JSON.stringify(o)),
    })
    expect(observation.incidentId).not.toBe(id)
    expect(observation.status).toBe('to-be-confirmed')
    expect(d.dispatch.incident(observation.incidentId)).toMatchObject({ kind: 'pre-alarm', severity: 3, category: 'fire', state: 'new' })
    expect(d.dispatch.alarm(observation.alarmId)?.text.en).toContain('to be confirmed')
  })

  it('in the same building needs no position', () => {
    const d = openDesk()
    const id = fire(d)
    const { position: _, ...rest } = report({ place: { building: ' B2' } })
    expect(d.dispatch.observations.add(rest).observation.incidentId).toBe(id)
  })

  it('that came first is joined by the detector, and two reports make no confirmed fire', () => {
    const d = openDesk()
    const { observation } = d.dispatch.observations.add(report())
    d.dispatch.observations.add(report({ source: 'hotline', by: 'token:other' }))
    expect(d.dispatch.incidents({ limit: 9 })).toHaveLength(1)
    expect(d.dispatch.incident(observation.incidentId)?.confirmedAt).toBeUndefined()
    expect(fire(d)).toBe(observation.incidentId)
    const after = d.dispatch.incident(observation.incidentId)!
    expect([after.kind, after.severity, after.confirmedAt]).toEqual(['fire-alarm', 2, undefined])
    send(d.dispatch, raise({ id: 'b', deviceId: 'd2', position: HERE, place: { building: 'b2' } }))
    expect(d.dispatch.incident(observation.incidentId)?.confirmedAt).toBeDefined()
  })

  it('follows its incident into another', () => {
    const d = openDesk()
    const id = fire(d)
    const { observation } = d.dispatch.observations.add(report())
    send(d.dispatch, raise({ id: 'z', deviceId: 'd9', place: { building: 'b9' } }))
    const into = d.dispatch.incidents({ limit: 9 }).find(i => i.id !== id)!.id
    d.dispatch.mergeIncident(id, { by: 'li', into, reason: 'one fire' })
    expect(d.dispatch.observations.get(observation.id)?.incidentId).toBe(into)
    expect(d.dispatch.observations.list({ incidentId: into, limit: 9 }).map(o => o.id)).toEqual([observation.id])
  })

  it('joins the nearest of two fires', () => {
    const d = openDesk()
    fire(d)
    send(d.dispatch, raise({ id: 'far', deviceId: 'd5', position: metresNorth(170), place: { building: 'b7' } }))
    const far = d.dispatch.alarm('far')!.incidentId
    expect(d.dispatch.observations.add(report({ position: metresNorth(120) })).observation.incidentId).toBe(far)
  })

  it('is taken once under a key of who sends it', () => {
    const d = openDesk()
    fire(d)
    const one = report({ idempotencyKey: 'ticket-1' })
    const first = d.dispatch.observations.add(one)
    const again = d.dispatch.observations.add(one)
    expect([again.created, again.observation.id]).toEqual([false, first.observation.id])
    expect(d.dispatch.alarm('a')?.evidence).toHaveLength(2)
  })

  it.each([
    ['nowhere', { position: undefined }],
    ['at 0/0', { position: { lat: 0, lon: 0 } }],
    ['next week', { at: iso(NIGHT_MS + 7 * 24 * 60 * MINUTE_MS) }],
    ['last week', { at: iso(NIGHT_MS - 7 * 24 * 60 * MINUTE_MS) }],
    ['without words', { text: '  ' }],
    ['from nobody knows whom', { source: 'bird' }],
  ])('%s is refused and changes nothing', (_what, o) => {
    const d = openDesk()
    fire(d)
    const before = d.dispatch.audit({ limit: 99 }).length
    expect(
      codeOf(() => d.dispatch.observations.add(JSON.parse(JSON.stringify({ ...report(), ...o })) as Report & { position?: never })),
    ).toBe('invalid-request')
    expect(d.dispatch.audit({ limit: 99 })).toHaveLength(before)
    expect(d.dispatch.observations.list({ limit: 9 })).toEqual([])
  })
})
