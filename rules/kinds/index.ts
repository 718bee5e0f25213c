// All rule kinds, listed by hand: few, and each decides whether people are woken.
import type { AnyKind } from '../kind.ts'
import { clockFault } from './clock-fault.ts'
import { cluster } from './cluster.ts'
import { confirm } from './confirm.ts'
import { corroborate } from './corroborate.ts'
import { deviceAlarm } from './device-alarm.ts'
import { deviceTest } from './device-test.ts'
import { dropOut } from './drop-out.ts'
import { fuse } from './fuse.ts'
import { goneQuiet } from './gone-quiet.ts'
import { presence } from './presence.ts'
import { rateOfRise } from './rate-of-rise.ts'
import { risk } from './risk.ts'
import { sensorFault } from './sensor-fault.ts'
import { stateIs } from './state-is.ts'
import { sustained } from './sustained.ts'
import { threshold } from './threshold.ts'

export const KINDS: readonly AnyKind[] = [
  deviceAlarm,
  deviceTest,
  presence,
  stateIs,
  threshold,
  sustained,
  rateOfRise,
  fuse,
  dropOut,
  sensorFault,
  clockFault,
  goneQuiet,
  corroborate,
  cluster,
  confirm,
  risk,
]
