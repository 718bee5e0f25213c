// What the list shows right now: order held while the officer's hand is in it, filter, folds of a flood, selection, and the rows that
// came in above.
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { needsAnswer } from '../live/reduce.ts'
import type { Store } from '../store.ts'
import { fold, type Fold, type FoldedBy } from './fold.ts'
import { arrange, drawn, passes, ROWS_DRAWN, ROWS_IN_CROWD, type Filter } from './order.ts'

/** So long after the last key or pointer movement in the list the officer's hand is taken to have left it. */
export const HOLD_MS = 10_000

export type QueueView = {
  filter: Signal<Filter>
  /** ids top to bottom, after filter, folds and bound */
  ids: ReadonlySignal<readonly string[]>
  /** by the id of their first row */
  folds: ReadonlySignal<ReadonlyMap<string, Fold>>
  /** open incidents behind the filter or the bound, not counting those that a fold names */
  hidden: ReadonlySignal<number>
  total: ReadonlySignal<number>
  waiting: ReadonlySignal<number>
  /** alarms that are shelved now */
  shelved: ReadonlySignal<number>
  /** the officer's hand is in the list: rows keep their order and place */
  held: ReadonlySignal<boolean>
  touch(): void
  leave(): void
  toggle(key: string): void
  /** draws as many rows again */
  more(): void
  /** the next (1) or previous (-1) row's id from the selected one */
  beside(step: 1 | -1): string | null
}

export const createQueueView = (store: Store): QueueView => {
  const filter = signal<Filter>({ which: 'all', words: '' })
  const opened = signal<ReadonlySet<string>>(new Set())
  const touchedAtMs = signal(Number.NEGATIVE_INFINITY)
  const held = computed(() => store.now.value - touchedAtMs.value < HOLD_MS)
  let previous: readonly string[] = []
  let folding = false
  /** how coarsely it folds by now; a flood that goes on does not fold more finely again */
  let by: FoldedBy = 'building'

  const order = computed(() => {
    previous = arrange(previous, store.incidents.value.values(), held.value)
    return previous
  })
  const shelvedIn = computed(() => {
    const ids = new Map<string, number>()
    for (const { state, incidentId } of store.alarms.value.values())
      if (state === 'SHLVD') ids.set(incidentId, (ids.get(incidentId) ?? 0) + 1)
    return ids
  })
  const matching = computed(() =>
    order.value.filter(id => {
      const incident = store.incidents.value.get(id)
      return incident !== undefined && passes(incident, filter.value, one => shelvedIn.value.has(one.id))
    }),
  )
  // Rows are not folded away, nor unfolded, under the officer's hand.
  const folds = computed(() => {
    if (!held.value) folding = store.flood.value
    return folding
  })
  const folded = computed(() => {
    if (!folds.value) {
      by = 'building'
      return { ids: [...matching.value], folds: new Map<string, Fold>() }
    }
    const next = fold(matching.value, store.incidents.value, { keep: store.selectedId.value, opened: opened.value, from: by })
    by = next.by
    return next
  })
  /** rows asked for beyond the usual */
  const more = signal(0)
  const ids = computed(() => {
    const all = folded.value.ids
    const limit = (all.length > ROWS_DRAWN ? ROWS_IN_CROWD : ROWS_DRAWN) + more.value
    return drawn(all, store.incidents.value, limit)
  })

  return {
    filter,
    held,
    ids,
    folds: computed(() => folded.value.folds),
    hidden: computed(() => order.value.length - matching.value.length + folded.value.ids.length - ids.value.length),
    total: computed(() => order.value.length),
    waiting: computed(() => [...store.incidents.value.values()].filter(needsAnswer).length),
    shelved: computed(() => [...shelvedIn.value.values()].reduce((sum, n) => sum + n, 0)),
    touch() {
      touchedAtMs.value = store.now.value
    },
    leave() {
      touchedAtMs.value = Number.NEGATIVE_INFINITY
    },
    toggle(key) {
      const next = new Set(opened.value)
      if (!next.delete(key)) next.add(key)
      opened.value = next
    },
    more() {
      more.value += ROWS_DRAWN
    },
    beside(step) {
      const list = ids.value
      const at = list.indexOf(store.selectedId.value ?? '')
      if (at === -1) return list[0] ?? null
      return list[Math.min(list.length - 1, Math.max(0, at + step))] ?? null
    },
  }
}
