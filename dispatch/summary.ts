// What an incident is, as a pure function of its alarms: kind, level, confirmation, counts. It does not depend on the order in
// which alarms arrived, so a late alarm, a replay and a merge all come to the same picture.
import type { AlarmKind, Severity } from '#contracts/alarm.ts'
import type { AlarmLine } from './alarm-lines.ts'
import { isUnacknowledged } from './alarm-states.ts'
import { isTrigger } from './severities.ts'
import type { Sign } from './signs.ts'

/** Ids an incident lists: the first 250 and the newest 250; the counts count all. */
const IDS_LISTED = 500

export type Confirmation = { atMs: number; first: string; second: string }

export type Summary = {
  kind: AlarmKind
  severity: Severity
  openedMs: number
  lastMs: number
  confirmation: Confirmation | null
  /** how many different kinds of sign speak for a fire */
  signs: number
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

const bounded = <T>(ids: readonly T[]): readonly T[] =>
  ids.length <= IDS_LISTED ? ids : [...ids.slice(0, IDS_LISTED / 2), ...ids.slice(-IDS_LISTED / 2)]

/** Who stands behind a trigger: the device, or the person or flow that raised it without one. The same source twice is one trigger. */
const sourceOf = (line: AlarmLine): string => line.deviceId ?? line.origin

const isBelieved = (line: AlarmLine): boolean => line.state !== 'OOSRV' && line.state !== 'DSUPR'

/**
 * GB 50116-2013 4.1.6: two independent triggers. A device that is out of service or suppressed is not believed here.
 * Lines come in event-time order; the confirmation is at the event time of the second trigger.
 */
export const confirm = (lines: readonly AlarmLine[]): Confirmation | null => {
  let first: AlarmLine | undefined
  for (const line of lines) {
    if (!isTrigger(line.kind) || !isBelieved(line)) continue
    first ??= line
    if (sourceOf(line) !== sourceOf(first)) return { atMs: line.atMs, first: sourceOf(first), second: sourceOf(line) }
  }
  return null
}

/** `lines` are all alarms of one incident in event-time order, at least one. */
export const summarise = (lines: readonly AlarmLine[]): Summary => {
  const earliest = lines[0]
  if (earliest === undefined) throw new RangeError('an incident without alarms has no summary')
  const s = counted(lines, earliest)
  const confirmation = confirm(lines)
  return { ...s, severity: confirmation === null ? s.severity : 1, confirmation }
}

/** One walk, since in a flood it is made for each alarm over all that came before it. */
const counted = (lines: readonly AlarmLine[], earliest: AlarmLine): Omit<Summary, 'confirmation'> => {
  let gravest = earliest
  let { lastMs } = earliest
  let [activeAlarms, unacknowledgedAlarms] = [0, 0]
  let allReturned = true
  const devices = new Set<string>()
  const signs = new Set<Sign>()
  const setAside: string[] = []
  for (const line of lines) {
    if (line.severity < gravest.severity) gravest = line
    if (line.lastMs > lastMs) lastMs = line.lastMs
    if (line.active) activeAlarms += 1
    if (isUnacknowledged(line.state)) unacknowledgedAlarms += 1
    if (line.state !== 'NORM') allReturned = false
    if (line.state === 'SHLVD' || line.state === 'DSUPR') setAside.push(line.id)
    if (line.deviceId !== null) devices.add(line.deviceId)
    if (line.sign !== null && isBelieved(line)) signs.add(line.sign)
  }
  return {
    kind: gravest.kind,
    severity: gravest.severity,
    openedMs: earliest.atMs,
    lastMs,
    signs: signs.size,
    alarmIds: bounded(lines).map(line => line.id),
    deviceIds: [...bounded([...devices])],
    activeAlarms,
    unacknowledgedAlarms,
    setAside,
    allReturned,
    placedBy: lines.find(line => line.placed)?.id,
    positionedBy: lines.find(line => line.positioned)?.id,
    firstDevice: lines.find(line => line.deviceId !== null)?.deviceId ?? undefined,
  }
}
