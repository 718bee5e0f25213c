// Walks a dispatch log through the dispatch queue as it runs in a district: every call becomes an incident, the units that were really sent get
// orders and take their steps when they really took them, and before each first order the queue is asked whom it would send. What it answers
// is held against the log itself: who was sent, who was on another call at that moment, and how long the way took.
import { noLog } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { EtaInterval } from '#contracts/resource.ts'
import { openDispatch } from '../dispatch/index.ts'
import type { DispatchPlan } from '../dispatch/plan.ts'
import type { HandledRun } from '../dispatch/travel/runs.ts'
import type { Travel } from '../dispatch/travel/travel.ts'
import type { Sent, Station } from './dispatch-log.ts'

export type Choice = {
  call: string
  kind: string
  atMs: number
  /** the first unit that was really sent */
  real: string
  /** its place in the ranking; null = not ranked: it was on another call, or nobody knows its station */
  rank: number | null
  first: string[]
  /** the log itself has it on another call at that moment */
  realWasBusy: boolean
  realHasStation: boolean
  /** ranked units that the log has on another call at that moment */
  busyProposed: string[]
}
export type EtaSeen = { atMs: number; distanceM: number; eta: EtaInterval; totalS: number }
export type Replayed = { choices: Choice[]; etas: EtaSeen[]; runs: HandledRun[]; diverted: number }

const CHECK_IN_MS = 6 * 3_600_000
const BY = { by: 'replay' }

type Step = { atMs: number; order: number; act: () => void }

/** On another call at this moment, by the log alone: sent there before, free again after. */
const busyIn = (sent: readonly Sent[]): ((unit: string, call: string, atMs: number) => boolean) => {
  const byUnit = Map.groupBy(sent, one => one.unit)
  return (unit, call, atMs) => (byUnit.get(unit) ?? []).some(one => one.call !== call && one.sentMs < atMs && one.freeMs > atMs)
}

export function replayLog(o: { sent: readonly Sent[]; stations: readonly Station[]; plan: DispatchPlan; travel?: Travel }): Replayed {
  const { sent, stations, plan, travel } = o
  let nowMs = sent[0]?.sentMs ?? 0
  const clock = { nowMs: () => nowMs }
  using queue = openDispatch({ file: ':memory:', clock, log: noLog, meter: noMeter, plan, ...(travel !== undefined && { travel }) })
  queue.adoptResources(
    [],
    stations.map(({ unit, name, area, lat, lon }) => ({ id: unit, kind: 'engine', name: { zh: name, en: name }, lat, lon, area })),
  )
  const known = new Set(stations.map(one => one.unit))
  const isBusy = busyIn(sent)
  const [incidentOf, orderOf, holder] = [new Map<string, string>(), new Map<Sent, string>(), new Map<string, Sent>()]
  const open = new Map<string, number>()
  const overMs = new Map<string, number>()
  for (const { call, freeMs } of sent) overMs.set(call, Math.max(freeMs, overMs.get(call) ?? 0))
  const out: Replayed = { choices: [], etas: [], runs: [], diverted: 0 }

  const ask = (one: Sent): string => {
    const { incident } = queue.raise({
      ...BY,
      idempotencyKey: one.call,
      origin: 'user:replay',
      kind: 'fire-alarm',
      subject: one.call,
      place: { building: one.call, area: one.area },
      position: one.at,
      text: { zh: one.call, en: one.call },
    })
    const ranked = queue.candidates(incident.id).filter(c => c.task === 'respond' && c.rank !== null)
    out.choices.push({
      call: one.call,
      kind: one.kind,
      atMs: nowMs,
      real: one.unit,
      rank: ranked.find(c => c.resourceId === one.unit)?.rank ?? null,
      first: ranked.slice(0, 2).map(c => c.resourceId),
      realWasBusy: isBusy(one.unit, one.call, nowMs),
      realHasStation: known.has(one.unit),
      busyProposed: ranked.map(c => c.resourceId).filter(unit => isBusy(unit, one.call, nowMs)),
    })
    return incident.id
  }

  /** The unit is free again: its order ends, and with the last one the incident. */
  const end = (one: Sent): void => {
    const id = orderOf.get(one)
    if (id === undefined) return
    orderOf.delete(one)
    holder.delete(one.unit)
    if (queue.order(id)?.state === 'on-scene') queue.completeOrder(id, BY)
    else queue.withdrawOrder(id, { ...BY, reason: 'not needed any more' })
    const left = (open.get(one.call) ?? 1) - 1
    open.set(one.call, left)
    const incident = incidentOf.get(one.call)
    if (left === 0 && incident !== undefined && nowMs >= (overMs.get(one.call) ?? 0))
      queue.closeIncident(incident, { ...BY, cause: 'over', falseAlarm: false })
  }

  const send = (one: Sent): void => {
    if (one.freeMs <= nowMs && one.freeMs !== one.sentMs) return
    const incident = incidentOf.get(one.call) ?? ask(one)
    incidentOf.set(one.call, incident)
    if (!known.has(one.unit)) return
    const before = holder.get(one.unit)
    if (before === one) return
    if (before !== undefined) {
      // called away from another call, as officers may
      out.diverted += 1
      end(before)
    }
    if (queue.incident(incident)?.state === 'closed') return
    const made = queue.dispatchIncident(incident, { ...BY, resourceIds: [one.unit] }).orders.at(-1)
    if (made === undefined) return
    orderOf.set(one, made.id)
    holder.set(one.unit, one)
    open.set(one.call, (open.get(one.call) ?? 0) + 1)
    queue.acceptOrder(made.id, BY)
    if (one.sentMs === nowMs && one.thereMs !== undefined && made.eta !== undefined && made.distanceM !== undefined)
      out.etas.push({ atMs: nowMs, distanceM: made.distanceM, eta: made.eta, totalS: (one.thereMs - one.sentMs) / 1000 })
  }

  const byUnit = Map.groupBy(sent, one => one.unit)
  /** Called away and done there: the log has it on its first call again. */
  const back = ({ unit }: Sent): void => {
    if (holder.has(unit)) return
    const before = byUnit.get(unit)?.findLast(one => one.sentMs < nowMs && one.freeMs > nowMs)
    if (before !== undefined) send(before)
  }
  const during = (one: Sent, step: (orderId: string) => void) => (): void => {
    const id = orderOf.get(one)
    if (id !== undefined) step(id)
  }
  const steps: Step[] = sent.flatMap(one => [
    { atMs: one.sentMs, order: 3, act: () => send(one) },
    ...(one.droveMs === undefined ? [] : [{ atMs: one.droveMs, order: 4, act: during(one, id => queue.enRouteOrder(id, BY)) }]),
    ...(one.thereMs === undefined ? [] : [{ atMs: one.thereMs, order: 5, act: during(one, id => queue.onSceneOrder(id, BY)) }]),
    { atMs: one.freeMs, order: one.freeMs === one.sentMs ? 6 : 1, act: () => (end(one), back(one)) },
  ])
  const lastMs = Math.max(...steps.map(step => step.atMs))
  for (let atMs = nowMs; atMs <= lastMs; atMs += CHECK_IN_MS)
    steps.push({ atMs, order: 2, act: () => stations.forEach(({ unit }) => queue.checkIn(unit, BY)) })
  for (const { atMs, act } of steps.toSorted((a, b) => a.atMs - b.atMs || a.order - b.order)) {
    nowMs = atMs
    act()
  }
  out.runs = queue.runs()
  return out
}
