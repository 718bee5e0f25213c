// The clock message that the edge itself writes into the journal, so that time passes there when all devices are silent. It says nothing
// about a device; what it means is the rules' business (rules/listening.ts).
import { CLOCK_TOPIC } from '#contracts/topic.ts'
import type { Decoder } from '../decoder.ts'

export const decoder: Decoder = {
  family: 'clock',
  claims: topic => topic === CLOCK_TOPIC,
  decode: () => ({ readings: [], control: 'the clock of the edge' }),
  mayCarryAlarm: () => false,
}
