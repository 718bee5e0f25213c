// What of an alarm's evidence is kept with it: the first 10 pieces and the newest 10. The count goes on and the piece after
// the gap says how many are left out; all readings stay in the reading store.
import type { Evidence } from '#contracts/alarm.ts'

export const EVIDENCE_FIRST = 10
export const EVIDENCE_LAST = 10
const KEPT = EVIDENCE_FIRST + EVIDENCE_LAST

export const addEvidence = (kept: readonly Evidence[], more: readonly Evidence[]): Evidence[] => {
  const all = [...kept, ...more]
  return all.length <= KEPT ? all : [...all.slice(0, EVIDENCE_FIRST), ...all.slice(-EVIDENCE_LAST)]
}

/** The kept pieces as shown, `count` being how many there were. */
export const shownEvidence = (kept: readonly Evidence[], count: number): Evidence[] => {
  const leftOut = count - kept.length
  if (leftOut <= 0) return [...kept]
  const gap = `${leftOut} earlier pieces of evidence are left out here; the reading store has them`
  return kept.map((piece, i) =>
    i === EVIDENCE_FIRST ? { ...piece, note: piece.note === undefined ? gap : `${piece.note}; ${gap}` } : piece,
  )
}
