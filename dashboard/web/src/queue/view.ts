// What the list shows right now: order held while the officer's hand is in it, filter, selection, and the rows that came in above.
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import { needsAnswer } from '../live/reduce.ts'
import type { Store } from '../store.ts'
import { arrange, drawn, passes, type Filter } from './order.ts'

/** So long after the last key or pointer movement in the list the officer's hand is taken to have left it. */
export const HOLD_MS = 10_000

export type QueueView = {
  filter: Signal<Filter>
  /** ids top to bottom, after filter and bound */
  ids: ReadonlySignal<readonly string[]>
  /** open incidents behind the filter or the bound */
  hidden: ReadonlySignal<number>
  total: ReadonlySignal<number>
  waiting: ReadonlySignal<number>
  /** the officer's hand is in the list: rows keep their order and place */
  held: ReadonlySignal<boolean>
  touch(): void
  leave(): void
  /** the next (1) or previous (-1) row's id from the selected one */
  beside(step: 1 | -1): string | null
}

export const createQueueView = (store: Store): QueueView => {
  const filter = signal<Filter>({ which: 'all', words: '' })
  const touchedAtMs = signal(Number.NEGATIVE_INFINITY)
  const held = computed(() => store.now.value - touchedAtMs.value < HOLD_MS)
  let previous: readonly string[] = []

  const order = computed(() => {
    previous = arrange(previous, store.incidents.value.values(), held.value)
    return previous
  })
  const matching = computed(() =>
    order.value.filter(id => {
      const incident = store.incidents.value.get(id)
      return incident !== undefined && passes(incident, filter.value)
    }),
  )
  const ids = computed(() => drawn(matching.value, store.incidents.value))

  return {
    filter,
    held,
    ids,
    hidden: computed(() => order.value.length - ids.value.length),
    total: computed(() => order.value.length),
    waiting: computed(() => [...store.incidents.value.values()].filter(needsAnswer).length),
    touch() {
      touchedAtMs.value = store.now.value
    },
    leave() {
      touchedAtMs.value = Number.NEGATIVE_INFINITY
    },
    beside(step) {
      const list = ids.value
      const at = list.indexOf(store.selectedId.value ?? '')
      if (at === -1) return list[0] ?? null
      return list[Math.min(list.length - 1, Math.max(0, at + step))] ?? null
    },
  }
}
