// Peacetime or emergency (平急): kept in the queue's own database, changed by one audited act that also gives every open incident the
// deadlines that hold from now on. What else follows it (rules, screens) reads it.
import type { DatabaseSync } from 'node:sqlite'
import { FengsuiError } from '#contracts/errors.ts'
import { POSTURES, type Posture, type PostureMode } from '#contracts/posture.ts'
import { actorOf, oneOf, REASON_CHARACTERS_MAX, required } from './checks.ts'
import type { Turn } from './turn.ts'

const FIRST: Posture = { mode: 'peacetime', since: '1970-01-01T00:00:00.000Z', by: 'system', reason: 'as installed' }

export const openPosture = (db: DatabaseSync): { posture(): Posture; setPosture(p: Posture): void } => {
  const get = db.prepare("SELECT value FROM meta WHERE key = 'posture'")
  const put = db.prepare("INSERT INTO meta VALUES ('posture', ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value")
  return {
    posture: () => {
      const value = get.get()?.['value']
      return typeof value === 'string' ? (JSON.parse(value) as Posture) : FIRST
    },
    setPosture: posture => void put.run(JSON.stringify(posture)),
  }
}

/** `retime` is to write the open incidents' new deadlines, given the mode before; see deadlines.ts. */
export const changePosture = (
  turn: Turn,
  o: { by: string; mode: string; reason: string },
  retime: (turn: Turn, was: PostureMode) => void,
): void => {
  const { by, actor } = actorOf(o.by)
  const mode = oneOf('mode', o.mode, POSTURES)
  const reason = required('reason', o.reason, REASON_CHARACTERS_MAX)
  const was = turn.desk.posture()
  if (was.mode === mode) throw new FengsuiError('conflict', `it is ${mode} already, by ${was.by} since ${was.since} (${was.reason})`)
  turn.desk.setPosture({ mode, since: turn.now, by, reason })
  turn.desk.audit.append({ at: turn.now, actor, action: `posture.${mode}`, subject: 'posture', detail: { from: was.mode, reason } })
  retime(turn, was.mode)
}
