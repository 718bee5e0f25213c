// The journal's side: the position moves with what it stands for, a replay changes nothing, and a big checkpoint is cheap.
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import type { AlarmSignal } from '#contracts/alarm.ts'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDispatch, type Commit } from '../../dispatch/index.ts'
import { clear, codeOf, evidence, folder, iso, NIGHT_MS, openDesk, raise, send, update } from './desk.ts'

const at = (position: number, signals: AlarmSignal[], rows: Commit['rows'] = []): Commit => ({
  position,
  signals: signals.map(signal => ({ signal, trace: {} })),
  rows,
})

describe('commit', () => {
  it('does nothing at a position that is stored, and never goes back', () => {
    const { dispatch } = openDesk()
    expect(dispatch.position()).toBe(0)
    expect(dispatch.commit(at(5, [raise({ id: 'a' })])).alarms).toHaveLength(1)
    expect(dispatch.commit(at(5, [raise({ id: 'b' })]))).toEqual({ alarms: [], incidents: [], orders: [] })
    expect(dispatch.commit(at(3, [raise({ id: 'c' })], [{ room: 'rules', rows: [['k', '"old"']] }]))).toEqual({
      alarms: [],
      incidents: [],
      orders: [],
    })
    expect(dispatch.position()).toBe(5)
    expect(dispatch.alarms({ limit: 10 }).map(a => a.id)).toEqual(['a'])
    expect([...dispatch.rows('rules')]).toEqual([])
  })

  it('adds nothing twice when a known alarm is raised again at a later position', () => {
    const { dispatch, counted } = openDesk()
    send(dispatch, raise({ id: 'a' }))
    const counts = [...counted]
    expect(send(dispatch, raise({ id: 'a' }))).toEqual({ alarms: [], incidents: [], orders: [] })
    expect(dispatch.incidents({ limit: 9 })).toMatchObject([{ alarmIds: ['a'], unacknowledgedAlarms: 1 }])
    expect(counted).toEqual(counts)
  })

  it('keeps the rows of rooms apart, deletes on null, and takes rows at the stored position', () => {
    const { dispatch } = openDesk()
    dispatch.commit(
      at(
        1,
        [],
        [
          {
            room: 'rules',
            rows: [
              ['a', '1'],
              ['b', '2'],
            ],
          },
          { room: 'ingest', rows: [['a', '3']] },
        ],
      ),
    )
    dispatch.commit(at(1, [], [{ room: 'ingest', rows: [['c', '4']] }]))
    dispatch.commit(
      at(
        2,
        [],
        [
          {
            room: 'rules',
            rows: [
              ['a', null],
              ['b', '5'],
            ],
          },
        ],
      ),
    )
    expect([...dispatch.rows('rules')]).toEqual([['b', '5']])
    expect([...dispatch.rows('ingest')]).toEqual([
      ['a', '3'],
      ['c', '4'],
    ])
  })

  it('takes all or nothing: a signal that cannot be read leaves position, rows and alarms as they were', () => {
    const { dispatch } = openDesk()
    const broken = { ...raise({ id: 'b' }), at: 'yesterday' }
    expect(codeOf(() => dispatch.commit(at(1, [raise({ id: 'a' }), broken], [{ room: 'rules', rows: [['k', '1']] }])))).toBe('internal')
    expect(dispatch.position()).toBe(0)
    expect(dispatch.alarms({ limit: 10 })).toEqual([])
    expect(dispatch.incidents({ limit: 10 })).toEqual([])
    expect(dispatch.verifyAudit()).toEqual({ ok: true, entries: 0 })
  })

  it('fills the waterfall from the trace and its own clock, and counts once', () => {
    const { dispatch, clock, counted } = openDesk()
    const trace = { brokerAt: iso(NIGHT_MS + 100), diskAt: iso(NIGHT_MS + 102), ruleAt: iso(NIGHT_MS + 110) }
    clock.set(NIGHT_MS + 120)
    const { alarms } = dispatch.commit({ position: 1, signals: [{ signal: raise({ id: 'a' }), trace }], rows: [] })
    const alarmAt = iso(NIGHT_MS + 120)
    expect(alarms[0]?.waterfall).toEqual({ sensorAt: iso(NIGHT_MS), ...trace, alarmAt, incidentAt: alarmAt })
    expect(counted).toEqual([
      'fengsui_incidents_opened_total fire',
      'fengsui_alarms_raised_total fire-alarm',
      'fengsui_alarm_latency_seconds 0.02',
    ])
  })

  it('keeps the first 10 and the newest 10 pieces of evidence and says how many are left out', () => {
    const { dispatch } = openDesk()
    send(dispatch, raise({ id: 'a' }))
    for (let i = 0; i < 100; i += 1)
      send(dispatch, { type: 'update', alarmId: 'a', at: iso(NIGHT_MS + i), evidence: [evidence(100 + i, 'd', NIGHT_MS + i)] })
    const alarm = dispatch.alarm('a')
    expect(alarm?.updates).toBe(100)
    expect(alarm?.evidence.map(e => e.seq)).toEqual([
      1,
      ...Array.from({ length: 9 }, (_, i) => 100 + i),
      ...Array.from({ length: 10 }, (_, i) => 190 + i),
    ])
    expect(alarm?.evidence[10]?.note).toBe('81 earlier pieces of evidence are left out here; the reading store has them')
  })

  it('does not stop for a signal about an unknown alarm, and leaves a trace of it', () => {
    const { dispatch } = openDesk()
    send(dispatch, clear('ghost'), update('ghost', NIGHT_MS), raise({ id: 'a' }))
    expect(dispatch.alarms({ limit: 9 })).toHaveLength(1)
    expect(dispatch.audit({ limit: 9 }).filter(e => e.action === 'alarm.unknown')).toHaveLength(2)
  })

  it('reports every alarm and incident that changed, once, in its newest state', () => {
    const { dispatch } = openDesk()
    const place = { building: 'b' }
    const { alarms, incidents } = send(
      dispatch,
      raise({ id: 'a', deviceId: 'd1', place }),
      raise({ id: 'b', deviceId: 'd2', place }),
      clear('a'),
    )
    expect(alarms.map(a => [a.id, a.state])).toEqual([
      ['a', 'RTNUN'],
      ['b', 'UNACK'],
    ])
    expect(incidents).toMatchObject([{ activeAlarms: 1, unacknowledgedAlarms: 2, alarmIds: ['a', 'b'] }])
  })

  it('writes 2,000 state rows in one cheap transaction', () => {
    using dir = folder()
    const { dispatch } = openDesk({ file: dir.file })
    const rows = (n: number): Commit['rows'] => [
      {
        room: 'ingest',
        rows: Array.from({ length: 2000 }, (_, i) => [`device-${i}`, `{"n":${n},"metrics":{"smokeDbPerM":0.01}}`] as [string, string]),
      },
    ]
    const took = [1, 2, 3, 4, 5].map(n => {
      const from = performance.now()
      dispatch.commit(at(n, [], rows(n)))
      return performance.now() - from
    })
    expect([...dispatch.rows('ingest')]).toHaveLength(2000)
    // about 6 ms where it was written; row by row with a sync each it would be many seconds
    expect(Math.min(...took)).toBeLessThan(2_000)
    dispatch.close()
  })
})

describe('the file', () => {
  it('is WAL, remembers its version, and refuses one made by a newer program', () => {
    using dir = folder()
    openDesk({ file: dir.file }).dispatch.close()
    const db = new DatabaseSync(dir.file)
    expect(db.prepare('PRAGMA journal_mode').get()).toEqual({ journal_mode: 'wal' })
    db.exec('PRAGMA user_version = 99')
    db.close()
    expect(codeOf(() => openDesk({ file: dir.file }))).toBe('setting-invalid')
  })

  it('says so when it cannot be opened', () => {
    const open = () => openDispatch({ file: '/nowhere/at/all/dispatch.db', clock: systemClock, log: noLog, meter: noMeter })
    expect(codeOf(open)).toBe('data-dir-unwritable')
  })
})
