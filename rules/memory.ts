// What the fold remembers, one row a subject: a device with its clocks, or a place or group of one rule; the state of each rule, and the
// open alarms. Rows are opaque JSON to whoever stores them. Bounded: SUBJECTS_MAX; beyond it a hundredth is forgotten, those unheard for
// longest and without an open alarm first, and counted.
import type { Frozen, StateRows } from '#contracts/state-rows.ts'
import type { DeviceClock } from './device-clock.ts'
import type { Episode } from './episode.ts'
import { statesOf, takeUp, type Form } from './rest.ts'

export const SUBJECTS_MAX = 400_000
const FORGET_PART = 0.01
/** Rows of the fold itself, not of a subject. Ids of devices never begin so. */
const OWN = '#'
const KINDS_ROW = '#kinds'
/** `#s/<rule>/<subject>`: what a rule keeps of a place, a group or everything */
const GROUP_ROW = '#s/'

export type Row = {
  /** the era it was last touched in; state of rules that came later is not its own any more. Absent = 0 */
  era?: number
  /** journal place of the last touch */
  seq?: number
  clocks: { measured?: DeviceClock; server?: DeviceClock }
  /** rule id -> the kind's state; undefined = nothing, and is not written */
  states: Record<string, unknown>
  /** rule id, or rule id and the alarm's own key behind a tab -> its open alarm */
  open: Record<string, Episode>
}

export type Subject = {
  id: string
  row: Row
  /** how its states rest in numbers, and those numbers; both begin empty and are not written: the states that they are are */
  form: Form | undefined
  numbers: number[]
  /** rule id -> the earliest moment that stands in the timers for it; not written, it follows from the states */
  armed: Record<string, number | undefined> | undefined
  /** false once it was forgotten */
  alive: boolean
  /** its row is not in what freeze() gave last */
  isChanged: boolean
  /** its row was frozen and not taken yet: it must be written before it changes */
  isFrozen: boolean
}

export type Memory = {
  /** known or new; a new one is kept only when it is touched */
  get(id: string): Subject
  /** keeps it, and marks its row for the next freeze() */
  touch(subject: Subject, seq: number): void
  /** another set: rules with the same id and kind keep their state. Costs nothing a subject: each catches up when it is looked at */
  use(kinds: Kinds): void
  /** lets go what a subject holds of rules that are gone or were in between; get() does it too */
  catchUp(subject: Subject): void
  /** the rows changed since the last call as they are now, or all, however late they are taken; those of the last call that nobody took are lost */
  freeze(isFull?: boolean): Frozen
  all(): Iterable<Subject>
  /** rows of the fold itself */
  own(key: string): string | undefined
  setOwn(key: string, json: string): void
  size(): number
  /** subjects let go at the bound since the start */
  forgotten(): number
}

/** rule id -> kind name */
type Kinds = Record<string, string>
/**
 * Every set with other ids or kinds begins an era. `since` = the era in which a rule of this id and kind came into force; a subject last
 * touched before that has nothing of it, or something of a rule that was gone in between.
 */
type Era = { now: number; rules: Record<string, [kind: string, since: number]> }

export const groupId = (ruleId: string, key: string): string => `${GROUP_ROW}${ruleId}/${key}`
export const alarmKeyOf = (ruleId: string, key: string | undefined): string => (key === undefined ? ruleId : `${ruleId}\t${key}`)
const ruleOfAlarm = (key: string): string => key.split('\t', 1)[0] as string

/** `kinds`: the rules now. State of a rule whose kind changed, or that was gone in between, is not used. */
export function createMemory(kinds: Kinds, rows: Iterable<[string, string]> = [], subjectsMax = SUBJECTS_MAX): Memory {
  const { subjects, own, era: before } = restored(rows)
  let changed: Subject[] = []
  /** frozen subjects, taken from the end, and what of them had to be written before its turn */
  let frozen: Subject[] = []
  let early: StateRows = []
  const gone = new Set<string>()
  const ownChanged = new Set<string>()
  let forgotten = 0
  let era = eraOf(kinds, before)
  /** `due`: even if no subject changed, since without it a restart could take a rule that came back for one that never went */
  let eraRow: 'written' | 'with-subjects' | 'due' = era === before ? 'written' : 'with-subjects'

  function makeRoom(): void {
    const count = Math.max(1, Math.floor(subjectsMax * FORGET_PART))
    for (const subject of longestUntouched([...subjects.values()]).slice(0, count)) {
      if (subject.isFrozen) thaw(subject)
      subjects.delete(subject.id)
      gone.add(subject.id)
      subject.alive = false
      forgotten++
    }
    changed = changed.filter(subject => subject.alive)
  }

  function thaw(subject: Subject): void {
    subject.isFrozen = false
    early.push([subject.id, written(subject)])
  }

  function take(max: number): StateRows {
    const rows = early.splice(0, max)
    while (rows.length < max) {
      const subject = frozen.pop()
      if (subject === undefined) break
      if (!subject.isFrozen) continue
      subject.isFrozen = false
      rows.push([subject.id, written(subject)])
    }
    return rows
  }

  return {
    get(id) {
      const subject = subjects.get(id) ?? blank(id, era.now)
      if (subject.isFrozen) thaw(subject)
      if ((subject.row.era ?? 0) !== era.now) catchUp(subject, era)
      return subject
    },
    catchUp(subject) {
      if (subject.isFrozen) thaw(subject)
      if ((subject.row.era ?? 0) !== era.now) catchUp(subject, era)
    },
    touch(subject, seq) {
      subject.row.seq = seq
      if (!subject.alive) {
        if (subjects.size >= subjectsMax) makeRoom()
        subjects.set(subject.id, subject)
        gone.delete(subject.id)
        subject.alive = true
        subject.isChanged = false
      }
      if (subject.isChanged) return
      subject.isChanged = true
      changed.push(subject)
    },
    use(next) {
      const after = eraOf(next, era)
      if (after !== era) eraRow = 'due'
      era = after
    },
    freeze(isFull = false) {
      for (const subject of frozen) subject.isFrozen = false
      early = isFull ? [] : [...gone].map(id => [id, null])
      frozen = isFull ? [...subjects.values()] : changed.filter(subject => subject.alive)
      for (const subject of changed) subject.isChanged = false
      for (const subject of frozen) subject.isFrozen = true
      if (isFull || eraRow === 'due' || (eraRow === 'with-subjects' && early.length + frozen.length > 0)) {
        early.push([KINDS_ROW, JSON.stringify(era)])
        eraRow = 'written'
      }
      for (const key of isFull ? own.keys() : ownChanged) early.push([key, own.get(key) ?? null])
      changed = []
      gone.clear()
      ownChanged.clear()
      return { take }
    },
    all: () => subjects.values(),
    own: key => own.get(key),
    setOwn(key, json) {
      own.set(key, json)
      ownChanged.add(key)
    },
    size: () => subjects.size,
    forgotten: () => forgotten,
  }
}

const subjectOf = (id: string, row: Row, alive: boolean): Subject => ({
  id,
  row,
  form: undefined,
  numbers: [],
  armed: undefined,
  alive,
  isChanged: false,
  isFrozen: false,
})
const blank = (id: string, era: number): Subject => subjectOf(id, { era, clocks: {}, states: {}, open: {} }, false)

const written = (subject: Subject): string =>
  JSON.stringify(subject.form === undefined ? subject.row : { ...subject.row, states: statesOf(subject) })

/** Those with an open alarm last; the same order however often the process was restarted. */
function longestUntouched(subjects: Subject[]): Subject[] {
  const isOpen = ({ row }: Subject) => Number(Object.keys(row.open).length > 0)
  return subjects.sort((a, b) => isOpen(a) - isOpen(b) || (a.row.seq ?? 0) - (b.row.seq ?? 0) || (a.id < b.id ? -1 : 1))
}

function eraOf(kinds: Kinds, before: Era): Era {
  const ids = Object.keys(kinds)
  const isSame = (id: string) => before.rules[id]?.[0] === kinds[id]
  if (ids.length === Object.keys(before.rules).length && ids.every(isSame)) return before
  const now = before.now + 1
  return {
    now,
    rules: Object.fromEntries(Object.entries(kinds).map(([id, kind]) => [id, [kind, isSame(id) ? before.rules[id]![1] : now]])),
  }
}

function catchUp(subject: Subject, era: Era): void {
  takeUp(subject)
  const { row } = subject
  const touched = row.era ?? 0
  const isIts = (id: string) => (era.rules[id]?.[1] ?? Infinity) <= touched
  for (const id of Object.keys(row.states)) if (!isIts(id)) delete row.states[id]
  for (const key of Object.keys(row.open)) if (!isIts(ruleOfAlarm(key))) delete row.open[key]
  row.era = era.now
}

function restored(rows: Iterable<[string, string]>): { subjects: Map<string, Subject>; own: Map<string, string>; era: Era } {
  const subjects = new Map<string, Subject>()
  const own = new Map<string, string>()
  let era: Era = { now: 0, rules: {} }
  for (const [key, json] of rows) {
    if (key === KINDS_ROW) era = eraFrom(JSON.parse(json) as Era | Kinds)
    else if (key.startsWith(OWN) && !key.startsWith(GROUP_ROW)) own.set(key, json)
    else subjects.set(key, subjectOf(key, JSON.parse(json) as Row, true))
  }
  return { subjects, own, era }
}

/** Rows written before there were eras name the kinds only. */
function eraFrom(row: Era | Kinds): Era {
  if (typeof row.now === 'number') return row as Era
  return { now: 0, rules: Object.fromEntries(Object.entries(row as Kinds).map(([id, kind]) => [id, [kind, 0]])) }
}
