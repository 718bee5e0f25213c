// Online or offline, as the device, its gateway or its Last Will says. Silence is not judged here: a reading never comes of silence.
// A retained statement counts, because presence is a state and brokers carry it retained.
import type { Reading } from '#contracts/reading.ts'
import { defineKind, nothing } from '../kind.ts'
import { latched, type Latch } from '../latch.ts'

export type PresenceParameters = {
  /** families whose devices sleep and are reported offline each time they do */
  sleepingFamilies?: string[]
}

/**
 * A device that says it goes to sleep has promised when it will be back: its silence is judged by that, not by this rule. One that is gone
 * because its gateway is has that gateway's alarm: five hundred more would say nothing new.
 */
const sleeps = (p: PresenceParameters, reading: Reading): boolean =>
  reading.state?.['statusReason'] === 'sleep' ||
  reading.state?.['statusReason'] === 'gateway' ||
  p.sleepingFamilies?.includes(reading.source.family) === true

export const presence = defineKind<PresenceParameters, Latch>({
  name: 'presence',
  admits: 'presence',
  parameters: {
    type: 'object',
    additionalProperties: false,
    properties: { sleepingFamilies: { type: 'array', maxItems: 20, uniqueItems: true, items: { type: 'string', maxLength: 40 } } },
  },
  stateBytesMax: 200,
  shuffled: 'same-subjects',
  byShape: true,
  wants: (_, reading) => reading.online !== undefined,
  step: (p, state, o) => {
    const { online } = o.reading
    if (online === undefined || sleeps(p, o.reading)) return nothing(state)
    return latched(state, o, [{ name: 'offline', on: !online, what: 'online', value: online }])
  },
})
