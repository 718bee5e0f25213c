// Keeps the row under the officer's hand where it is on the screen while rows come and go above it, keeps the keyboard
// focus on it, and gives the scrolling back when the hand has left.

export type Anchor = {
  /** before the rows change; measures only while the hand is in the list */
  before(list: HTMLElement, held: boolean): void
  /** after they have; `held` = the hand is in the list */
  after(list: HTMLElement, held: boolean): void
  /** the hand has left: undo what was scrolled on its behalf */
  release(list: HTMLElement): void
  /** the officer scrolled: from here on the list stands where he left it */
  scrolledByHand(): void
}

const rowOf = (list: HTMLElement, id: string): HTMLElement | null => list.querySelector(`[data-incident-id="${CSS.escape(id)}"]`)
/** The item of the list, not what is in it: that is not laid out while it is out of sight. */
const topOf = (row: HTMLElement): number => (row.closest('li') ?? row).getBoundingClientRect().top
const focusedRow = (list: HTMLElement): HTMLElement | null => {
  const at = document.activeElement
  return at instanceof HTMLElement && list.contains(at) ? at : null
}

/** `hand()` names the hovered row; null = only a focused row is kept still. */
export const createAnchor = (hand: () => string | null): Anchor => {
  let id: string | null = null
  let top = 0
  let focusedId: string | null = null
  let driftPx = 0
  return {
    before(list, held) {
      focusedId = focusedRow(list)?.dataset['incidentId'] ?? null
      id = hand() ?? focusedId
      const row = id === null || !held ? null : rowOf(list, id)
      if (row === null) id = null
      else top = topOf(row)
    },
    after(list, held) {
      const row = id === null || !held ? null : rowOf(list, id)
      const moved = row === null ? 0 : topOf(row) - top
      if (Math.abs(moved) >= 1) {
        const was = list.scrollTop
        list.scrollTop += moved
        driftPx += list.scrollTop - was
      }
      // A keyed move takes the element out of the document for a moment, and the focus with it.
      if (focusedId !== null && focusedRow(list) === null) rowOf(list, focusedId)?.focus({ preventScroll: true })
    },
    release(list) {
      list.scrollTop -= driftPx
      driftPx = 0
    },
    scrolledByHand() {
      driftPx = 0
    },
  }
}
