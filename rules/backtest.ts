// Runs a rule set over recordings the way the alarm path would - decode, fold, queue - and scores it against what is known to have
// happened. It opens nothing and knows no other room: decoding and the queue are handed in, fresh for each recording.
import { createHash, type Hash } from 'node:crypto'
import { isHazard, type Alarm, type AlarmKind, type AlarmSignal, type Severity } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Message } from '#contracts/message.ts'
import type { Place, Reading } from '#contracts/reading.ts'
import { createFold } from './fold.ts'
import type { LabelledFire, Recording, Truth } from './recording.ts'
import type { RuleSet } from './schema.ts'

/** The part of the queue that a backtest needs; `nowMs` follows the recording's own time of arrival. */
export type Queue = {
  commit(o: { position: number; signals: { signal: AlarmSignal; trace: object }[]; rows: [] }): { alarms: Alarm[]; incidents: Incident[] }
  close(): void
}

export type BacktestParts = {
  /** a fresh way from message to readings with their places; what cannot be decoded gives none */
  decoder(): (message: Message) => Reading[]
  queue(clock: { nowMs(): number }): Queue
  /** monotonic milliseconds, for readingsPerSecond only */
  stopwatchMs(): number
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

export type RecordingScore = {
  name: string
  messages: number
  /** of category fire; alarms of devices that need repair make none here */
  incidents: BacktestIncident[]
  alarms: BacktestAlarm[]
  sensorFaults: { deviceId: string; at: string; what: string }[]
  /** labelled fires with no incident at their building */
  missed: LabelledFire[]
  /** hazard alarms at a place and time where no fire is labelled; empty where the recording has no truth file */
  falseAlarms: FalseAlarm[]
}
export type Backtest = { recordings: RecordingScore[]; logHash: string; readingsPerSecond: number }

export async function backtest(ruleSet: RuleSet, recordings: Iterable<Recording>, parts: BacktestParts): Promise<Backtest> {
  const log = createHash('sha256')
  const scores: RecordingScore[] = []
  const run = { readings: 0, ms: 0 }
  for (const recording of recordings) scores.push(await scored(ruleSet, recording, parts, log, run))
  return { recordings: scores, logHash: log.digest('hex'), readingsPerSecond: run.ms > 0 ? Math.round((run.readings / run.ms) * 1000) : 0 }
}

type Raise = Extract<AlarmSignal, { type: 'raise' }>

async function scored(ruleSet: RuleSet, recording: Recording, parts: BacktestParts, log: Hash, run: { readings: number; ms: number }) {
  let nowMs = 0
  let messages = 0
  const raises: Raise[] = []
  const incidents = new Map<string, Incident>()
  const fold = createFold({ ruleSet })
  const decode = parts.decoder()
  const queue = parts.queue({ nowMs: () => nowMs })
  try {
    for await (const message of recording.messages) {
      const startedMs = parts.stopwatchMs()
      messages++
      nowMs = message.receivedAtMs
      const readings = decode(message)
      const signals = readings.flatMap(reading => fold.apply(reading, message.seq))
      if (signals.length > 0) {
        for (const signal of signals) if (signal.type === 'raise') raises.push(noted(signal, log))
        const changes = queue.commit({ position: message.seq, signals: signals.map(signal => ({ signal, trace: {} })), rows: [] })
        for (const incident of changes.incidents) incidents.set(incident.id, incident)
      }
      run.readings += readings.length
      run.ms += parts.stopwatchMs() - startedMs
    }
  } finally {
    queue.close()
  }
  return scoreOf(recording, messages, raises, [...incidents.values()])
}

/** The log is what was raised, in order; how fast it was played must not show. */
function noted(signal: Raise, log: Hash): Raise {
  log.update(`${signal.alarmId} ${signal.kind} ${signal.at}\n`)
  return signal
}

function scoreOf({ name, truth }: Recording, messages: number, raises: Raise[], all: Incident[]): RecordingScore {
  const fires = all.filter(i => i.category === 'fire' && i.state !== 'merged').sort((a, b) => (a.openedAt < b.openedAt ? -1 : 1))
  return {
    name,
    messages,
    incidents: fires.map(incidentOf),
    alarms: raises.map(alarmOf),
    sensorFaults: raises
      .filter(r => r.kind === 'sensor-fault')
      .map(r => ({ deviceId: r.deviceId, at: r.at, what: r.evidence[0]?.note ?? r.text.en })),
    missed: truth?.fires.filter(fire => !fires.some(incident => isOf(fire, incident.place, incident.openedAt))) ?? [],
    falseAlarms: truth === undefined ? [] : raises.filter(r => isFalse(r, truth)).map(falseAlarmOf),
  }
}

const isOf = (fire: LabelledFire, place: Place | undefined, at: string): boolean =>
  place?.building === fire.building && Date.parse(at) >= Date.parse(fire.ignitedAt)

const isFalse = (r: Raise, { fires }: Truth): boolean => isHazard(r.kind) && !fires.some(fire => isOf(fire, r.place, r.at))

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

/** Seconds from ignition to the first incident of each labelled fire; null = missed. */
export function delaysOf(
  score: RecordingScore,
  truth: Truth,
): { fire: LabelledFire; afterS: number | null; confirmedAfterS: number | null }[] {
  return truth.fires.map(fire => {
    const found = score.incidents.find(incident => isOf(fire, incident.place, incident.openedAt))
    const after = (at: string | undefined) => (at === undefined ? null : (Date.parse(at) - Date.parse(fire.ignitedAt)) / 1000)
    return { fire, afterS: after(found?.openedAt), confirmedAfterS: after(found?.confirmedAt) }
  })
}
