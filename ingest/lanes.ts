// Which lane of the journal a message takes: the family's own scan of the bytes says whether it may carry an alarm. The door asks for the
// scan once a topic of a connection, and then the scan for every message. Decodes nothing, never throws.
import { Buffer } from 'node:buffer' // the global one is found anew by a getter each time
import type { Decoder } from './decoder.ts'

export type Scan = (bytes: Uint8Array, from: number, to: number) => 'alarm' | 'bulk'
export type LaneOf = (topic: string) => Scan
type Family = Pick<Decoder, 'claims' | 'mayCarryAlarm' | 'mayCarryAlarmWithin'>

/** Topics whose family is remembered; then all are forgotten and found again. */
const TOPICS_MAX = 100_000

/** What no family claims, or a family that does not say, may carry one: a false "alarm" costs a commit, a false "bulk" time. */
const MAY: Scan = () => 'alarm'

export function createLanes(decoders: readonly Family[]): LaneOf {
  const families = decoders.map(decoder => ({ decoder, scan: scanOf(decoder) }))
  const scans = new Map<string, Scan>()

  function find(topic: string): Scan {
    try {
      return families.find(({ decoder }) => decoder.claims(topic))?.scan ?? MAY
    } catch {
      return MAY // a broken family must not end the door; its decoder will tell
    }
  }

  return topic => {
    const known = scans.get(topic)
    if (known !== undefined) return known
    const scan = find(topic)
    if (scans.size >= TOPICS_MAX) scans.clear()
    scans.set(topic, scan)
    return scan
  }
}

function scanOf({ mayCarryAlarm, mayCarryAlarmWithin }: Family): Scan {
  if (mayCarryAlarm === undefined) return MAY
  return (bytes, from, to) => {
    try {
      const may =
        mayCarryAlarmWithin !== undefined && Buffer.isBuffer(bytes)
          ? mayCarryAlarmWithin(bytes, from, to)
          : mayCarryAlarm(bytes.subarray(from, to))
      return may ? 'alarm' : 'bulk'
    } catch {
      return 'alarm' // as above
    }
  }
}
