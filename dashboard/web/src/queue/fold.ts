// Flood: rows of one building and cause stand behind the first of them, which says how many and how new. Level I, and level II that
// nobody has answered, are never folded; nothing is left out, and a fold opens with one press. Pure.
import type { Incident } from '#contracts/incident.ts'
import { isSticky } from './order.ts'

/** So many of one building and cause make a fold. */
export const FOLD_FROM = 3

export type Fold = {
  key: string
  /** behind the lead, in the order of the queue */
  others: readonly string[]
  newestAt: string
  open: boolean
}
export type Folded = { ids: string[]; folds: ReadonlyMap<string, Fold> }

const keyOf = (incident: Incident): string =>
  `${incident.place?.area ?? ''}|${incident.place?.building ?? ''}|${incident.kind}|${incident.state === 'new' ? 'new' : 'taken'}`

const mayFold = (incident: Incident): boolean => incident.severity > 1 && !isSticky(incident)

/** `keep` (the selected row) is never folded away; `opened` are the keys of folds that somebody opened. */
export const fold = (
  ids: readonly string[],
  incidents: ReadonlyMap<string, Incident>,
  o: { keep: string | null; opened: ReadonlySet<string> },
): Folded => {
  const groups = new Map<string, Incident[]>()
  for (const id of ids) {
    const incident = incidents.get(id)
    if (incident === undefined || !mayFold(incident)) continue
    const key = keyOf(incident)
    const members = groups.get(key)
    if (members === undefined) groups.set(key, [incident])
    else members.push(incident)
  }
  const folds = new Map<string, Fold>()
  const behind = new Set<string>()
  for (const [key, members] of groups) {
    const lead = members[0]
    if (lead === undefined || members.length < FOLD_FROM) continue
    const newestAt = members.reduce((newest, one) => (one.queuedAt > newest ? one.queuedAt : newest), lead.queuedAt)
    const others = members.slice(1).map(one => one.id)
    const open = o.opened.has(key)
    folds.set(lead.id, { key, others, newestAt, open })
    if (!open) for (const id of others) if (id !== o.keep) behind.add(id)
  }
  return { ids: ids.filter(id => !behind.has(id)), folds }
}
