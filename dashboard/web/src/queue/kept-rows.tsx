// Rows of the queue that have not changed are the same element as before, which Preact passes over: in a flood one row in hundreds changes,
// and drawing the others again would be the whole of the work. Bounded by the rows that are drawn.
import type { JSX } from 'preact'
import type { Fold } from './fold.ts'
import { Row, type RowProps } from './row.tsx'

export type KeptRows = {
  /** the element for `props`, which is the one of last time if they say the same */
  row(id: string, props: RowProps): JSX.Element
  /** forgets what was not asked for since the last call */
  sweep(): void
}

const sameFold = (a: Fold | undefined, b: Fold | undefined): boolean =>
  a === b ||
  (a !== undefined &&
    b !== undefined &&
    a.key === b.key &&
    a.open === b.open &&
    a.newestAt === b.newestAt &&
    a.others.length === b.others.length)

const same = (a: RowProps, b: RowProps): boolean =>
  a.incident === b.incident &&
  a.selected === b.selected &&
  a.reachable === b.reachable &&
  a.onSelect === b.onSelect &&
  a.onFold === b.onFold &&
  sameFold(a.fold, b.fold)

/** `words` changes when every row has to be drawn again (the language). */
export const createKeptRows = (words: () => string): KeptRows => {
  type Kept = { props: RowProps; words: string; element: JSX.Element }
  let before = new Map<string, Kept>()
  let now = new Map<string, Kept>()
  return {
    row(id, props) {
      const known = before.get(id)
      const kept =
        known !== undefined && known.words === words() && same(known.props, props)
          ? known
          : { props, words: words(), element: <Row key={id} {...props} /> }
      now.set(id, kept)
      return kept.element
    },
    sweep() {
      before = now
      now = new Map()
    },
  }
}
