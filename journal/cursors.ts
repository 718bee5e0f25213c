// How far each consumer has come, kept durably. A consumer sets its cursor only after its own store has answered, so a crash
// repeats work and never skips it. Not for consumers that keep the position in their own transaction: those need no cursor.
import { FengsuiError } from '#contracts/errors.ts'
import { CURSORS_FILE, journalError, openForWriting } from './database.ts'

export type Cursors = {
  /** The last seq the consumer has finished; 0 = none. */
  get(consumer: string): number
  set(consumer: string, seq: number): void
  all(): Record<string, number>
  close(): void
}

const SCHEMA = 'CREATE TABLE IF NOT EXISTS cursors (consumer TEXT PRIMARY KEY, seq INTEGER NOT NULL) STRICT, WITHOUT ROWID'

export function openCursors(o: { dir: string }): Cursors {
  const database = openForWriting(o.dir, CURSORS_FILE, SCHEMA)
  const one = database.prepare('SELECT seq FROM cursors WHERE consumer = ?')
  const put = database.prepare('INSERT INTO cursors (consumer, seq) VALUES (?, ?) ON CONFLICT (consumer) DO UPDATE SET seq = excluded.seq')
  const every = database.prepare('SELECT consumer, seq FROM cursors ORDER BY consumer')
  return {
    get: consumer => Number(one.get(consumer)?.['seq'] ?? 0),
    set(consumer, seq) {
      if (!Number.isSafeInteger(seq) || seq < 0)
        throw new FengsuiError('invalid-request', `cursor of ${consumer}: ${seq} is not a place in the journal`)
      try {
        put.run(consumer, seq)
      } catch (error) {
        throw journalError(`storing the cursor of ${consumer}`, error)
      }
    },
    all: () => Object.fromEntries(every.all().map(row => [String(row['consumer']), Number(row['seq'])])),
    close: () => database.close(),
  }
}
