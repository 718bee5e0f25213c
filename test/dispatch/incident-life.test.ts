// People at work on incidents: the first acknowledgement wins, two independent triggers confirm, and the counts hold after anything.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AlarmKind, AlarmState } from '#contracts/alarm.ts'
import { isHazard } from '#contracts/alarm.ts'
import type { Dispatch } from '../../dispatch/index.ts'
import { clear, codeOf, iso, MINUTE_MS, NIGHT_MS, openDesk, raise, send, update } from './desk.ts'

const place = { building: 'b2', floor: '14', room: '1405' }
const openedBy = (dispatch: Dispatch, alarmId: string): string => dispatch.alarm(alarmId)?.incidentId ?? ''
const lines = (dispatch: Dispatch, id: string): string[] =>
  (dispatch.incident(id)?.timeline ?? []).map(line => `${line.actor} ${line.what}`)

describe('acknowledging', () => {
  it('lets the first officer win and tells the second who and when', () => {
    const { dispatch, clock } = openDesk()
    send(dispatch, raise({ id: 'a', place }))
    const id = openedBy(dispatch, 'a')
    clock.add(4_000)
    const { alarms, incidents } = dispatch.acknowledgeIncident(id, { by: 'li', note: 'calling the flat' })
    expect(alarms).toMatchObject([{ state: 'ACKED', acknowledgedBy: 'li', waterfall: { acknowledgedAt: iso(NIGHT_MS + 4_000) } }])
    expect(incidents).toMatchObject([{ state: 'acknowledged', acknowledgedBy: 'li', acknowledgedAt: iso(NIGHT_MS + 4_000) }])
    expect(() => dispatch.acknowledgeIncident(id, { by: 'wang' })).toThrow(/already acknowledged by li at 2026-03-12T14:40:04.000Z/)
    expect(codeOf(() => dispatch.acknowledgeIncident(id, { by: 'wang' }))).toBe('conflict')
    expect(() => dispatch.acknowledgeAlarm('a', { by: 'wang' })).toThrow(/acknowledged by li at 2026-03-12T14:40:04.000Z/)
    expect(dispatch.incident(id)?.acknowledgedBy).toBe('li')
  })

  it('flags an acknowledged incident again when an alarm joins, and keeps who has it', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', deviceId: 'd1', place }))
    const id = openedBy(dispatch, 'a')
    dispatch.acknowledgeIncident(id, { by: 'li' })
    const { incidents } = send(dispatch, raise({ id: 'b', deviceId: 'd2', place, atMs: NIGHT_MS + 5_000 }))
    expect(incidents).toMatchObject([{ state: 'acknowledged', acknowledgedBy: 'li', unacknowledgedAlarms: 1, severity: 1 }])
    expect(dispatch.kpis(NIGHT_MS).unacknowledged).toBe(1)
    dispatch.acknowledgeIncident(id, { by: 'wang' })
    expect(dispatch.incident(id)).toMatchObject({ acknowledgedBy: 'li', unacknowledgedAlarms: 0 })
    expect(dispatch.alarm('b')?.acknowledgedBy).toBe('wang')
  })

  it('gives the incident to whoever acknowledges its last alarm', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', deviceId: 'd1', place }), raise({ id: 'b', deviceId: 'd2', place }))
    expect(dispatch.acknowledgeAlarm('a', { by: 'li' }).incidents).toMatchObject([{ state: 'new', unacknowledgedAlarms: 1 }])
    expect(dispatch.acknowledgeAlarm('b', { by: 'wang' }).incidents).toMatchObject([{ state: 'acknowledged', acknowledgedBy: 'wang' }])
  })
})

describe('two independent triggers (GB 50116-2013 4.1.6)', () => {
  const confirmed = (kinds: [AlarmKind, string][]): string | undefined => {
    const { dispatch } = openDesk()
    kinds.forEach(([kind, deviceId], i) => send(dispatch, raise({ id: `a${i}`, kind, deviceId, place, atMs: NIGHT_MS + i * 1_000 })))
    return dispatch.incidents({ limit: 1 })[0]?.confirmedAt
  }

  it.each<[string, [AlarmKind, string][], number | undefined]>([
    [
      'two detectors',
      [
        ['fire-alarm', 'd1'],
        ['fire-alarm', 'd2'],
      ],
      1,
    ],
    [
      'detector and call point',
      [
        ['fire-alarm', 'd1'],
        ['manual-call', 'c1'],
      ],
      1,
    ],
    [
      'smoke and heat',
      [
        ['fire-alarm', 'd1'],
        ['heat', 'h1'],
      ],
      1,
    ],
    [
      'a third device after the same one twice',
      [
        ['fire-alarm', 'd1'],
        ['heat', 'd1'],
        ['fire-alarm', 'd2'],
      ],
      2,
    ],
    [
      'the same device twice',
      [
        ['fire-alarm', 'd1'],
        ['heat', 'd1'],
      ],
      undefined,
    ],
    [
      'a pre-alarm beside a detector',
      [
        ['fire-alarm', 'd1'],
        ['pre-alarm', 'd2'],
      ],
      undefined,
    ],
    [
      'pre-alarms only',
      [
        ['pre-alarm', 'd1'],
        ['pre-alarm', 'd2'],
      ],
      undefined,
    ],
  ])('%s', (_name, kinds, second) => {
    expect(confirmed(kinds)).toBe(second === undefined ? undefined : iso(NIGHT_MS + second * 1_000))
  })

  it('says why in the timeline and raises the level', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', deviceId: 'd1', place }), raise({ id: 'b', deviceId: 'd2', place }))
    const incident = dispatch.incident(openedBy(dispatch, 'a'))
    expect(incident?.severity).toBe(1)
    expect(incident?.timeline.find(line => line.what === 'confirmed')?.text?.en).toBe(
      'Two independent triggers (d1, d2) confirm a fire: level I (GB 50116-2013 4.1.6)',
    )
  })

  it('leaves the level of a pre-alarm to its rule, and does not believe a device that is out of service', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'p', kind: 'pre-alarm', severity: 3, deviceId: 'd0', place }))
    expect(dispatch.incident(openedBy(dispatch, 'p'))?.severity).toBe(3)
    send(dispatch, raise({ id: 'a', deviceId: 'd1', place }))
    dispatch.outOfServiceAlarm('a', { by: 'li', reason: 'soldering beside it' })
    send(dispatch, raise({ id: 'b', deviceId: 'd2', place }))
    expect(dispatch.incident(openedBy(dispatch, 'p'))?.confirmedAt).toBeUndefined()
  })
})

describe('handling', () => {
  it('closes with a cause, acknowledges what was left, and is final for people', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', place }))
    const id = openedBy(dispatch, 'a')
    expect(codeOf(() => dispatch.closeIncident(id, { by: 'li', cause: '', falseAlarm: true }))).toBe('invalid-request')
    const { incidents } = dispatch.closeIncident(id, { by: 'li', cause: 'cooking', falseAlarm: true })
    expect(incidents).toMatchObject([
      { state: 'closed', closedBy: 'li', cause: 'cooking', falseAlarm: true, unacknowledgedAlarms: 0, activeAlarms: 1 },
    ])
    expect(dispatch.incident(id)?.timeline.at(-1)?.note).toBe('cooking; 1 alarm(s) still active at the device')
    for (const act of [
      () => dispatch.closeIncident(id, { by: 'wang', cause: 'x', falseAlarm: false }),
      () => dispatch.acknowledgeIncident(id, { by: 'wang' }),
      () => dispatch.escalateIncident(id, { by: 'wang' }),
    ])
      expect(codeOf(act)).toBe('conflict')
    expect(dispatch.noteIncident(id, { by: 'wang', note: 'tenant called back' }).incidents).toMatchObject([{ state: 'closed' }])
  })

  it('opens a closed incident again when its own alarm becomes graver', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', kind: 'pre-alarm', severity: 3, place }))
    const id = openedBy(dispatch, 'a')
    dispatch.closeIncident(id, { by: 'li', cause: 'dust', falseAlarm: true })
    const { incidents } = send(dispatch, update('a', NIGHT_MS + MINUTE_MS, 1))
    expect(incidents).toMatchObject([{ id, state: 'new', severity: 1, unacknowledgedAlarms: 1 }])
    expect(incidents[0]?.closedBy).toBeUndefined()
    expect(lines(dispatch, id)).toContain('system re-opened')
    expect(send(dispatch, raise({ id: 'b', deviceId: 'other', place, atMs: NIGHT_MS + 2 * MINUTE_MS })).incidents).toMatchObject([{ id }])
  })

  it('ends alarms that no rule watches with their incident', () => {
    const { dispatch } = openDesk()
    const text = { zh: '群众报警', en: 'A caller reports smoke' }
    const { incident, alarm } = dispatch.raise({ idempotencyKey: 'k', origin: 'user:li', kind: 'manual-call', text, place, by: 'li' })
    dispatch.closeIncident(incident.id, { by: 'li', cause: 'barbecue', falseAlarm: true })
    expect(dispatch.alarm(alarm.id)?.state).toBe('NORM')
  })

  it('escalates one step at a time and stops at the city', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', place }))
    const id = openedBy(dispatch, 'a')
    for (let i = 0; i < 4; i += 1) dispatch.escalateIncident(id, { by: 'li' })
    expect(codeOf(() => dispatch.escalateIncident(id, { by: 'li' }))).toBe('conflict')
    const said = dispatch.incident(id)?.timeline.flatMap(line => (line.what === 'escalated' ? (line.text?.en ?? '') : []))
    expect(said).toEqual(['grid to community', 'community to street', 'street to district', 'district to city'].map(s => `Escalated: ${s}`))
  })

  it('merges by a person: alarms move, both places lead to the other incident, its timeline has both', () => {
    const { dispatch } = openDesk()
    send(
      dispatch,
      raise({ id: 'a', deviceId: 'd1', place: { building: 'b1' } }),
      raise({ id: 'b', deviceId: 'd2', place: { building: 'b2' } }),
    )
    const [from, into] = [openedBy(dispatch, 'a'), openedBy(dispatch, 'b')]
    dispatch.mergeIncident(from, { by: 'li', into, reason: 'the roof joins them' })
    expect(dispatch.incident(from)).toMatchObject({ state: 'merged', mergedInto: into, alarmIds: [] })
    expect(dispatch.incident(into)).toMatchObject({ alarmIds: ['a', 'b'], confirmedAt: iso(NIGHT_MS), severity: 1 })
    expect(lines(dispatch, into).filter(line => line === 'rule:smoke opened')).toHaveLength(2)
    const joined = send(dispatch, raise({ id: 'c', deviceId: 'd3', place: { building: 'b1' }, atMs: NIGHT_MS + MINUTE_MS })).incidents
    expect(joined).toMatchObject([{ id: into, unacknowledgedAlarms: 3 }])
    expect(() => dispatch.acknowledgeIncident(from, { by: 'li' })).toThrow(`is merged into ${into}`)
    expect(codeOf(() => dispatch.mergeIncident(into, { by: 'li', into, reason: 'x' }))).toBe('invalid-request')
    expect(codeOf(() => dispatch.mergeIncident(into, { by: 'li', into: from, reason: 'x' }))).toBe('conflict')
  })

  it('merges nothing into what is over, and says where to', () => {
    const { dispatch } = openDesk()
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(one => {
      send(dispatch, raise({ id: one, deviceId: one, place: { building: one } }))
      return dispatch.alarm(one)!.incidentId
    }) as [string, string, string, string]
    const reason = 'one fire'
    dispatch.mergeIncident(a, { by: 'li', into: b, reason })
    dispatch.mergeIncident(b, { by: 'li', into: c, reason })
    expect(() => dispatch.mergeIncident(d, { by: 'li', into: a, reason })).toThrow(
      `incident ${a} is merged into ${b}: nothing can be merged into it; merge into ${c}, which has its alarms`,
    )
    dispatch.closeIncident(c, { by: 'li', cause: 'out', falseAlarm: false })
    expect(() => dispatch.mergeIncident(d, { by: 'li', into: c, reason })).toThrow(/nothing can be merged into it; re-open it first/)
    expect(dispatch.incident(d)?.state).toBe('new')
  })

  it('never merges a fire with a technical fault', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', place }), raise({ id: 'b', kind: 'fault', place }))
    const into = openedBy(dispatch, 'b')
    expect(codeOf(() => dispatch.mergeIncident(openedBy(dispatch, 'a'), { by: 'li', into, reason: 'x' }))).toBe('invalid-request')
  })

  it('says what is not there and what is wrong', () => {
    const { dispatch } = openDesk()
    expect(codeOf(() => dispatch.acknowledgeIncident('F0101-000000', { by: 'li' }))).toBe('not-found')
    expect(codeOf(() => dispatch.acknowledgeAlarm('none', { by: 'li' }))).toBe('not-found')
    send(dispatch, raise({ id: 'a', place }))
    expect(codeOf(() => dispatch.noteIncident(openedBy(dispatch, 'a'), { by: 'li', note: ' ' }))).toBe('invalid-request')
    expect(codeOf(() => dispatch.acknowledgeAlarm('a', { by: '' }))).toBe('invalid-request')
  })
})

describe('the laws of the queue', () => {
  const KINDS: AlarmKind[] = ['fire-alarm', 'pre-alarm', 'manual-call', 'fault', 'low-battery']
  const steps = fc.array(
    fc.record({
      what: fc.integer({ min: 0, max: 10 }),
      n: fc.nat(40),
      home: fc.nat(2),
      kind: fc.constantFrom(...KINDS),
      minute: fc.nat(100),
    }),
    { minLength: 10, maxLength: 40 },
  )
  type Step = { what: number; n: number; home: number; kind: AlarmKind; minute: number }

  const take = (dispatch: Dispatch, s: Step): void => {
    const ids = dispatch
      .alarms({ limit: 5000 })
      .map(a => a.id)
      .sort()
    const incidents = dispatch.incidents({ limit: 5000 }).map(i => i.id)
    const alarm = ids[s.n % Math.max(1, ids.length)] ?? 'none'
    const incident = incidents[s.n % Math.max(1, incidents.length)] ?? 'none'
    const into = incidents[(s.n + 1) % Math.max(1, incidents.length)] ?? 'none'
    const atMs = NIGHT_MS + s.minute * MINUTE_MS
    const by = 'li'
    const acts = [
      () => dispatch.acknowledgeIncident(incident, { by }),
      () => dispatch.acknowledgeAlarm(alarm, { by }),
      () => dispatch.closeIncident(incident, { by, cause: 'x', falseAlarm: false }),
      () => dispatch.mergeIncident(incident, { by, into, reason: 'x' }),
      () => dispatch.shelveAlarm(alarm, { by, reason: 'x', until: iso(NIGHT_MS + MINUTE_MS) }),
      () => send(dispatch, clear(alarm, atMs)),
      () => send(dispatch, update(alarm, atMs, 1)),
      () => dispatch.tick(NIGHT_MS + 2 * MINUTE_MS),
    ]
    const raising = () =>
      send(dispatch, raise({ id: `a${s.n}`, kind: s.kind, severity: 3, deviceId: `d${s.n % 5}`, place: { building: `h${s.home}` }, atMs }))
    codeOf(acts[s.what] ?? raising)
  }

  const isOwed = (state: AlarmState): boolean => state === 'UNACK' || state === 'RTNUN'
  const check = (dispatch: Dispatch): void => {
    const alarms = dispatch.alarms({ limit: 5000 })
    const incidents = dispatch.incidents({ limit: 5000 })
    for (const a of alarms) {
      const homes = incidents.filter(i => i.alarmIds.includes(a.id))
      expect(homes.map(i => i.id)).toEqual([a.incidentId])
      expect(homes[0]?.category).toBe(isHazard(a.kind) ? 'fire' : 'technical')
    }
    for (const i of incidents) {
      const own = alarms.filter(a => a.incidentId === i.id)
      expect(i.alarmIds.toSorted()).toEqual(own.map(a => a.id).sort())
      expect(i.unacknowledgedAlarms).toBe(own.filter(a => isOwed(a.state)).length)
      if (i.state === 'merged' || i.state === 'closed') expect(i.unacknowledgedAlarms).toBe(0)
      if (i.state === 'new') expect(i.unacknowledgedAlarms).toBeGreaterThan(0)
      if (own.length > 0) expect(i.openedAt).toBe(own.map(a => a.raisedAt).sort()[0])
    }
    const open = incidents.filter(i => i.state !== 'closed' && i.state !== 'merged')
    expect(dispatch.kpis(NIGHT_MS)).toMatchObject({
      openIncidents: open.length,
      unacknowledged: open.filter(i => i.unacknowledgedAlarms > 0).length,
    })
  }

  it('hold after any acts: every alarm in exactly one incident, counts right, nothing owed in what is closed', () => {
    fc.assert(
      fc.property(steps, walk => {
        const { dispatch } = openDesk()
        for (const s of walk) {
          take(dispatch, s)
          check(dispatch)
        }
        expect(dispatch.verifyAudit().ok).toBe(true)
      }),
      { numRuns: 40 },
    )
  })
})
