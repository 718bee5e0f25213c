// Which lane of the journal a message takes: the family's own scan of the bytes says whether it may carry an alarm. Asked at the
// door for every message, so the family is found once a topic. Decodes nothing, never throws.
import type { Decoder } from './decoder.ts'

export type LaneOf = (topic: string, payload: Uint8Array) => 'alarm' | 'bulk'

/** Topics whose family is remembered; then all are forgotten and found again. */
const TOPICS_MAX = 100_000

/** What no family claims, or a family that does not say, may carry one: a false "alarm" costs a commit, a false "bulk" time. */
const MAY: (payload: Uint8Array) => boolean = () => true

export function createLanes(decoders: readonly Pick<Decoder, 'claims' | 'mayCarryAlarm'>[]): LaneOf {
  const scans = new Map<string, (payload: Uint8Array) => boolean>()

  function scanFor(topic: string): (payload: Uint8Array) => boolean {
    const scan = decoders.find(decoder => decoder.claims(topic))?.mayCarryAlarm ?? MAY
    if (scans.size >= TOPICS_MAX) scans.clear()
    scans.set(topic, scan)
    return scan
  }

  return (topic, payload) => {
    try {
      return (scans.get(topic) ?? scanFor(topic))(payload) ? 'alarm' : 'bulk'
    } catch {
      return 'alarm' // a broken scan must not end the door; its decoder will tell
    }
  }
}
