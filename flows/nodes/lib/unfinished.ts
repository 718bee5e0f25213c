// Lines of the feed whose readings are not all finished. The flow may be readings ahead while their alarms are on the way to the queue; what is
// acknowledged is only what lies before the first unfinished one, with what the nodes remembered at that very place.
import type { Row } from './keeper.ts'
import type { Outcome, Tracked } from './progress.ts'

type Batch = { cursor: number; readings: number; left: number; rows: Row[] | null }
export type Unfinished = {
  begin(
    cursor: number,
    readings: number,
  ): {
    /** resolves when the next reading may begin; `ended` hears how this one did end */
    wait(tracked: Tracked, ended: (outcome: Outcome) => void): Promise<void>
    /** everything of it went through the flow; `rows`: what nodes remember now */
    end(rows: Row[]): void
  }
  /** nothing of what is open will be finished */
  drop(): void
}

/** `push` is called in the order of the feed. The server's credit bounds what is open. */
export function unfinished(push: (cursor: number, rows: Row[], readings: number) => void): Unfinished {
  /** in the order of the feed, each of them gone through the flow */
  let batches: Batch[] = []
  const drops = new Set<() => void>()
  let isDropped = false

  function acknowledge(): void {
    let n = 0
    for (; n < batches.length; n++) {
      const { cursor, readings, left, rows } = batches[n]!
      if (left > 0 || rows === null) break
      push(cursor, rows, readings)
    }
    if (n > 0) batches = batches.slice(n)
  }

  return {
    begin(cursor, readings) {
      const batch: Batch = { cursor, readings, left: 0, rows: null }
      return {
        wait({ outcome, passed, drop }, ended) {
          batch.left++
          drops.add(drop)
          void outcome.then(how => {
            drops.delete(drop)
            batch.left--
            ended(how)
            if (!isDropped && batch.left === 0 && batch.rows !== null) acknowledge()
          })
          return passed
        },
        end(rows) {
          batch.rows = rows
          batches.push(batch)
          if (batch.left === 0) acknowledge()
        },
      }
    },
    drop() {
      isDropped = true
      for (const drop of drops) drop()
    },
  }
}
