// The life of incidents and their orders walked at random by several officers and crews, beside a model that knows no table: flags, owners and
// lists. What the model forbids must be refused with what is allowed and change nothing; in between the database is closed and opened again.
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { INCIDENT_STATES, type IncidentState } from '#contracts/incident.ts'
import { isOpenOrder, type OrderState } from '#contracts/order.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { folder } from './desk.ts'
import { fireAt, openWorld, SCENE, type World } from './stations.ts'

const STATIONS = ['s1', 's2', 's3', 's4']
const PLACES = 3
const OFFICERS = ['li', 'wang'] as const

type ModelOrder = { id: string; resource: string; state: OrderState; passesOn: boolean; offeredStep: number; endedStep: number }
type ModelIncident = {
  id: string
  owner: string | null
  /** 'handled' = its orders say how far it is */
  phase: 'new' | 'taken' | 'handled' | 'controlled' | 'closed' | 'merged'
  owed: number
  orders: ModelOrder[]
  tried: Set<string>
  controlledStep: number
  /** when the first crew of this handling was sent */
  sentStep: number
}
type Model = { incidents: (ModelIncident | undefined)[]; step: number }
type Real = { world: World; visited: Set<IncidentState>; refused: number }

const RANK: OrderState[] = ['offered', 'accepted', 'en-route', 'on-scene']
const STATE_OF: IncidentState[] = ['dispatched', 'accepted', 'en-route', 'on-scene']
const openOf = (i: ModelIncident): ModelOrder[] => i.orders.filter(order => isOpenOrder(order.state))
const furthest = (i: ModelIncident): number => Math.max(...openOf(i).map(order => RANK.indexOf(order.state)))
const isOver = (i: ModelIncident): boolean => i.phase === 'closed' || i.phase === 'merged'
const stateOf = (i: ModelIncident): IncidentState => {
  if (i.phase === 'handled') return STATE_OF[furthest(i)] ?? 'dispatched'
  return i.phase === 'taken' ? 'acknowledged' : i.phase
}

/** After an order changed; `was` is how far the furthest crew had come before. */
const follow = (m: Model, i: ModelIncident, was: number): void => {
  const open = openOf(i)
  if (i.phase === 'controlled' && !open.some(order => order.offeredStep >= i.controlledStep)) return
  if (open.length > 0) {
    if (i.phase !== 'handled' && i.sentStep < 0) i.sentStep = m.step
    i.phase = 'handled'
  } else if (i.phase === 'handled') {
    const done = i.orders.some(order => order.state === 'complete' && order.endedStep >= i.sentStep)
    i.phase = done && was === RANK.indexOf('on-scene') ? 'controlled' : 'taken'
    if (i.phase === 'controlled') i.controlledStep = m.step
  }
}
const busy = (m: Model): Set<string> => new Set(m.incidents.flatMap(i => (i === undefined ? [] : openOf(i).map(order => order.resource))))

/** The order that took the place of one that was refused or not answered, as the queue chose it: free, and not asked before. */
const takeOver = (m: Model, real: Real, i: ModelIncident, ended: ModelOrder, sole = true): void => {
  const known = new Set(i.orders.map(order => order.id))
  const next = (real.world.dispatch.incident(i.id)?.orders ?? []).filter(order => !known.has(order.id) && order.insteadOf === ended.id)
  const left = STATIONS.filter(id => !busy(m).has(id) && !i.tried.has(id))
  const wanted = ended.passesOn && !isOver(i) && left.length > 0 ? 1 : 0
  // of several that end in one moment, who is asked first decides who is left for the others
  if (sole) expect(next, `instead of ${ended.id}, of ${left.join()}`).toHaveLength(wanted)
  else expect(next.length).toBeLessThanOrEqual(1)
  const [order] = next
  if (order === undefined) return
  if (sole) expect(left).toContain(order.resourceId)
  expect(i.tried.has(order.resourceId)).toBe(false)
  const blank = { state: 'offered' as const, passesOn: true, offeredStep: m.step, endedStep: -1 }
  i.orders.push({ id: order.id, resource: order.resourceId, ...blank })
  i.tried.add(order.resourceId)
}

const compare = (m: Model, real: Real): void => {
  for (const i of m.incidents) {
    if (i === undefined) continue
    const is = real.world.dispatch.incident(i.id)
    expect([is?.state, is?.unacknowledgedAlarms, is?.acknowledgedBy ?? null], i.id).toEqual([stateOf(i), i.owed, i.owner])
    const orders = real.world.dispatch.orders({ incidentId: i.id, limit: 100 })
    expect(new Map(orders.map(order => [order.id, order.state]))).toEqual(new Map(i.orders.map(order => [order.id, order.state])))
    real.visited.add(stateOf(i))
  }
  const held = real.world.dispatch.orders({ open: true, limit: 100 }).map(order => order.resourceId)
  expect(new Set(held).size, 'one open order a resource').toBe(held.length)
}

/** Does it, or makes sure that it is refused in words that help and leaves no trace. */
const attempt = (real: Real, legal: boolean, act: () => unknown): boolean => {
  const { dispatch } = real.world
  const before = dispatch.audit({ limit: 1 })[0]?.seq
  try {
    act()
  } catch (error) {
    if (!(error instanceof FengsuiError)) throw error
    expect([legal, error.code], error.message).toEqual([false, 'conflict'])
    expect(error.message).toMatch(
      /allowed now: |already acknowledged by |has order .* given by |with the city already|nothing can be merged into it; (?:merge into |re-open it first)|has its alarms already/,
    )
    expect(dispatch.audit({ limit: 1 })[0]?.seq, 'nothing was written').toBe(before)
    real.refused += 1
    return false
  }
  expect(legal, 'what the model forbids was done').toBe(true)
  return true
}

type Step = fc.Command<Model, Real>
const step = (name: string, run: (m: Model, real: Real) => void): Step => ({
  check: () => true,
  run(m, real) {
    m.step += 1
    real.world.clock.add(1000)
    for (const id of STATIONS) real.world.speak(id)
    run(m, real)
    compare(m, real)
  },
  toString: () => name,
})
/** On an incident that is there. */
const onIncident = (name: string, n: number, run: (m: Model, real: Real, i: ModelIncident) => void): Step =>
  step(`${name} ${n}`, (m, real) => {
    const i = m.incidents[n]
    if (i !== undefined) run(m, real, i)
  })

const acknowledged = (i: ModelIncident, by: string): void => {
  i.owed = 0
  i.owner ??= by
  if (i.phase === 'new') i.phase = 'taken'
}

const raise = (n: number): Step =>
  step(`raise ${n}`, (m, { world }) => {
    if (m.incidents[n] !== undefined) return
    const id = fireAt(world.dispatch, `a${n}`, { building: `B${n}`, position: { lat: SCENE.lat + n * 0.01, lon: SCENE.lon } })
    const blank = { owner: null, orders: [], tried: new Set<string>(), controlledStep: -1, sentStep: -1 }
    m.incidents[n] = { id, phase: 'new', owed: 1, ...blank }
  })
const acknowledge = (n: number, by: string): Step =>
  onIncident(`${by} acknowledges`, n, (_m, real, i) => {
    const legal = !isOver(i) && (i.phase === 'new' || i.owed > 0)
    if (attempt(real, legal, () => real.world.dispatch.acknowledgeIncident(i.id, { by }))) acknowledged(i, by)
  })
/** Both press in the same moment: one has it, the other is told who. */
const both = (n: number): Step =>
  onIncident('both acknowledge', n, (_m, real, i) => {
    const [first, second] = OFFICERS
    const legal = !isOver(i) && (i.phase === 'new' || i.owed > 0)
    if (!attempt(real, legal, () => real.world.dispatch.acknowledgeIncident(i.id, { by: first }))) return
    acknowledged(i, first)
    expect(() => real.world.dispatch.acknowledgeIncident(i.id, { by: second })).toThrow(`by ${i.owner ?? ''} at `)
    attempt(real, false, () => real.world.dispatch.acknowledgeIncident(i.id, { by: second }))
  })
const send = (n: number, resource: string, by: string): Step =>
  onIncident(`${by} sends ${resource} to`, n, (m, real, i) => {
    const legal = !isOver(i) && !busy(m).has(resource)
    const sending = () => real.world.dispatch.dispatchIncident(i.id, { by, resourceIds: [resource] })
    if (!attempt(real, legal, sending)) return
    const known = new Set(i.orders.map(order => order.id))
    const made = real.world.dispatch.incident(i.id)?.orders.find(order => !known.has(order.id))
    expect(made?.resourceId).toBe(resource)
    acknowledged(i, by)
    i.orders.push({ id: made?.id ?? '', resource, state: 'offered', passesOn: true, offeredStep: m.step, endedStep: -1 })
    i.tried.add(resource)
    follow(m, i, -1)
  })

const CREW = {
  accept: { from: ['offered'], to: 'accepted', act: 'acceptOrder' },
  refuse: { from: ['offered', 'accepted', 'en-route'], to: 'refused', act: 'refuseOrder' },
  'en-route': { from: ['offered', 'accepted'], to: 'en-route', act: 'enRouteOrder' },
  'on-scene': { from: ['accepted', 'en-route'], to: 'on-scene', act: 'onSceneOrder' },
  complete: { from: ['on-scene'], to: 'complete', act: 'completeOrder' },
  withdraw: { from: RANK, to: 'withdrawn', act: 'withdrawOrder' },
} as const satisfies Record<string, { from: readonly OrderState[]; to: OrderState; act: string }>
type CrewEvent = keyof typeof CREW

const crew = (n: number, which: number, event: CrewEvent): Step =>
  onIncident(`crew ${which} says ${event} at`, n, (m, real, i) => {
    const order = i.orders[which % Math.max(1, i.orders.length)]
    if (order === undefined) return
    const { from, to, act } = CREW[event]
    const legal = (from as readonly OrderState[]).includes(order.state)
    const was = furthest(i)
    if (!attempt(real, legal, () => real.world.dispatch[act](order.id, { by: 'crew', reason: 'as it is' }))) return
    order.state = to
    if (to === 'complete') order.endedStep = m.step
    follow(m, i, was)
    if (event !== 'refuse') return
    takeOver(m, real, i, order)
    follow(m, i, -1)
  })
const silence = (): Step =>
  step('a minute of silence', (m, real) => {
    real.world.clock.add(60_000)
    for (const id of STATIONS) real.world.speak(id)
    real.world.dispatch.tick(real.world.clock.nowMs())
    const due = m.incidents.flatMap(i => (i?.orders ?? []).flatMap(order => (i && order.state === 'offered' ? [{ i, order }] : [])))
    for (const { i, order } of due) {
      const was = furthest(i)
      order.state = 'silent'
      follow(m, i, was)
      takeOver(m, real, i, order, due.length === 1)
      follow(m, i, -1)
    }
  })
const control = (n: number): Step =>
  onIncident('control', n, (m, real, i) => {
    if (!attempt(real, stateOf(i) === 'on-scene', () => real.world.dispatch.controlIncident(i.id, { by: 'li' }))) return
    i.phase = 'controlled'
    i.controlledStep = m.step
  })
const close = (n: number): Step =>
  onIncident('close', n, (m, real, i) => {
    const closing = () => real.world.dispatch.closeIncident(i.id, { by: 'wang', cause: 'out', falseAlarm: false })
    if (!attempt(real, !isOver(i), closing)) return
    for (const order of openOf(i)) {
      order.endedStep = m.step
      order.state = order.state === 'on-scene' ? 'complete' : 'withdrawn'
    }
    acknowledged(i, 'wang')
    i.phase = 'closed'
  })
const reopen = (n: number): Step =>
  onIncident('re-open', n, (_m, real, i) => {
    if (!attempt(real, i.phase === 'closed', () => real.world.dispatch.reopenIncident(i.id, { by: 'li', reason: 'smoke' }))) return
    Object.assign(i, { phase: 'new', owner: null, sentStep: -1, controlledStep: -1 })
  })
const note = (n: number): Step =>
  onIncident('note', n, (_m, real, i) => {
    attempt(real, i.phase !== 'merged', () => real.world.dispatch.noteIncident(i.id, { by: 'li', note: 'tenant called' }))
  })
const merge = (n: number, into: number): Step =>
  onIncident(`merge into ${into}:`, n, (m, real, i) => {
    const other = m.incidents[into]
    if (other === undefined || other === i) return
    const merging = () => real.world.dispatch.mergeIncident(i.id, { by: 'li', into: other.id, reason: 'one fire' })
    if (!attempt(real, !isOver(i) && !isOver(other), merging)) return
    other.orders.push(...i.orders.splice(0))
    for (const id of i.tried) other.tried.add(id)
    other.owed += i.owed
    Object.assign(i, { phase: 'merged', owed: 0, tried: new Set() })
    follow(m, other, -1)
  })
const restart = (): Step => step('restart', (_m, { world }) => world.reopen())

const place = fc.nat(PLACES - 1)
const officer = fc.constantFrom(...OFFICERS)
const events = fc.constantFrom<CrewEvent>('accept', 'en-route', 'on-scene', 'on-scene', 'complete', 'refuse', 'withdraw')
const steps = fc.commands<Model, Real>(
  [
    place.map(raise),
    fc.tuple(place, officer).map(([n, by]) => acknowledge(n, by)),
    place.map(both),
    fc.tuple(place, fc.constantFrom(...STATIONS), officer).map(([n, id, by]) => send(n, id, by)),
    fc.tuple(place, fc.constantFrom(...STATIONS), officer).map(([n, id, by]) => send(n, id, by)),
    ...Array.from({ length: 4 }, () => fc.tuple(place, fc.nat(5), events).map(([n, which, event]) => crew(n, which, event))),
    fc.constant(null).map(silence),
    place.map(control),
    place.map(close),
    place.map(reopen),
    place.map(note),
    fc.tuple(place, place).map(([n, into]) => merge(n, into)),
    fc.constant(null).map(restart),
  ],
  { size: '+1', maxCommands: 60 },
)

/** Walks in a queue of its own. */
const walked = (walk: Iterable<Step>): Real => {
  using dir = folder()
  const world = openWorld({ file: dir.file, metres: [400, 900, 1500, 2000] })
  const real: Real = { world, visited: new Set(), refused: 0 }
  const model: Model = { incidents: [], step: 0 }
  try {
    fc.modelRun(() => ({ model, real }), walk)
    expect(world.dispatch.verifyAudit()).toMatchObject({ ok: true })
    return real
  } finally {
    world.dispatch.close()
  }
}

describe('the life of incidents and their orders', () => {
  it('goes through every state, with a restart in each; what is not possible there is refused', () => {
    const sent = [raise(0), raise(1), both(0), send(0, 's1', 'li'), crew(0, 0, 'accept'), crew(0, 0, 'en-route'), crew(0, 0, 'on-scene')]
    const whole = [...sent, crew(0, 0, 'complete'), close(0), reopen(0), merge(0, 1)]
    const tried = [control(0), reopen(0), send(0, 's1', 'wang'), crew(0, 0, 'accept')]
    const refusedFirst = [crew(0, 0, 'refuse'), acknowledge(0, 'li'), close(0), note(0)]
    const { visited, refused } = walked(whole.flatMap(one => [one, restart()]))
    expect([...visited].toSorted()).toEqual([...INCIDENT_STATES].toSorted())
    expect(refused).toBe(1)
    const more = walked([raise(0), control(0), reopen(0), close(0), ...tried, restart(), ...refusedFirst])
    expect(more.refused).toBeGreaterThanOrEqual(4)
  })

  it('stays under control while crews that were there before end their orders; not when somebody is sent anew', () => {
    const there = (which: number) => [crew(0, which, 'accept'), crew(0, which, 'on-scene')]
    const first = [raise(0), send(0, 's1', 'li'), ...there(0), send(0, 's2', 'li'), ...there(1), control(0), crew(0, 0, 'complete')]
    const second = [crew(0, 1, 'complete'), send(0, 's3', 'li'), crew(0, 2, 'withdraw'), close(0), reopen(0)]
    // done in an earlier handling is not done in this one
    const third = [send(0, 's1', 'li'), ...there(3), crew(0, 3, 'withdraw')]
    const { visited } = walked([...first, ...second, ...third])
    expect(visited).toContain('controlled')
  })

  it('follows the model over any walk of officers, crews and restarts', () => {
    fc.assert(
      fc.property(steps, walk => {
        walked([raise(0), ...walk, restart()])
      }),
      { numRuns: 15 },
    )
  })
})
