// What a run over one recording is worth: which labelled fires were found and when, what was raised where nothing burnt, and how often
// that was in quiet hours. Pure.
import { isHazard, type AlarmKind, type AlarmSignal, type Severity } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Place } from '#contracts/reading.ts'
import type { LabelledFire, Recording, Truth } from './recording.ts'

export type Raise = Extract<AlarmSignal, { type: 'raise' }>
/** What a run saw; times are of arrival. */
export type Happened = {
  messages: number
  readings: number
  fromMs: number
  toMs: number
  raises: Raise[]
  incidents: Incident[]
}

export type BacktestAlarm = {
  id: string
  kind: AlarmKind
  rule: string
  severity: Severity
  raisedAt: string
  place?: Place
  deviceIds: string[]
  late: boolean
}
export type BacktestIncident = { id: string; place?: Place; openedAt: string; confirmedAt?: string; alarmIds: string[] }
export type FalseAlarm = {
  alarmId: string
  kind: AlarmKind
  rule: string
  raisedAt: string
  place?: Place
  deviceIds: string[]
  cause: string
}

/** Seconds are from ignition; null = never. `againstFirstAlarmS` below zero = before the first real alarm in that fire sounded. */
export type FireScore = {
  building: string
  what: string
  ignitedAt: string
  detectedAfterS: number | null
  againstFirstAlarmS: number | null
  confirmedAfterS: number | null
  /** incidents made of it; one is right */
  incidents: number
  rule: string | null
}

export type RecordingScore = {
  name: string
  messages: number
  readings: number
  from: string | null
  to: string | null
  fires: FireScore[]
  /** of category fire; alarms of devices that need repair make none here */
  incidents: BacktestIncident[]
  alarms: BacktestAlarm[]
  alarmsByRule: Record<string, number>
  sensorFaults: { deviceId: string; at: string; what: string }[]
  /** labelled fires with no incident at their building */
  missed: LabelledFire[]
  /** hazard alarms at a place and time where no fire is labelled; empty where the recording has no truth file */
  falseAlarms: FalseAlarm[]
  /** the time before the first labelled fire, or all of it; null where the recording has no truth file */
  quiet: { hours: number; falseAlarms: number; perHour: number; byRule: Record<string, number> } | null
}

const MS_PER_H = 3_600_000

export function scoreOf({ name, truth }: Pick<Recording, 'name' | 'truth'>, happened: Happened): RecordingScore {
  const { messages, readings, raises } = happened
  const fires = happened.incidents
    .filter(i => i.category === 'fire' && i.state !== 'merged')
    .sort((a, b) => (a.openedAt < b.openedAt ? -1 : 1))
  const falseOnes = truth === undefined ? [] : raises.filter(raise => isFalse(raise, truth))
  return {
    name,
    messages,
    readings,
    from: messages === 0 ? null : new Date(happened.fromMs).toISOString(),
    to: messages === 0 ? null : new Date(happened.toMs).toISOString(),
    fires: truth?.fires.map(fire => fireScore(fire, truth, fires, raises)) ?? [],
    incidents: fires.map(incidentOf),
    alarms: raises.map(alarmOf),
    alarmsByRule: counted(raises),
    sensorFaults: raises
      .filter(r => r.kind === 'sensor-fault')
      .map(r => ({ deviceId: r.deviceId, at: r.at, what: r.evidence[0]?.note ?? r.text.en })),
    missed: truth?.fires.filter(fire => !fires.some(incident => isOf(fire, truth, incident.place, incident.openedAt))) ?? [],
    falseAlarms: falseOnes.map(falseAlarmOf),
    quiet: truth === undefined || messages === 0 ? null : quietOf(happened, truth, falseOnes),
  }
}

/** Of several fires of one building the one lit last before it: what the second made does not find the first. */
function fireOf({ fires }: Truth, place: Place | undefined, at: string): LabelledFire | undefined {
  const lit = fires.filter(fire => place?.building === fire.building && Date.parse(at) >= Date.parse(fire.ignitedAt))
  return lit.reduce<LabelledFire | undefined>(
    (last, fire) => (last === undefined || Date.parse(fire.ignitedAt) >= Date.parse(last.ignitedAt) ? fire : last),
    undefined,
  )
}

const isOf = (fire: LabelledFire, truth: Truth, place: Place | undefined, at: string): boolean => fireOf(truth, place, at) === fire

const isFalse = (r: Raise, truth: Truth): boolean => isHazard(r.kind) && fireOf(truth, r.place, r.at) === undefined

function fireScore(fire: LabelledFire, truth: Truth, incidents: Incident[], raises: Raise[]): FireScore {
  const its = incidents.filter(incident => isOf(fire, truth, incident.place, incident.openedAt))
  const [found] = its
  const secondsFrom = (from: string | undefined, at: string | undefined): number | null =>
    at === undefined || from === undefined ? null : (Date.parse(at) - Date.parse(from)) / 1000
  const first = found === undefined ? undefined : raises.find(raise => found.alarmIds.includes(raise.alarmId))
  return {
    building: fire.building,
    what: fire.what,
    ignitedAt: fire.ignitedAt,
    detectedAfterS: secondsFrom(fire.ignitedAt, found?.openedAt),
    againstFirstAlarmS: secondsFrom(fire.firstAlarmAt, found?.openedAt),
    confirmedAfterS: secondsFrom(fire.ignitedAt, found?.confirmedAt),
    incidents: its.length,
    rule: first?.rule.id ?? null,
  }
}

function quietOf({ fromMs, toMs }: Happened, { fires }: Truth, falseOnes: Raise[]): NonNullable<RecordingScore['quiet']> {
  const untilMs = Math.min(toMs, ...fires.map(fire => Date.parse(fire.ignitedAt)))
  const hours = Math.max(0, untilMs - fromMs) / MS_PER_H
  const inQuiet = falseOnes.filter(raise => Date.parse(raise.at) <= untilMs)
  const perHour = hours > 0 ? inQuiet.length / hours : 0
  return { hours: rounded(hours), falseAlarms: inQuiet.length, perHour: rounded(perHour), byRule: counted(inQuiet) }
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000

function counted(raises: readonly Raise[]): Record<string, number> {
  const byRule: Record<string, number> = {}
  for (const { rule } of raises) byRule[rule.id] = (byRule[rule.id] ?? 0) + 1
  return Object.fromEntries(Object.entries(byRule).sort(([a], [b]) => (a < b ? -1 : 1)))
}

const incidentOf = ({ id, place, openedAt, confirmedAt, alarmIds }: Incident): BacktestIncident => ({
  id,
  ...(place !== undefined && { place }),
  openedAt,
  ...(confirmedAt !== undefined && { confirmedAt }),
  alarmIds,
})

const alarmOf = ({ alarmId, kind, rule, severity, at, place, deviceId, late }: Raise): BacktestAlarm => ({
  id: alarmId,
  kind,
  rule: rule.id,
  severity,
  raisedAt: at,
  ...(place !== undefined && { place }),
  deviceIds: [deviceId],
  late,
})

function falseAlarmOf(r: Raise): FalseAlarm {
  const { id, kind, rule, raisedAt, place, deviceIds } = alarmOf(r)
  const because = r.evidence.map(({ what, value, threshold, note }) =>
    [`${what} ${String(value)}`, threshold === undefined ? '' : ` against ${threshold}`, note === undefined ? '' : ` (${note})`].join(''),
  )
  const cause = `${because.join('; ')}: no fire is labelled at ${place?.building ?? 'an unknown building'} then`
  return { alarmId: id, kind, rule, raisedAt, ...(place !== undefined && { place }), deviceIds, cause }
}
