// What cameras and drones add to an alarm that is open: one that sees fire nearby makes it more believable, one that looks at the place
// and sees none makes it less so and stands beside it as counter-evidence. It never clears, never lowers a level, never holds an alarm
// back: "cannot see" is not "no fire", and smoke in a shaft shows on no camera.
import type { AlarmKind, Evidence, Severity } from '#contracts/alarm.ts'
import type { Detection, Position } from '#contracts/reading.ts'
import { evidenceOf } from '../evidence.ts'
import { defineKind, nothing, type AlarmNotice, type Finding, type Observation, type Step } from '../kind.ts'
import { whoseIs } from '../whose.ts'
import { KINDS_COUNTED } from './corroborate.ts'

export type ConfirmParameters = {
  /** how far an alarm of a kind is believed before anybody looked, 0..1 */
  prior: Partial<Record<AlarmKind, number>>
  /** classes that are a fire */
  detections: string[]
  /** least confidence of a detection; one without a stated confidence counts as this */
  confidenceMin: number
  /** no further than this from the alarm, metres; or in the same building */
  withinM: number
  /** from this belief on the alarm has `severity` */
  raiseAt: number
  severity: Severity
  /** what one look that sees nothing leaves of the belief, 0..1 */
  nothingSeen: number
  /** an alarm is looked at for this long after its newest word */
  windowS: number
}

/** Open alarms of the whole district that are looked at; at a new one the oldest goes, which comes back by a repeat where there is room. */
export const WATCHED_MAX = 200
const LOOKS_MAX = 8
/** An alarm's newest word is put down in steps of this part of the window: every repeat would cost a copy of what is watched. */
const WORD_STEP = 1 / 100
/** However often nobody sees anything, this much belief remains. */
const BELIEF_MIN = 0.05
const BELIEF_MAX = 0.99
const METRES_PER_DEGREE = 111_195

/** `b` belief; `d` its device; `p` position; `k` building; `looks`: who looked, and what it saw last: 1 fire, 0 nothing */
type Watched = { b: number; d: string; t: number; s: Severity; k?: string; p?: [lat: number, lon: number]; looks: Record<string, 0 | 1> }
type State = { open: Record<string, Watched> }

const building = (at: { deviceId: string; place?: Observation['reading']['place'] }): string | undefined => {
  const { key } = whoseIs('building', at)
  return key === at.deviceId ? undefined : key
}

function heard(p: ConfirmParameters, before: State | undefined, a: AlarmNotice): Step<State> {
  const open = before?.open ?? {}
  const known = open[a.alarmId]
  if (a.type === 'clear') {
    if (known === undefined) return nothing(before)
    const { [a.alarmId]: _, ...rest } = open
    return nothing<State>(Object.keys(rest).length > 0 ? { open: rest } : undefined)
  }
  if (known !== undefined) {
    if (a.atMs - known.t < p.windowS * 1000 * WORD_STEP) return nothing(before)
    return nothing<State>({ open: { ...open, [a.alarmId]: { ...known, t: a.atMs } } })
  }
  // repeats of two hundred and one would push each other out for ever, and what was seen with them
  if (a.type === 'hold' && Object.keys(open).length >= WATCHED_MAX) return nothing(before)
  const { position } = a.whose
  const k = building(a.whose)
  const watched: Watched = {
    b: p.prior[a.kind] ?? 0.5,
    d: a.whose.deviceId,
    t: a.atMs,
    s: a.severity,
    looks: {},
    ...(k !== undefined && { k }),
    ...(position !== undefined && { p: [position.lat, position.lon] as [number, number] }),
  }
  const all = { ...open, [a.alarmId]: watched }
  const ids = Object.keys(all)
  if (ids.length <= WATCHED_MAX) return nothing<State>({ open: all })
  const oldest = ids.reduce((x, y) => ((all[y]?.t ?? 0) < (all[x]?.t ?? 0) ? y : x))
  const { [oldest]: _, ...kept } = all
  return nothing<State>({ open: kept })
}

function metres([lat, lon]: [number, number], to: Position): number {
  return Math.hypot((to.lon - lon) * Math.cos((lat * Math.PI) / 180), to.lat - lat) * METRES_PER_DEGREE
}

/** The strongest detection of a fire that is at the place; one that says where it saw it is measured from there. */
function seenAt(p: ConfirmParameters, w: Watched, o: Observation): { isNear: boolean; best: Detection | undefined } {
  const { reading } = o
  const own = building(reading)
  const near = (position: Position | undefined): boolean =>
    position !== undefined && w.p !== undefined && metres(w.p, position) <= p.withinM
  const isNear = (own !== undefined && own === w.k) || near(reading.position)
  const seen = (reading.detections ?? []).filter(
    d =>
      p.detections.includes(d.class) &&
      (d.confidence ?? p.confidenceMin) >= p.confidenceMin &&
      (d.position === undefined || w.p === undefined ? isNear : near(d.position)),
  )
  const best = seen.reduce<Detection | undefined>(
    (a, d) => (a === undefined || (d.confidence ?? 0) > (a.confidence ?? 0) ? d : a),
    undefined,
  )
  return { isNear, best }
}

function step(p: ConfirmParameters, before: State | undefined, o: Observation): Step<State> {
  if (before === undefined || o.late) return nothing(before)
  const findings: Finding[] = []
  let open = before.open
  for (const [alarmId, w] of Object.entries(before.open)) {
    // nobody confirms itself
    if (w.d === o.reading.deviceId || Math.abs(o.tMs - w.t) > p.windowS * 1000) continue
    const { isNear, best } = seenAt(p, w, o)
    if (best === undefined && !isNear) continue
    const saw = best === undefined ? 0 : 1
    const { deviceId } = o.reading
    // each look counts once, until it sees something else
    if (w.looks[deviceId] === saw || (w.looks[deviceId] === undefined && Object.keys(w.looks).length >= LOOKS_MAX)) continue
    const b = believed(p, w.b, best)
    const rises = saw === 1 && b >= p.raiseAt && p.severity < w.s
    open = { ...open, [alarmId]: { ...w, b, s: rises ? p.severity : w.s, looks: { ...w.looks, [deviceId]: saw } } }
    findings.push(remark(alarmId, o, best, w.b, b, rises ? p.severity : undefined))
  }
  return findings.length === 0 ? nothing(before) : { state: { open }, findings }
}

function believed(p: ConfirmParameters, before: number, best: Detection | undefined): number {
  const after = best === undefined ? before * p.nothingSeen : 1 - (1 - before) * (1 - (best.confidence ?? p.confidenceMin))
  return Math.round(Math.min(BELIEF_MAX, Math.max(BELIEF_MIN, after)) * 100) / 100
}

function remark(alarmId: string, o: Observation, best: Detection | undefined, before: number, after: number, severity?: Severity): Finding {
  const change = `belief ${before} -> ${after}`
  const piece: Evidence =
    best === undefined
      ? evidenceOf(o, { what: 'detections', value: false, note: `looked and saw no fire; ${change}` })
      : evidenceOf(o, { what: `detections.${best.class}`, value: best.confidence ?? true, note: change })
  const [evidence, counterEvidence] = best === undefined ? [[], [piece]] : [[piece], []]
  return { type: 'remark', atMs: o.tMs, alarmId, evidence, counterEvidence, ...(severity !== undefined && { severity }) }
}

const part = { type: 'number', minimum: 0, maximum: 1 } as const

export const confirm = defineKind<ConfirmParameters, State>({
  name: 'confirm',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['prior', 'detections', 'confidenceMin', 'withinM', 'raiseAt', 'severity', 'nothingSeen', 'windowS'],
    additionalProperties: false,
    properties: {
      prior: KINDS_COUNTED,
      detections: { type: 'array', minItems: 1, maxItems: 8, uniqueItems: true, items: { type: 'string', maxLength: 32 } },
      confidenceMin: part,
      withinM: { type: 'number', minimum: 1, maximum: 2_000 },
      raiseAt: part,
      severity: { enum: [1, 2, 3, 4] },
      nothingSeen: part,
      windowS: { type: 'number', minimum: 1, maximum: 86_400 },
    },
  },
  stateBytesMax: 500 * WATCHED_MAX,
  shuffled: 'may-miss',
  keeps: () => 'rule',
  byShape: true,
  wants: (_, reading) => reading.detections !== undefined,
  step,
  hears: (p, kind) => p.prior[kind] !== undefined,
  heard,
})
