// Alarms posted by people, flows and other systems: the same key is the same alarm, and what is wrong is said.
import { describe, expect, it } from 'vitest'
import { ALARM_KINDS } from '#contracts/alarm.ts'
import type { Posting } from '../../dispatch/index.ts'
import { DEFAULT_SEVERITY } from '../../dispatch/severities.ts'
import { codeOf, folder, iso, MINUTE_MS, NIGHT_MS, openDesk, raise as signal, send } from './desk.ts'

const posting: Posting = {
  idempotencyKey: 'flow-7/1',
  origin: 'flow:3',
  kind: 'fire-alarm',
  deviceId: 'cam-1',
  place: { building: 'b2' },
  text: { zh: '摄像机看到明火', en: 'Camera sees flames' },
  by: 'flow:3',
}

describe('raise', () => {
  it('makes one alarm of one key, also after a restart', () => {
    using dir = folder()
    const first = openDesk({ file: dir.file })
    const made = first.dispatch.raise(posting)
    expect(made).toMatchObject({
      created: true,
      alarm: { state: 'UNACK', origin: 'flow:3', raisedAt: iso(NIGHT_MS) },
      incident: { state: 'new' },
    })
    expect(made.changes).toEqual({ alarms: [made.alarm], incidents: [made.incident], orders: [] })
    first.dispatch.close()
    const { dispatch } = openDesk({ file: dir.file })
    const again = dispatch.raise({ ...posting, text: { zh: '又', en: 'again' } })
    expect(again).toEqual({
      alarm: made.alarm,
      incident: made.incident,
      created: false,
      changes: { alarms: [], incidents: [], orders: [] },
    })
    expect(dispatch.alarms({ limit: 9 })).toHaveLength(1)
    dispatch.close()
  })

  it('keeps words plain: no control characters, no half of a character', () => {
    const { dispatch } = openDesk()
    const place = { building: 'b\u00002', room: '\u0007' }
    const { alarm, incident } = dispatch.raise({ ...posting, text: { zh: '火\u0000\u001b[31m', en: 'fire\ud800\tnow\u0085' }, place })
    expect(alarm.text).toEqual({ zh: '火[31m', en: 'fire\ufffd\tnow' })
    expect(alarm.place).toEqual({ building: 'b2' })
    dispatch.noteIncident(incident.id, { by: 'li', note: ' two\u0000 lines\nof <b>words</b>\udfff ' })
    expect(dispatch.incident(incident.id)?.timeline.at(-1)?.note).toBe('two lines\nof <b>words</b>\ufffd')
    expect(codeOf(() => dispatch.noteIncident(incident.id, { by: 'li', note: '\u0000 \u001b' }))).toBe('invalid-request')
    expect(dispatch.verifyAudit().ok).toBe(true)
    dispatch.close()
  })

  it('tells keys of different origins apart and refuses one key for two kinds', () => {
    const { dispatch } = openDesk()
    dispatch.raise(posting)
    expect(dispatch.raise({ ...posting, origin: 'user:li' }).created).toBe(true)
    expect(codeOf(() => dispatch.raise({ ...posting, kind: 'fault' }))).toBe('conflict')
  })

  it('groups with what the rules raise, and confirms it', () => {
    const { dispatch } = openDesk()
    send(dispatch, signal({ id: 'smoke', deviceId: 'smoke-1', place: { building: 'b2' } }))
    const { incident } = dispatch.raise(posting)
    expect(incident).toMatchObject({ severity: 1, confirmedAt: iso(NIGHT_MS), deviceIds: ['cam-1', 'smoke-1'].sort() })
    expect(incident.alarmIds).toHaveLength(2)
  })

  it('does not take two reports of one person for two triggers', () => {
    const { dispatch } = openDesk()
    const { deviceId: _device, ...report } = { ...posting, origin: 'user:li', by: 'li' }
    dispatch.raise({ ...report, idempotencyKey: '1' })
    expect(dispatch.raise({ ...report, idempotencyKey: '2' }).incident.confirmedAt).toBeUndefined()
    expect(dispatch.raise({ ...report, idempotencyKey: '3', origin: 'user:wang', by: 'wang' }).incident.confirmedAt).toBe(iso(NIGHT_MS))
  })

  it.each(ALARM_KINDS)('has a level for %s when none is given, and takes the given one', kind => {
    const { dispatch } = openDesk()
    expect(dispatch.raise({ ...posting, kind }).alarm.severity).toBe(DEFAULT_SEVERITY[kind])
    expect(dispatch.raise({ ...posting, kind, idempotencyKey: 'other', severity: 2 }).alarm.severity).toBe(2)
  })

  it.each<[string, Partial<Posting>]>([
    ['a key', { idempotencyKey: ' ' }],
    ['a kind', { kind: 'flood' as never }],
    ['words', { text: { zh: '', en: 'x' } }],
    ['a name', { by: '' }],
    ['an origin', { origin: '' }],
    ['a level', { severity: 5 as never }],
    ['a time', { at: 'yesterday' }],
    ['a time that can be believed', { at: iso(NIGHT_MS + 3 * MINUTE_MS) }],
    ['a time of today', { at: iso(NIGHT_MS - 25 * 60 * MINUTE_MS) }],
    ['a place on earth', { position: { lat: 0, lon: 0 } }],
    ['a place word of sane length', { place: { building: 'x'.repeat(201) } }],
    ['evidence of sane length', { evidence: Array.from({ length: 101 }, () => ({}) as never) }],
  ])('asks for %s', (_what, wrong) => {
    const { dispatch } = openDesk()
    expect(codeOf(() => dispatch.raise({ ...posting, ...wrong }))).toBe('invalid-request')
    expect(dispatch.alarms({ limit: 9 })).toEqual([])
  })

  it('marks as late what happened more than five minutes ago', () => {
    const { dispatch } = openDesk()
    expect(dispatch.raise({ ...posting, at: iso(NIGHT_MS - 6 * MINUTE_MS) }).alarm.late).toBe(true)
    expect(dispatch.raise({ ...posting, idempotencyKey: 'b', at: '2026-03-12T22:38:00+08:00' }).alarm).toMatchObject({
      late: false,
      raisedAt: iso(NIGHT_MS - 2 * MINUTE_MS),
    })
  })
})
