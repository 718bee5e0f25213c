// Ways in which something was lost between two acts that are right by themselves: a merge, an end by itself, a step that nobody saw, a clock
// that is set back. Each was wrong once.
import { describe, expect, it } from 'vitest'
import type { Recipient } from '../../dispatch/recipients.ts'
import { clear, codeOf, folder, iso, MINUTE_MS, NIGHT_MS, openDesk, raise, send, type TestDesk } from './desk.ts'
import { fireAt, north, openWorld, type World } from './stations.ts'

const far = { lat: 31.7, lon: 118.6 }
/** two fires of different buildings; both ids */
const twoFires = ({ dispatch }: World): [string, string] => [
  fireAt(dispatch),
  fireAt(dispatch, 'a2', { position: north(5000), building: 'B9' }),
]
const merge = ({ dispatch }: World, from: string, into: string) => dispatch.mergeIncident(from, { by: 'li', into, reason: 'one fire' })

describe('what is merged', () => {
  it('takes its call for help along', () => {
    const world = openWorld()
    const [a, b] = twoFires(world)
    const { dispatch } = world
    dispatch.dispatchIncident(a, { by: 'li', resourceIds: ['s1'] })
    dispatch.acceptOrder(`${a}-1`, { by: 'crew' })
    dispatch.reportOnOrder(`${a}-1`, { by: 'crew', key: 'k', what: 'need-help' })
    merge(world, a, b)
    expect(dispatch.incident(b)?.helpAskedAt).toBe(iso(NIGHT_MS))
  })

  it('is not taken down the chain', () => {
    const world = openWorld()
    const [a, b] = twoFires(world)
    world.dispatch.escalateIncident(a, { by: 'li' })
    world.dispatch.escalateIncident(a, { by: 'li' })
    merge(world, a, b)
    expect(world.dispatch.incident(b)?.escalation).toBe('street')
  })

  it('stays confirmed, though one of its devices is not believed any more', () => {
    const world = openWorld()
    const { dispatch } = world
    const [a, b] = twoFires(world)
    fireAt(dispatch, 'a3')
    const confirmedAt = dispatch.incident(a)?.confirmedAt
    expect(confirmedAt).toBe(iso(NIGHT_MS))
    dispatch.outOfServiceAlarm('a1', { by: 'li', reason: 'broken' })
    dispatch.outOfServiceAlarm('a2', { by: 'li', reason: 'broken' })
    merge(world, a, b)
    expect(dispatch.incident(b)).toMatchObject({ confirmedAt, severity: 1 })
  })

  it('keeps its pictures and its hand-over in reach', () => {
    const world = openWorld()
    const { dispatch } = world
    const a = fireAt(dispatch)
    // no trigger: what it goes into is not confirmed by it
    send(dispatch, raise({ id: 'p', kind: 'pre-alarm', severity: 3, position: far }))
    const b = dispatch.alarm('p')!.incidentId
    dispatch.dispatchIncident(a, { by: 'li', resourceIds: ['s1'] })
    dispatch.acceptOrder(`${a}-1`, { by: 'crew' })
    const picture = Buffer.from([0xff, 0xd8, 0xff, 0xe0]).toString('base64')
    dispatch.reportOnOrder(`${a}-1`, { by: 'crew', key: 'k', what: 'picture', picture })
    dispatch.handoverIncident(a, { by: 'li' })
    merge(world, a, b)
    const { timeline } = dispatch.incident(b)!
    const pictureId = timeline.find(({ what }) => what === 'picture')?.pictureId ?? ''
    expect(dispatch.picture(b, pictureId)?.type).toBe('image/jpeg')
    expect(dispatch.handover(b)?.incidentId).toBe(a)
  })
})

const fault = (d: Pick<TestDesk, 'dispatch'>): string => {
  send(d.dispatch, raise({ id: 't1', kind: 'fault', severity: 3, latching: false, position: far }))
  return d.dispatch.incidents({ limit: 1 })[0]!.id
}

describe('a technical incident', () => {
  it('that ends by itself ends its orders', () => {
    const world = openWorld()
    const { dispatch } = world
    const id = fault(world)
    dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['s1'] })
    dispatch.acceptOrder(`${id}-1`, { by: 'crew' })
    send(dispatch, clear('t1'))
    expect(dispatch.incident(id)?.state).toBe('closed')
    expect(dispatch.order(`${id}-1`)?.state).toBe('withdrawn')
    expect(dispatch.resource('s1')?.state).toBe('ready')
    expect(dispatch.stuck(world.clock.nowMs())).toEqual([])
  })

  it('that a person opens again stays open, until an alarm of it comes and goes', () => {
    const d = openDesk()
    const id = fault(d)
    send(d.dispatch, clear('t1'))
    expect(d.dispatch.incident(id)?.state).toBe('closed')
    d.dispatch.reopenIncident(id, { by: 'li', reason: 'it will come back' })
    expect(d.dispatch.incident(id)?.state).toBe('new')
    d.dispatch.acknowledgeIncident(id, { by: 'li' })
    expect(d.dispatch.incident(id)?.state).toBe('acknowledged')
    send(d.dispatch, raise({ id: 't2', kind: 'fault', severity: 3, latching: false, position: far, deviceId: 'device-of-t1' }))
    send(d.dispatch, clear('t2'))
    expect(d.dispatch.incident(id)?.state).toBe('closed')
  })
})

describe('an alarm of the system about itself', () => {
  const condition = { condition: 'journal', severity: 2 as const, text: { zh: '日志', en: 'journal' } }
  it('stands on when its incident is closed, and clears when the condition ends', () => {
    const d = openDesk()
    d.dispatch.raiseSelf(condition)
    const id = d.dispatch.incidents({ limit: 1 })[0]!.id
    d.dispatch.closeIncident(id, { by: 'li', cause: 'seen', falseAlarm: false })
    expect(d.dispatch.incident(id)).toMatchObject({ state: 'closed', activeAlarms: 1 })
    d.dispatch.clearSelf('journal')
    expect(d.dispatch.incident(id)).toMatchObject({ state: 'closed', activeAlarms: 0 })
    d.clock.add(1000)
    d.dispatch.raiseSelf(condition)
    expect(d.dispatch.incidents({ states: ['new'], limit: 5 })).toHaveLength(1)
  })
})

describe('what a terminal says last', () => {
  it.each([
    ['arrived', 'on-scene', 'on-scene'],
    ['controlled', 'complete', 'controlled'],
    ['returned', 'complete', 'controlled'],
  ])('%s, with all before it unseen, is still what has become of its order', (state, order, incident) => {
    const world = openWorld()
    const { dispatch } = world
    const id = fireAt(dispatch)
    dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['s1'] })
    world.clock.add(5 * MINUTE_MS)
    world.speak('s1', { state: { readiness: 'responding', task: { dispatchId: `${id}-1`, state } } })
    dispatch.tick(world.clock.nowMs())
    expect(dispatch.order(`${id}-1`)?.state).toBe(order)
    expect(dispatch.incident(id)?.state).toBe(incident)
    expect(dispatch.orders({ limit: 5 })).toHaveLength(1)
  })
})

describe('a drone that only looks', () => {
  it('leaves the fire waiting for a crew, and has not put it out when it flies home', () => {
    const world = openWorld()
    const { dispatch, clock } = world
    dispatch.addResource({ id: 'drone', kind: 'drone', position: north(500) }, 'li')
    dispatch.checkIn('drone', { by: 'li' })
    const id = fireAt(dispatch)
    const { dueAt: before } = dispatch.incident(id)!
    dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['drone'] })
    const { state, dueAt, acknowledgedBy } = dispatch.incident(id)!
    expect([state, acknowledgedBy]).toEqual(['acknowledged', 'li'])
    expect(dueAt).not.toBe(before)
    for (const act of ['acceptOrder', 'enRouteOrder', 'onSceneOrder', 'completeOrder'] as const) {
      clock.add(1000)
      dispatch[act](`${id}-1`, { by: 'pilot' })
      expect(dispatch.incident(id)).toMatchObject({ state: 'acknowledged', dueAt })
    }
    dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['s1'] })
    expect(dispatch.incident(id)?.state).toBe('dispatched')
  })
})

describe('a report of what was seen', () => {
  it('beside an alarm that is set aside is an alarm of its own', () => {
    const d = openDesk()
    send(d.dispatch, raise({ id: 'p', kind: 'pre-alarm', severity: 3, position: far, place: { building: 'b2' } }))
    d.dispatch.suppressAlarm('p', { by: 'li', reason: 'hot work' })
    const { observation } = d.dispatch.observations.add({
      source: 'citizen',
      text: 'flames',
      idempotencyKey: 'k',
      position: far,
      photos: [],
      by: 'token:12345',
    })
    expect(observation.status).toBe('to-be-confirmed')
    expect(d.dispatch.incident(observation.incidentId)?.unacknowledgedAlarms).toBe(1)
  })
})

const captain: Recipient = {
  name: 'captain',
  ladder: [
    { channel: 'tablet', to: 'st-7', waitS: 30 },
    { channel: 'sms', to: '13800000000', waitS: 60 },
  ],
}

describe('two officers who press at once', () => {
  it('send an incident one step up the chain', () => {
    const d = openDesk()
    const { id } = send(d.dispatch, raise({ id: 'a1' })).incidents[0]!
    d.dispatch.escalateIncident(id, { by: 'li', seen: 'grid' })
    expect(codeOf(() => d.dispatch.escalateIncident(id, { by: 'wang', seen: 'grid' }))).toBe('conflict')
    expect(d.dispatch.incident(id)?.escalation).toBe('community')
  })
})

describe('who is told that an incident was sent up the chain', () => {
  it('is told over the next channel too, while whoever had it does nothing', () => {
    const d = openDesk({ recipients: [captain] })
    const [id] = [send(d.dispatch, raise({ id: 'a1', severity: 2, position: far })).incidents[0]!.id]
    d.dispatch.acknowledgeIncident(id, { by: 'li' })
    d.clock.add(MINUTE_MS)
    d.dispatch.escalateIncident(id, { by: 'li' })
    const channelOf = () => d.dispatch.incident(id)!.tellings.find(one => one.event === 'escalated')
    d.clock.add(30_000)
    d.dispatch.outbox.climb(d.clock.nowMs())
    expect(channelOf()).toMatchObject({ channel: 'sms', state: 'sent' })
  })
})

describe('a refusal that is read twice', () => {
  it('takes no time from the channel that is tried after it', () => {
    const mail = { channel: 'mail', to: 'chen@example.org', waitS: 60 }
    const d = openDesk({ recipients: [{ ...captain, ladder: [...captain.ladder, mail] }] })
    const { id } = send(d.dispatch, raise({ id: 'a1' })).incidents[0]!
    for (let twice = 0; twice < 2; twice += 1) {
      d.dispatch.outbox.heard({ id: `${id}.opened@captain`, deviceId: 'st-7', status: 'refused' })
      d.dispatch.outbox.climb(d.clock.nowMs())
      expect(d.dispatch.incident(id)!.tellings[0]).toMatchObject({ channel: 'sms' })
    }
  })
})

describe('the auditor', () => {
  it('finds a ladder that nobody climbs', () => {
    const d = openDesk({ recipients: [captain] })
    send(d.dispatch, raise({ id: 'a1' }))
    expect(d.dispatch.stuck(d.clock.nowMs() + 41_000)).toMatchObject([{ what: expect.stringContaining('ladders'), count: 1 }])
  })
})

describe('a clock that is set back by ten minutes', () => {
  const BACK_MS = 10 * MINUTE_MS
  it.each(['while this runs', 'while this is down'])('%s makes no deadline, offer, ladder or shelving late', when => {
    using at = folder()
    const d = openDesk({ file: at.file, recipients: [captain] })
    const desk = () => d.dispatch
    desk().addResource({ id: 's1', kind: 'grid-officer', position: far }, 'li')
    desk().checkIn('s1', { by: 'li' })
    const fire = send(desk(), raise({ id: 'a1', severity: 1, position: far })).incidents[0]!.id
    const sent = send(desk(), raise({ id: 'a2', severity: 1, position: north(9000) })).incidents[0]!.id
    desk().dispatchIncident(sent, { by: 'li', resourceIds: ['s1'] })
    send(desk(), raise({ id: 't1', kind: 'fault', severity: 3, position: far }))
    desk().shelveAlarm('t1', { by: 'li', reason: 'hot work', until: iso(d.clock.nowMs() + MINUTE_MS) })
    desk().outbox.later(desk().outbox.due('tablet', d.clock.nowMs(), 1)[0]!, d.clock.nowMs() + MINUTE_MS, 'busy')
    const { dueAt } = desk().incident(fire)!
    const { shelvedUntil } = desk().alarm('t1')!
    const waits = Date.parse(dueAt!) - d.clock.nowMs()
    desk().tick(d.clock.nowMs())
    if (when === 'while this is down') {
      desk().close()
      Object.assign(d, openDesk({ file: at.file, clock: d.clock, recipients: [captain] }))
    }
    d.clock.add(-BACK_MS)
    desk().tick(d.clock.nowMs())
    expect(desk().incident(fire)?.dueAt).toBe(iso(Date.parse(dueAt!) - BACK_MS))
    expect(desk().alarm('t1')?.shelvedUntil).toBe(iso(Date.parse(shelvedUntil!) - BACK_MS))
    d.clock.add(30_000)
    desk().outbox.climb(d.clock.nowMs())
    expect(desk().incident(fire)!.tellings[0]).toMatchObject({ channel: 'sms' })
    d.clock.add(Math.max(waits, MINUTE_MS) - 30_000)
    expect(desk().outbox.due('tablet', d.clock.nowMs(), 9)).not.toEqual([])
    desk().tick(d.clock.nowMs())
    expect(desk().incident(fire)).toMatchObject({ escalation: 'community' })
    expect(desk().order(`${sent}-1`)?.state).toBe('silent')
    expect(desk().alarm('t1')?.state).toBe('UNACK')
    expect(desk().verifyAudit().ok).toBe(true)
  })
})

describe('after a restart', () => {
  it('an offer is not passed on before what the journal got meanwhile is read', () => {
    const world = openWorld()
    const { dispatch, clock } = world
    const id = fireAt(dispatch)
    dispatch.dispatchIncident(id, { by: 'li', resourceIds: ['s1'] })
    clock.add(5 * MINUTE_MS)
    dispatch.tick(clock.nowMs(), { isCatchingUp: true })
    dispatch.acceptOrder(`${id}-1`, { by: 'crew' })
    dispatch.tick(clock.nowMs())
    expect(dispatch.orders({ limit: 5 }).map(one => [one.resourceId, one.state])).toEqual([['s1', 'accepted']])
  })
})

describe('a resource whose clock was set back', () => {
  it('is silent when it says nothing more, and not ready for as long as the clock was set back', () => {
    using at = folder()
    const world = openWorld({ file: at.file })
    const reasons = () => world.dispatch.resource('s1')?.reasons.map(one => one.code)
    world.dispatch.tick(world.clock.nowMs())
    world.clock.add(-5 * 3_600_000)
    world.dispatch.tick(world.clock.nowMs())
    expect(reasons()).toEqual([])
    world.reopen()
    world.clock.add(11 * MINUTE_MS)
    expect(reasons()).toEqual(['silent'])
    world.speak('s1')
    expect(reasons()).toEqual([])
    world.dispatch.close()
  })
})
