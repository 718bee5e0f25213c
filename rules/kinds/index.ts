// All rule kinds, listed by hand: few, and each decides whether people are woken.
import type { AnyKind } from '../kind.ts'
import { deviceAlarm } from './device-alarm.ts'
import { deviceTest } from './device-test.ts'
import { dropOut } from './drop-out.ts'
import { presence } from './presence.ts'
import { rateOfRise } from './rate-of-rise.ts'
import { stateIs } from './state-is.ts'
import { threshold } from './threshold.ts'

export const KINDS: readonly AnyKind[] = [deviceAlarm, deviceTest, presence, stateIs, threshold, rateOfRise, dropOut]
