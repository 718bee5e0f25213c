// How old the picture is, in one honest word. Pure: the socket's events and the clock go in, a phase comes out.

export const LATE_AFTER_MS = 3_000
export const LOST_AFTER_MS = 10_000

export type Link = {
  open: boolean
  /** when the last message of any kind was heard, this computer's clock; null = nothing yet */
  heardAtMs: number | null
  /** when the page began to listen */
  sinceMs: number
  /** how many times in a row connecting has failed */
  attempt: number
  /** when the next try is due; null = none is planned */
  retryAtMs: number | null
}

export type Phase = 'connecting' | 'live' | 'late' | 'lost'

/** Age of the picture in ms; before the first message, the time waited for it. */
export const ageMs = (link: Link, nowMs: number): number => Math.max(0, nowMs - (link.heardAtMs ?? link.sinceMs))

export const phaseOf = (link: Link, nowMs: number): Phase => {
  const age = ageMs(link, nowMs)
  if (age >= LOST_AFTER_MS) return 'lost'
  if (link.heardAtMs === null) return 'connecting'
  return age >= LATE_AFTER_MS || !link.open ? 'late' : 'live'
}

/** An acknowledgement that nobody else sees is worse than none: commands go out only over a living link. */
export const mayAct = (link: Link, nowMs: number): boolean => link.open && phaseOf(link, nowMs) !== 'lost' && link.heardAtMs !== null

const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 8_000

/** Wait before try number `attempt` (0 = first): doubling, with half of it random so that desks do not come back in step. */
export const backOffMs = (attempt: number, random: () => number): number => {
  const full = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempt, 10))
  return full / 2 + (full / 2) * random()
}
