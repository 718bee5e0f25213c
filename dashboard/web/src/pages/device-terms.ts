// What a device's silence, battery and flags come to in words, and where its history has holes. Pure: an unknown is said to be one, and
// a line is never drawn across a time in which nothing was heard.
import { DEFAULT_EXPECT_NEXT_S, conditionOf, type Device, type DeviceCondition } from '#contracts/device.ts'
import type { Series } from '../incident/history.ts'
import type { VideoKind } from '#contracts/video.ts'

export type Shown = Device & { condition?: DeviceCondition; video?: VideoKind }

export const conditionNow = (device: Shown, nowMs: number): DeviceCondition => conditionOf(device, nowMs)

/** Silent for how long, and from when on that is no longer normal. */
export const silenceOf = (device: Device, nowMs: number): { silentMs: number | null; expectMs: number; isSaid: boolean } => ({
  silentMs: device.lastReceivedAt === undefined ? null : Math.max(0, nowMs - Date.parse(device.lastReceivedAt)),
  expectMs: (device.expectNextS ?? DEFAULT_EXPECT_NEXT_S) * 1000,
  isSaid: device.expectNextS !== undefined,
})

/** per cent below which a battery is to be changed soon; EN 14604 devices give at least 30 days of warning of their own */
export const BATTERY_LOW_PCT = 20

export const batteryOf = (device: Device): 'unknown' | 'low' | 'good' =>
  device.alarms.lowBattery === true || (device.batteryPct !== undefined && device.batteryPct < BATTERY_LOW_PCT)
    ? 'low'
    : device.batteryPct === undefined
      ? 'unknown'
      : 'good'

/** The flags that stand, in the order of the contract. */
export const standingFlags = (device: Device): string[] =>
  Object.entries(device.alarms)
    .filter(([, stands]) => stands)
    .map(([flag]) => flag)

type Point = Series['points'][number]

const GAP_FACTOR = 3

/** Median time between two points; 0 with fewer than two. */
const usualStepMs = (points: readonly Point[]): number => {
  const steps = points
    .slice(1)
    .map(([ms], i) => ms - (points[i]?.[0] ?? ms))
    .toSorted((a, b) => a - b)
  return steps[Math.floor(steps.length / 2)] ?? 0
}

/** As columns for a chart, with a hole where the device said nothing for longer than it may (twice what it promised), or than is usual in this span. */
export const withHoles = (points: readonly Point[], expectMs: number): [times: number[], values: (number | null)[]] => {
  const holeMs = Math.max(2 * expectMs, GAP_FACTOR * usualStepMs(points))
  const times: number[] = []
  const values: (number | null)[] = []
  for (const [i, [ms, value]] of points.entries()) {
    const before = points[i - 1]?.[0]
    if (before !== undefined && ms - before > holeMs) {
      times.push((before + ms) / 2000)
      values.push(null)
    }
    times.push(ms / 1000)
    values.push(value)
  }
  return [times, values]
}

export const holesIn = (points: readonly Point[], expectMs: number): number =>
  withHoles(points, expectMs)[1].filter(value => value === null).length
