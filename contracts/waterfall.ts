// The way of an alarm as stages, from the sensor to the crew on scene: when each had it, and how long after the one before. The times of the
// known stages add up to the whole. What is not known is said, never guessed; a device whose clock runs ahead makes a negative time.
export const STAGES = [
  'sensor',
  'broker',
  'disk',
  'rule',
  'alarm',
  'incident',
  'notified',
  'heard',
  'acknowledged',
  'dispatched',
  'accepted',
  'enRoute',
  'onScene',
] as const
export type Stage = (typeof STAGES)[number]

/**
 * known: `at`, and `ms` since the known stage before it (0 for the first). unknown: it has not happened, or nobody knows when. earlier: the
 * incident had got so far before this alarm joined it; `at` says when, and it is no time of this alarm.
 */
export const STAGE_STATUSES = ['known', 'unknown', 'earlier'] as const
export type StageTime = { stage: Stage; status: (typeof STAGE_STATUSES)[number]; at?: string; ms?: number }

/** When each stage of the way had the alarm's first reading; RFC 3339, absent = did not happen (yet). */
export type Waterfall = {
  sensorAt?: string
  brokerAt?: string
  diskAt?: string
  ruleAt?: string
  alarmAt?: string
  incidentAt?: string
  shownAt?: string
  acknowledgedAt?: string
  /** first of its incident: told outside, heard by somebody there, ordered, accepted, under way, there; where one alarm is asked for */
  notifiedAt?: string
  heardAt?: string
  dispatchedAt?: string
  acceptedAt?: string
  enRouteAt?: string
  onSceneAt?: string
  /** every stage once, in order, and the sum of what is known; where one alarm or incident is asked for */
  stages?: StageTime[]
  totalMs?: number
}

/** Every stage once, in order. */
export const stagesOf = (w: Waterfall): StageTime[] => {
  const queuedMs = Date.parse(w.incidentAt ?? '')
  const ofIncident = STAGES.indexOf('incident')
  let before: number | undefined
  return STAGES.map((stage, i) => {
    const at = w[`${stage}At`]
    const ms = Date.parse(at ?? '')
    if (at === undefined || Number.isNaN(ms)) return { stage, status: 'unknown' }
    if (i > ofIncident && ms < queuedMs) return { stage, status: 'earlier', at }
    const since = before === undefined ? 0 : ms - before
    before = ms
    return { stage, status: 'known', at, ms: since }
  })
}

/** From the first known stage to the last; undefined where fewer than two are known. */
export const totalMsOf = (stages: readonly StageTime[]): number | undefined => {
  const known = stages.filter(s => s.status === 'known')
  return known.length < 2 ? undefined : known.reduce((sum, s) => sum + (s.ms ?? 0), 0)
}
