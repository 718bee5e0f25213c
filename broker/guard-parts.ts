// What all guards of a broker share, and whom they tell.
import type { Meter } from '#contracts/metrics.ts'
import type { Guard } from './guard.ts'
import type { Keepalive } from './keepalive.ts'
import type { LaneParts } from './lane.ts'
import type { SessionFile } from './session-file.ts'
import type { Problem } from './sessions.ts'
import type { Turn } from './turn.ts'

export type GuardParts = LaneParts & {
  turn: Turn
  keepalive: Keepalive
  disk: Pick<SessionFile, 'isDirty' | 'commit'>
  meter: Meter
  refused(guard: Guard, problem: Problem, more: { topic?: string; payload?: Uint8Array }): void
  tooSlow(guard: Guard, pendingBytes: number): void
}
