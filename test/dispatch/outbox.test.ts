// The outbox: what is told outside stands on disk with the change it tells of, once, in order, within its bounds.
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { openDatabase } from '../../dispatch/database.ts'
import { openDispatch, type Dispatch } from '../../dispatch/index.ts'
import { FINISHED_KEPT, type OutboxRow } from '../../dispatch/outbox.ts'
import { migrate } from '../../dispatch/schema.ts'
import { clear, codeOf, folder, LATER_MS, MINUTE_MS, NIGHT_MS, openDesk, raise, send, update } from './desk.ts'

/** steps of a database before schema-lean.ts */
const LEAN_STEP = 13
const WEBHOOK = { channels: ['webhook'] }
const AT_B2 = { place: { building: 'b2' } }

/** Takes all there is, in the order in which it would be sent. */
const drain = (dispatch: Dispatch, channel = 'webhook'): OutboxRow[] => {
  const rows: OutboxRow[] = []
  for (;;) {
    const [row] = dispatch.outbox.due(channel, LATER_MS, 1)
    if (row === undefined) return rows
    dispatch.outbox.delivered(row)
    rows.push(row)
  }
}
const events = (dispatch: Dispatch): string[] => drain(dispatch).map(row => row.notification.event)

describe('what is told', () => {
  it('tells the life of a fire, each event once', () => {
    const { dispatch, clock } = openDesk(WEBHOOK)
    send(dispatch, raise({ id: 'a', deviceId: 'd1', severity: 3, ...AT_B2 }))
    const [incident] = dispatch.incidents({ limit: 1 })
    const id = incident?.id ?? ''
    send(dispatch, update('a', NIGHT_MS, 2))
    dispatch.acknowledgeIncident(id, { by: 'li' })
    dispatch.noteIncident(id, { by: 'li', note: 'on the way' })
    send(dispatch, raise({ id: 'b', deviceId: 'd2', severity: 3, ...AT_B2 }))
    send(dispatch, raise({ id: 'c', deviceId: 'd3', severity: 3, ...AT_B2 }), clear('a'))
    clock.add(MINUTE_MS)
    dispatch.closeIncident(id, { by: 'li', cause: 'toast', falseAlarm: true })
    dispatch.noteIncident(id, { by: 'li', note: 'after' })
    const rows = drain(dispatch)
    expect(rows.map(row => row.notification.id)).toEqual([
      `${id}.opened`,
      `${id}.severity-2`,
      `${id}.confirmed`,
      `${id}.handover-1`,
      `${id}.closed-${NIGHT_MS + MINUTE_MS}`,
    ])
    expect(rows.map(row => row.notification.incident.state)).toEqual(['new', 'new', 'acknowledged', 'acknowledged', 'closed'])
    expect(rows[4]?.notification).toMatchObject({
      text: { zh: expect.stringContaining('误报') },
      incident: { cause: 'toast', severity: 1 },
    })
    expect(drain(dispatch)).toEqual([])
  })

  it('tells the first word of a place before further words of others, those longest due first', () => {
    const { dispatch, clock } = openDesk(WEBHOOK)
    const next = () => dispatch.outbox.due('webhook', LATER_MS, 1)[0]!
    send(dispatch, raise({ id: 'a', deviceId: 'd1', severity: 3, ...AT_B2 }))
    // its first word is out; what follows of it waits
    dispatch.outbox.delivered(next())
    clock.add(1_000)
    send(dispatch, update('a', NIGHT_MS, 2))
    expect(next().notification.event).toBe('severity')
    for (const place of ['b3', 'b4']) {
      clock.add(1_000)
      send(dispatch, raise({ id: place, deviceId: place, severity: 3, place: { building: place } }))
    }
    expect(dispatch.outbox.due('webhook', LATER_MS, 9).map(({ notification: n }) => [n.event, n.incident.place?.building])).toEqual([
      ['opened', 'b3'],
      ['opened', 'b4'],
      ['severity', 'b2'],
    ])
    expect(dispatch.outbox.due('webhook', LATER_MS, 2)).toHaveLength(2)
  })

  it('tells opened before confirmed when both come in one turn', () => {
    const { dispatch } = openDesk(WEBHOOK)
    send(dispatch, raise({ id: 'a', deviceId: 'd1', ...AT_B2 }), raise({ id: 'b', deviceId: 'd2', ...AT_B2 }))
    expect(events(dispatch)).toEqual(['opened', 'confirmed', 'handover'])
  })

  it('tells that a closed fire is open again, and that it was closed again', () => {
    const { dispatch, clock } = openDesk(WEBHOOK)
    send(dispatch, raise({ id: 'a', severity: 3 }))
    const id = dispatch.incidents({ limit: 1 })[0]?.id ?? ''
    dispatch.closeIncident(id, { by: 'li', cause: 'drill', falseAlarm: false })
    clock.add(MINUTE_MS)
    send(dispatch, update('a', NIGHT_MS + MINUTE_MS, 2))
    clock.add(MINUTE_MS)
    dispatch.closeIncident(id, { by: 'li', cause: 'out', falseAlarm: false })
    expect(events(dispatch)).toEqual(['opened', 'closed', 're-opened', 'severity', 'closed'])
  })

  it('tells of a merge, at the incident that ends', () => {
    const { dispatch } = openDesk(WEBHOOK)
    send(dispatch, raise({ id: 'a', place: { building: 'x' } }), raise({ id: 'b', place: { building: 'y' } }))
    const [one, two] = dispatch.incidents({ limit: 2 }).map(i => i.id) as [string, string]
    dispatch.mergeIncident(two, { by: 'li', into: one, reason: 'one house' })
    const merged = drain(dispatch).find(row => row.notification.event === 'merged')
    expect(merged?.notification.incident).toMatchObject({ id: two, mergedInto: one })
  })

  it('tells nothing of technical incidents, and nothing at all without a channel', () => {
    const { dispatch } = openDesk(WEBHOOK)
    send(dispatch, raise({ id: 'a', kind: 'low-battery', severity: 4, latching: false }), clear('a'))
    expect(drain(dispatch)).toEqual([])
    const silent = openDesk().dispatch
    send(silent, raise({ id: 'a' }))
    expect(drain(silent)).toEqual([])
  })

  it('names no officer and lists no device', () => {
    const { dispatch } = openDesk(WEBHOOK)
    send(dispatch, raise({ id: 'a', deviceId: 'device-77', ...AT_B2 }))
    dispatch.closeIncident(dispatch.incidents({ limit: 1 })[0]?.id ?? '', { by: 'officer-li', cause: 'out', falseAlarm: false })
    const said = JSON.stringify(drain(dispatch).map(row => row.notification))
    expect(said).not.toContain('officer-li')
    expect(said).not.toContain('device-77')
  })

  it('writes a row for each channel', () => {
    const { dispatch } = openDesk({ channels: ['webhook', 'sms'] })
    send(dispatch, raise({ id: 'a' }))
    expect(drain(dispatch, 'sms').map(row => row.notification.id)).toEqual(drain(dispatch).map(row => row.notification.id))
  })
})

describe('one transaction', () => {
  it('keeps nothing of a commit that failed', () => {
    const { dispatch } = openDesk(WEBHOOK)
    const broken = { ...raise({ id: 'b', place: { building: 'y' } }), at: 'never' }
    expect(codeOf(() => send(dispatch, raise({ id: 'a' }), broken))).toBe('internal')
    expect(dispatch.incidents({ limit: 9 })).toEqual([])
    expect(drain(dispatch)).toEqual([])
  })

  it('announces a replay under the same ids, and a repeat not at all', () => {
    const ids = [1, 2].map(() => {
      const { dispatch } = openDesk(WEBHOOK)
      const position = { position: 1, signals: [{ signal: raise({ id: 'a', ...AT_B2 }), trace: {} }], rows: [] }
      dispatch.commit(position)
      dispatch.commit(position)
      send(dispatch, raise({ id: 'a', ...AT_B2 }))
      return drain(dispatch).map(row => row.notification.id)
    })
    expect(ids[0]).toHaveLength(1)
    expect(ids[1]).toEqual(ids[0])
  })

  it('comes to a database of the version before', () => {
    using dir = folder()
    const db = openDatabase(dir.file)
    migrate(db, dir.file, 1)
    db.close()
    const { dispatch } = openDesk({ file: dir.file, ...WEBHOOK })
    send(dispatch, raise({ id: 'a' }))
    expect(events(dispatch)).toEqual(['opened'])
    dispatch.close()
  })

  it('takes over what waits in a database from before its tables were lean, in its order', () => {
    using dir = folder()
    const db = openDatabase(dir.file)
    migrate(db, dir.file, LEAN_STEP)
    // the reference of an old row to its incident is of no matter here
    db.exec('PRAGMA foreign_keys = OFF')
    const put = db.prepare(
      "INSERT INTO outbox (id, channel, incident_id, state, attempts, created_ms, due_ms, json) VALUES (?, 'webhook', 'F0312-A', ?, 0, 5, ?, ?)",
    )
    const json = (event: string): string => JSON.stringify({ id: `F0312-A.${event}`, event, incident: { id: 'F0312-A' } })
    put.run('F0312-A.severity-2', 'delivered', null, json('severity'))
    put.run('F0312-A.opened', 'waiting', 7, json('opened'))
    put.run('F0312-A.confirmed', 'waiting', null, json('confirmed'))
    db.close()
    const { dispatch } = openDesk({ file: dir.file, ...WEBHOOK })
    const offered = () => dispatch.outbox.due('webhook', NIGHT_MS, 9).map(row => row.notification.event)
    expect(dispatch.outbox.backlog('webhook')).toEqual({ waiting: 2, oldestMs: 5 })
    expect(offered()).toEqual(['opened'])
    dispatch.close()
    const after = new DatabaseSync(dir.file)
    expect(after.prepare('SELECT seq, state FROM outbox ORDER BY seq').all()).toEqual([
      { seq: 1, state: 'delivered' },
      { seq: 2, state: 'waiting' },
      { seq: 3, state: 'waiting' },
    ])
    after.close()
  })
})

describe('order and bounds', () => {
  it('offers of one incident only the oldest that waits', () => {
    const { dispatch } = openDesk(WEBHOOK)
    send(dispatch, raise({ id: 'a', deviceId: 'd1', ...AT_B2 }))
    send(dispatch, raise({ id: 'b', deviceId: 'd2', ...AT_B2 }))
    send(dispatch, raise({ id: 'c', place: { building: 'y' } }))
    const offered = (): string[] => dispatch.outbox.due('webhook', NIGHT_MS, 9).map(row => row.notification.event)
    expect(offered()).toEqual(['opened', 'opened'])
    const [first] = dispatch.outbox.due('webhook', NIGHT_MS, 1) as [OutboxRow]
    dispatch.outbox.later(first, NIGHT_MS + 5_000, 'answered 500')
    expect(offered()).toEqual(['opened'])
    dispatch.outbox.gaveUp(first, 'answered 400')
    expect(offered().sort()).toEqual(['confirmed', 'opened'])
    dispatch.outbox.delivered(first)
    expect(dispatch.incident(first.notification.incident.id)?.timeline.filter(t => t.what.includes('notified'))).toHaveLength(1)
  })

  it('deletes the oldest delivered over the bound, and never one that waits', () => {
    using dir = folder()
    const { dispatch, clock, meter } = openDesk({ file: dir.file, ...WEBHOOK })
    send(dispatch, raise({ id: 'a' }), raise({ id: 'b' }))
    const [row] = dispatch.outbox.due('webhook', NIGHT_MS, 1) as [OutboxRow]
    dispatch.close()
    const db = new DatabaseSync(dir.file)
    db.exec(`WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${FINISHED_KEPT})
      INSERT INTO outbox (id, channel, incident_id, state, attempts, created_ms, json)
      SELECT 'old-' || i, 'webhook', '${row.notification.incident.id}', 'delivered', 0, 0, '{}' FROM n`)
    const again = openDispatch({ file: dir.file, clock, meter, log: { info() {}, warn() {}, error() {}, debug() {} }, ...WEBHOOK })
    again.outbox.delivered(row)
    const count = (state: string): unknown => db.prepare('SELECT count(*) AS n FROM outbox WHERE state = ?').get(state)?.['n']
    expect(count('delivered')).toBe(FINISHED_KEPT)
    expect(count('waiting')).toBe(1)
    // seq 1 was the oldest
    expect(db.prepare("SELECT min(seq) AS seq FROM outbox WHERE state = 'delivered'").get()).toEqual({ seq: 3 })
    again.close()
    db.close()
  })
})
