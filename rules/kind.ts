// What a rule kind is: one pure step from (parameters, state of one device, one reading) to (new state, findings).
// A kind never reads a clock, does no I/O, keeps nothing outside `state`, and never changes the state it was given:
// that is what makes a replay exact, a restart harmless and a backtest honest.
import type { Evidence } from '#contracts/alarm.ts'
import type { Reading } from '#contracts/reading.ts'

/** One reading as the fold hands it to a kind. Times are event time, ms since 1970. */
export type Observation = {
  reading: Reading
  /** place in the journal */
  seq: number
  tMs: number
  receivedMs: number
  /**
   * older than the newest reading seen of this device: it may add to what is known and never moves state backwards. A reading that is
   * not late and yet older than what a kind remembers means that the clock went back (restart, replay): windows and pending
   * delays begin anew, open alarms stay open.
   */
  late: boolean
}

/** What a kind found. `hold` = more evidence for the alarm that is open; the fold decides how much of it is passed on. */
export type Finding = { type: 'raise' | 'hold' | 'clear'; atMs: number; evidence: Evidence[] }

/** `state` undefined = nothing to remember about this device. */
export type Step<S> = { state: S | undefined; findings: Finding[] }

/**
 * Which readings a kind is shown. `live`: measurements of now. `test`: also readings marked as a test. `presence`: also retained
 * ones, because online/offline is a state that brokers carry retained. History and stale readings are shown to nobody.
 */
export type Admits = 'live' | 'test' | 'presence'

export type JsonSchema = Readonly<Record<string, unknown>>

export type RuleKind<P = never, S = never> = {
  name: string
  admits: Admits
  /** JSON Schema of `parameters`; every name ends in its unit where it has one */
  parameters: JsonSchema
  /** upper bound of JSON.stringify(state).length for one device and one rule */
  stateBytesMax: number
  /**
   * What holds when readings arrive shuffled within LATENESS_BOUND_MS. `same-subjects`: the same rules raise for the same devices
   * and the same alarms are open at the end; event times may differ. `may-miss`: late readings are not used.
   */
  shuffled: 'same-subjects' | 'may-miss'
  /** false = this reading says nothing to this rule; cheap, called for every reading */
  wants(parameters: P, reading: Reading): boolean
  step(parameters: P, state: S | undefined, o: Observation): Step<S>
}

/** A kind with its own parameter and state types hidden, as the fold holds it. */
export type AnyKind = RuleKind<unknown, unknown>

/** Hides the types of a kind. Sound because parameters were validated by `parameters` and state was made by the same kind. */
export const defineKind = <P, S>(kind: RuleKind<P, S>): AnyKind => kind as unknown as AnyKind

export const nothing = <S>(state: S | undefined): Step<S> => ({ state, findings: [] })
