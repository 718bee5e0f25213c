// The canary: a message that the system sends to its own door once a minute, to prove that the way of an alarm is open (canary.ts). It says
// nothing about a device; it takes the lane of an alarm.
import { CANARY_TOPIC } from '#contracts/topic.ts'
import type { Decoder } from '../decoder.ts'

export const decoder: Decoder = {
  family: 'canary',
  claims: topic => topic === CANARY_TOPIC,
  decode: () => ({ readings: [], control: 'the canary of the system' }),
  mayCarryAlarm: () => true,
}
