// Device ids and metric names as small integers: a tall table of integers is scanned and compressed several times better.
// New names belong to the transaction that first uses them; they are kept after its commit, forgotten after its rollback.
import type { DuckDBConnection } from '@duckdb/node-api'

/** Names of devices and metrics together. Readings that would need one more are refused: somebody is inventing names. */
export const NAMES_MAX = 1_000_000

export type Names = {
  /** the id of a name, new or known; undefined at the bound. Callers prefix names by what they are (d: device, m: metric) */
  idOf(name: string): number | undefined
  /** beyond the bound too: for names that are few by themselves (a: area, k: kind) or known already */
  idAlways(name: string): number
  known(name: string): number | undefined
  nameOf(id: number): string
  /** writes the new names in the open transaction */
  save(connection: DuckDBConnection): Promise<void>
  keep(): void
  forget(): void
}

export async function namesIn(connection: DuckDBConnection, namesMax = NAMES_MAX): Promise<Names> {
  const rows = (await connection.runAndReadAll('SELECT id, name FROM name')).getRows()
  const ids = new Map(rows.map(([id, name]) => [String(name), Number(id)]))
  const names = new Map(rows.map(([id, name]) => [Number(id), String(name)]))
  let unsaved: string[] = []
  let next = rows.reduce((top, [id]) => Math.max(top, Number(id)), 0) + 1

  const idAlways = (name: string): number => {
    const known = ids.get(name)
    if (known !== undefined) return known
    const id = next++
    ids.set(name, id)
    names.set(id, name)
    unsaved.push(name)
    return id
  }
  return {
    idOf: name => (ids.has(name) || ids.size < namesMax ? idAlways(name) : undefined),
    idAlways,
    known: name => ids.get(name),
    nameOf: id => names.get(id) ?? '',
    async save(connection) {
      if (unsaved.length === 0) return
      const appender = await connection.createAppender('name')
      for (const name of unsaved) {
        appender.appendInteger(ids.get(name) ?? 0)
        appender.appendVarchar(name)
        appender.endRow()
      }
      appender.closeSync()
    },
    keep: () => void (unsaved = []),
    forget() {
      for (const name of unsaved) {
        names.delete(ids.get(name) ?? 0)
        ids.delete(name)
      }
      unsaved = []
    },
  }
}
