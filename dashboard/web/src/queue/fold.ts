// Flood: rows of one building and cause stand behind the first of them, which says how many and how new; where that leaves more rows than
// one person takes in, those of one street, then of one cause, then of one level. Confirmed fires, calls of people and crews that ask for
// help stand alone, always. Nothing is left out, and a fold opens with one press. Pure.
import type { Incident } from '#contracts/incident.ts'
import { isSticky } from './order.ts'

/** So many of one sort make a fold. */
export const FOLD_FROM = 3
/** More in ten minutes is more than one person takes in (EEMUA 191). */
export const ROWS_IN_FLOOD = 10

export const FOLDED_BY = ['building', 'area', 'kind', 'level'] as const
export type FoldedBy = (typeof FOLDED_BY)[number]

export type Fold = {
  key: string
  by: FoldedBy
  /** behind the lead, in the order of the queue */
  others: readonly string[]
  newestAt: string
  open: boolean
}
export type Folded = { ids: string[]; folds: ReadonlyMap<string, Fold>; by: FoldedBy }
export type FoldOptions = {
  /** the selected row is never folded away */
  keep: string | null
  /** keys of folds that somebody opened */
  opened: ReadonlySet<string>
  /** no finer than this: while a flood lasts rows do not jump back and forth */
  from?: FoldedBy
}

const isGrave = (incident: Incident): boolean => incident.severity === 1 || isSticky(incident)

/** What one detector says by itself folds when very many say it; what is known to be a fire, or was said by a person, never does. */
const standsAlone = (i: Incident): boolean => i.confirmedAt !== undefined || i.helpAskedAt !== undefined || i.kind === 'manual-call'

const SORTS: Record<FoldedBy, (i: Incident) => string> = {
  building: i => `${i.place?.area ?? ''}|${i.place?.building ?? ''}|${i.kind}`,
  area: i => `${i.place?.area ?? ''}|${i.kind}|${i.severity}`,
  kind: i => `${i.category}|${i.kind}|${i.severity}`,
  level: i => `${i.category}|${i.severity}`,
}

type Open = readonly Incident[]

const foldBy = (by: FoldedBy, all: Open, crowded: boolean, { keep, opened }: FoldOptions): Folded & { rows: number } => {
  const groups = new Map<string, Incident[]>()
  for (const incident of all) {
    if (standsAlone(incident) || (isGrave(incident) && !(crowded && by !== 'building'))) continue
    const key = `${by}|${SORTS[by](incident)}|${incident.state === 'new' ? 'new' : 'taken'}`
    const members = groups.get(key)
    if (members === undefined) groups.set(key, [incident])
    else members.push(incident)
  }
  const folds = new Map<string, Fold>()
  const behind = new Set<string>()
  let folded = 0
  for (const [key, members] of groups) {
    const lead = members[0]
    if (lead === undefined || members.length < FOLD_FROM) continue
    const newestAt = members.reduce((newest, one) => (one.queuedAt > newest ? one.queuedAt : newest), lead.queuedAt)
    const others = members.slice(1).map(one => one.id)
    const open = opened.has(key)
    folds.set(lead.id, { key, by, others, newestAt, open })
    folded += others.length
    if (!open) for (const id of others) if (id !== keep) behind.add(id)
  }
  return { ids: all.map(one => one.id).filter(id => !behind.has(id)), folds, by, rows: all.length - folded }
}

/** Folded as finely as leaves no more rows than one person takes in, or by level where nothing does. */
export const fold = (ids: readonly string[], incidents: ReadonlyMap<string, Incident>, o: FoldOptions): Folded => {
  const all = ids.flatMap(id => incidents.get(id) ?? [])
  const crowded = all.filter(one => isGrave(one) && !standsAlone(one)).length > ROWS_IN_FLOOD
  let folded = foldBy(o.from ?? 'building', all, crowded, o)
  for (const by of FOLDED_BY.slice(FOLDED_BY.indexOf(folded.by) + 1)) {
    if (folded.rows <= ROWS_IN_FLOOD) break
    folded = foldBy(by, all, crowded, o)
  }
  return { ids: folded.ids, folds: folded.folds, by: folded.by }
}
