// A device that says it is being tested. Technical, never a fire: no other kind is shown a reading marked as a test.
// The test is over when the device says so, or reports its alarm flags without the mark.
import type { Reading } from '#contracts/reading.ts'
import { defineKind, nothing } from '../kind.ts'
import { latched, type Latch } from '../latch.ts'

function isTest(reading: Reading): boolean | undefined {
  if (reading.flags.test === true || reading.alarms.test === true) return true
  if (reading.alarms.test === false) return false
  return Object.keys(reading.alarms).length > 0 ? false : undefined
}

export const deviceTest = defineKind<Record<string, never>, Latch>({
  name: 'device-test',
  admits: 'test',
  parameters: { type: 'object', additionalProperties: false, properties: {} },
  stateBytesMax: 200,
  shuffled: 'may-miss',
  byShape: true,
  wants: (_, reading) => isTest(reading) !== undefined,
  step: (_, state, o) => {
    const on = isTest(o.reading)
    if (on === undefined || (!on && state === undefined)) return nothing(state)
    return latched(state, o, [{ name: 'test', on, what: 'alarms.test', value: on }])
  },
})
