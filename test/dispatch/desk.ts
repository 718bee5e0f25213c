// A dispatch queue to test on: a clock that stands where it is put, a meter that remembers, and signals as the rules make them.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AlarmKind, AlarmSignal, Evidence, Severity } from '#contracts/alarm.ts'
import { noLog } from '#contracts/clock.ts'
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Place, Position } from '#contracts/reading.ts'
import { openDispatch, type Commit, type Dispatch } from '../../dispatch/index.ts'
import type { Recipient } from '../../dispatch/recipients.ts'

/** 22:40 in Nanjing. */
export const NIGHT_MS = Date.parse('2026-03-12T14:40:00.000Z')
/** whatever waits for a time is due */
export const LATER_MS = NIGHT_MS + 366 * 86_400_000
export const MINUTE_MS = 60_000
export const iso = (ms: number): string => new Date(ms).toISOString()

export type TestDesk = {
  dispatch: Dispatch
  clock: { nowMs(): number; set(ms: number): void; add(ms: number): void }
  counted: string[]
  meter: Meter
}

const movableClock = (startMs: number): TestDesk['clock'] => {
  let now = startMs
  return {
    nowMs: () => now,
    set(ms) {
      now = ms
    },
    add(ms) {
      now += ms
    },
  }
}

type DeskOptions = { file?: string; clock?: TestDesk['clock']; groupWindowMs?: number; channels?: string[]; recipients?: Recipient[] }

export const openDesk = (o: DeskOptions = {}): TestDesk => {
  const clock = o.clock ?? movableClock(NIGHT_MS)
  const counted: string[] = []
  const meter: Meter = {
    count: (name, labels) => counted.push(`${name} ${Object.values(labels ?? {}).join(' ')}`.trim()),
    gauge: () => {},
    observe: (name, value) => counted.push(`${name} ${value}`),
  }
  const window = o.groupWindowMs === undefined ? {} : { groupWindowMs: o.groupWindowMs }
  return {
    clock,
    counted,
    meter,
    dispatch: openDispatch({
      file: o.file ?? ':memory:',
      clock,
      log: noLog,
      meter,
      channels: o.channels ?? [],
      recipients: o.recipients ?? [],
      ...window,
    }),
  }
}

export const folder = (): { path: string; file: string } & Disposable => {
  const path = mkdtempSync(join(tmpdir(), 'fengsui-dispatch-'))
  return { path, file: join(path, 'dispatch.db'), [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) }
}

export type RaiseOptions = {
  id: string
  kind?: AlarmKind
  severity?: Severity
  deviceId?: string
  place?: Place
  position?: Position
  atMs?: number
  latching?: boolean
  evidence?: Evidence[]
}

export const evidence = (seq: number, deviceId: string, atMs: number): Evidence => ({
  seq,
  deviceId,
  ts: iso(atMs),
  receivedAt: iso(atMs + 500),
  what: 'smoke',
  value: true,
})

export const raise = (o: RaiseOptions): AlarmSignal => {
  const atMs = o.atMs ?? NIGHT_MS
  const deviceId = o.deviceId ?? `device-of-${o.id}`
  return {
    type: 'raise',
    alarmId: o.id,
    kind: o.kind ?? 'fire-alarm',
    severity: o.severity ?? 2,
    rule: { id: 'smoke', version: '1', kind: 'flag', set: 'test', setVersion: '1', parameters: {} },
    subject: deviceId,
    deviceId,
    ...(o.place && { place: o.place }),
    ...(o.position && { position: o.position }),
    at: iso(atMs),
    late: false,
    latching: o.latching ?? true,
    evidence: o.evidence ?? [evidence(1, deviceId, atMs)],
    counterEvidence: [],
    text: { zh: '烟雾报警', en: 'Smoke alarm' },
  }
}

export const update = (alarmId: string, atMs: number, severity?: Severity): AlarmSignal => ({
  type: 'update',
  alarmId,
  at: iso(atMs),
  evidence: [evidence(2, 'd', atMs)],
  ...(severity && { severity }),
})

export const clear = (alarmId: string, atMs = NIGHT_MS): AlarmSignal => ({ type: 'clear', alarmId, at: iso(atMs), evidence: [] })

/** Commits at the next position. */
export const send = (dispatch: Dispatch, ...signals: AlarmSignal[]): ReturnType<Dispatch['commit']> => {
  const c: Commit = { position: dispatch.position() + 1, signals: signals.map(signal => ({ signal, trace: {} })), rows: [] }
  return dispatch.commit(c)
}

/** The code of the error that `act` throws; undefined when it does not. Anything but a FengsuiError goes on. */
export const codeOf = (act: () => unknown): ErrorCode | undefined => {
  try {
    act()
    return undefined
  } catch (error) {
    if (error instanceof FengsuiError) return error.code
    throw error
  }
}
