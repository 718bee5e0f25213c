// What a rule kind is: pure steps from (parameters, what was known, what came) to (what is known, findings). What comes is a reading,
// an alarm of another rule, a moment that was asked for, or word from the rule's own devices about their group. A kind never reads a
// clock, does no I/O, keeps nothing outside `state`, and never changes the state it was given: that is what makes a replay exact, a
// restart harmless and a backtest honest. What nearly all readings do, to find nothing, can be done in numbers instead: see `rest`.
import type { AlarmKind, Evidence, Severity } from '#contracts/alarm.ts'
import type { DeviceKind, Place, Position, Reading } from '#contracts/reading.ts'

/** Whom a state, an alarm or a word is about. `key` names it in storage and in alarms; `deviceId` is who stands for it. */
export type Whose = { key: string; deviceId: string; place?: Place; position?: Position }

/** Whose state a kind keeps. A device whose place does not reach down to that level is kept by itself. */
export const KEEPINGS = ['device', 'room', 'floor', 'building', 'area', 'rule'] as const
export type Keeping = (typeof KEEPINGS)[number]

/**
 * Listening time: the journal's time of arrival, never going back, without the stretches in which nobody listened. Silence is measured
 * in it, and moments are asked for in it.
 */
export type Moment = { listenedMs: number; whose: Whose; seq: number; /** the same moment in the journal's own time */ arrivalMs: number }

/** One reading as the fold hands it to a kind. Times are event time, ms since 1970. */
export type Observation = {
  reading: Reading
  /** place in the journal */
  seq: number
  tMs: number
  receivedMs: number
  listenedMs: number
  /**
   * older than the newest reading seen of this device: it may add to what is known and never moves state backwards. A reading that is
   * not late and yet older than what a kind remembers means that the clock went back (restart, replay): windows and pending
   * delays begin anew, open alarms stay open.
   */
  late: boolean
}

/** An alarm of a rule over single devices, as rules that weigh several of them see it: begun, said again, over. */
export type AlarmNotice = {
  type: 'raise' | 'hold' | 'clear'
  alarmId: string
  ruleId: string
  kind: AlarmKind
  severity: Severity
  deviceKind: DeviceKind
  whose: Whose
  atMs: number
  late: boolean
  seq: number
  listenedMs: number
  evidence: Evidence[]
}

/**
 * What a kind found. `hold` = more evidence for the alarm that is open; the fold decides how much of it is passed on.
 * `remark` = something about an alarm of another rule; it can make it graver, never end it.
 */
export type Finding =
  | {
      type: 'raise' | 'hold' | 'clear'
      atMs: number
      evidence: Evidence[]
      /** one of several alarms that this state can have open */
      key?: string
      /** when it is not whom the state is kept for */
      whose?: Whose
      /** when it is not the rule's; of a hold, only graver counts */
      severity?: Severity
      counterEvidence?: Evidence[]
    }
  | { type: 'remark'; atMs: number; alarmId: string; evidence: Evidence[]; counterEvidence: Evidence[]; severity?: Severity }

/** Word from a device's state to that of its group, within one rule. JSON only. */
export type Tale = { to: Whose; about: Whose; what: string; atMs: number; receivedMs: number }

/** `state` undefined = nothing to remember. */
export type Step<S> = { state: S | undefined; findings: readonly Finding[]; tales?: readonly Tale[] }

/**
 * Which readings a kind is shown. `live`: measurements of now. `test`: also readings marked as a test. `presence`: also retained
 * ones, because online/offline is a state that brokers carry retained. `heard`: whatever a device itself sent, of whatever time, and
 * what is retained about it: for kinds that ask whether it can be heard, not what it says. Stale readings are shown to nobody.
 */
export type Admits = 'live' | 'test' | 'presence' | 'heard'

export type JsonSchema = Readonly<Record<string, unknown>>

/**
 * A state in which nothing is under way, as numbers side by side, and the reading that finds nothing as a move of those numbers: nearly all
 * states are such and nearly all readings do no more. Of a district's states only few are in a processor's reach, and numbers that lie
 * together come at once. The conformance suite holds it against `step`.
 */
export type Rest<P, S> = {
  /** how many numbers it takes */
  size(parameters: P): number
  /** writes them to `n` from `at` on; false = something is under way, or is not known yet: the state stays what it is */
  settle(parameters: P, state: S | undefined, n: number[], at: number): boolean
  /** what is not in numbers is looked up in the state that settled, which is kept beside them; else it is let go */
  isKept?: true
  /** the state that the numbers are; never the one that was kept */
  state(parameters: P, n: readonly number[], at: number, kept: S | undefined): S | undefined
  /** true = moved on, exactly as `step` would have done it with nothing found; false = not touched, ask `step` */
  calm(parameters: P, n: number[], at: number, o: Observation, kept: S | undefined): boolean
  /** `dueMs` of the state that the numbers are */
  dueMs?(parameters: P, n: readonly number[], at: number): number | undefined
}

export type RuleKind<P = never, S = never> = {
  name: string
  admits: Admits
  /** it looks at the clock on the wall: where a rule says no `timeZone` (or `utcOffsetMinutes`), it gets the district's */
  localTime?: true
  /** JSON Schema of `parameters`; every name ends in its unit where it has one */
  parameters: JsonSchema
  /** upper bound of JSON.stringify(state).length for one subject and one rule */
  stateBytesMax: number
  /**
   * What holds when readings arrive shuffled within LATENESS_BOUND_MS. `same-subjects`: the same rules raise for the same subjects
   * and the same alarms are open at the end; event times may differ. `may-miss`: late readings are not used.
   */
  shuffled: 'same-subjects' | 'may-miss'
  /** absent = the device */
  keeps?(parameters: P): Keeping
  /**
   * `wants` depends only on which metrics, flags, battery, detections, state, presence and own time a reading has and whether it is a test,
   * never on their values: then it is asked once for all readings that have the same. See shapes.ts
   */
  byShape?: true
  /** false = this reading says nothing to this rule; cheap, called for every reading */
  wants(parameters: P, reading: Reading): boolean
  step(parameters: P, state: S | undefined, o: Observation): Step<S>
  /** its state while nothing is under way */
  rest?: Rest<P, S>
  /** the listening time at which to call `woken`, as the state alone says it; undefined = not by itself */
  dueMs?(parameters: P, state: S): number | undefined
  /** must move its own due time on, or give it up */
  woken?(parameters: P, state: S, at: Moment): Step<S>
  /** which alarms of rules over single devices it weighs; those of kinds that weigh alarms themselves are never shown */
  hears?(parameters: P, kind: AlarmKind): boolean
  heard?(parameters: P, state: S | undefined, alarm: AlarmNotice): Step<S>
  /** the group's side of what its devices told */
  gathered?(parameters: P, state: S | undefined, tale: Tale, at: Moment): Step<S>
}

/** A kind with its own parameter and state types hidden, as the fold holds it. */
export type AnyKind = RuleKind<unknown, unknown>

/** Hides the types of a kind. Sound because parameters were validated by `parameters` and state was made by the same kind. */
export const defineKind = <P, S>(kind: RuleKind<P, S>): AnyKind => kind as unknown as AnyKind

const NO_FINDINGS: readonly Finding[] = []
export const nothing = <S>(state: S | undefined): Step<S> => ({ state, findings: NO_FINDINGS })
