// The order of the queue: unacknowledged first, then level I to IV, then what is confirmed, then what several kinds of sign speak for,
// then oldest first; and the law that nothing moves under an officer's hand. Pure, so that the laws are tested as laws.
import type { Incident, IncidentCategory } from '#contracts/incident.ts'
import { isOpen, needsAnswer } from '../live/reduce.ts'

/** Server times are all written alike, so that they sort as text; parsing them costs more than the rest of a flood's sorting. */
const inOrder = (a: string, b: string): number => (a < b ? -1 : Number(a > b))

/** In a flood of detectors of one kind the real fires rise: two independent triggers first, then smoke and heat before smoke alone. */
const weight = ({ confirmedAt, signs = 0 }: Incident): number => (confirmedAt === undefined ? 0 : 100) + signs

/** Before everything of time: small first. An incident that changes is another object, so it is reckoned once for each. */
const ranks = new WeakMap<Incident, number>()
const rankOf = (incident: Incident): number => {
  let rank = ranks.get(incident)
  if (rank === undefined) {
    rank = (needsAnswer(incident) ? 0 : 100_000) + incident.severity * 10_000 - weight(incident)
    ranks.set(incident, rank)
  }
  return rank
}

export const compare = (a: Incident, b: Incident): number => rankOf(a) - rankOf(b) || inOrder(a.queuedAt, b.queuedAt) || inOrder(a.id, b.id)

/**
 * The ids to show, top to bottom. While `held` (pointer or focus is in the list) rows that were there keep their order and new
 * ones slip in before the first row they precede; otherwise the list is simply sorted. Nothing open is ever left out.
 */
export const arrange = (previous: readonly string[], incidents: Iterable<Incident>, held: boolean): string[] => {
  const sorted = [...incidents].filter(isOpen).sort(compare)
  if (!held) return sorted.map(incident => incident.id)
  const byId = new Map(sorted.map(incident => [incident.id, incident]))
  const kept = previous.flatMap(id => byId.get(id) ?? [])
  const known = new Set(kept.map(incident => incident.id))
  const ids: string[] = []
  let at = 0
  // A later new row never stands before an earlier one, so one walk down both lists places them all.
  for (const incident of sorted.filter(one => !known.has(one.id))) {
    for (let row = kept[at]; row !== undefined && compare(incident, row) >= 0; row = kept[++at]) ids.push(row.id)
    ids.push(incident.id)
  }
  return [...ids, ...kept.slice(at).map(incident => incident.id)]
}

export type Filter = { which: 'all' | 'unacknowledged' | 'shelved' | IncidentCategory; words: string }

/** Level I and II that nobody has answered pass every filter: a filter must not hide what must be answered. */
export const isSticky = (incident: Incident): boolean => needsAnswer(incident) && incident.severity <= 2

/** Flashing is for what waits for people: unanswered, level I to III. Level IV is said in words and stands still. */
export const flashes = (incident: Incident): boolean => needsAnswer(incident) && incident.severity <= 3

const searchable = (incident: Incident): string =>
  [incident.id, incident.title.zh, incident.title.en, incident.kind, ...Object.values(incident.place ?? {}), ...incident.deviceIds]
    .join(' ')
    .toLowerCase()

/** `isShelved`: one of its alarms is. */
export const passes = (incident: Incident, filter: Filter, isShelved: (incident: Incident) => boolean = () => false): boolean => {
  if (isSticky(incident)) return true
  if (filter.which === 'unacknowledged' && !needsAnswer(incident)) return false
  if (filter.which === 'shelved' && !isShelved(incident)) return false
  if ((filter.which === 'fire' || filter.which === 'technical') && incident.category !== filter.which) return false
  const words = filter.words.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return true
  const text = searchable(incident)
  return words.every(word => text.includes(word))
}

/**
 * How many rows are drawn at once, and how many where that would not be all: a list nobody can walk through need not be long; the rest stands behind one line that says how many and draws more. What asks sorts first, so it is
 * the calm that is left out; an unanswered level I is always drawn, wherever a held list has it.
 */
export const ROWS_DRAWN = 300
export const ROWS_IN_CROWD = 120

export const drawn = (ids: readonly string[], incidents: ReadonlyMap<string, Incident>, limit = ROWS_DRAWN): string[] => {
  const must = ids.filter(id => {
    const incident = incidents.get(id)
    return incident !== undefined && incident.severity === 1 && isSticky(incident)
  })
  if (ids.length <= limit) return [...ids]
  const keep = new Set([...ids.slice(0, limit), ...must])
  return ids.filter(id => keep.has(id))
}
