// The dispatch plan: every number and list by which resources are judged and ranked, orders pass on and deadlines run. It is one YAML file,
// read once at the start and refused whole when one value is wrong; dispatch/plan.yaml is the one that ships.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { parse } from 'yaml'
import { ALARM_KINDS, type AlarmKind, type Severity } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { ESCALATION_LEVELS, type EscalationLevel, type IncidentCategory, type IncidentState } from '#contracts/incident.ts'
import { POSTURES, type PostureMode } from '#contracts/posture.ts'
import { CAPABILITIES, RESOURCE_KINDS, TRAVEL_MODES, type Capability, type ResourceKind, type TravelMode } from '#contracts/resource.ts'

/** From the order to the scene: turnOutS + baseS + metres / speedMps, times lowFactor and highFactor for the 90 % interval. */
export type TravelFigures = {
  turnOutS: number
  /** parts of a way that do not grow with its length: lifts, gates, finding the door */
  baseS: number
  /** along the straight line, detours included */
  speedMps: number
  lowFactor: number
  highFactor: number
  /** further away than this it is not sent by itself */
  reachM: number
}

/** Seconds for level I to IV; null = none. */
export type ByLevel = readonly [number | null, number | null, number | null, number | null]
export type StateDeadlines = Partial<Record<IncidentState, ByLevel>>

export type DispatchPlan = {
  readiness: { silentAfterS: number; checkInValidS: number; droneBatteryMinPct: number }
  travel: Record<TravelMode, TravelFigures>
  offers: { answerS: number }
  /** what a lack costs, and what its own area is worth, in seconds of the likely ETA */
  ranking: { degradedS: number; lackingS: number; ownAreaS: number; coverageWeight: number; coverageS: number }
  needs: Partial<Record<AlarmKind, Capability[]>>
  capabilities: Record<ResourceKind, Capability[]>
  modes: Record<ResourceKind, TravelMode>
  deadlines: Record<PostureMode, Record<IncidentCategory, StateDeadlines>>
  startsAt: Record<PostureMode, readonly [EscalationLevel, EscalationLevel, EscalationLevel, EscalationLevel]>
  /** rule id -> parameters that are others in an emergency */
  emergencyRules: Record<string, Record<string, unknown>>
}

const seconds = (minimum: number, maximum: number) => ({ type: 'number', minimum, maximum })
const strict = (properties: Record<string, object>, required = Object.keys(properties)) => ({
  type: 'object',
  additionalProperties: false,
  properties,
  required,
})
const each = (names: readonly string[], schema: object, o: { required: boolean }) =>
  strict(Object.fromEntries(names.map(name => [name, schema])), o.required ? [...names] : [])

const FIGURES = strict({
  turnOutS: seconds(0, 3600),
  baseS: seconds(0, 3600),
  speedMps: { type: 'number', minimum: 0.1, maximum: 100 },
  lowFactor: { type: 'number', exclusiveMinimum: 0, maximum: 1 },
  highFactor: { type: 'number', minimum: 1, maximum: 20 },
  reachM: { type: 'number', minimum: 1, maximum: 500_000 },
})
const SOME_CAPABILITIES = { type: 'array', items: { enum: CAPABILITIES }, minItems: 1, uniqueItems: true }
const TIMED: readonly IncidentState[] = ['new', 'acknowledged', 'dispatched', 'accepted', 'en-route', 'on-scene', 'controlled']
const BY_LEVEL = { type: 'array', minItems: 4, maxItems: 4, items: { type: ['number', 'null'], minimum: 1, maximum: 30 * 86_400 } }

/** What stands in the plan many times is one function each, made once: written out, half of the time of a start's checks went into it. */
const definitions = { figures: FIGURES, capabilities: SOME_CAPABILITIES, byLevel: BY_LEVEL }
const shared = (name: keyof typeof definitions): object => ({ $ref: `#/definitions/${name}` })
const figures = shared('figures')
const capabilities = shared('capabilities')
const states = each(TIMED, shared('byLevel'), { required: false })

const plan = strict({
  readiness: strict({
    silentAfterS: seconds(10, 7 * 86_400),
    checkInValidS: seconds(60, 7 * 86_400),
    droneBatteryMinPct: { type: 'number', minimum: 0, maximum: 100 },
  }),
  travel: each(TRAVEL_MODES, figures, { required: true }),
  offers: strict({ answerS: seconds(5, 3600) }),
  ranking: strict({
    degradedS: seconds(0, 3600),
    lackingS: seconds(0, 3600),
    ownAreaS: seconds(0, 3600),
    coverageWeight: { type: 'number', minimum: 0, maximum: 1 },
    coverageS: seconds(0, 3600),
  }),
  needs: each(ALARM_KINDS, capabilities, { required: false }),
  capabilities: each(RESOURCE_KINDS, capabilities, { required: true }),
  modes: each(RESOURCE_KINDS, { enum: TRAVEL_MODES }, { required: true }),
  deadlines: each(POSTURES, strict({ fire: states, technical: states }), { required: true }),
  startsAt: each(POSTURES, { type: 'array', minItems: 4, maxItems: 4, items: { enum: ESCALATION_LEVELS } }, { required: true }),
  emergencyRules: { type: 'object', additionalProperties: { type: 'object' } },
})

export const PLAN_SCHEMA = { ...plan, definitions }

// that it is a good JSON schema is held by a test, not looked at again at each start; one run does not pay for making it run fast
const ONCE = { meta: false, validateSchema: false, inlineRefs: false, code: { optimize: false } }
const validate = new Ajv({ allErrors: true, allowUnionTypes: true, ...ONCE }).compile(PLAN_SCHEMA)

/** @throws FengsuiError setting-invalid: each wrong value with its place in the file */
export const parsePlan = (text: string, where: string): DispatchPlan => {
  let plan: unknown
  try {
    plan = parse(text)
  } catch (cause) {
    throw new FengsuiError('setting-invalid', `${where}: ${(cause as Error).message.split('\n', 1)[0]}`, { cause })
  }
  if (validate(plan)) return plan as DispatchPlan
  const wrong = (validate.errors ?? []).map(e => {
    const extra = e.keyword === 'additionalProperties' ? ` (${String(e.params['additionalProperty'])})` : ''
    return `${e.instancePath || '/'} ${e.message ?? 'is not valid'}${extra}`
  })
  throw new FengsuiError('setting-invalid', `${where}: ${wrong.slice(0, 10).join('; ')}`)
}

const textOf = (file: string): string => {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw new FengsuiError('setting-invalid', `the dispatch plan ${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
}

export const SHIPPED_PLAN = join(import.meta.dirname, 'plan.yaml')
const shipped = textOf(SHIPPED_PLAN)
export const DEFAULT_PLAN: DispatchPlan = parsePlan(shipped, `the dispatch plan ${SHIPPED_PLAN}`)

/** Most sites use the one that ships, which is understood already. @throws FengsuiError setting-invalid */
export const readPlan = (file: string): DispatchPlan => {
  const text = textOf(file)
  return text === shipped ? DEFAULT_PLAN : parsePlan(text, `the dispatch plan ${file}`)
}

/** What an incident of this kind asks for; what is not listed needs somebody to look at it. */
export const needsOf = (plan: DispatchPlan, kind: AlarmKind): Capability[] => plan.needs[kind] ?? ['inspect']

/** How long an incident may stay in this state; null = as long as it takes. */
export const allowedS = (
  plan: DispatchPlan,
  o: { mode: PostureMode; category: IncidentCategory; state: IncidentState; severity: Severity },
): number | null => plan.deadlines[o.mode][o.category][o.state]?.[o.severity - 1] ?? null
