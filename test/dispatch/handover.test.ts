// The hand-over to 119 and drills: what a confirmed fire makes by itself, what is printed, and that nothing of a drill goes out.
import { openZone } from '#contracts/zone.ts'
import { describe, expect, it } from 'vitest'
import { handoverPage } from '../../dashboard/api/handover-page.ts'
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDispatch } from '../../dispatch/index.ts'
import { codeOf, NIGHT_MS, raise, send } from './desk.ts'
import { openWorld, SCENE, stationDevice } from './stations.ts'

const B2 = { place: { building: 'B2', area: 'Dongshan', floor: '14', room: '1405' }, position: SCENE }
const open = () => openDispatch({ file: ':memory:', clock: { nowMs: () => NIGHT_MS }, log: noLog, meter: noMeter, channels: ['webhook'] })
const told = (dispatch: ReturnType<typeof open>) => {
  const events: { event: string; handover?: unknown }[] = []
  for (let rows = dispatch.outbox.due('webhook', NIGHT_MS, 99); rows.length > 0; rows = dispatch.outbox.due('webhook', NIGHT_MS, 99))
    for (const row of rows) {
      events.push(row.notification)
      dispatch.outbox.delivered(row)
    }
  return events
}

describe('a confirmed fire', () => {
  it('has its package in the same transaction, and it is told with it', () => {
    const dispatch = open()
    send(dispatch, raise({ id: 'a', deviceId: 'd1', ...B2 }))
    const id = dispatch.incidents({ limit: 1 })[0]?.id ?? ''
    expect(dispatch.handover(id)).toBeUndefined()
    const made = send(dispatch, raise({ id: 'b', deviceId: 'd2', ...B2 }))
    expect(made.incidents[0]).toMatchObject({ handoverAt: made.incidents[0]?.confirmedAt })
    expect(dispatch.handover(id)).toMatchObject({ id: `${id}-119-1`, why: 'confirmed', by: 'system', alarmsInAll: 2, place: B2.place })
    const events = told(dispatch)
    expect(events.map(e => e.event)).toEqual(['opened', 'confirmed', 'handover'])
    expect(events[2]?.handover).toMatchObject({ id: `${id}-119-1`, severity: 1 })
    // a third trigger makes no second package; an officer may
    send(dispatch, raise({ id: 'c', deviceId: 'd3', ...B2 }))
    expect(dispatch.handover(id)?.id).toBe(`${id}-119-1`)
    dispatch.handoverIncident(id, { by: 'li' })
    expect(dispatch.handover(id)).toMatchObject({ id: `${id}-119-2`, by: 'user:li', alarmsInAll: 3 })
    expect(codeOf(() => dispatch.handoverIncident('none', { by: 'li' }))).toBe('not-found')
  })

  it('names who was sent and the water nearby, and prints without running what stands in it', () => {
    const world = openWorld({ metres: [400] })
    const device = stationDevice('s1', 400, NIGHT_MS)
    world.devices.set('s1', { ...device, state: { ...device.state, hydrants: [{ id: 'hyd-1', pressureKpa: 210 }] } })
    send(world.dispatch, raise({ id: 'a', deviceId: 'd1', ...B2 }))
    const id = world.dispatch.incidents({ limit: 1 })[0]?.id ?? ''
    world.dispatch.noteIncident(id, { by: 'li', note: '<script>alert(1)</script> stairs blocked' })
    world.dispatch.dispatchIncident(id, { by: 'li' })
    send(world.dispatch, raise({ id: 'b', deviceId: 'd2', ...B2 }))
    const made = world.dispatch.handover(id)
    expect(made).toMatchObject({
      sent: [{ state: 'offered', kind: 'micro-station' }],
      water: [{ hydrants: [{ id: 'hyd-1', pressureKpa: 210 }] }],
      notes: [{ by: 'user:li' }],
    })
    for (const lang of ['zh-CN', 'en'] as const) {
      const html = handoverPage(made!, lang, openZone('Asia/Shanghai'))
      expect(html).toContain('&lt;script&gt;')
      expect(html).not.toContain('<script>')
      expect(html).toContain('hyd-1 210 kPa')
      expect(html).toContain('1405')
      expect(html).toContain('2026-03-12 22:40:00')
    }
  })
})

describe('a drill', () => {
  it('runs the same path flagged, apart from what is real, and nothing of it is told outside', () => {
    const dispatch = open()
    const text = { zh: '演练', en: 'drill' }
    const drill = (key: string, deviceId: string) =>
      dispatch.raise({ idempotencyKey: key, origin: 'user:li', kind: 'fire-alarm', text, by: 'li', drill: true, deviceId, ...B2 })
    const { incident } = drill('d1', 'x1')
    drill('d2', 'x2')
    expect(dispatch.incident(incident.id)).toMatchObject({ drill: true, severity: 1 })
    expect(dispatch.handover(incident.id)).toMatchObject({ drill: true })
    expect(told(dispatch)).toEqual([])
    // a real alarm at the very same place is an incident of its own, and is told
    send(dispatch, raise({ id: 'real', deviceId: 'x1', ...B2 }))
    const real = dispatch.incidents({ limit: 9 }).find(one => one.drill === undefined)
    expect(real?.id).not.toBe(incident.id)
    expect(told(dispatch).map(e => e.event)).toEqual(['opened'])
    expect(codeOf(() => dispatch.mergeIncident(incident.id, { by: 'li', into: real?.id ?? '', reason: 'x' }))).toBe('invalid-request')
  })

  it('keeps nobody from a real fire: the crew that practises is called off it', () => {
    const world = openWorld({ metres: [400] })
    const text = { zh: '演练', en: 'drill' }
    const { incident } = world.dispatch.raise({
      idempotencyKey: 'd',
      origin: 'user:li',
      kind: 'fire-alarm',
      text,
      by: 'li',
      drill: true,
      ...B2,
    })
    world.dispatch.dispatchIncident(incident.id, { by: 'li' })
    world.dispatch.acceptOrder(`${incident.id}-1`, { by: 'crew' })
    expect(world.dispatch.order(`${incident.id}-1`)?.drill).toBe(true)
    send(world.dispatch, raise({ id: 'real', ...B2 }))
    const real = world.dispatch.incidents({ limit: 9 }).find(one => one.drill === undefined)?.id ?? ''
    expect(world.dispatch.candidates(real)[0]).toMatchObject({ resourceId: 's1', rank: 1 })
    world.dispatch.dispatchIncident(real, { by: 'li' })
    expect(world.dispatch.order(`${real}-1`)).toMatchObject({ resourceId: 's1', state: 'offered' })
    expect(world.dispatch.order(`${incident.id}-1`)).toMatchObject({ state: 'withdrawn', reason: 'needed for a real incident' })
  })
})
