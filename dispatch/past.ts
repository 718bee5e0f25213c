// The desk as it stood: every visible change of an incident and of its alarms, kept append-only beside the queue and written in the
// same transaction. So the picture of any past instant is what was true then, the same each time it is asked for.
import type { DatabaseSync } from 'node:sqlite'
import type { Alarm, Severity } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import type { QueueAlarm } from '#contracts/live.ts'

/** Incidents, and alarms of them, in one picture; the gravest and newest are kept where there were more. */
const INCIDENTS_MAX = 2000
const ALARMS_MAX = 5000
const IDS_LISTED = 500

export type PastDesk = {
  /** from when on changes are kept; absent = none yet */
  since?: string
  incidents: Incident[]
  alarms: QueueAlarm[]
}
/** `counts` are the alarms of level I to IV that came into the queue in the `stepMs` from `t` on. */
export type StripBar = { t: number; counts: [number, number, number, number] }

/** What a version says; ids are read back from the alarms' own versions, so that a flood does not grow each of its versions. */
const bareIncident = (incident: Incident): string => JSON.stringify({ ...incident, alarmIds: [], deviceIds: [] })
const bareAlarm = ({ evidence: _evidence, counterEvidence: _counter, ...alarm }: Alarm): string => JSON.stringify(alarm)

/** A version is kept when one of these is not as in the one before: what an officer sees, not that more evidence came in. */
const markOfIncident = (i: Incident): string =>
  JSON.stringify([
    i.state,
    i.severity,
    i.kind,
    i.title.zh,
    i.confirmedAt,
    i.signs,
    i.acknowledgedAt,
    i.acknowledgedBy,
    i.closedAt,
    i.mergedInto,
    i.escalation,
    i.controlledAt,
    i.helpAskedAt,
    i.alarmIds.length,
    i.activeAlarms,
    i.unacknowledgedAlarms,
  ])
const markOfAlarm = (a: Alarm): string => JSON.stringify([a.state, a.severity, a.incidentId, a.acknowledgedAt, a.clearedAt])

type Version = { subject: 'incident' | 'alarm'; id: string; incidentId: string; mark: string; json: () => string }

export type PastRows = ReturnType<typeof pastRows>

export const pastRows = (db: DatabaseSync) => {
  // looked at and then written: in one statement SQLite would build a table aside for each row
  const newest = db.prepare('SELECT mark FROM desk_versions WHERE incident_id = ? AND subject_id = ? ORDER BY seq DESC LIMIT 1')
  const keep = db.prepare('INSERT INTO desk_versions (at_ms, subject, subject_id, incident_id, mark, json) VALUES (?, ?, ?, ?, ?, ?)')
  const first = db.prepare('SELECT min(at_ms) AS at_ms FROM desk_versions')
  // one that was closed before the instant cannot have stood in it, unless it was opened again since
  const standing = db.prepare(
    'SELECT id FROM incidents WHERE queued_ms <= :at_ms AND (open = 1 OR closed_ms IS NULL OR closed_ms > :at_ms)',
  )
  const incidentAt = db.prepare(
    `SELECT json FROM desk_versions WHERE incident_id = ?1 AND subject_id = ?1 AND at_ms <= ?2 ORDER BY seq DESC LIMIT 1`,
  )
  const alarmsAt = db.prepare(
    `SELECT json FROM desk_versions WHERE seq IN
       (SELECT max(seq) FROM desk_versions WHERE incident_id = ?1 AND subject_id <> ?1 AND at_ms <= ?2 GROUP BY subject_id)`,
  )
  // cast: a JS number is bound as a real one
  const bars = db.prepare(
    `SELECT CAST((queued_ms - :from) / :step AS INTEGER) AS bar, severity, count(*) AS n FROM alarms WHERE queued_ms >= :from AND queued_ms < :to
     GROUP BY bar, severity`,
  )
  const put = (atMs: number, { subject, id, incidentId, mark, json }: Version): void => {
    if (newest.get(incidentId, id)?.['mark'] === mark) return
    keep.run(atMs, subject, id, incidentId, mark, json())
  }

  const alarmsOf = (incidentId: string, atMs: number): QueueAlarm[] =>
    (alarmsAt.all(incidentId, atMs) as { json: string }[])
      .map(row => JSON.parse(row.json) as QueueAlarm)
      .toSorted((a, b) => (a.raisedAt < b.raisedAt ? -1 : Number(a.raisedAt > b.raisedAt)) || (a.id < b.id ? -1 : 1))

  const deskAt = (atMs: number): PastDesk => {
    const sinceMs = first.get()?.['at_ms'] as number | null
    const incidents: Incident[] = []
    const alarms: QueueAlarm[] = []
    for (const row of standing.all({ at_ms: atMs })) {
      const version = incidentAt.get(row['id'] as string, atMs) as { json: string } | undefined
      const incident = version === undefined ? undefined : (JSON.parse(version.json) as Incident)
      if (incident !== undefined && incident.state !== 'closed' && incident.state !== 'merged') incidents.push(incident)
    }
    const shown = incidents.toSorted(gravestThenNewest).slice(0, INCIDENTS_MAX)
    for (const incident of shown) {
      const own = alarmsOf(incident.id, atMs)
      incident.alarmIds = own.slice(0, IDS_LISTED).map(alarm => alarm.id)
      incident.deviceIds = [...new Set(own.flatMap(alarm => alarm.deviceId ?? []))].slice(0, IDS_LISTED)
      if (alarms.length < ALARMS_MAX) alarms.push(...own.slice(0, ALARMS_MAX - alarms.length))
    }
    return { ...(sinceMs === null ? {} : { since: new Date(sinceMs).toISOString() }), incidents: shown, alarms }
  }

  return {
    /** Inside the caller's transaction. */
    keepIncident: (incident: Incident, atMs: number): void =>
      put(atMs, {
        subject: 'incident',
        id: incident.id,
        incidentId: incident.id,
        mark: markOfIncident(incident),
        json: () => bareIncident(incident),
      }),
    keepAlarm: (alarm: Alarm, atMs: number): void =>
      put(atMs, { subject: 'alarm', id: alarm.id, incidentId: alarm.incidentId, mark: markOfAlarm(alarm), json: () => bareAlarm(alarm) }),
    deskAt,
    strip(o: { fromMs: number; toMs: number; stepMs: number }): StripBar[] {
      const found = new Map<number, StripBar>()
      for (const row of bars.all({ from: o.fromMs, to: o.toMs, step: o.stepMs })) {
        const t = o.fromMs + (row['bar'] as number) * o.stepMs
        const bar = found.get(t) ?? { t, counts: [0, 0, 0, 0] }
        bar.counts[(row['severity'] as Severity) - 1] = row['n'] as number
        found.set(t, bar)
      }
      return [...found.values()].toSorted((a, b) => a.t - b.t)
    },
  }
}

const gravestThenNewest = (a: Incident, b: Incident): number => a.severity - b.severity || (a.queuedAt > b.queuedAt ? -1 : 1)
