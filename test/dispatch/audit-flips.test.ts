// One flipped bit anywhere in the audit trail is found: in each column of any entry, in its head, and in the bytes of the file itself, where
// a verdict of "sound" is only believed when every entry still reads as it was written. The seed is printed; AUDIT_SEED repeats it.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { verifyAuditFile } from '../../dispatch/index.ts'
import { folder, openDesk, raise, send } from './desk.ts'

const seed = Number(process.env['AUDIT_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const COLUMNS = ['at', 'actor', 'action', 'subject', 'detail', 'prev_hash', 'hash'] as const
/** some are larger than a page and lie in several */
const DETAILS = [undefined, { from: '10.0.0.7' }, { note: '灭火 🔥 \ufffd', n: 3 }, { long: 'x'.repeat(9_000) }]
const ENTRIES = 40

const rowsIn = (file: string): unknown => {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    return [db.prepare('SELECT * FROM audit ORDER BY seq').all(), db.prepare("SELECT value FROM meta WHERE key = 'audit_head'").all()]
  } catch (error) {
    return String(error)
  } finally {
    db.close()
  }
}

/** A trail as the system writes it, closed: everything is in the one file. */
const trail = (dir: { file: string }): void => {
  const { dispatch } = openDesk({ file: dir.file })
  send(dispatch, raise({ id: 'a', place: { building: 'b2' } }))
  for (let i = 1; i < ENTRIES; i += 1)
    dispatch.record({ actor: `li-${i}`, action: 'session.opened', subject: i % 3 === 0 ? '\ud800half' : `王-${i}`, detail: DETAILS[i % 4] })
  dispatch.close()
  expect(verifyAuditFile(dir)).toEqual({ ok: true, entries: ENTRIES })
}

test('in any column of any entry, and in the head', () => {
  console.log(`audit flips: AUDIT_SEED=${seed}`)
  using dir = folder()
  trail(dir)
  const db = new DatabaseSync(dir.file)
  db.exec('PRAGMA synchronous = OFF; DROP TRIGGER audit_no_update')
  const valueOf = (seq: number, column: string): string | null =>
    seq === 0
      ? (db.prepare("SELECT value AS v FROM meta WHERE key = 'audit_head'").get()?.['v'] as string)
      : (db.prepare(`SELECT ${column} AS v FROM audit WHERE seq = ?`).get(seq)?.['v'] as string | null)
  const put = (seq: number, column: string, value: Buffer | string | null): void => {
    if (seq === 0) db.prepare("UPDATE meta SET value = CAST(? AS TEXT) WHERE key = 'audit_head'").run(value)
    else db.prepare(`UPDATE audit SET ${column} = CAST(? AS TEXT) WHERE seq = ?`).run(value, seq)
  }
  const place = fc.record({ seq: fc.nat(ENTRIES), column: fc.constantFrom(...COLUMNS), at: fc.nat(), bit: fc.nat(7) })
  fc.assert(
    fc.property(place, ({ seq, column, at, bit }) => {
      const before = valueOf(seq, column)
      const bytes = Buffer.from(before ?? 'null', 'utf8')
      const i = at % bytes.length
      bytes[i] = (bytes[i] ?? 0) ^ (1 << bit)
      put(seq, column, bytes)
      const verdict = verifyAuditFile(dir)
      put(seq, column, before)
      expect(verdict).toMatchObject({ ok: false, problem: expect.stringContaining(seq === 0 ? 'head' : `entry ${seq} of`) })
    }),
    { seed, numRuns: 200 },
  )
  db.close()
  expect(verifyAuditFile(dir), 'put back').toMatchObject({ ok: true })
})

test('in the bytes of the file: sound is said only of what reads as it was written', () => {
  using dir = folder()
  trail(dir)
  const bytes = readFileSync(dir.file)
  const written = rowsIn(dir.file)
  // every place where the content of an entry lies: its hash stands in its row and in that of the one after it
  const hashes = [...bytes.toString('latin1').matchAll(/[0-9a-f]{64}/g)].map(found => found.index)
  expect(hashes.length).toBeGreaterThan(ENTRIES)
  const flipped = join(dir.path, 'flipped.db')
  let found = 0
  const verdictOf = (offset: number, bit: number): boolean => {
    const changed = Buffer.from(bytes)
    changed[offset] = (changed[offset] ?? 0) ^ (1 << bit)
    writeFileSync(flipped, changed)
    const { ok, problem } = verifyAuditFile({ file: flipped })
    if (ok) expect({ offset, bit, rows: rowsIn(flipped) }).toEqual({ offset, bit, rows: written })
    else expect(problem).toBeTruthy()
    if (!ok) found += 1
    return ok
  }
  const anywhere = fc.tuple(fc.nat(bytes.length - 1), fc.nat(7))
  fc.assert(
    fc.property(anywhere, ([offset, bit]) => void verdictOf(offset, bit)),
    { seed, numRuns: 200 },
  )
  const inEntries = fc.tuple(fc.constantFrom(...hashes), fc.nat(63), fc.nat(7))
  fc.assert(
    fc.property(inEntries, ([start, i, bit]) => void verdictOf(start + i, bit)),
    { seed, numRuns: 100 },
  )
  // a page may keep what was moved out of it, which nobody reads; most hashes of the file are read
  console.log(`${found} of 300 flips were in what is read, and found`)
  expect(found).toBeGreaterThan(60)
})
