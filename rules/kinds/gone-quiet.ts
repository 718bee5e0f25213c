// Devices that promised to be heard and are not: silent for longer than they said or used to be, or never heard at all. One alarm a
// gateway or building, naming how many: an outage of five hundred detectors is one thing to repair. Technical, never a fire, and it
// judges arrival in listening time only, so that neither a lying clock nor our own absence makes a device silent.
import type { Evidence } from '#contracts/alarm.ts'
import { DEVICE_KINDS, type DeviceKind, type Place, type Reading } from '#contracts/reading.ts'
import { defineKind, nothing, type Finding, type Moment, type Observation, type Rest, type Step, type Tale, type Whose } from '../kind.ts'
import { whoseIs } from '../whose.ts'

export type GoneQuietParameters = {
  /** expected interval where a device neither says nor shows one */
  expectS: number
  /** the same for single kinds of device */
  expectByKindS?: Partial<Record<DeviceKind, number>>
  /** silent for this many intervals = quiet */
  intervals: number
  /** no silence shorter than this counts, however often a device speaks */
  leastS: number
  /** after the first silence of a group others are awaited so long, to tell one device from an outage */
  settleS: number
  /** from this part of a group on (and at least 3 devices) the outage has `massSeverity` */
  massPart: number
  massSeverity: 1 | 2 | 3 | 4
}

/** Intervals are learnt from this many arrivals, if the longest of them is not too far from their mean. */
const LEARN_READINGS = 20
const REGULAR = 3
/** In the state of a reading that stands for a device taken off the register. */
export const REMOVED = '#removed'
const MASS_DEVICES = 3
const NAMED_MAX = 20

/**
 * `l` last heard, `w` silence allowed from then on (both listening time), `n`/`m`/`x` count, mean and longest of intervals so far,
 * `q` = told as quiet, `never` = known and never heard, `asleep` = said to be offline: somebody else's alarm.
 */
type DeviceState = { l: number; w: number; n: number; m: number; x: number; via?: string; p?: Place; q?: 1; never?: 1; off?: 1 }
/** `quiet`: since when, the first NAMED_MAX by name; `due`: when to raise. */
type GroupState = { group: { known: number; quiet: number }; names: Record<string, number>; due?: number; open?: 1; seq: number; p?: Place }

type State = DeviceState | GroupState

const isGroup = (state: State): state is GroupState => (state as GroupState).group !== undefined

/** `n`, `m`, `x`: count, mean and longest of its intervals so far */
function allowedMs(p: GoneQuietParameters, reading: Reading, n: number, m: number, x: number): number {
  return Math.max(p.leastS, expectedS(p, reading, n, m, x) * p.intervals) * 1000
}

function expectedS(p: GoneQuietParameters, reading: Reading, n: number, m: number, x: number): number {
  if (reading.about?.expectNextS !== undefined) return reading.about.expectNextS
  if (n >= LEARN_READINGS && x <= m * REGULAR) return x / 1000
  return p.expectByKindS?.[reading.kind] ?? p.expectS
}

const viaOf = (reading: Reading, before: DeviceState | undefined): string | undefined =>
  reading.source.gateway ?? reading.about?.via ?? (reading.kind === 'gateway' ? reading.deviceId : before?.via)

const sameGroup = (state: DeviceState, via: string | undefined, place: Place | undefined): boolean =>
  state.via === via && state.p?.building === place?.building && state.p?.grid === place?.grid && state.p?.area === place?.area

/** Whom the silence is told to: what it has in common with others. */
const groupOf = (deviceId: string, state: DeviceState): Whose =>
  state.via !== undefined
    ? { key: `via:${state.via}`, deviceId: state.via, ...(state.p !== undefined && { place: state.p }) }
    : whoseIs('building', { deviceId, place: state.p })

const tale = (what: string, deviceId: string, state: DeviceState, atMs: number): Tale => ({
  to: groupOf(deviceId, state),
  about: { key: deviceId, deviceId, ...(state.p !== undefined && { place: state.p }) },
  what,
  atMs,
  receivedMs: atMs,
})

const OPEN_ENDED = ['area', 'grid', 'building'] as const

/** As much of the place as a group is told by. */
function groupPlace(place: Place | undefined): Place | undefined {
  if (place === undefined) return undefined
  const part: Place = {}
  for (const level of OPEN_ENDED) if (place[level] !== undefined) part[level] = place[level]
  return part
}

/** Said to be gone by its gateway or its will: that is told elsewhere, its silence is no news. One that goes to sleep said when it is back. */
const isOff = (reading: Reading): boolean => reading.online === false && reading.state?.['statusReason'] !== 'sleep'

/** Only its connection speaks, which a broker watches and whose end it tells: what lies between is no silence. */
const isWatched = ({ online, about, metrics, alarms }: Reading, before: DeviceState | undefined): boolean =>
  online === true && about?.expectNextS === undefined && (before === undefined || before.off === 1) && !hasAny(metrics) && !hasAny(alarms)

function hasAny(object: object): boolean {
  for (const _ in object) return true
  return false
}

function step(p: GoneQuietParameters, before: State | undefined, o: Observation): Step<State> {
  if (before !== undefined && isGroup(before)) return nothing<State>(before)
  const { reading, listenedMs } = o
  const { deviceId } = reading
  if (reading.state?.[REMOVED] === true) return removed(deviceId, before, o)
  const via = viaOf(reading, before)
  const moves = before !== undefined && reading.place !== undefined && !sameGroup(before, via, reading.place)
  const place = before === undefined || moves ? groupPlace(reading.place) : before.p
  const state: DeviceState = reading.flags.retained === true ? onlyKnown(before, listenedMs) : heardNow(before, listenedMs)
  if (via !== undefined) state.via = via
  if (place !== undefined) state.p = place
  if (isOff(reading) || isWatched(reading, before)) state.off = 1
  state.w = allowedMs(p, reading, state.n, state.m, state.x)
  if (before !== undefined && !moves && before.q === state.q) return nothing<State>(state)
  const tales: Tale[] = []
  if (before?.q === 1 && (moves || state.q === undefined)) tales.push(tale('heard', deviceId, before, o.receivedMs))
  if (before !== undefined && moves) tales.push(tale('left', deviceId, before, o.receivedMs))
  if (before === undefined || moves) tales.push(tale('joined', deviceId, state, o.receivedMs))
  if (moves && state.q === 1) tales.push(tale('quiet', deviceId, state, o.receivedMs))
  return { state, findings: [], tales }
}

/** Heard once more, by the way and in the place known, which are kept: only its times move. l, w, n, m and x, in this order. */
const rest: Rest<GoneQuietParameters, State> = {
  size: () => 5,
  isKept: true,
  settle(_, state, n, at) {
    if (state === undefined || isGroup(state) || state.q === 1 || state.never === 1 || state.off === 1) return false
    n[at] = state.l
    n[at + 1] = state.w
    n[at + 2] = state.n
    n[at + 3] = state.m
    n[at + 4] = state.x
    return true
  },
  state(_, numbers, at, kept) {
    if (kept === undefined || isGroup(kept)) return kept
    const [l, w, n, m, x] = numbers.slice(at, at + 5) as [number, number, number, number, number]
    return { ...kept, l, w, n, m, x }
  },
  calm(p, n, at, { reading, listenedMs }, kept) {
    if (kept === undefined || isGroup(kept)) return false
    if (reading.flags.retained === true || isOff(reading) || reading.state?.[REMOVED] === true) return false
    const via = viaOf(reading, kept)
    if (via !== kept.via || (reading.place !== undefined && !sameGroup(kept, via, reading.place))) return false
    const ms = listenedMs - (n[at] as number)
    if (ms > 0) {
      const count = Math.min((n[at + 2] as number) + 1, 1_000)
      n[at + 2] = count
      n[at + 3] = meanWith(n[at + 3] as number, ms, count)
      n[at + 4] = longestWith(n[at + 4] as number, ms)
    }
    n[at] = listenedMs
    n[at + 1] = allowedMs(p, reading, n[at + 2] as number, n[at + 3] as number, n[at + 4] as number)
    return true
  },
  dueMs: (_, n, at) => (n[at] as number) + (n[at + 1] as number),
}

function removed(deviceId: string, before: DeviceState | undefined, o: Observation): Step<State> {
  if (before === undefined) return nothing<State>(undefined)
  const whats = before.q === 1 ? ['heard', 'left'] : ['left']
  return { state: undefined, findings: [], tales: whats.map(what => tale(what, deviceId, before, o.receivedMs)) }
}

/** What a broker kept about a device is not the device. */
const onlyKnown = (before: DeviceState | undefined, listenedMs: number): DeviceState =>
  before === undefined ? { l: listenedMs, w: 0, n: 0, m: 0, x: 0, never: 1 } : { ...before }

/** Means forget slowly, so that a device that was set to another interval is believed after some days of it. */
const meanWith = (mean: number, ms: number, n: number): number => Math.round(mean + (ms - mean) / Math.min(n, 50))
const longestWith = (longest: number, ms: number): number => Math.max(ms, Math.round(longest * 0.98))

function heardNow(before: DeviceState | undefined, listenedMs: number): DeviceState {
  if (before === undefined || before.never === 1) return { l: listenedMs, w: 0, n: 0, m: 0, x: 0 }
  const ms = listenedMs - before.l
  // several messages of one moment are one arrival, and a silence that was told is no interval
  if (ms <= 0 || before.q === 1) return { l: listenedMs, w: 0, n: before.n, m: before.m, x: before.x }
  const n = Math.min(before.n + 1, 1_000)
  return {
    l: listenedMs,
    w: 0,
    n,
    m: meanWith(before.m, ms, n),
    x: longestWith(before.x, ms),
  }
}

function deviceWoken(state: DeviceState, at: Moment): Step<State> {
  const { deviceId } = at.whose
  const quiet = tale(state.never === 1 ? 'never' : 'quiet', deviceId, state, at.arrivalMs - state.w)
  return { state: { ...state, q: 1 }, findings: [], tales: [quiet] }
}

function gathered(p: GoneQuietParameters, before: State | undefined, t: Tale, at: Moment): Step<State> {
  const known: GroupState = before !== undefined && isGroup(before) ? before : { group: { known: 0, quiet: 0 }, names: {}, seq: at.seq }
  const { group } = known
  const id = t.about.deviceId
  if (t.what === 'joined' || t.what === 'left') {
    const count = Math.max(0, group.known + (t.what === 'joined' ? 1 : -1))
    return nothing<State>({ ...known, group: { ...group, known: count } })
  }
  if (t.what === 'heard') return backAgain(p, known, t, at)
  const names = Object.keys(known.names).length < NAMED_MAX ? { ...known.names, [id]: t.atMs } : known.names
  const where = t.to.place ?? known.p
  const state: GroupState = { ...known, group: { ...group, quiet: group.quiet + 1 }, names, seq: at.seq, ...(where && { p: where }) }
  if (known.open === 1) return { state, findings: [finding(p, 'hold', state, t.to, at)] }
  return nothing<State>({ ...state, due: known.due ?? at.listenedMs + p.settleS * 1000 })
}

function backAgain(p: GoneQuietParameters, known: GroupState, t: Tale, at: Moment): Step<State> {
  const { [t.about.deviceId]: _, ...names } = known.names
  const quiet = Math.max(0, known.group.quiet - 1)
  const state: GroupState = { ...known, group: { ...known.group, quiet }, names: quiet === 0 ? {} : names }
  if (quiet > 0) return known.open === 1 ? { state, findings: [finding(p, 'hold', state, t.to, at)] } : nothing<State>(state)
  const { due: _due, open: _open, ...rest } = state
  if (known.open !== 1) return nothing<State>(rest)
  return { state: rest, findings: [{ type: 'clear', atMs: at.arrivalMs, evidence: [counted(state, t.to.deviceId, at)] }] }
}

function groupWoken(p: GoneQuietParameters, { due: _due, ...state }: GroupState, at: Moment): Step<State> {
  if (state.group.quiet === 0) return nothing<State>(state)
  const firstId = Object.keys(state.names)[0] ?? at.whose.deviceId
  const isVia = at.whose.key.startsWith('via:')
  const whose: Whose = { ...at.whose, ...(state.p && { place: state.p }), deviceId: isVia ? at.whose.key.slice('via:'.length) : firstId }
  return { state: { ...state, open: 1 }, findings: [finding(p, 'raise', state, whose, at)] }
}

function finding(p: GoneQuietParameters, type: 'raise' | 'hold', state: GroupState, whose: Whose, at: Moment): Finding {
  const { known, quiet } = state.group
  const isMass = quiet >= MASS_DEVICES && quiet >= known * p.massPart
  return { type, atMs: at.arrivalMs, evidence: [counted(state, whose.deviceId, at)], whose, ...(isMass && { severity: p.massSeverity }) }
}

function counted(state: GroupState, deviceId: string, at: Moment): Evidence {
  const when = new Date(at.arrivalMs).toISOString()
  const names = Object.entries(state.names).map(([id, sinceMs]) => `${id} since ${new Date(sinceMs).toISOString().slice(0, 19)}Z`)
  const more = state.group.quiet - names.length
  const note = `of ${Math.max(state.group.known, state.group.quiet)}: ${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  const value = state.group.quiet
  return { seq: at.seq, deviceId, ts: when, receivedAt: when, what: 'devices_quiet', value, threshold: 1, note }
}

const seconds = { type: 'number', minimum: 1, maximum: 31_536_000 } as const

export const goneQuiet = defineKind<GoneQuietParameters, State>({
  name: 'gone-quiet',
  admits: 'heard',
  parameters: {
    type: 'object',
    required: ['expectS', 'intervals', 'leastS', 'settleS', 'massPart', 'massSeverity'],
    additionalProperties: false,
    properties: {
      expectS: seconds,
      expectByKindS: {
        type: 'object',
        additionalProperties: false,
        properties: Object.fromEntries(DEVICE_KINDS.map(kind => [kind, seconds])),
      },
      intervals: { type: 'number', minimum: 1, maximum: 100 },
      leastS: seconds,
      settleS: seconds,
      massPart: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
      massSeverity: { enum: [1, 2, 3, 4] },
    },
  },
  stateBytesMax: 4_000,
  // another order of arrival is another silence
  shuffled: 'may-miss',
  byShape: true,
  wants: () => true,
  step,
  rest,
  dueMs: (_, state) => {
    if (isGroup(state)) return state.due
    return state.q === 1 || state.off === 1 ? undefined : state.l + state.w
  },
  woken: (p, state, at) => (isGroup(state) ? groupWoken(p, state, at) : deviceWoken(state, at)),
  gathered,
})
