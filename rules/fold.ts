// The fold: readings in, alarm signals out, in event time. It reads no clock and does no I/O; the same readings always make the same
// alarms, and the state it hands out makes a restarted fold go on exactly where the old one stood.
import type { AlarmSignal, RuleRef } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { DeviceKind, Reading } from '#contracts/reading.ts'
import { timed } from './device-clock.ts'
import { ruleRefOf, told } from './episode.ts'
import type { Admits, AnyKind, Observation } from './kind.ts'
import { KINDS } from './kinds/index.ts'
import { createMemory, type DeviceMemory, type StateRows } from './memory.ts'
import { inScope, type Rule, type RuleSet } from './schema.ts'

export type Fold = {
  apply(r: Reading, seq: number): AlarmSignal[]
  dirty(): StateRows
  readonly ruleSet: RuleSet
  /** another set judges from the next reading on; rules whose id and kind are unchanged keep what they remember */
  use(ruleSet: RuleSet): void
}

type ActiveRule = { rule: Rule; ref: RuleRef; kind: AnyKind; everywhere: boolean }

/** Which kinds may see a reading; null = none: history and stale readings are stored, never judged. */
function admitted({ flags, alarms, online }: Reading): ReadonlySet<Admits> | null {
  if (flags.history === true || flags.stale === true) return null
  const test = flags.test === true || alarms.test === true
  if (flags.retained === true) return online === undefined || test ? null : PRESENCE
  return test ? TEST : LIVE
}
const LIVE: ReadonlySet<Admits> = new Set<Admits>(['live', 'test', 'presence'])
const TEST: ReadonlySet<Admits> = new Set<Admits>(['test'])
const PRESENCE: ReadonlySet<Admits> = new Set<Admits>(['presence'])

export function createFold(o: { ruleSet: RuleSet; rows?: Iterable<[string, string]>; devicesMax?: number }): Fold {
  let ruleSet = o.ruleSet
  let active = activeRules(ruleSet)
  const memory = createMemory(kindsOf(ruleSet), o.rows, o.devicesMax)
  const byDeviceKind = new Map<DeviceKind, ActiveRule[]>()

  const rulesFor = (kind: DeviceKind): ActiveRule[] => {
    const known = byDeviceKind.get(kind)
    if (known !== undefined) return known
    const rules = active.filter(({ rule: { scope } }) =>
      inScope({ ...(scope.kinds && { kinds: scope.kinds }), ...(scope.notKinds && { notKinds: scope.notKinds }) }, kind, undefined),
    )
    byDeviceKind.set(kind, rules)
    return rules
  }

  return {
    get ruleSet() {
      return ruleSet
    },
    use(next) {
      // throws before anything is changed
      active = activeRules(next)
      ruleSet = next
      byDeviceKind.clear()
      memory.use(kindsOf(next))
    },
    dirty: () => memory.dirty(),
    apply(reading, seq) {
      const admits = admitted(reading)
      if (admits === null) return []
      const wanting = rulesFor(reading.kind).filter(
        a =>
          admits.has(a.kind.admits) &&
          a.kind.wants(a.rule.parameters, reading) &&
          (a.everywhere || inScope(a.rule.scope, reading.kind, reading.place)),
      )
      if (wanting.length === 0) return []
      const device = memory.touch(reading.deviceId)
      const observation = observed(device, reading, seq)
      return wanting.flatMap(a => judged(a, device, observation))
    },
  }
}

const kindsOf = ({ rules }: RuleSet): Record<string, string> => Object.fromEntries(rules.map(rule => [rule.id, rule.kind]))
const activeRules = (set: RuleSet): ActiveRule[] => set.rules.map(rule => activeRule(rule, set))

function activeRule(rule: Rule, set: RuleSet): ActiveRule {
  const kind = KINDS.find(k => k.name === rule.kind)
  if (kind === undefined)
    throw new FengsuiError('rules-invalid', `rule ${rule.id}: no kind '${rule.kind}'; allowed: ${KINDS.map(k => k.name).join(', ')}`)
  const { areas, buildings, notBuildings } = rule.scope
  return { rule, ref: ruleRefOf(rule, set), kind, everywhere: areas === undefined && buildings === undefined && notBuildings === undefined }
}

function observed(device: DeviceMemory, reading: Reading, seq: number): Observation {
  const tMs = Date.parse(reading.ts)
  const whose = reading.tsSource === 'server' ? 'server' : 'measured'
  const { clock, late } = timed(device.clocks[whose], tMs)
  device.clocks[whose] = clock
  return { reading, seq, tMs, receivedMs: Date.parse(reading.receivedAt), late }
}

function judged({ rule, ref, kind }: ActiveRule, device: DeviceMemory, o: Observation): AlarmSignal[] {
  const { state, findings } = kind.step(rule.parameters, device.states[rule.id], o)
  if (state === undefined) delete device.states[rule.id]
  else device.states[rule.id] = state
  const signals: AlarmSignal[] = []
  for (const finding of findings) {
    const { episode, signal } = told(rule, ref, device.open[rule.id], o, finding)
    if (episode === undefined) delete device.open[rule.id]
    else device.open[rule.id] = episode
    if (signal !== undefined) signals.push(signal)
  }
  return signals
}
