// Who is told, over which channel, and what happens when nobody answers: on a virtual clock, across restarts, by level, kind and hour.
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { Ack } from '../../dispatch/acks.ts'
import { isQuiet, type Recipient } from '../../dispatch/recipients.ts'
import type { OutboxRow } from '../../dispatch/outbox.ts'
import { folder, LATER_MS, MINUTE_MS, NIGHT_MS, openDesk, raise, send, type TestDesk } from './desk.ts'

const CHANNELS = ['tablet', 'sms', 'mail']
const captain = (o: Partial<Recipient> = {}): Recipient => ({
  name: 'captain',
  ladder: [
    { channel: 'tablet', to: 'st-7', waitS: 30 },
    { channel: 'sms', to: '13800000000', waitS: 60 },
    { channel: 'mail', to: 'chen@example.org', waitS: 120 },
  ],
  ...o,
})
const waiting = (d: TestDesk): OutboxRow[] => CHANNELS.flatMap(channel => d.dispatch.outbox.due(channel, LATER_MS, 99))
const said = (d: TestDesk): string[] => waiting(d).map(row => `${row.notification.event} ${row.channel} ${row.recipient}`)
const takeAll = (d: TestDesk): void => {
  for (let rows = waiting(d); rows.length > 0; rows = waiting(d)) for (const row of rows) d.dispatch.outbox.delivered(row)
}
/** Lets time pass a second at a time, as the program does. */
const pass = (d: TestDesk, seconds: number): void => {
  for (let s = 0; s < seconds; s += 1) {
    d.clock.add(1000)
    d.dispatch.outbox.climb(d.clock.nowMs())
  }
}
const fire = (d: TestDesk, severity: 1 | 2 | 3 = 2): string => {
  send(d.dispatch, raise({ id: `f${d.clock.nowMs()}`, severity, place: { building: 'b2', area: '江宁区' } }))
  return d.dispatch.incidents({ limit: 1 })[0]!.id
}
const lines = (d: TestDesk, id: string): string[] => d.dispatch.incident(id)!.timeline.map(entry => entry.what)
const ack = (id: string, o: Partial<Ack> = {}): Ack => ({ id: `${id}.opened@captain`, deviceId: 'st-7', status: 'heard', ...o })

describe('the ladder', () => {
  it('climbs when nobody has heard, and says so when it is at its end', () => {
    const d = openDesk({ recipients: [captain()] })
    const id = fire(d)
    expect(said(d)).toEqual(['opened tablet captain'])
    expect(waiting(d)[0]!.notification.id).toBe(`${id}.opened@captain`)
    const ladder = () => d.dispatch.incident(id)!.tellings
    expect(ladder()).toMatchObject([{ recipient: 'captain', event: 'opened', state: 'sent', step: 1, channel: 'tablet' }])
    expect(ladder()[0]).not.toHaveProperty('deliveredAt')
    takeAll(d)
    pass(d, 29)
    expect(said(d)).toEqual([])
    pass(d, 1)
    expect(said(d), 'delivered is not heard').toEqual(['opened sms captain'])
    expect(ladder()).toMatchObject([{ step: 2, channel: 'sms', deliveredAt: expect.any(String) }])
    takeAll(d)
    pass(d, 60)
    expect(said(d)).toEqual(['opened mail captain'])
    takeAll(d)
    pass(d, 119)
    expect(lines(d, id)).not.toContain('unheard')
    pass(d, 1)
    expect(lines(d, id).filter(what => ['next-channel', 'unheard'].includes(what))).toEqual(['next-channel', 'next-channel', 'unheard'])
    expect(d.counted.filter(c => c.includes('unheard'))).toEqual(['fengsui_notifications_unheard_total'])
    pass(d, 600)
    expect(said(d)).toEqual([])
    expect(d.dispatch.verifyAudit().ok).toBe(true)
  })

  it.each(['heard', 'accepted'] as const)('ends when the recipient has %s', status => {
    const d = openDesk({ recipients: [captain()] })
    const id = fire(d)
    takeAll(d)
    pass(d, 10)
    expect(d.dispatch.outbox.heard(ack(id, { status }))).not.toBe(false)
    pass(d, 600)
    expect(said(d)).toEqual([])
    expect(lines(d, id)).toContain(status === 'heard' ? 'heard' : 'recipient-accepted')
    d.dispatch.outbox.heard(ack(id, { status }))
    expect(
      lines(d, id).filter(what => what === 'heard' || what === 'recipient-accepted'),
      'said once',
    ).toHaveLength(1)
  })

  it('hears nobody but the device that was told', () => {
    const d = openDesk({ recipients: [captain()] })
    const id = fire(d)
    for (const wrong of [
      ack(id, { deviceId: 'st-8' }),
      ack('F0101-XXXXXX'),
      ack(id, { id: `${id}.opened` }),
      ack(id, { id: `${id}.opened@` }),
    ])
      expect(d.dispatch.outbox.heard(wrong)).toBe(false)
    pass(d, 30)
    expect(said(d)).toContain('opened sms captain')
  })

  it('ends when somebody has the incident in hand', () => {
    const d = openDesk({ recipients: [captain()] })
    const id = fire(d)
    takeAll(d)
    d.dispatch.acknowledgeIncident(id, { by: 'li' })
    pass(d, 600)
    expect(said(d)).toEqual([])
    expect(lines(d, id)).not.toContain('next-channel')
  })

  it('does not wait for the time of a channel that cannot reach them, or of who refuses', () => {
    const d = openDesk({ recipients: [captain()] })
    const id = fire(d)
    d.dispatch.outbox.gaveUp(waiting(d)[0]!, 'answered 404')
    pass(d, 1)
    expect(said(d)).toEqual(['opened sms captain'])
    d.dispatch.outbox.heard(ack(id, { status: 'refused', reason: 'no crew' }))
    pass(d, 1)
    expect(said(d)).toEqual(['opened sms captain', 'opened mail captain'])
    expect(d.dispatch.incident(id)!.timeline.find(entry => entry.what === 'refused')?.note).toBe('no crew')
  })

  it('begins anew for what is graver, and tells an end without waiting for a word', () => {
    const d = openDesk({ recipients: [captain()] })
    const id = fire(d)
    takeAll(d)
    pass(d, 20)
    send(d.dispatch, raise({ id: 'second', deviceId: 'other', place: { building: 'b2', area: '江宁区' }, atMs: d.clock.nowMs() }))
    expect(said(d)).toEqual(['confirmed tablet captain'])
    takeAll(d)
    pass(d, 29)
    expect(said(d), 'the older one has given way').toEqual([])
    pass(d, 1)
    expect(said(d)).toEqual(['confirmed sms captain'])
    takeAll(d)
    d.dispatch.closeIncident(id, { by: 'li', cause: 'out', falseAlarm: false })
    expect(said(d)).toEqual(['closed tablet captain'])
    takeAll(d)
    pass(d, 600)
    expect(said(d)).toEqual([])
  })

  it('goes on after a restart', () => {
    using dir = folder()
    const first = openDesk({ file: dir.file, recipients: [captain()] })
    fire(first)
    takeAll(first)
    first.dispatch.close()
    first.clock.add(45_000)
    const d = openDesk({ file: dir.file, clock: first.clock, recipients: [captain()] })
    pass(d, 1)
    expect(said(d)).toEqual(['opened sms captain'])
    d.dispatch.close()
  })

  it('lets go of who is not set up any more', () => {
    using dir = folder()
    const first = openDesk({ file: dir.file, recipients: [captain()] })
    fire(first)
    first.dispatch.close()
    const d = openDesk({ file: dir.file, clock: first.clock })
    const [row] = waiting(d)
    expect(d.dispatch.outbox.addressOf(row!)).toBeNull()
    pass(d, 60)
    expect(said(d)).toEqual(['opened tablet captain'])
    const db = new DatabaseSync(dir.file, { readOnly: true })
    expect(
      db
        .prepare('SELECT state, next_ms FROM tellings')
        .all()
        .map(r => ({ ...r })),
    ).toEqual([{ state: 'answered', next_ms: null }])
    db.close()
    d.dispatch.close()
  })

  it('does not hold up one recipient for another on the same channel', () => {
    const d = openDesk({ recipients: [captain(), captain({ name: 'deputy' })] })
    const id = fire(d)
    send(d.dispatch, raise({ id: 'second', deviceId: 'other', place: { building: 'b2', area: '江宁区' } }))
    const rows = d.dispatch.outbox.due('tablet', LATER_MS, 99)
    expect(rows.map(row => row.recipient)).toEqual(['captain', 'deputy'])
    d.dispatch.outbox.later(rows[0]!, d.clock.nowMs() + 600_000, 'answered 500')
    d.dispatch.outbox.delivered(rows[1]!)
    expect(d.dispatch.outbox.due('tablet', d.clock.nowMs(), 99).map(row => row.notification.id)).toEqual([`${id}.confirmed@deputy`])
  })
})

describe('whom it concerns', () => {
  const concerned = (o: Partial<Recipient>, severity: 1 | 2 | 3 = 2, atMs = NIGHT_MS): boolean => {
    const d = openDesk({ recipients: [captain(o)] })
    d.clock.set(atMs)
    fire(d, severity)
    return said(d).length > 0
  }
  it('by level, kind, area and event', () => {
    expect([concerned({ levels: [1, 2] }), concerned({ levels: [1] })]).toEqual([true, false])
    expect([concerned({ kinds: ['fire-alarm'] }), concerned({ kinds: ['gas-alarm'] })]).toEqual([true, false])
    expect([concerned({ areas: [' 江宁区'] }), concerned({ areas: ['鼓楼区'] })]).toEqual([true, false])
    expect([concerned({ events: ['opened'] }), concerned({ events: ['closed'] })]).toEqual([true, false])
  })

  it('asks a channel of CAP only for what the feed has', () => {
    const aggregator = captain({ name: 'city', ladder: [{ channel: 'cap', waitS: 60, feedOnly: true }] })
    const d = openDesk({ recipients: [aggregator] })
    const id = fire(d, 2)
    d.dispatch.escalateIncident(id, { by: 'li' })
    d.dispatch.closeIncident(id, { by: 'li', cause: 'steam', falseAlarm: true })
    const rows = d.dispatch.outbox.due('cap', LATER_MS, 99).map(row => row.notification.event)
    expect(rows).toEqual(['opened'])
    const events = d.dispatch.incident(id)?.tellings.map(one => one.event)
    expect(events?.toSorted()).toEqual(['closed', 'opened'])
    d.dispatch.close()
  })

  it('tells everybody when the area is not known', () => {
    const d = openDesk({ recipients: [captain({ areas: ['鼓楼区'] })] })
    send(d.dispatch, raise({ id: 'nowhere' }))
    expect(said(d)).toHaveLength(1)
  })

  it('is quiet in quiet hours, and never for the highest level', () => {
    const night = { quiet: { fromMinute: 22 * 60, toMinute: 7 * 60 } }
    expect(concerned(night, 2)).toBe(false)
    expect(concerned(night, 1), 'level I').toBe(true)
    expect(concerned(night, 2, NIGHT_MS - 60 * MINUTE_MS), '21:40').toBe(true)
    const d = openDesk({ recipients: [captain(night)] })
    fire(d, 2)
    expect(said(d)).toEqual([])
    send(d.dispatch, raise({ id: 'second', deviceId: 'other', place: { building: 'b2', area: '江宁区' } }))
    expect(said(d), 'it has become level I').toEqual(['confirmed tablet captain'])
  })

  it.each([
    [[60, 120], 60, true],
    [[60, 120], 120, false],
    [[1320, 420], 1320, true],
    [[1320, 420], 0, true],
    [[1320, 420], 419, true],
    [[1320, 420], 420, false],
    [[600, 600], 600, false],
  ])('quiet %j at minute %i: %s', ([fromMinute, toMinute], minute, expected) =>
    expect(isQuiet({ fromMinute: fromMinute as number, toMinute: toMinute as number }, minute as number)).toBe(expected),
  )
})
