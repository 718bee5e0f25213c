// Counts devices by condition without asking all of them every second: what changes is counted at once, and a slow round over
// the rest finds those that fell silent. Bounded by the directory; one entry a device.
import type { Clock } from '#contracts/clock.ts'
import { conditionOf, type Device, type DeviceCondition } from '#contracts/device.ts'

export type Census = {
  /** true when the device's condition is not what it was */
  see(device: Device): boolean
  forget(deviceId: string): void
  /** Looks at the next `count` devices of the round: which turned stale, which are gone. */
  walk(count: number): { changed: Device[]; gone: string[] }
  counts(): { devicesTotal: number; devicesOnline: number; devicesStale: number; devicesUnknown: number }
}

export function createCensus(o: {
  directory: { all(): Iterable<Device>; size(): number; get(deviceId: string): Device | undefined }
  clock: Clock
}): Census {
  const { directory, clock } = o
  const last = new Map<string, DeviceCondition>()
  const tally = new Map<DeviceCondition, number>()
  const add = (condition: DeviceCondition | undefined, by: number): void => {
    if (condition !== undefined) tally.set(condition, (tally.get(condition) ?? 0) + by)
  }
  const see = (device: Device): boolean => {
    const before = last.get(device.deviceId)
    const now = conditionOf(device, clock.nowMs())
    if (before === now) return false
    add(before, -1)
    add(now, 1)
    last.set(device.deviceId, now)
    return true
  }
  const forget = (deviceId: string): void => {
    add(last.get(deviceId), -1)
    last.delete(deviceId)
  }
  /** removals made elsewhere (the command line) show only as a difference */
  const missing = (): string[] => (last.size <= directory.size() ? [] : [...last.keys()].filter(id => directory.get(id) === undefined))

  // a device that reports moves to the end of the directory: a round ends after as many as there were when it began
  let round: { devices: Iterator<Device>; left: number } | null = null
  for (const device of directory.all()) see(device)

  return {
    see,
    forget,
    walk(count) {
      const current = (round ??= { devices: directory.all()[Symbol.iterator](), left: directory.size() })
      const changed: Device[] = []
      for (let i = 0; i < count && current.left > 0; i++) {
        const next = current.devices.next()
        current.left = next.done === true ? 0 : current.left - 1
        if (next.done !== true && see(next.value)) changed.push(next.value)
      }
      if (current.left === 0) round = null
      const gone = current.left === 0 ? missing() : []
      gone.forEach(forget)
      return { changed, gone }
    },
    counts() {
      const of = (condition: DeviceCondition): number => tally.get(condition) ?? 0
      const devicesTotal = directory.size()
      const notHeard = of('offline') + of('stale') + of('unknown')
      return {
        devicesTotal,
        devicesOnline: Math.max(0, devicesTotal - notHeard),
        devicesStale: of('stale'),
        devicesUnknown: of('unknown'),
      }
    },
  }
}
