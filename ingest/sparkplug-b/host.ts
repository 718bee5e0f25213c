// What edge nodes that are told of a primary host wait for: a retained STATE that says whether we are there. Without it they keep what they
// have to say, or go to another server. Format: Sparkplug 3.0, tck-id-host-topic-phid-birth-*, -death-*.
import type { Clock } from '#contracts/clock.ts'
import { parseJson } from '../json.ts'
import { at } from '../compose.ts'

export const stateTopic = (hostId: string): string => `spBv1.0/STATE/${hostId}`
/** The will of a connection bears the time of the birth that follows (tck-id-host-topic-phid-birth-payload-timestamp). */
export const stateOf = (online: boolean, timestampMs: number): string => JSON.stringify({ online, timestamp: timestampMs })

/** Two systems with one name would contradict each other for ever. */
export const SAY_AGAIN_MS = 10_000

/** Somebody said that we are gone, which we are not: a will that came late, or another with our name. `say` is asked to say it again. */
export function createHostWatch(o: { clock: Clock; say(): void }): (payload: Uint8Array) => void {
  let saidMs = -Infinity
  return payload => {
    const parsed = parseJson(payload)
    if (!parsed.ok || at(parsed.value, 'online') !== false || o.clock.nowMs() - saidMs < SAY_AGAIN_MS) return
    saidMs = o.clock.nowMs()
    o.say()
  }
}
