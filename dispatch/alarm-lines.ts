// The lines of incidents that were touched lately, so that an incident of thousands of alarms is not read anew for each further one. It
// holds nothing that is not in the database: every write goes through it, a roll-back drops all of it, and a restart begins without.
import type { AlarmKind, AlarmState, Severity } from '#contracts/alarm.ts'
import type { Sign } from './signs.ts'

/** One alarm as the summary of its incident needs it. */
export type AlarmLine = {
  id: string
  kind: AlarmKind
  severity: Severity
  state: AlarmState
  active: boolean
  deviceId: string | null
  origin: string
  /** event time; an alarm never changes it */
  atMs: number
  lastMs: number
  placed: boolean
  positioned: boolean
  sign: Sign | null
}

/** About 10 MB. The incidents that were left alone longest make room; they are read again when they are touched. */
export const LINES_KEPT = 50_000

const before = (a: AlarmLine, b: AlarmLine): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.id < b.id)

/** Where the line stands in event-time order, or is to be put; nearly always at the end. */
const placeOf = (lines: readonly AlarmLine[], line: AlarmLine): number => {
  let low = 0
  let high = lines.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (before(lines[middle] as AlarmLine, line)) low = middle + 1
    else high = middle
  }
  return low
}

export type AlarmLines = ReturnType<typeof alarmLines>

export const alarmLines = (read: (incidentId: string) => AlarmLine[], kept = LINES_KEPT) => {
  const byIncident = new Map<string, AlarmLine[]>()
  let size = 0

  const forget = (incidentId: string): void => {
    size -= byIncident.get(incidentId)?.length ?? 0
    byIncident.delete(incidentId)
  }
  const makeRoom = (but: string): void => {
    for (const id of byIncident.keys()) {
      if (size <= kept) return
      if (id !== but) forget(id)
    }
  }

  return {
    /** In event-time order; not to be changed by who asks. */
    of(incidentId: string): readonly AlarmLine[] {
      const lines = byIncident.get(incidentId) ?? read(incidentId)
      forget(incidentId)
      byIncident.set(incidentId, lines)
      size += lines.length
      makeRoom(incidentId)
      return lines
    },
    /** The line as it was just written. */
    put(incidentId: string, line: AlarmLine): void {
      const lines = byIncident.get(incidentId)
      if (lines === undefined) return
      const at = placeOf(lines, line)
      if (lines[at]?.id === line.id) lines[at] = line
      else {
        lines.splice(at, 0, line)
        size += 1
      }
    },
    /** Its alarms went elsewhere. */
    forget,
    clear(): void {
      byIncident.clear()
      size = 0
    },
  }
}
