// Runs a rule set over recordings the way the alarm path would - decode, fold, queue - and hands what happened to score.ts.
// It opens nothing and knows no other room: decoding and the queue are handed in, fresh for each recording.
import { createHash, type Hash } from 'node:crypto'
import type { Alarm, AlarmSignal } from '#contracts/alarm.ts'
import type { Incident } from '#contracts/incident.ts'
import type { Message } from '#contracts/message.ts'
import type { Reading } from '#contracts/reading.ts'
import { createFold } from './fold.ts'
import { heardHere } from './heard.ts'
import type { Recording } from './recording.ts'
import { scoreOf, type Happened, type Raise, type RecordingScore } from './score.ts'
import type { RuleSet } from './schema.ts'

/** The part of the queue that a backtest needs; `nowMs` follows the recording's own time of arrival. */
export type Queue = {
  commit(o: { position: number; signals: { signal: AlarmSignal; trace: object }[]; rows: [] }): { alarms: Alarm[]; incidents: Incident[] }
  close(): void
}

export type Decode = (message: Message) => Reading[]
export type BacktestParts = {
  /** the district's local time, for rules that look at the clock on the wall */
  timeZone?: string
  /** a fresh way from message to readings with their places; what cannot be decoded gives none */
  decoder(): Decode
  queue(clock: { nowMs(): number }): Queue
  /** monotonic milliseconds, for readingsPerSecond only */
  stopwatchMs(): number
}

export type Backtest = {
  ruleSet: { name: string; version: string; rules: number }
  recordings: RecordingScore[]
  /** of all alarms in order of event time: two runs that say the same have the same hash, in whatever order it arrived */
  logHash: string
  readingsPerSecond: number
}

/** How much was folded, and in what time. */
type Effort = { readings: number; ms: number }

export async function backtest(ruleSet: RuleSet, recordings: Iterable<Recording>, parts: BacktestParts): Promise<Backtest> {
  const log = createHash('sha256')
  const scores: RecordingScore[] = []
  const effort: Effort = { readings: 0, ms: 0 }
  for (const recording of recordings) {
    const happened = await played(ruleSet, recording, parts, effort)
    noted(happened.raises, log)
    scores.push(scoreOf(recording, happened))
  }
  const { name, version, rules } = ruleSet
  return {
    ruleSet: { name, version, rules: rules.length },
    recordings: scores,
    logHash: log.digest('hex'),
    readingsPerSecond: effort.ms > 0 ? Math.round((effort.readings / effort.ms) * 1000) : 0,
  }
}

async function played(ruleSet: RuleSet, recording: Recording, parts: BacktestParts, effort: Effort): Promise<Happened> {
  const { countFromMs = -Infinity } = recording
  let nowMs = 0
  const happened: Happened = { messages: 0, readings: 0, fromMs: Infinity, toMs: -Infinity, raises: [], incidents: [] }
  const incidents = new Map<string, Incident>()
  const fold = createFold({ ruleSet, ...(parts.timeZone !== undefined && { timeZone: parts.timeZone }) })
  const queue = parts.queue({ nowMs: () => nowMs })

  function take(signals: AlarmSignal[], seq: number): void {
    for (const signal of signals) if (signal.type === 'raise' && nowMs >= countFromMs) happened.raises.push(signal)
    const changes = queue.commit({ position: seq, signals: signals.map(signal => ({ signal, trace: {} })), rows: [] })
    if (nowMs >= countFromMs) for (const incident of changes.incidents) incidents.set(incident.id, incident)
  }
  function one(atMs: number, seq: number, isClock: boolean, readings: readonly Reading[]): void {
    nowMs = atMs
    const signals = fold.advance(nowMs, { seq, isClock })
    for (const reading of readings) signals.push(...fold.apply(reading, seq))
    if (signals.length > 0) take(signals, seq)
    effort.readings += readings.length
    if (nowMs < countFromMs) return
    happened.messages++
    happened.readings += readings.length
    happened.fromMs = Math.min(happened.fromMs, nowMs)
    happened.toMs = Math.max(happened.toMs, nowMs)
  }

  const startedMs = parts.stopwatchMs()
  try {
    for await (const portion of recording.heard?.() ?? heardHere(recording.batches, parts.decoder())) portion(one)
  } finally {
    effort.ms += parts.stopwatchMs() - startedMs
    queue.close()
  }
  happened.incidents = [...incidents.values()]
  return happened
}

/** The log is what was raised and of when; neither how fast it was played nor which of two networks was quicker shows in it. */
function noted(raises: readonly Raise[], log: Hash): void {
  const lines = raises.map(({ at, alarmId, kind }) => `${at} ${alarmId} ${kind}\n`)
  for (const line of lines.toSorted()) log.update(line)
}
