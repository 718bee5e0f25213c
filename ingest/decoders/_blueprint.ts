// Copy this file to decoders/<family>.ts to read a new family; the loader skips names that begin with an underscore.
// Then put samples with what they must become into test/fixtures/<family>/sources.json: the conformance suite finds both.
import { ignored, rejected, type Decoder } from '../decoder.ts'
import { parseJson } from '../json.ts'
import { iso, serverStamp } from '../time.ts'

const PREFIX = 'example/'

export const decoder: Decoder = {
  family: '_blueprint',

  // by topic alone; no other decoder may claim the same
  claims: topic => topic.startsWith(PREFIX),

  // never throws, reads no clock, keeps what it learns in `memory` only
  decode(input, memory) {
    if (input.payload.length === 0) return ignored('a retained message was cleared')
    const parsed = parseJson(input.payload)
    if (!parsed.ok) return rejected('json-invalid', parsed.reason, '/')
    if (typeof parsed.value !== 'number') return rejected('decoder-failed', 'a number of degrees was expected', '/')
    const name = input.topic.slice(PREFIX.length)
    memory.set(name, true)
    return {
      readings: [
        {
          deviceId: `example:${name}`,
          kind: 'environment',
          ...serverStamp(input.receivedAtMs),
          receivedAt: iso(input.receivedAtMs),
          metrics: { temperature_c: parsed.value },
          alarms: {},
          flags: {},
          source: { family: '_blueprint', topic: input.topic },
        },
      ],
    }
  },

  // only where messages of this family can carry alarms
  mayCarryAlarm: () => false,
}
