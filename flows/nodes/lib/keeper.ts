// What nodes remember about the readings of a consumer, stored by the server in the same stroke as the acknowledgement of these readings.
// So after any crash a node knows exactly what it knew when the last acknowledged reading was done: nothing twice, nothing missed.
export type Row = [key: string, value: string | null]

/** One node that remembers. It is asked after a batch is done for what changed since it was asked last. */
export type Keeper = { node: string; changed(): Row[] }
export type Keepers = {
  join(consumer: string, keeper: Keeper): void
  leave(keeper: Keeper): void
  /** rows of all keepers of the consumer, the node's id before each key */
  changed(consumer: string): Row[]
}

export function createKeepers(): Keepers {
  const all = new Map<string, Set<Keeper>>()
  return {
    join(consumer, keeper) {
      const set = all.get(consumer) ?? new Set()
      all.set(consumer, set.add(keeper))
    },
    leave(keeper) {
      for (const [consumer, set] of all) {
        set.delete(keeper)
        if (set.size === 0) all.delete(consumer)
      }
    },
    changed: consumer =>
      [...(all.get(consumer) ?? [])].flatMap(keeper => keeper.changed().map(([key, value]): Row => [`${keeper.node} ${key}`, value])),
  }
}

/** The rows of one node out of all that its consumer stored. */
export const rowsOf = (node: string, rows: readonly (readonly [string, string])[]): [string, string][] =>
  rows.flatMap(([key, value]) => (key.startsWith(`${node} `) ? [[key.slice(node.length + 1), value] as [string, string]] : []))
