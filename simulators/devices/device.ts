// What every simulated device is: it describes itself, and when its time has come it says something and names its next time.
// A device never publishes, never looks at a clock and draws only from the randomness it was handed.
import type { Order } from '../orders.ts'
import type { Planned } from '../plan.ts'
import type { Random } from '../random.ts'
import type { Scenario } from '../scenarios/scenario.ts'

/** A reading without its envelope (v, msgId, deviceId, kind, ts, seq, boot); shapes: contracts/schema/native-reading.schema.json */
export type Saying = { channel: 'telemetry' | 'event'; body: Record<string, unknown> }
/** `nextS`: story second of the next step, later than this one; Infinity = it has fallen silent. */
export type Step = { say: Saying[]; nextS: number }

export type SimDevice = {
  /** facts for the retained self-description: manufacturer, model, thresholds, ... */
  about(): Record<string, unknown>
  step(atS: number): Step
  /** An order came at this second of the story; its next step follows at once. */
  told?(order: Order, atS: number): void
}
export type DeviceOptions = {
  planned: Planned
  random: Random
  scenario: Scenario
  /** story seconds between two routine readings */
  routineS: number
  /** story seconds in one second of the wall clock: what repeats by a device's own timer must not speed up with the story */
  speed: number
}
export type DeviceModel = (o: DeviceOptions) => SimDevice

/** Routine readings spread by a tenth, so that a district does not beat in time. */
export const nextRoutine = (o: DeviceOptions, atS: number): number => atS + o.routineS * o.random.between(0.9, 1.1)

export const telemetry = (body: Record<string, unknown>): Saying => ({ channel: 'telemetry', body })
export const event = (body: Record<string, unknown>): Saying => ({ channel: 'event', body })
export const positionOf = ({ lat, lon }: { lat: number; lon: number }) => ({ lat, lon })
