// Who to send: all resources looked at for one incident, the ready and free ones ranked by likely ETA, by what they can do and by what they
// leave behind, and every one with its reasons. Pure; the numbers are the plan's. It proposes; people and the offer rules send.
import type { Incident } from '#contracts/incident.ts'
import type { Order } from '#contracts/order.ts'
import type { Candidate, Capability, Reason, Resource, TravelMode } from '#contracts/resource.ts'
import { needsOf, type DispatchPlan } from './plan.ts'
import { capabilityWords, distanceWords, durationWords, reason } from './reason-words.ts'
import { startersOf, planeFrom, type LatLon, type Leg, type Travel } from './travel/travel.ts'

/** Coverage is reckoned for this many of the nearest. */
const COVERAGE_FOR = 50
/** How many that may not be sent are listed, nearest first; and how many that may. */
const LISTED_MAX = 200
const OUT_OF_THE_QUESTION_S = 1e6

type Looked = Candidate & { cost: number; mode: TravelMode; leg?: Leg; home?: LatLon }

const etaWords = ({ eta }: Leg): { zh: string; en: string } => {
  const [low, likely, high] = [eta.lowS, eta.likelyS, eta.highS].map(durationWords) as [Words, Words, Words]
  return { zh: `${likely.zh}（${low.zh}–${high.zh}）`, en: `${likely.en} (${low.en} to ${high.en})` }
}
type Words = { zh: string; en: string }

const earlier = (orders: readonly Order[], resourceId: string): Reason[] => {
  const mine = orders.filter(order => order.resourceId === resourceId)
  if (mine.some(order => order.state === 'refused')) return [reason('refused-before')]
  return mine.some(order => order.state === 'silent') ? [reason('silent-before')] : []
}

export const looksOnly = (capabilities: readonly Capability[]): boolean => capabilities.every(one => one === 'observe' || one === 'thermal')

/** Nobody knows where the incident is: those of its grid, then of its area, come first. */
const byPlaceWords = (resource: Resource, incident: Incident): number => {
  const { grid, area } = incident.place ?? {}
  if (grid !== undefined && grid === resource.grid) return 0
  return area !== undefined && area === resource.area ? AREA_S : ELSEWHERE_S
}
const AREA_S = 600
const ELSEWHERE_S = 1_800

/** It answers for this place: by its grid where both say one, else by its area. Who knows the streets finds the door. */
const isOwn = (resource: Resource, { place }: Incident): boolean => {
  if (place?.grid !== undefined && resource.grid !== undefined) return place.grid === resource.grid
  return place?.area !== undefined && place.area === resource.area
}

const look = (resource: Resource, leg: Leg | undefined, incident: Incident, orders: readonly Order[], plan: DispatchPlan): Looked => {
  const needs = needsOf(plan, incident.kind)
  const task = looksOnly(resource.capabilities) ? 'look' : 'respond'
  const asked: Capability[] = task === 'look' ? ['observe'] : needs
  const has = asked.filter(one => resource.capabilities.includes(one))
  const lacks = asked.filter(one => !resource.capabilities.includes(one))
  const tried = earlier(orders, resource.id)
  const far = leg !== undefined && leg.distanceM > plan.travel[resource.mode].reachM
  const out: Reason[] = [
    ...(has.length === 0 ? [reason('no-capability', capabilityWords(asked).zh, capabilityWords(asked).en)] : []),
    ...(far ? [reason('out-of-reach', distanceWords(leg.distanceM))] : []),
  ]
  const partly = lacks.length > 0 && has.length > 0 ? [reason('less-capable', capabilityWords(lacks).zh, capabilityWords(lacks).en)] : []
  const isOut = resource.state !== 'ready' || out.length > 0
  const unknown = incident.position === undefined ? [reason('place-unknown')] : []
  const { ranking } = plan
  const own = leg !== undefined && task === 'respond' && isOwn(resource, incident) && ranking.ownAreaS > 0
  const cost =
    (leg?.eta.likelyS ?? byPlaceWords(resource, incident)) -
    (own ? ranking.ownAreaS : 0) +
    lacks.length * ranking.lackingS +
    (resource.reasons.length > 0 ? ranking.degradedS : 0) +
    (tried.length > 0 ? OUT_OF_THE_QUESTION_S : 0)
  return {
    resourceId: resource.id,
    kind: resource.kind,
    name: resource.name,
    task,
    rank: isOut ? null : 0,
    state: resource.state,
    ...(leg !== undefined && { eta: leg.eta, distanceM: leg.distanceM, travel: leg.source, leg }),
    capabilities: has,
    reasons: [...(own && !isOut ? [reason('own-area')] : []), ...resource.reasons, ...out, ...unknown, ...partly, ...tried],
    cost,
    mode: resource.mode,
    ...(resource.position !== undefined && { home: resource.position }),
  }
}

/** How much longer the place it leaves would wait: for the nearest other that is ready and does the same. */
const withCoverage = (all: Looked[], plan: DispatchPlan): void => {
  const free = all.filter(one => one.rank !== null && one.task === 'respond' && one.home !== undefined)
  for (const one of free.toSorted((a, b) => a.cost - b.cost).slice(0, COVERAGE_FOR)) {
    const metresTo = planeFrom(one.home as LatLon)
    let nearestM = Infinity
    for (const other of free) if (other !== one) nearestM = Math.min(nearestM, metresTo(other.home as LatLon))
    if (nearestM === Infinity) {
      one.cost += plan.ranking.coverageS
      continue
    }
    one.coverageLossS = Math.round(nearestM / plan.travel[one.mode].speedMps)
    one.cost += Math.min(plan.ranking.coverageS, plan.ranking.coverageWeight * one.coverageLossS)
  }
}

const GAP_SAID_S = 120

/** Why it stands where it stands, seen from the first. */
const explained = (one: Looked, first: Looked | undefined): Reason[] => {
  if (one.rank === null || one.leg === undefined || first?.leg === undefined) return one.reasons
  const { zh, en } = etaWords(one.leg)
  const gap = one.coverageLossS !== undefined && one.coverageLossS > GAP_SAID_S ? durationWords(one.coverageLossS) : undefined
  const overlaps = one.leg.eta.lowS <= first.leg.eta.highS
  return [
    reason(one === first ? 'soonest' : 'slower', zh, en),
    ...(one !== first && overlaps ? [reason('same-time')] : []),
    ...(one.leg.instead === undefined ? [] : [reason('reckoned', one.leg.instead.zh, one.leg.instead.en)]),
    ...one.reasons,
    ...(gap === undefined ? [] : [reason('leaves-gap', gap.zh, gap.en)]),
  ]
}

const byCost = (a: Looked, b: Looked): number => a.cost - b.cost || a.resourceId.localeCompare(b.resourceId)
const byDistance = (a: Looked, b: Looked): number =>
  (a.distanceM ?? Infinity) - (b.distanceM ?? Infinity) || a.resourceId.localeCompare(b.resourceId)

export const rankCandidates = (o: {
  incident: Incident
  resources: readonly Resource[]
  orders: readonly Order[]
  travel: Travel
  plan: DispatchPlan
}): Candidate[] => {
  const to = o.incident.position
  const starters = startersOf(o.resources.filter(r => r.position !== undefined))
  const legs = to === undefined ? [] : o.travel.legs(starters, to)
  const legOf = new Map(starters.map(({ id }, i) => [id, legs[i]]))
  const all = o.resources.map(resource => look(resource, legOf.get(resource.id), o.incident, o.orders, o.plan))
  withCoverage(all, o.plan)
  const listed = (['respond', 'look'] as const).flatMap(task => {
    const ranked = all.filter(one => one.task === task && one.rank !== null).toSorted(byCost)
    for (const [i, one] of ranked.entries()) one.rank = i + 1
    return ranked.slice(0, LISTED_MAX).map(one => ({ ...one, reasons: explained(one, ranked[0]) }))
  })
  const others = all
    .filter(one => one.rank === null)
    .toSorted(byDistance)
    .slice(0, LISTED_MAX)
  return [...listed, ...others].map(({ cost: _cost, mode: _mode, leg: _leg, home: _home, ...candidate }) => candidate)
}
