// The state table walked at random against a model that knows no table: three flags and a mask. The database is closed and
// opened again after every step, so nothing may live in memory only.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isHazard, type AlarmKind, type AlarmState, type Severity } from '#contracts/alarm.ts'
import { ALARM_EVENTS, ALARM_TRANSITIONS, step } from '../../dispatch/alarm-states.ts'
import { clear, codeOf, folder, iso, MINUTE_MS, NIGHT_MS, openDesk, raise, send, update, type TestDesk } from './desk.ts'

type Mask = 'SHLVD' | 'DSUPR' | 'OOSRV'
type Model = { active: boolean; acked: boolean; latching: boolean; mask: Mask | null; severity: Severity; untilMs: number }
type World = { desk: TestDesk; file: string; models: Map<string, Model> }

const stateOf = (m: Model): AlarmState => {
  if (m.mask !== null) return m.mask
  if (m.active) return m.acked ? 'ACKED' : 'UNACK'
  return m.latching && !m.acked ? 'RTNUN' : 'NORM'
}
const unmask = (m: Model): void => {
  m.mask = null
  if (m.active) m.acked = false
}

const KINDS: AlarmKind[] = ['fire-alarm', 'fault']
const alarms = fc.nat(KINDS.length - 1)
const idOf = (i: number): string => `alarm-${i}`

type Step =
  | { do: 'raise'; i: number; severity: Severity; latching: boolean }
  | { do: 'clear' | 'acknowledge' | 'shelve' | 'unshelve' | 'suppress' | 'out-of-service' | 'return'; i: number }
  | { do: 'rise'; i: number; severity: Severity }
  | { do: 'wait'; minutes: number }

const severities = fc.constantFrom<Severity[]>(4, 3, 2, 4, 3, 1)
const acts = fc.constantFrom('clear' as const, 'acknowledge', 'shelve', 'shelve', 'unshelve', 'suppress', 'out-of-service', 'return')
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 3, arbitrary: fc.record({ do: fc.constant('raise' as const), i: alarms, severity: severities, latching: fc.boolean() }) },
  { weight: 8, arbitrary: fc.record({ do: acts, i: alarms }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rise' as const), i: alarms, severity: severities }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), minutes: fc.integer({ min: 20, max: 60 }) }) },
)

const raised = ({ desk, models }: World, s: Extract<Step, { do: 'raise' }>): void => {
  const kind = KINDS[s.i] ?? 'fault'
  const id = idOf(s.i)
  send(desk.dispatch, raise({ id, kind, severity: s.severity, latching: s.latching, place: { building: `home-${s.i}` } }))
  if (models.has(id)) return
  models.set(id, { active: true, acked: false, latching: s.latching || isHazard(kind), mask: null, severity: s.severity, untilMs: 0 })
}

const risen = ({ desk, models }: World, s: Extract<Step, { do: 'rise' }>): void => {
  const m = models.get(idOf(s.i))
  send(desk.dispatch, update(idOf(s.i), NIGHT_MS, s.severity))
  if (m === undefined || s.severity >= m.severity || stateOf(m) === 'NORM') return
  m.severity = s.severity
  m.acked = false
  if (m.mask !== 'OOSRV') unmask(m)
}

const waited = ({ desk, models }: World, s: Extract<Step, { do: 'wait' }>): void => {
  desk.clock.add(s.minutes * MINUTE_MS)
  desk.dispatch.tick(desk.clock.nowMs())
  for (const m of models.values()) if (m.mask === 'SHLVD' && m.untilMs <= desk.clock.nowMs()) unmask(m)
}

/** What a person may do in which state, and what it does to the model. */
const allowed = (m: Model, what: string): boolean => {
  const state = stateOf(m)
  if (what === 'acknowledge') return state === 'UNACK' || state === 'RTNUN'
  if (what === 'shelve' || what === 'suppress') return m.mask === null && state !== 'NORM' && m.severity !== 1
  if (what === 'out-of-service') return m.mask !== 'OOSRV' && state !== 'NORM'
  if (what === 'unshelve') return m.mask === 'SHLVD'
  return m.mask === 'DSUPR' || m.mask === 'OOSRV'
}

const acted = ({ desk: { dispatch, clock }, models }: World, what: string, id: string): void => {
  const m = models.get(id)
  const by = 'li'
  const untilMs = clock.nowMs() + 45 * MINUTE_MS
  const act = {
    acknowledge: () => dispatch.acknowledgeAlarm(id, { by }),
    shelve: () => dispatch.shelveAlarm(id, { by, reason: 'works', until: iso(untilMs) }),
    unshelve: () => dispatch.unshelveAlarm(id, { by }),
    suppress: () => dispatch.suppressAlarm(id, { by, reason: 'works' }),
    'out-of-service': () => dispatch.outOfServiceAlarm(id, { by, reason: 'works' }),
    return: () => dispatch.returnToServiceAlarm(id, { by }),
  }[what]
  if (act === undefined) throw new RangeError(what)
  const code = codeOf(act)
  if (m === undefined || !allowed(m, what)) {
    expect(code).toBe(m === undefined ? 'not-found' : 'conflict')
    return
  }
  expect(code).toBeUndefined()
  if (what === 'acknowledge') m.acked = true
  else if (what === 'shelve') Object.assign(m, { mask: 'SHLVD', untilMs })
  else if (what === 'suppress') m.mask = 'DSUPR'
  else if (what === 'out-of-service') m.mask = 'OOSRV'
  else unmask(m)
}

const take = (world: World, s: Step): void => {
  if (s.do === 'raise') raised(world, s)
  else if (s.do === 'rise') risen(world, s)
  else if (s.do === 'wait') waited(world, s)
  else if (s.do === 'clear') {
    send(world.desk.dispatch, clear(idOf(s.i)))
    const m = world.models.get(idOf(s.i))
    if (m !== undefined) m.active = false
  } else acted(world, s.do, idOf(s.i))
  // a shelf time that is over is noticed by every commit
  const isCommit = s.do === 'raise' || s.do === 'rise' || s.do === 'clear'
  const nowMs = world.desk.clock.nowMs()
  if (isCommit) for (const m of world.models.values()) if (m.mask === 'SHLVD' && m.untilMs <= nowMs) unmask(m)
}

const compare = ({ desk, models }: World): void => {
  for (const [id, m] of models) {
    const alarm = desk.dispatch.alarm(id)
    expect([alarm?.state, alarm?.severity]).toEqual([stateOf(m), m.severity])
    expect(alarm?.acknowledgedBy !== undefined).toBe(m.acked)
    const incident = desk.dispatch.incident(alarm?.incidentId ?? '')
    expect(incident?.activeAlarms).toBe(m.active ? 1 : 0)
    expect(incident?.unacknowledgedAlarms).toBe(['UNACK', 'RTNUN'].includes(stateOf(m)) ? 1 : 0)
  }
  expect(desk.dispatch.alarms({ limit: 10 })).toHaveLength(models.size)
}

describe('the life of an alarm', () => {
  it('follows the model over any walk, the database being closed and opened after every step', () => {
    fc.assert(
      fc.property(fc.array(steps, { minLength: 5, maxLength: 20 }), walk => {
        using dir = folder()
        const world: World = { desk: openDesk({ file: dir.file }), file: dir.file, models: new Map() }
        for (const s of walk) {
          take(world, s)
          compare(world)
          world.desk.dispatch.close()
          world.desk = openDesk({ file: dir.file, clock: world.desk.clock })
          compare(world)
        }
        expect(world.desk.dispatch.verifyAudit()).toMatchObject({ ok: true })
        world.desk.dispatch.close()
      }),
      { numRuns: 25 },
    )
  })

  it('stands as it was after a restart in each of its seven states, and goes on from there', () => {
    const until = iso(NIGHT_MS + 60 * MINUTE_MS)
    const by = 'li'
    const why = { by, reason: 'works' }
    const ways: Record<AlarmState, (d: TestDesk['dispatch']) => unknown> = {
      UNACK: () => null,
      ACKED: d => d.acknowledgeAlarm('a', { by }),
      RTNUN: d => send(d, clear('a')),
      NORM: d => [d.acknowledgeAlarm('a', { by }), send(d, clear('a'))],
      SHLVD: d => d.shelveAlarm('a', { ...why, until }),
      DSUPR: d => d.suppressAlarm('a', why),
      OOSRV: d => d.outOfServiceAlarm('a', why),
    }
    const back: Partial<Record<AlarmState, (d: TestDesk['dispatch']) => unknown>> = {
      RTNUN: d => d.acknowledgeAlarm('a', { by }),
      SHLVD: d => d.unshelveAlarm('a', { by }),
      DSUPR: d => d.returnToServiceAlarm('a', { by }),
      OOSRV: d => d.returnToServiceAlarm('a', { by }),
    }
    for (const [state, go] of Object.entries(ways) as [AlarmState, (d: TestDesk['dispatch']) => unknown][]) {
      using dir = folder()
      const before = openDesk({ file: dir.file })
      send(before.dispatch, raise({ id: 'a', kind: 'fault', severity: 3, latching: true }))
      go(before.dispatch)
      const stood = before.dispatch.alarm('a')
      before.dispatch.close()
      const { dispatch } = openDesk({ file: dir.file, clock: before.clock })
      expect(dispatch.alarm('a')).toEqual(stood)
      expect(stood?.state).toBe(state)
      back[state]?.(dispatch)
      expect(dispatch.alarm('a')?.state).toBe(state === 'RTNUN' ? 'NORM' : back[state] === undefined ? state : 'UNACK')
      dispatch.close()
    }
  })

  it('has at most one way on for every state, event and memory', () => {
    for (const { from } of ALARM_TRANSITIONS)
      for (const event of ALARM_EVENTS)
        for (const bits of [0, 1, 2, 3, 4, 5, 6, 7]) {
          const memory = { state: from, active: (bits & 1) > 0, acknowledged: (bits & 2) > 0, latching: (bits & 4) > 0 }
          const rows = ALARM_TRANSITIONS.filter(t => t.from === from && t.event === event)
          const conditions = rows.map(t => t.when)
          expect(new Set(conditions).size).toBe(conditions.length)
          expect(step(memory, event) === null).toBe(rows.length === 0)
        }
  })

  it('keeps a short smoke peak until somebody has seen it, even if its rule does not latch', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', latching: false }), clear('a', NIGHT_MS + 2_000))
    expect(dispatch.alarm('a')).toMatchObject({ state: 'RTNUN', latching: true, clearedAt: iso(NIGHT_MS + 2_000) })
    dispatch.acknowledgeAlarm('a', { by: 'li' })
    expect(dispatch.alarm('a')?.state).toBe('NORM')
  })

  it('rings again when an acknowledged alarm becomes graver, and remembers the first acknowledgement in the timeline', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a', kind: 'pre-alarm', severity: 3 }))
    dispatch.acknowledgeAlarm('a', { by: 'li' })
    const { alarms, incidents } = send(dispatch, update('a', NIGHT_MS + 1_000, 1))
    expect(alarms).toMatchObject([{ state: 'UNACK', severity: 1 }])
    expect(alarms[0]?.acknowledgedBy).toBeUndefined()
    expect(incidents).toMatchObject([{ state: 'acknowledged', acknowledgedBy: 'li', severity: 1, unacknowledgedAlarms: 1 }])
    const lines = dispatch.incident(incidents[0]?.id ?? '')?.timeline.map(line => `${line.actor} ${line.what}`)
    expect(lines).toEqual([
      'rule:smoke opened',
      'user:li alarm-acknowledged',
      'user:li acknowledged',
      'rule:smoke re-alarm',
      'system severity',
    ])
  })

  it('never shelves level I, never longer than 8 h, never without a reason', () => {
    const { dispatch, clock } = openDesk()
    send(dispatch, raise({ id: 'grave', severity: 1 }), raise({ id: 'small', kind: 'fault', severity: 3 }))
    const shelve = (id: string, reason: string, minutes: number) => () =>
      dispatch.shelveAlarm(id, { by: 'li', reason, until: iso(clock.nowMs() + minutes * MINUTE_MS) })
    expect(codeOf(shelve('grave', 'dust', 60))).toBe('conflict')
    expect(codeOf(shelve('small', ' ', 60))).toBe('invalid-request')
    expect(codeOf(shelve('small', 'dust', 481))).toBe('invalid-request')
    expect(codeOf(shelve('small', 'dust', 0))).toBe('invalid-request')
    expect(codeOf(shelve('small', 'dust', 480))).toBeUndefined()
  })

  it('says what is allowed where something is not', () => {
    const { dispatch } = openDesk()
    const said = (work: () => void): string => {
      try {
        work()
      } catch (error) {
        return (error as Error).message
      }
      return 'nothing was refused'
    }
    const reason = 'x'
    send(dispatch, raise({ id: 'a', severity: 3, kind: 'fault' }))
    expect(said(() => dispatch.unshelveAlarm('a', { by: 'li' }))).toContain(
      'is UNACK: unshelve is not possible; allowed now: acknowledge, shelve, suppress, out-of-service',
    )
    expect(said(() => dispatch.returnToServiceAlarm('a', { by: 'li' }))).toContain('return-to-service is not possible')
    dispatch.suppressAlarm('a', { by: 'li', reason })
    expect(said(() => dispatch.acknowledgeAlarm('a', { by: 'li' }))).toMatch(/is DSUPR.* allowed now: return-to-service, out-of-service$/)
    send(dispatch, raise({ id: 'grave', severity: 1, deviceId: 'd9', place: { building: 'b9' } }))
    expect(said(() => dispatch.suppressAlarm('grave', { by: 'li', reason }))).toMatch(
      /level I.*; allowed now: acknowledge, out-of-service$/,
    )
  })

  it('comes back from the shelf by itself, to be acknowledged again', () => {
    const { dispatch, clock } = openDesk()
    send(dispatch, raise({ id: 'a', kind: 'fault', severity: 3 }))
    dispatch.acknowledgeAlarm('a', { by: 'li' })
    dispatch.shelveAlarm('a', { by: 'li', reason: 'works', until: iso(clock.nowMs() + 30 * MINUTE_MS) })
    const shelvedUntil = iso(clock.nowMs() + 30 * MINUTE_MS)
    expect(dispatch.alarm('a')).toMatchObject({ state: 'SHLVD', shelvedUntil })
    send(dispatch, raise({ id: 'b', kind: 'fault', severity: 3, deviceId: 'd2' }))
    dispatch.shelveAlarm('b', { by: 'li', reason: 'works', until: shelvedUntil })
    dispatch.unshelveAlarm('b', { by: 'li' })
    expect(dispatch.alarm('b')).not.toHaveProperty('shelvedUntil')
    expect(dispatch.tick(clock.nowMs() + 29 * MINUTE_MS)).toEqual({ alarms: [], incidents: [], orders: [] })
    const back = dispatch.tick(clock.nowMs() + 30 * MINUTE_MS)
    expect(back.alarms).toMatchObject([{ id: 'a', state: 'UNACK' }])
    expect(back.alarms[0]).not.toHaveProperty('shelvedUntil')
    expect(back.incidents).toMatchObject([{ unacknowledgedAlarms: 1 }])
  })

  it('brings shelved alarms back when their incident becomes level I', () => {
    const { dispatch, clock } = openDesk()
    const place = { building: 'b2' }
    send(dispatch, raise({ id: 'a', severity: 2, deviceId: 'd1', place }))
    dispatch.shelveAlarm('a', { by: 'li', reason: 'cooking', until: iso(clock.nowMs() + 60 * MINUTE_MS) })
    send(dispatch, raise({ id: 'b', severity: 2, deviceId: 'd2', place }))
    expect(dispatch.alarm('a')?.state).toBe('UNACK')
    expect(dispatch.incidents({ limit: 9 })).toMatchObject([{ severity: 1, unacknowledgedAlarms: 2 }])
  })
})
