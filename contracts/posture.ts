// Peacetime or emergency (平急): one switch for the whole centre. It changes deadlines, where incidents begin on the chain, and what rules ask.

export const POSTURES = ['peacetime', 'emergency'] as const
export type PostureMode = (typeof POSTURES)[number]

/** `rules`: whether the rules' emergency parameters are in force, or why not; absent where the plan has none. */
export type Posture = {
  mode: PostureMode
  since: string
  by: string
  reason: string
  rules?: { ok: boolean; detail: string }
}
