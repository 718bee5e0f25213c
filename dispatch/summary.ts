// What an incident is, as a pure function of its alarms: kind, level, confirmation, counts. It does not depend on the order in
// which alarms arrived, so a late alarm, a replay and a merge all come to the same picture.
import type { AlarmKind, Severity } from '#contracts/alarm.ts'
import type { AlarmLine } from './alarm-rows.ts'
import { isUnacknowledged } from './alarm-states.ts'
import { isTrigger } from './severities.ts'

/** Ids an incident lists: the first 250 and the newest 250; the counts count all. */
const IDS_LISTED = 500

export type Confirmation = { atMs: number; first: string; second: string }

export type Summary = {
  kind: AlarmKind
  severity: Severity
  openedMs: number
  lastMs: number
  confirmation: Confirmation | null
  alarmIds: string[]
  deviceIds: string[]
  activeAlarms: number
  unacknowledgedAlarms: number
  /** shelved or suppressed now */
  setAside: string[]
  /** nothing active, nothing owed, nothing set aside */
  allReturned: boolean
  /** the earliest alarm that knows a place, and the earliest that knows a position */
  placedBy: string | undefined
  positionedBy: string | undefined
  /** what to call it when no place is known */
  firstDevice: string | undefined
}

const bounded = (ids: string[]): string[] =>
  ids.length <= IDS_LISTED ? ids : [...ids.slice(0, IDS_LISTED / 2), ...ids.slice(-IDS_LISTED / 2)]

/** Who stands behind a trigger: the device, or the person or flow that raised it without one. The same source twice is one trigger. */
const sourceOf = (line: AlarmLine): string => line.deviceId ?? line.origin

/**
 * GB 50116-2013 4.1.6: two independent triggers. A device that is out of service or suppressed is not believed here.
 * Lines come in event-time order; the confirmation is at the event time of the second trigger.
 */
export const confirm = (lines: readonly AlarmLine[]): Confirmation | null => {
  const triggers = lines.filter(line => isTrigger(line.kind) && line.state !== 'OOSRV' && line.state !== 'DSUPR')
  const first = triggers[0]
  if (first === undefined) return null
  const second = triggers.find(line => sourceOf(line) !== sourceOf(first))
  return second === undefined ? null : { atMs: second.atMs, first: sourceOf(first), second: sourceOf(second) }
}

/** `lines` are all alarms of one incident in event-time order, at least one. */
export const summarise = (lines: readonly AlarmLine[]): Summary => {
  const earliest = lines[0]
  if (earliest === undefined) throw new RangeError('an incident without alarms has no summary')
  const gravest = lines.reduce((best, line) => (line.severity < best.severity ? line : best), earliest)
  const confirmation = confirm(lines)
  return {
    kind: gravest.kind,
    severity: confirmation === null ? gravest.severity : 1,
    openedMs: earliest.atMs,
    lastMs: lines.reduce((newest, line) => Math.max(newest, line.lastMs), earliest.lastMs),
    confirmation,
    alarmIds: bounded(lines.map(line => line.id)),
    deviceIds: bounded([...new Set(lines.flatMap(line => line.deviceId ?? []))]),
    activeAlarms: lines.filter(line => line.active).length,
    unacknowledgedAlarms: lines.filter(line => isUnacknowledged(line.state)).length,
    setAside: lines.filter(line => line.state === 'SHLVD' || line.state === 'DSUPR').map(line => line.id),
    allReturned: lines.every(line => line.state === 'NORM'),
    placedBy: lines.find(line => line.placed)?.id,
    positionedBy: lines.find(line => line.positioned)?.id,
    firstDevice: lines.find(line => line.deviceId !== null)?.deviceId ?? undefined,
  }
}
