// Has ways looked up before somebody asks who is sent, where the travel model needs a server for it: when an incident is new or moves, and again
// while people look at it. Nobody waits for the answer: who asks earlier is answered by the simpler model.
import type { Incident } from '#contracts/incident.ts'
import { isOpen } from '../incident-states.ts'
import { resourcesNow } from '../resources-now.ts'
import type { Desk } from '../turn.ts'
import { startersOf } from './travel.ts'

/** While people look on, the same incident is asked for at most this often; crews move meanwhile. */
const AGAIN_MS = 30_000
/** Questions under way; in a flood the others are asked for when somebody looks at them. */
const AT_ONCE = 8
const REMEMBERED = 1_000

export const waysAhead = (desk: Desk): ((incidents: readonly Incident[]) => void) => {
  const { travel } = desk
  if (travel.prepare === undefined) return () => {}
  const asked = new Map<string, number>()
  let underWay = 0

  const isDue = ({ id, position }: Incident, nowMs: number): boolean => {
    const key = `${id} ${position?.lat ?? ''} ${position?.lon ?? ''}`
    if (nowMs - (asked.get(key) ?? -Infinity) < AGAIN_MS) return false
    asked.delete(key)
    asked.set(key, nowMs)
    const [oldest] = asked.keys()
    if (asked.size > REMEMBERED && oldest !== undefined) asked.delete(oldest)
    return true
  }

  return incidents => {
    const nowMs = desk.clock.nowMs()
    for (const incident of incidents) {
      const { position, category, state } = incident
      if (position === undefined || category !== 'fire' || !isOpen(state) || underWay >= AT_ONCE || !isDue(incident, nowMs)) continue
      underWay += 1
      void travel.prepare?.(startersOf(resourcesNow(desk, nowMs)), position).finally(() => (underWay -= 1))
    }
  }
}
