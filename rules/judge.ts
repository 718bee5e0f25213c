// Runs one step of one rule and sees to what follows from it: the state is kept, findings become signals, groups hear of their devices,
// rules that weigh alarms hear of alarms, and moments that were asked for are called. A step that throws changes nothing.
import type { AlarmSignal } from '#contracts/alarm.ts'
import type { DeviceKind } from '#contracts/reading.ts'
import type { Active } from './active.ts'
import { remarked, told, type Cause } from './episode.ts'
import type { AlarmNotice, Finding, Moment, Observation, Step, Tale, Whose } from './kind.ts'
import { listenedMs, type Listening } from './listening.ts'
import { alarmKeyOf, groupId, type Memory, type Subject } from './memory.ts'
import { isCalm, restsUntil, settle, takeUpOf, takeUpOne } from './rest.ts'
import { inScope } from './schema.ts'
import { createTimers, type Timers } from './timers.ts'
import { deviceItself, whoseIs } from './whose.ts'

export type Judge = {
  /** other rules from now on; the moments of those that changed are looked up anew */
  use(active: readonly Active[]): void
  /** `whose` undefined = the device itself */
  reading(a: Active, device: Subject, whose: Whose | undefined, o: Observation, out: AlarmSignal[]): void
  /** passes the alarms begun since the last call on to the rules that weigh alarms */
  tell(out: AlarmSignal[]): void
  /** calls what was asked for until now */
  callDue(out: AlarmSignal[]): void
  timers(): number
}

type Waiting = { subject: Subject; rule: string }
type Parts = { memory: Memory; /** moved on by the fold */ listening: Listening; broken(a: Active, error: unknown): void }

export function createJudge({ memory, listening, broken }: Parts): Judge {
  let byId = new Map<string, Active>()
  let listeners: readonly Active[] = []
  const timers: Timers<Waiting> = createTimers(isFirst)
  const notices: AlarmNotice[] = []
  /** the moment that is being lived through, in listening time: while what was asked for is called, that of the call and not yet now */
  let calledMs: number | undefined

  function arm(a: Active, subject: Subject): void {
    const { id } = a
    const state = subject.row.states[id]
    if (a.dueMs === undefined || state === undefined) return
    armFor(id, subject, a.dueMs(a.parameters, state))
  }

  function armFor(id: string, subject: Subject, dueMs: number | undefined): void {
    if (dueMs === undefined) return
    const armed = (subject.armed ??= {})
    const armedMs = armed[id]
    if (armedMs !== undefined && armedMs <= dueMs) return
    armed[id] = dueMs
    timers.add({ dueMs, what: { subject, rule: id } })
  }

  function disarm(subject: Subject, rule: string): void {
    // not deleted, since that would make looking into the rest slow
    if (subject.armed !== undefined) subject.armed[rule] = undefined
  }

  /** What a step left behind, for one subject. */
  function settled(a: Active, subject: Subject, step: Step<unknown>, cause: Cause, deviceKind: DeviceKind, out: AlarmSignal[]): void {
    const { states } = subject.row
    const { id } = a
    if (step.state === undefined) {
      // not deleted: what loses a property is slow to look into from then on, and this is looked into with every reading
      if (states[id] !== undefined) states[id] = undefined
    } else states[id] = step.state
    if (step.findings.length > 0) for (const finding of step.findings) signalled(a, subject, finding, cause, deviceKind, out)
    if (a.dueMs !== undefined) arm(a, subject)
  }

  function signalled(a: Active, subject: Subject, finding: Finding, cause: Cause, deviceKind: DeviceKind, out: AlarmSignal[]): void {
    if (finding.type === 'remark') {
      out.push(remarked(finding))
      return
    }
    const { open } = subject.row
    const key = alarmKeyOf(a.rule.id, finding.key)
    const { episode, signal } = told(a.rule, a.ref, open[key], cause, finding)
    if (episode === undefined) delete open[key]
    else open[key] = episode
    if (signal === undefined) return
    out.push(signal)
    if (listeners.length === 0 || a.kind.hears !== undefined) return
    notices.push({
      type: finding.type,
      alarmId: signal.alarmId,
      ruleId: a.rule.id,
      kind: a.rule.alarm.kind,
      severity: (episode ?? {}).severity ?? a.rule.alarm.severity,
      deviceKind,
      whose: finding.whose ?? cause.whose,
      atMs: finding.atMs,
      late: cause.late,
      seq: listening.seq,
      listenedMs: calledMs ?? listenedMs(listening),
      evidence: finding.evidence,
    })
  }

  /** A group's row is written only when something of it changed. */
  function inGroup(
    a: Active,
    whose: Whose,
    late: boolean,
    deviceKind: DeviceKind,
    step: (state: unknown) => Step<unknown>,
    out: AlarmSignal[],
  ) {
    const subject = memory.get(groupId(a.rule.id, whose.key))
    const before = subject.row.states[a.rule.id]
    const result = step(before)
    if (result.state === before && result.findings.length === 0) return
    memory.touch(subject, listening.seq)
    settled(a, subject, result, { whose, late }, deviceKind, out)
  }

  function gathered(a: Active, tales: readonly Tale[], out: AlarmSignal[]): void {
    const { gathered: gather } = a.kind
    if (gather === undefined) return
    for (const tale of tales) inGroup(a, tale.to, false, 'other', state => gather(a.rule.parameters, state, tale, momentOf(tale.to)), out)
  }

  function ofDevice(a: Active, device: Subject, o: Observation, out: AlarmSignal[]): void {
    const { parameters, rest } = a
    if (isCalm(a, device, o)) {
      if (rest?.dueMs !== undefined) armFor(a.id, device, rest.dueMs(parameters, device.numbers, a.at + 1))
      return
    }
    takeUpOne(a, device)
    const step = a.kind.step(parameters, device.row.states[a.id], o)
    const cause = step.findings.length === 0 ? NO_CAUSE : { whose: deviceItself(o.reading), late: o.late }
    settled(a, device, step, cause, o.reading.kind, out)
    settle(a, device)
    if (step.tales !== undefined) gathered(a, step.tales, out)
  }

  /** Apart from ofDevice, which comes a dozen times a reading and must not pay for this closure. */
  const ofGroup = (a: Active, whose: Whose, o: Observation, out: AlarmSignal[]): void =>
    inGroup(a, whose, o.late, o.reading.kind, state => a.kind.step(a.rule.parameters, state, o), out)

  const momentOf = (whose: Whose): Moment => {
    const listened = calledMs ?? listenedMs(listening)
    return { listenedMs: listened, whose, seq: listening.seq, arrivalMs: listened + listening.deafMs }
  }

  function called(a: Active, subject: Subject, dueMs: number, out: AlarmSignal[]): void {
    const { kind, rule } = a
    const key = keyOf(subject.id, rule.id)
    const whose: Whose = { key, deviceId: key }
    const at: Moment = { listenedMs: dueMs, whose, seq: listening.seq, arrivalMs: dueMs + listening.deafMs }
    const step = (kind.woken ?? notWoken)(rule.parameters, subject.row.states[rule.id], at)
    const nextMs = step.state === undefined ? undefined : kind.dueMs?.(rule.parameters, step.state)
    if (nextMs !== undefined && nextMs <= dueMs) throw new Error(`${kind.name} asks for the same moment again`)
    disarm(subject, rule.id)
    memory.touch(subject, listening.seq)
    settled(a, subject, step, { whose, late: false }, 'other', out)
    if (step.tales !== undefined) gathered(a, step.tales, out)
  }

  function guarded(a: Active, step: () => void): void {
    try {
      step()
    } catch (error) {
      broken(a, error)
    }
  }

  function tell(out: AlarmSignal[]): void {
    // nearly always there is none, and this comes with every reading
    if (notices.length === 0) return
    for (let notice = notices.shift(); notice !== undefined; notice = notices.shift()) {
      const { kind: alarmKind, whose, late, deviceKind } = notice
      for (const a of listeners) {
        const { kind, rule, keeping } = a
        if (kind.hears?.(rule.parameters, alarmKind) !== true || !inScope(rule.scope, deviceKind, whose.place)) continue
        const heard = notice
        guarded(a, () =>
          inGroup(
            a,
            whoseIs(keeping, whose),
            late,
            deviceKind,
            state => (kind.heard ?? notWoken)(rule.parameters, state, heard as never),
            out,
          ),
        )
      }
    }
  }

  return {
    use(active) {
      const before = byId
      byId = new Map(active.map(a => [a.rule.id, a]))
      listeners = active.filter(a => a.kind.hears !== undefined)
      const changed = active.filter(a => a.kind.dueMs !== undefined && !isSame(before.get(a.rule.id), a))
      // every subject is looked at only when it must be: the stream waits meanwhile
      if (changed.length === 0) return
      for (const subject of memory.all()) {
        for (const a of changed) {
          takeUpOf(subject, a.rule.id)
          if (subject.row.states[a.rule.id] === undefined) continue
          memory.catchUp(subject)
          guarded(a, () => arm(a, subject))
        }
      }
    },
    reading(a, device, whose, o, out) {
      try {
        if (whose === undefined) ofDevice(a, device, o, out)
        else ofGroup(a, whose, o, out)
      } catch (error) {
        broken(a, error)
      }
    },
    tell,
    callDue(out) {
      const nowMs = listenedMs(listening)
      for (let timer = timers.take(nowMs); timer !== undefined; timer = timers.take(nowMs)) {
        const { subject, rule } = timer.what
        if (!subject.alive || subject.armed?.[rule] !== timer.dueMs) continue
        const a = byId.get(rule)
        if (a === undefined) {
          // the rule is gone; if it comes back, it is armed anew
          disarm(subject, rule)
          continue
        }
        memory.catchUp(subject)
        const { dueMs } = timer
        const state = subject.row.states[rule]
        // most were heard since, and are at rest
        const wishMs = restsUntil(subject, rule) ?? (state === undefined ? undefined : a.kind.dueMs?.(a.rule.parameters, state))
        if (wishMs === undefined || wishMs <= dueMs) disarm(subject, rule)
        if (wishMs === undefined) continue
        if (wishMs > dueMs) {
          timer.dueMs = wishMs
          subject.armed[rule] = wishMs
          timers.add(timer)
          continue
        }
        takeUpOf(subject, rule)
        calledMs = dueMs
        guarded(a, () => called(a, subject, dueMs, out))
        tell(out)
        calledMs = undefined
      }
    },
    timers: () => timers.size(),
  }
}

const isFirst = (a: Waiting, b: Waiting): boolean => (a.subject.id === b.subject.id ? a.rule < b.rule : a.subject.id < b.subject.id)

const NO_CAUSE: Cause = { whose: { key: '', deviceId: '' }, late: false }
const notWoken = (_: unknown, state: unknown): Step<unknown> => ({ state, findings: [] })

/** An entry that is now too early asks again when it is taken; one that is too late is what must be mended. */
const isSame = (before: Active | undefined, after: Active): boolean =>
  before !== undefined &&
  before.rule.kind === after.rule.kind &&
  JSON.stringify(before.rule.parameters) === JSON.stringify(after.rule.parameters)

const keyOf = (id: string, ruleId: string): string => {
  const prefix = groupId(ruleId, '')
  return id.startsWith(prefix) ? id.slice(prefix.length) : id
}
