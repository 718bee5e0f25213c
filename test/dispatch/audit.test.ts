// The audit trail: everything is in it, it refuses to be changed, and where it was changed all the same is found.
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it } from 'vitest'
import { openAuditTrail } from '../../dispatch/audit.ts'
import { verifyAuditFile } from '../../dispatch/index.ts'
import { folder, openDesk, raise, send } from './desk.ts'

const fill = (file: string): void => {
  const { dispatch } = openDesk({ file })
  const [incident] = send(dispatch, raise({ id: 'a', place: { building: 'b2' } })).incidents
  dispatch.acknowledgeIncident(incident?.id ?? '', { by: 'li', note: 'calling' })
  dispatch.record({ actor: 'wang', action: 'session.opened', subject: 'wang', detail: { from: '10.0.0.7' } })
  dispatch.closeIncident(incident?.id ?? '', { by: 'li', cause: 'cooking', falseAlarm: true })
  dispatch.close()
}

/** What somebody with the file in hand could do. */
const tamper = (file: string, sql: string): void => {
  const db = new DatabaseSync(file)
  db.exec(`DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete; ${sql}`)
  db.close()
}

describe('the audit trail', () => {
  it('has who, what, when and to what, newest first, in pages', () => {
    using dir = folder()
    fill(dir.file)
    const { dispatch } = openDesk({ file: dir.file })
    const all = dispatch.audit({ limit: 100 })
    expect(all.map(e => `${e.seq} ${e.actor} ${e.action}`)).toEqual([
      '4 user:li incident.closed',
      '3 user:wang session.opened',
      '2 user:li incident.acknowledged',
      '1 rule:smoke incident.opened',
    ])
    expect(all[1]?.detail).toEqual({ from: '10.0.0.7' })
    expect(all[2]?.detail).toMatchObject({ note: 'calling', alarms: 1 })
    expect(dispatch.audit({ limit: 2, before: 3 }).map(e => e.seq)).toEqual([2, 1])
    expect(all[0]?.prevHash).toBe(all[1]?.hash)
    dispatch.close()
  })

  it('is searched by who, what, to what and when, also beyond what one question looks through', () => {
    using dir = folder()
    fill(dir.file)
    const { dispatch, clock } = openDesk({ file: dir.file })
    const found = (f: object) => dispatch.searchAudit({ limit: 100, ...f }).entries.map(e => e.seq)
    expect(found({ actor: 'li' })).toEqual([4, 2])
    expect(found({ action: 'session.' })).toEqual([3])
    expect(found({ action: 'opened' }), 'from its beginning').toEqual([])
    expect(found({ subject: 'wang' })).toEqual([3])
    const { at } = dispatch.audit({ limit: 1 })[0]!
    clock.add(60_000)
    dispatch.record({ actor: 'wang', action: 'late', subject: 'x' })
    expect(found({ from: at, to: new Date(Date.parse(at) + 1000).toISOString() })).toEqual([4, 3, 2, 1])
    expect(found({ from: new Date(Date.parse(at) + 1000).toISOString() })).toEqual([5])
    expect(dispatch.searchAudit({ limit: 2 })).toMatchObject({ next: 4 })
    expect(dispatch.searchAudit({ limit: 100 })).not.toHaveProperty('next')
    dispatch.close()
  })

  it('looks through a long trail in parts that neither skip nor repeat', () => {
    const db = new DatabaseSync(':memory:')
    db.exec(`CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT) STRICT; CREATE TABLE audit (seq INTEGER PRIMARY KEY, at TEXT, actor TEXT,
      action TEXT, subject TEXT, detail TEXT, prev_hash TEXT, hash TEXT) STRICT`)
    const trail = openAuditTrail(db)
    for (let i = 1; i <= 25; i++)
      trail.append({ at: '2026-01-01T00:00:00.000Z', actor: i % 10 === 0 ? 'user:li' : 'system', action: 'a', subject: 's' })
    const seen: number[] = []
    let asked = 0
    let before: number | undefined
    do {
      const { entries, next } = trail.search({ actor: 'li', limit: 5, searchedMax: 4, ...(before === undefined ? {} : { before }) })
      seen.push(...entries.map(e => e.seq))
      before = next
      asked += 1
    } while (before !== undefined)
    expect(seen).toEqual([20, 10])
    expect(asked).toBe(7)
    db.close()
  })

  it.each([
    'UPDATE audit SET actor = 1',
    'DELETE FROM audit',
    "INSERT OR REPLACE INTO audit VALUES (2, 'x', 'x', 'x', 'x', null, 'x', 'x')",
    'UPDATE timeline SET json = 1',
    'DELETE FROM timeline',
  ])('refuses %s', sql => {
    using dir = folder()
    fill(dir.file)
    const db = new DatabaseSync(dir.file)
    expect(() => db.exec(sql)).toThrow(/append-only|grows at its end only/)
    db.close()
  })

  it.each([
    ["UPDATE audit SET actor = 'user:wang' WHERE seq = 2", /entry 2 .*content is not what was written/],
    ["UPDATE audit SET detail = '{}' WHERE seq = 4", /entry 4 .*content is not what was written/],
    ['DELETE FROM audit WHERE seq = 3', /entry 4 .*entry 3 is missing/],
    ['DELETE FROM audit WHERE seq = 4', /ends at entry 3, but its head says 4/],
    ["UPDATE audit SET prev_hash = '' WHERE seq = 3", /entry 3 .*does not follow/],
    ['DELETE FROM audit', /ends at entry 0, but its head says 4/],
  ])('finds %s', (sql, problem) => {
    using dir = folder()
    fill(dir.file)
    expect(verifyAuditFile(dir)).toEqual({ ok: true, entries: 4 })
    tamper(dir.file, sql)
    const verdict = verifyAuditFile(dir)
    expect(verdict.ok).toBe(false)
    expect(verdict.problem).toMatch(problem)
  })

  it('is empty and sound where there is no file yet', () => {
    using dir = folder()
    expect(verifyAuditFile(dir)).toEqual({ ok: true, entries: 0 })
  })
})
