// Keeps what decoders, directory and rules know, beside the place in the journal at which they knew it. Writing a row with every reading
// would cost more than judging it, so it is done now and then: a share of the time, in portions between which alarms go on. A restart
// begins at the last place that is whole, and judges again from there what was judged before.
import { frozenRows, type Frozen, type StateRows } from '#contracts/state-rows.ts'

/** `isFull`: all there is, and not only what changed since the last time */
export type KeptRooms = {
  catalogue: { dirty(isFull?: boolean): StateRows }
  directory: { freeze(isFull?: boolean): Frozen; size(): number }
  fold: { freeze(isFull?: boolean): Frozen; size(): { subjects: number } }
  /** what else goes with the place */
  notes: { dirty(isFull?: boolean): StateRows }
}
export type KeptPortion = { at: number; rows: { room: string; rows: StateRows }[]; isLast: boolean; isFull: boolean }

export type Keeping = {
  /** some of it is written and some is not, and the next portion has its turn */
  isPortionDue(): boolean
  /** it is time to keep the state of this place, where none is under way */
  isDue(position: number): boolean
  /** all messages up to `position` are judged and none behind it */
  begin(position: number): void
  /** the next rows of what is under way; they are not given a second time */
  portion(): KeptPortion
  /** what is left of what is under way, and then everything at `position` */
  all(position: number): KeptPortion[]
  /** what a portion cost, to be called once it is stored */
  spent(ms: number): void
}

/** rows written at once; an alarm waits for no more than these */
const PORTION_ROWS = 75
/** and between two of them this many times as long as one took is for what else there is to do */
const REST_TIMES = 4
/** of the time, at most this share goes into keeping, */
const SHARE_MAX = 1 / 25
/** but not oftener than this, */
const PAUSE_MS_MIN = 4_000
/** and not more seldom: it bounds what a restart has to judge again */
const PAUSE_MS_MAX = 20_000
/** Changes are appended until they are this many times what there is; then all of it is written anew, and they are let go. */
const CHANGES_MAX = 2

type Open = { at: number; isFull: boolean; rest: { room: string; frozen: Frozen }[] }

export function createKeeping({ catalogue, directory, fold, notes }: KeptRooms, nowMs = (): number => performance.now()): Keeping {
  let open: Open | null = null
  let lastAt = -1
  let costMs = 0
  let dueMs = nowMs() + PAUSE_MS_MIN
  let portionDueMs = -Infinity
  /** rows written since all of it was; infinite until it was for the first time */
  let changes = Infinity

  function frozenNow(at: number): Open {
    const isFull = changes > CHANGES_MAX * (directory.size() + fold.size().subjects)
    if (isFull) changes = 0
    const rest = [
      { room: 'catalogue', frozen: frozenRows(catalogue.dirty(isFull)) },
      { room: 'directory', frozen: directory.freeze(isFull) },
      { room: 'rules', frozen: fold.freeze(isFull) },
      { room: 'notes', frozen: frozenRows(notes.dirty(isFull)) },
    ]
    return { at, isFull, rest }
  }

  function ended(at: number): void {
    open = null
    lastAt = at
    dueMs = nowMs() + PAUSE_MS_MIN
  }

  function taken({ at, isFull, rest }: Open, max: number): KeptPortion {
    const rows: KeptPortion['rows'] = []
    let room = max
    for (let [next] = rest; next !== undefined && room > 0; [next] = rest) {
      const some = next.frozen.take(room)
      if (some.length > 0) rows.push({ room: next.room, rows: some })
      if (some.length < room) rest.shift()
      room -= some.length
      changes += some.length
    }
    return { at, rows, isLast: rest.length === 0, isFull }
  }

  return {
    isPortionDue: () => open !== null && nowMs() >= portionDueMs,
    isDue: position => open === null && position > lastAt && nowMs() >= dueMs,
    begin(position) {
      costMs = 0
      open = frozenNow(position)
    },
    portion() {
      if (open === null) throw new Error('no state is being kept')
      const portion = taken(open, PORTION_ROWS)
      if (portion.isLast) ended(portion.at)
      return portion
    },
    all(position) {
      const rest = open === null ? [] : [taken(open, Infinity)]
      const now = taken(frozenNow(position), Infinity)
      ended(position)
      return [...rest, now]
    },
    spent(ms) {
      costMs += ms
      portionDueMs = nowMs() + ms * REST_TIMES
      if (open === null) dueMs = nowMs() + Math.min(Math.max(costMs / SHARE_MAX, PAUSE_MS_MIN), PAUSE_MS_MAX)
    },
  }
}
