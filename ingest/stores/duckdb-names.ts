// Device ids and metric names as small integers: a tall table of integers is scanned and compressed several times better.
// New names belong to the transaction that first uses them; they are kept after its commit, forgotten after its rollback.
import type { DuckDBConnection } from '@duckdb/node-api'
import type { FieldNames } from './fields.ts'

/** Names of devices and metrics together. Readings that would need one more are refused: somebody is inventing names. */
export const NAMES_MAX = 1_000_000

/** What a name is of: a device, a metric, an area, a kind. In the file it stands before the name. */
export type NameOf = 'd' | 'm' | 'a' | 'k'

export type Names = {
  /** the id of a name, new or known; undefined at the bound */
  idOf(what: NameOf, name: string): number | undefined
  /** beyond the bound too: for names that are few by themselves (areas, kinds) or known already */
  idAlways(what: NameOf, name: string): number
  /** of a reading's fields, in their order; undefined where there is no id left */
  idsOf(fields: FieldNames): readonly (number | undefined)[]
  known(what: NameOf, name: string): number | undefined
  nameOf(id: number): string
  /** writes the new names in the open transaction */
  save(connection: DuckDBConnection): Promise<void>
  keep(): void
  forget(): void
}

export async function namesIn(connection: DuckDBConnection, namesMax = NAMES_MAX): Promise<Names> {
  const rows = (await connection.runAndReadAll('SELECT id, name FROM name')).getRows()
  const ids = { d: new Map<string, number>(), m: new Map<string, number>(), a: new Map<string, number>(), k: new Map<string, number>() }
  const names = new Map<number, string>()
  let unsaved: { id: number; what: NameOf; name: string }[] = []
  // ids of whole lists of fields, as long as none of them may be taken back
  let lists = new WeakMap<FieldNames, readonly number[]>()
  let next = 1
  for (const [id, name] of rows.map(row => [Number(row[0]), String(row[1])] as const)) {
    ids[name[0] as NameOf]?.set(name.slice(2), id)
    names.set(id, name.slice(2))
    next = Math.max(next, id + 1)
  }

  const idAlways = (what: NameOf, name: string): number => {
    const known = ids[what].get(name)
    if (known !== undefined) return known
    const id = next++
    ids[what].set(name, id)
    names.set(id, name)
    unsaved.push({ id, what, name })
    return id
  }
  const idOf = (what: NameOf, name: string): number | undefined =>
    ids[what].get(name) ?? (names.size < namesMax ? idAlways(what, name) : undefined)

  return {
    idOf,
    idAlways,
    idsOf(fields) {
      const known = lists.get(fields)
      if (known !== undefined) return known
      const found = fields.map(name => idOf('m', name))
      if (found.every(id => id !== undefined)) lists.set(fields, found)
      return found
    },
    known: (what, name) => ids[what].get(name),
    nameOf: id => names.get(id) ?? '',
    async save(connection) {
      if (unsaved.length === 0) return
      const appender = await connection.createAppender('name')
      for (const { id, what, name } of unsaved) {
        appender.appendInteger(id)
        appender.appendVarchar(`${what}:${name}`)
        appender.endRow()
      }
      appender.closeSync()
    },
    keep: () => void (unsaved = []),
    forget() {
      for (const { id, what, name } of unsaved) {
        names.delete(id)
        ids[what].delete(name)
      }
      unsaved = []
      lists = new WeakMap()
    },
  }
}
