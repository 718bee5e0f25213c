// The memory of a rule over yes/no statements ("smoke: true"): which are on, since when, and when the last episode was.
// Repeats are one episode; absent says nothing; false ends it only when it is newer than the last true.
import type { Evidence } from '#contracts/alarm.ts'
import type { Finding, Observation, Step } from './kind.ts'
import { evidenceOf } from './evidence.ts'

/** What one reading says: the name of a statement, whether it holds, and the value to show as evidence. */
export type Statement = { name: string; on: boolean; what: string; value: Evidence['value'] }

/**
 * `at`: event time of the newest word on each statement, negative when that word was "no".
 * `on`: the open episode: event times of its first and newest yes, and when the newest arrived. `past`: the episode before.
 */
export type Latch = {
  at: Record<string, number>
  on?: [firstMs: number, lastMs: number, receivedMs: number]
  past?: [firstMs: number, lastMs: number]
}

/**
 * After the device's clock went back, "no" bears an older time than the "yes" before it. It counts once this much time has passed
 * on our own clock; sooner, it may be a buffer of old readings that was sent late, and a fire must not be cleared by that.
 */
export const CLOCK_BACK_CLEAR_MS = 120_000

const isOn = (at: number | undefined): boolean => at !== undefined && at > 0

function accepted(latch: Latch, s: Statement, o: Observation): boolean {
  const known = latch.at[s.name]
  if (known === undefined || o.tMs >= Math.abs(known)) return true
  if (o.late) return false
  // not late, yet older than the newest word: the clock went back since
  return s.on || !isOn(known) || (latch.on !== undefined && o.receivedMs - latch.on[2] >= CLOCK_BACK_CLEAR_MS)
}

const within = (range: [number, number] | undefined, tMs: number): boolean => range !== undefined && tMs >= range[0] && tMs <= range[1]

export function latched(before: Latch | undefined, o: Observation, statements: readonly Statement[]): Step<Latch> {
  const latch: Latch = before ?? { at: {} }
  const at = { ...latch.at }
  const yes: Evidence[] = []
  const no: Evidence[] = []
  const missed: { s: Statement; overMs: number }[] = []
  for (const s of statements) {
    const known = latch.at[s.name]
    if (accepted(latch, s, o)) {
      at[s.name] = s.on ? o.tMs : -o.tMs
      if (s.on || isOn(known)) (s.on ? yes : no).push(evidenceOf(o, s))
    } else if (s.on) {
      if (known !== undefined && known < 0) missed.push({ s, overMs: -known })
      else yes.push(evidenceOf(o, s))
    }
  }
  const anyOn = Object.values(at).some(isOn)
  if (latch.on === undefined) return anyOn ? begun(latch, at, o, yes) : over(latch, at, o, missed)
  const saidYes = statements.some(s => s.on)
  const on: Latch['on'] = saidYes ? [latch.on[0], Math.max(latch.on[1], o.tMs), o.receivedMs] : latch.on
  if (anyOn) {
    return { state: { ...latch, at, on }, findings: yes.length > 0 ? [{ type: 'hold', atMs: o.tMs, evidence: yes }] : [] }
  }
  const past: [number, number] = [latch.on[0], latch.on[1]]
  return { state: { at, past }, findings: [{ type: 'clear', atMs: o.tMs, evidence: no }] }
}

/** The times of words of which none is "yes", by the place of their names; NaN = nothing was said. false = something is on. */
export function timesOff({ at: known, on }: Latch, names: readonly string[], n: number[], at: number): boolean {
  if (on !== undefined) return false
  for (const name in known) if (isOn(known[name])) return false
  for (let i = 0; i < names.length; i++) n[at + i] = known[names[i] as string] ?? Number.NaN
  return true
}

export function withTimes(latch: Latch, names: readonly string[], n: readonly number[], at: number): Latch {
  const times = { ...latch.at }
  for (const [i, name] of names.entries()) {
    const time = n[at + i] as number
    if (!Number.isNaN(time)) times[name] = time
  }
  return { ...latch, at: times }
}

/** Nothing is on, and what is said now is no again: only the times of the words move. `said` may have nothing. */
export function stillOff(tMs: number, said: Partial<Record<string, boolean>>, names: readonly string[], n: number[], at: number): boolean {
  for (let i = 0; i < names.length; i++) {
    const on = said[names[i] as string]
    // NaN = not said before: it is not in the state yet
    if (on !== undefined && (on || !(tMs >= -(n[at + i] as number)))) return false
  }
  for (let i = 0; i < names.length; i++) if (said[names[i] as string] !== undefined) n[at + i] = -tMs
  return true
}

function begun(latch: Latch, at: Latch['at'], o: Observation, evidence: Evidence[]): Step<Latch> {
  const state: Latch = { ...latch, at, on: [o.tMs, o.tMs, o.receivedMs] }
  return { state, findings: [{ type: 'raise', atMs: o.tMs, evidence }] }
}

/** A "yes" that arrives after a newer "no": a short alarm is not lost. It is raised and, being over, cleared; a repeat of a known one is not. */
function over(latch: Latch, at: Latch['at'], o: Observation, missed: { s: Statement; overMs: number }[]): Step<Latch> {
  const first = missed[0]
  if (first === undefined || within(latch.past, o.tMs)) return { state: { ...latch, at }, findings: [] }
  const evidence = missed.map(({ s }) => evidenceOf(o, s))
  const findings: Finding[] = [
    { type: 'raise', atMs: o.tMs, evidence },
    { type: 'clear', atMs: first.overMs, evidence: [] },
  ]
  const past: [number, number] =
    latch.past === undefined ? [o.tMs, o.tMs] : [Math.min(latch.past[0], o.tMs), Math.max(latch.past[1], o.tMs)]
  return { state: { at, past }, findings }
}
