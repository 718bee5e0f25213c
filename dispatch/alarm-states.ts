// The life of one alarm, after ISA-18.2 / IEC 62682, as one table: what is not in it cannot happen. Pure; docs/alarms.md shows
// the same table to the duty officers and a test holds the two together.
import { isHazard, type AlarmKind, type AlarmState } from '#contracts/alarm.ts'

export const ALARM_EVENTS = ['raise', 'clear', 'rise', 'acknowledge', 'shelve', 'unshelve', 'suppress', 'out-of-service', 'return'] as const
export type AlarmEvent = (typeof ALARM_EVENTS)[number]

/** What is remembered beside the state: while an alarm is shelved, suppressed or out of service its condition goes on. */
export type AlarmMemory = { state: AlarmState; active: boolean; acknowledged: boolean; latching: boolean }

/** active = the condition still stands; gone-owed = gone, latching, and nobody has acknowledged it; gone-done = gone and nothing owed. */
export const ALARM_CONDITIONS = ['always', 'active', 'gone-owed', 'gone-done'] as const
export type AlarmCondition = (typeof ALARM_CONDITIONS)[number]
export type AlarmTransition = { from: AlarmState; event: AlarmEvent; when: AlarmCondition; to: AlarmState }

const row = (from: AlarmState, event: AlarmEvent, to: AlarmState, when: AlarmCondition = 'always'): AlarmTransition => ({
  from,
  event,
  when,
  to,
})

/** An alarm that comes back from the shelf is looked at again by a person, even if it was acknowledged before. */
const comesBack = (from: AlarmState, event: AlarmEvent): AlarmTransition[] => [
  row(from, event, 'UNACK', 'active'),
  row(from, event, 'RTNUN', 'gone-owed'),
  row(from, event, 'NORM', 'gone-done'),
]

const setAside = (from: AlarmState): AlarmTransition[] => [
  row(from, 'shelve', 'SHLVD'),
  row(from, 'suppress', 'DSUPR'),
  row(from, 'out-of-service', 'OOSRV'),
]

export const ALARM_TRANSITIONS: readonly AlarmTransition[] = [
  row('NORM', 'raise', 'UNACK'),

  row('UNACK', 'acknowledge', 'ACKED'),
  row('UNACK', 'clear', 'RTNUN', 'gone-owed'),
  row('UNACK', 'clear', 'NORM', 'gone-done'),
  row('UNACK', 'rise', 'UNACK'),
  ...setAside('UNACK'),

  row('ACKED', 'clear', 'NORM'),
  row('ACKED', 'rise', 'UNACK'),
  ...setAside('ACKED'),

  row('RTNUN', 'acknowledge', 'NORM'),
  row('RTNUN', 'rise', 'RTNUN'),
  ...setAside('RTNUN'),

  ...comesBack('SHLVD', 'unshelve'),
  ...comesBack('SHLVD', 'rise'),
  row('SHLVD', 'clear', 'SHLVD'),
  row('SHLVD', 'out-of-service', 'OOSRV'),

  ...comesBack('DSUPR', 'return'),
  ...comesBack('DSUPR', 'rise'),
  row('DSUPR', 'clear', 'DSUPR'),
  row('DSUPR', 'out-of-service', 'OOSRV'),

  ...comesBack('OOSRV', 'return'),
  row('OOSRV', 'clear', 'OOSRV'),
  row('OOSRV', 'rise', 'OOSRV'),
]

const KEY = (from: AlarmState, event: AlarmEvent): string => `${from} ${event}`
const BY_EVENT = Map.groupBy(ALARM_TRANSITIONS, t => KEY(t.from, t.event))

const holds = (when: AlarmCondition, m: AlarmMemory): boolean => {
  const owed = m.latching && !m.acknowledged
  if (when === 'active') return m.active
  if (when === 'gone-owed') return !m.active && owed
  if (when === 'gone-done') return !m.active && !owed
  return true
}

const remember = (m: AlarmMemory, event: AlarmEvent): AlarmMemory => {
  if (event === 'raise') return { ...m, active: true, acknowledged: false }
  if (event === 'clear') return { ...m, active: false }
  if (event === 'acknowledge') return { ...m, acknowledged: true }
  if (event === 'rise') return { ...m, acknowledged: false }
  return m
}

/** The alarm after `event`, or null where the table has no such step. */
export const step = (before: AlarmMemory, event: AlarmEvent): AlarmMemory | null => {
  const m = remember(before, event)
  const taken = BY_EVENT.get(KEY(before.state, event))?.find(t => holds(t.when, m))
  if (taken === undefined) return null
  return { ...m, state: taken.to, acknowledged: taken.to === 'UNACK' ? false : m.acknowledged }
}

/** What the table knows for a state, whatever else is remembered of the alarm. */
export const allowedAlarmEvents = (from: AlarmState): AlarmEvent[] => [
  ...new Set(ALARM_TRANSITIONS.filter(t => t.from === from).map(t => t.event)),
]

export const isUnacknowledged = (state: AlarmState): boolean => state === 'UNACK' || state === 'RTNUN'
export const isSetAside = (state: AlarmState): boolean => state === 'SHLVD' || state === 'DSUPR' || state === 'OOSRV'

/** A hazard always latches, whatever its rule says: a short smoke peak is not lost. */
export const latches = (kind: AlarmKind, latching: boolean): boolean => latching || isHazard(kind)
