// The fold: readings in, alarm signals out, in event time. It reads no clock and does no I/O; the same readings always make the same
// alarms, and the state it hands out makes a restarted fold go on exactly where the old one stood. Time passes as the journal says:
// what rules asked to be called for is called, in order, before the message that passed it is looked at.
import type { AlarmSignal } from '#contracts/alarm.ts'
import type { DeviceKind, Place, Position, Reading } from '#contracts/reading.ts'
import { DEFAULT_TIME_ZONE } from '#contracts/zone.ts'
import { activeRules, type Active, type Disabled } from './active.ts'
import { goesOn, timed } from './device-clock.ts'
import { msOf } from '#contracts/instant.ts'
import { createJudge } from './judge.ts'
import type { AnyKind, Observation } from './kind.ts'
import { KINDS } from './kinds/index.ts'
import { listenedMs, moveOn, type Listening } from './listening.ts'
import type { Frozen, StateRows } from '#contracts/state-rows.ts'
import { createMemory, type Row, type Subject } from './memory.ts'
import { admitted, HEARD_ONLY } from './admission.ts'
import { laidOut, takeUp } from './rest.ts'
import { createShapes } from './shapes.ts'
import { inScope, type RuleSet } from './schema.ts'
import { REMOVED } from './kinds/gone-quiet.ts'
import { whoseIs } from './whose.ts'

/** A device that people registered; it may never have been heard. */
export type Expected = { deviceId: string; kind: DeviceKind; place?: Place; position?: Position; expectNextS?: number }

export type Fold = {
  /** `receivedMs`: its time of arrival, where whoever asks has it as a number */
  apply(r: Reading, seq: number, receivedMs?: number): AlarmSignal[]
  /** the journal's time is now `toMs`; `isClock`: the message that says so is the edge's clock, written even when all are silent */
  advance(toMs: number, o?: { seq?: number; isClock?: boolean }): AlarmSignal[]
  /** from now on these are waited for; one that is known already is not changed. Registrations are not in the journal */
  expect(devices: Iterable<Expected>): AlarmSignal[]
  /** it was taken off the register: nobody waits for it any more */
  forget(deviceId: string): AlarmSignal[]
  /** the rows changed since the last call as they are now, or all, however late they are taken */
  freeze(isFull?: boolean): Frozen
  /** all of them at once */
  dirty(): StateRows
  readonly ruleSet: RuleSet
  /** another set judges from the next reading on; rules whose id and kind are unchanged keep what they remember */
  use(ruleSet: RuleSet): void
  /** rules that threw: their state is kept, they judge no more until another set takes over */
  disabled(): readonly Disabled[]
  /** `forgotten`: subjects let go at the bound since the start */
  size(): { subjects: number; timers: number; forgotten: number }
}

const LISTENING_ROW = '#listening'
const DISABLED_ROW = '#disabled'

type Options = {
  ruleSet: RuleSet
  rows?: Iterable<[string, string]>
  devicesMax?: number
  /** the district's local time; an IANA name */
  timeZone?: string
  /** tests bring kinds of their own */
  kinds?: readonly AnyKind[]
}

export function createFold(o: Options): Fold {
  const { kinds = KINDS, timeZone = DEFAULT_TIME_ZONE } = o
  let ruleSet = o.ruleSet
  const memory = createMemory(kindsOf(ruleSet), o.rows, o.devicesMax)
  const listening = listeningFrom(memory.own(LISTENING_ROW))
  let listeningSaved = listeningRow(listening)
  let disabled = disabledFrom(memory.own(DISABLED_ROW), ruleSet)
  const judge = createJudge({ memory, listening, broken: disable })
  let active: readonly Active[] = []
  let shapes = createShapes(active)
  /** announced before the journal said what time it is */
  let awaited: readonly Expected[] = []
  inForce(activeRules(ruleSet, kinds, timeZone))

  function inForce(rules: readonly Active[]): void {
    active = rules.filter(({ rule }) => !disabled.some(d => d.rule === rule.id))
    shapes = createShapes(active)
    judge.use(active)
  }

  /** A rule that breaks on one reading may break on all: it is put aside, named, and the others go on. */
  function disable(a: Active, error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    disabled = [...disabled, { rule: a.rule.id, reason: reason.slice(0, 500), sinceSeq: listening.seq }]
    memory.setOwn(DISABLED_ROW, JSON.stringify({ set: ruleSet.version, disabled }))
    inForce(active)
  }

  function pass(toMs: number, seq: number, isClock: boolean, out: AlarmSignal[]): void {
    moveOn(listening, toMs, seq, isClock)
    judge.callDue(out)
    if (awaited.length > 0) announce(out)
  }

  function announce(out: AlarmSignal[]): void {
    const devices = awaited
    awaited = []
    for (const device of devices) judged(announcement(device, listening.nowMs), listening.nowMs, listening.seq, out)
  }

  function judged(reading: Reading, receivedMs: number, seq: number, out: AlarmSignal[]): void {
    const bits = admitted(reading)
    if (bits === 0) return
    let device: Subject | undefined
    let observation: Observation | undefined
    const { rules, form } = shapes.of(reading)
    for (const a of rules) {
      if ((bits & a.admits) === 0 || (a.asks && !wants(a, reading))) continue
      if (!a.everywhere && !inScope(a.rule.scope, reading.kind, reading.place)) continue
      if (device === undefined) {
        device = memory.get(reading.deviceId)
        if (device.form !== form || device.numbers.length < form.size) laidOut(device, form)
      }
      observation ??= observed(device.row, reading, receivedMs, seq, bits, listenedMs(listening))
      const whose = a.keeping === 'device' ? undefined : whoseIs(a.keeping, reading)
      judge.reading(a, device, whose, observation, out)
    }
    if (device !== undefined) memory.touch(device, seq)
    judge.tell(out)
  }

  function wants(a: Active, reading: Reading): boolean {
    try {
      return a.kind.wants(a.parameters, reading)
    } catch (error) {
      disable(a, error)
      return false
    }
  }

  function freeze(isFull = false): Frozen {
    const row = listeningRow(listening)
    if (row !== listeningSaved) memory.setOwn(LISTENING_ROW, (listeningSaved = row))
    return memory.freeze(isFull)
  }

  return {
    get ruleSet() {
      return ruleSet
    },
    use(next) {
      // throws before anything is changed
      const rules = activeRules(next, kinds, timeZone)
      ruleSet = next
      if (disabled.length > 0) memory.setOwn(DISABLED_ROW, JSON.stringify({ set: next.version, disabled: [] }))
      disabled = []
      memory.use(kindsOf(next))
      inForce(rules)
    },
    apply(reading, seq, receivedMs = msOf(reading.receivedAt)) {
      const out: AlarmSignal[] = []
      pass(receivedMs, seq, false, out)
      judged(reading, receivedMs, seq, out)
      return out
    },
    advance(toMs, { seq = listening.seq, isClock = false } = {}) {
      const out: AlarmSignal[] = []
      pass(toMs, seq, isClock, out)
      return out
    },
    expect(devices) {
      const out: AlarmSignal[] = []
      awaited = [...awaited, ...devices]
      if (listening.nowMs > 0) announce(out)
      return out
    },
    forget(deviceId) {
      const out: AlarmSignal[] = []
      awaited = awaited.filter(device => device.deviceId !== deviceId)
      const known = announcement({ deviceId, kind: 'other' }, listening.nowMs)
      const reading = { ...known, state: { [REMOVED]: true } }
      const device = memory.get(deviceId)
      if (!device.alive) return out
      takeUp(device)
      const observation = observed(device.row, reading, listening.nowMs, listening.seq, HEARD_ONLY, listenedMs(listening))
      // whatever kind of device it was
      for (const a of active)
        if (a.admits === HEARD_ONLY && device.row.states[a.rule.id] !== undefined) judge.reading(a, device, undefined, observation, out)
      memory.touch(device, listening.seq)
      return out
    },
    freeze,
    dirty: () => freeze().take(Infinity),
    disabled: () => disabled,
    size: () => ({ subjects: memory.size(), timers: judge.timers(), forgotten: memory.forgotten() }),
  }
}

const kindsOf = ({ rules }: RuleSet): Record<string, string> => Object.fromEntries(rules.map(rule => [rule.id, rule.kind]))

const listeningRow = ({ nowMs, deafMs, clocked, seq }: Listening): string => JSON.stringify([nowMs, deafMs, Number(clocked), seq])

function listeningFrom(json: string | undefined): Listening {
  if (json === undefined) return { nowMs: 0, deafMs: 0, clocked: false, seq: 0 }
  const [nowMs, deafMs, clocked, seq] = JSON.parse(json) as [number, number, number, number]
  return { nowMs, deafMs, clocked: clocked === 1, seq }
}

/** Another set is a new try. */
function disabledFrom(json: string | undefined, ruleSet: RuleSet): readonly Disabled[] {
  if (json === undefined) return []
  const row = JSON.parse(json) as { set: string; disabled: Disabled[] }
  return row.set === ruleSet.version ? row.disabled : []
}

function observed(row: Row, reading: Reading, receivedMs: number, seq: number, bits: number, listened: number): Observation {
  const tMs = msOf(reading.ts)
  // stored and retained readings are of another time: the clock of now knows nothing of them
  if (bits === HEARD_ONLY) return { reading, seq, tMs, receivedMs, listenedMs: listened, late: true }
  const { clocks } = row
  const isServers = reading.tsSource === 'server'
  const known = isServers ? clocks.server : clocks.measured
  if (goesOn(known, tMs)) return { reading, seq, tMs, receivedMs, listenedMs: listened, late: false }
  const { clock, late } = timed(known, tMs)
  clocks[isServers ? 'server' : 'measured'] = clock
  return { reading, seq, tMs, receivedMs, listenedMs: listened, late }
}

/** As if the device had described itself and the broker had retained it. */
function announcement({ deviceId, kind, place, position, expectNextS }: Expected, nowMs: number): Reading {
  const at = new Date(nowMs).toISOString()
  return {
    deviceId,
    kind,
    ts: at,
    tsSource: 'server',
    receivedAt: at,
    ...(place !== undefined && { place }),
    ...(position !== undefined && { position }),
    metrics: {},
    alarms: {},
    about: { ...(expectNextS !== undefined && { expectNextS }) },
    flags: { retained: true },
    source: { family: 'registry' },
  }
}
