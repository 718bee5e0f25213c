// What the fold knows at one place of the journal, written in portions: a restart begins at the last place whose rows are whole and reads
// the journal again from there. Portions are appended, never rewritten: those of a full state, then those of what changed since. A kill in
// the middle of one leaves the places before it as they were.
import type { DatabaseSync } from 'node:sqlite'
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { FengsuiError } from '#contracts/errors.ts'
import type { StateRows } from '#contracts/state-rows.ts'

export type KeptTable = ReturnType<typeof keptTable>
/** `isLast`: with it the state at that place is whole, and a restart begins there. `isFull`: it needs nothing of earlier places */
export type KeptPortion = { at: number; rows: { room: string; rows: StateRows }[]; isLast: boolean; isFull: boolean }

/** The rows of earlier versions stay in fold_state, as the state at their position, until a full one takes their place. */
export const KEPT_TABLES = `
  CREATE TABLE kept_portions (at INTEGER NOT NULL, n INTEGER NOT NULL, room TEXT NOT NULL, bytes BLOB NOT NULL, PRIMARY KEY (at, n)) STRICT;
  INSERT INTO meta SELECT 'kept', value FROM meta WHERE key = 'position';
  INSERT INTO meta VALUES ('kept-from', '0');`
const ROOMS_BEFORE = "('catalogue', 'directory', 'rules', 'notes')"

/** It is written all the time and read once a start: half the time of the usual level, for a tenth more bytes. */
const QUICKLY = { params: { [constants.ZSTD_c_compressionLevel]: 1 } }

/** A row a line: its key as JSON and, where it is not gone, a tab and its JSON; neither holds a tab or the end of a line. */
const written = (rows: StateRows): Buffer =>
  zstdCompressSync(rows.map(([key, json]) => (json === null ? JSON.stringify(key) : `${JSON.stringify(key)}\t${json}`)).join('\n'), QUICKLY)

function* read(bytes: Uint8Array): Generator<[key: string, json: string | null]> {
  for (const line of zstdDecompressSync(bytes).toString().split('\n')) {
    const tab = line.indexOf('\t')
    yield tab < 0 ? [JSON.parse(line) as string, null] : [JSON.parse(line.slice(0, tab)) as string, line.slice(tab + 1)]
  }
}

export const keptTable = (db: DatabaseSync) => {
  const number = db.prepare('SELECT CAST(value AS INTEGER) AS value FROM meta WHERE key = ?')
  const setNumber = db.prepare('UPDATE meta SET value = ? WHERE key = ?')
  const put = db.prepare(
    'INSERT INTO kept_portions VALUES (:at, (SELECT coalesce(max(n), 0) + 1 FROM kept_portions WHERE at = :at), :room, :bytes)',
  )
  const forget = db.prepare('DELETE FROM kept_portions WHERE at < ?')
  const at = (): number => Number(number.get('kept')?.['value'])
  const from = (): number => Number(number.get('kept-from')?.['value'])

  return {
    /** journal position whose state is whole */
    at,
    write(portion: KeptPortion, position: number): void {
      if (portion.at > position || portion.at < at())
        throw new FengsuiError('internal', `state of ${portion.at} kept at position ${position}, behind ${at()}`)
      for (const { room, rows } of portion.rows) if (rows.length > 0) put.run({ at: portion.at, room, bytes: written(rows) })
      if (!portion.isLast) return
      setNumber.run(String(portion.at), 'kept')
      if (!portion.isFull) return
      setNumber.run(String(portion.at), 'kept-from')
      forget.run(portion.at)
      db.exec(`DELETE FROM fold_state WHERE room IN ${ROOMS_BEFORE}`)
    },
    /** Newest first, so that only keys need be remembered: a district's state need not fit twice in memory. */
    *rows(room: string): Generator<[string, string]> {
      const seen = new Set<string>()
      const portions = db.prepare('SELECT bytes FROM kept_portions WHERE room = ? AND at BETWEEN ? AND ? ORDER BY at DESC, n DESC')
      for (const portion of portions.iterate(room, from(), at()))
        for (const [key, json] of read(portion['bytes'] as Uint8Array)) {
          if (seen.has(key)) continue
          seen.add(key)
          if (json !== null) yield [key, json]
        }
      for (const row of db.prepare('SELECT key, json FROM fold_state WHERE room = ? ORDER BY key').iterate(room))
        if (!seen.has(row['key'] as string)) yield [row['key'] as string, row['json'] as string]
    },
    /** At the start: what was begun and never became whole. */
    tidy: (): void => void db.prepare('DELETE FROM kept_portions WHERE at > ?').run(at()),
  }
}
