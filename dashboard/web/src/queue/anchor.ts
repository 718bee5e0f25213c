// Keeps the row under the officer's hand where it is on the screen while rows come and go above it, keeps the keyboard
// focus on it, and counts what arrived out of sight above.

export type Anchor = { before(list: HTMLElement): void; after(list: HTMLElement): void }

const rowOf = (list: HTMLElement, id: string): HTMLElement | null => list.querySelector(`[data-incident-id="${CSS.escape(id)}"]`)
const focusedRow = (list: HTMLElement): HTMLElement | null => {
  const at = document.activeElement
  return at instanceof HTMLElement && list.contains(at) ? at : null
}

/** `hand()` names the row to keep still: the hovered one; null = only a focused row is kept. */
export const createAnchor = (hand: () => string | null): Anchor => {
  let id: string | null = null
  let top = 0
  let hadFocus = false
  return {
    before(list) {
      const focused = focusedRow(list)
      hadFocus = focused !== null
      id = focused?.dataset['incidentId'] ?? hand()
      const row = id === null ? null : rowOf(list, id)
      if (row === null) id = null
      else top = row.getBoundingClientRect().top
    },
    after(list) {
      const row = id === null ? null : rowOf(list, id)
      if (row === null) return
      const moved = row.getBoundingClientRect().top - top
      if (Math.abs(moved) >= 1) list.scrollTop += moved
      // A keyed move takes the element out of the document for a moment, and the focus with it.
      if (hadFocus && focusedRow(list) === null) row.focus({ preventScroll: true })
    },
  }
}
