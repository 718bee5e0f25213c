// The state other rooms hand over to be kept at a journal position: rows of room, key and JSON, never looked into.
import type { DatabaseSync } from 'node:sqlite'
import type { StateRows } from '#contracts/state-rows.ts'

export type StateTable = ReturnType<typeof stateTable>

const byKey = ([a]: StateRows[number], [b]: StateRows[number]): number => (a < b ? -1 : Number(a > b))

export const stateTable = (db: DatabaseSync) => {
  const position = db.prepare("SELECT value FROM meta WHERE key = 'position'")
  const setPosition = db.prepare("UPDATE meta SET value = ? WHERE key = 'position'")
  const put = db.prepare('INSERT INTO fold_state VALUES (?, ?, ?) ON CONFLICT (room, key) DO UPDATE SET json = excluded.json')
  const remove = db.prepare('DELETE FROM fold_state WHERE room = ? AND key = ?')

  return {
    position: (): number => Number(position.get()?.['value']),
    setPosition: (to: number): void => void setPosition.run(String(to)),
    write(room: string, rows: StateRows): void {
      // in the table's own order: neighbours lie on the same page
      for (const [key, json] of rows.toSorted(byKey)) {
        if (json === null) remove.run(room, key)
        else put.run(room, key, json)
      }
    },
    /** Read row by row: a district's state need not fit twice in memory. A statement of its own, so that two readings may run at once. */
    *rows(room: string): Generator<[string, string]> {
      const every = db.prepare('SELECT key, json FROM fold_state WHERE room = ? ORDER BY key')
      for (const row of every.iterate(room)) yield [row['key'] as string, row['json'] as string]
    },
  }
}
