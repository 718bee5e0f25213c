// What a scenario is: it answers, for any device and any second of the story, what happens there beyond the ordinary.
// It never publishes and never looks at a clock; the devices turn its answers into readings.
import type { Spot } from '../district/read.ts'
import type { Air } from '../fire.ts'
import type { Planned } from '../plan.ts'
import type { Random } from '../random.ts'

/** `sinceS`: story second at which it began. */
export type Trouble = { what: 'low-battery' | 'dirty-chamber' | 'silent' | 'cooking' | 'low-hydrant' | 'lens-fault'; sinceS: number }
/** What a camera has before it. `smoke` and `flame` 0..1: how plainly they can be seen. */
export type Sight = { bearingDeg: number; distanceM: number; smoke: number; flame: number; hottestC: number }
/** `ordered`: by the platform, not by the story */
export type Mission = { dispatchId: string; calledS: number; target: Spot; endsS: number; ordered?: true }

export type Scenario = {
  name: string
  /** story time of day at story second 0, hours */
  startHour: number
  /** who must be looking when the story begins, however seldom they report */
  wakes: { deviceId: string; atS: number }[]
  air(deviceId: string, atS: number): Air | null
  /** does this device sample every second now? */
  alert(deviceId: string, atS: number): boolean
  /** where a camera points; null = wherever it was mounted */
  aimDeg(deviceId: string): number | null
  sight(deviceId: string, atS: number): Sight | null
  mission(deviceId: string, atS: number): Mission | null
  /** how hot the mission's target is for a thermal camera, and whether it is under control */
  target(atS: number): { hottestC: number; controlled: boolean }
  trouble(deviceId: string): Trouble | null
  /** A detector has sounded. Answers who must wake, and when. */
  alarmed(deviceId: string, atS: number): { deviceId: string; atS: number }[]
  summary: () => Summary
}
export type ScenarioOptions = { planned: readonly Planned[]; random: Random; beginsS: number; awaitOrders: boolean }

/** What an officer should have seen by the end. Story seconds; the command turns them into times of day. */
export type Summary = {
  scenario: string
  building?: string
  room?: string
  ignitedS?: number
  detectors: { deviceId: string; name: string; alarmedS: number }[]
  cameras: string[]
  drone?: string
  station?: string
  troubles: { deviceId: string; what: Trouble['what'] }[]
}
