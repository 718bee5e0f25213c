// GET /api/v1/devices: which devices are known, by page, with the one honest word for each.
import type { Clock } from '#contracts/clock.ts'
import { conditionOf, DEVICE_CONDITIONS, type Device } from '#contracts/device.ts'
import { DEVICE_KINDS, type DeviceKind } from '#contracts/reading.ts'
import { answers } from './errors.ts'
import { integer, list, object, oneOf, ref, text, type App } from './schema.ts'

export type DeviceListParts = { directory: { all(): Iterable<Device> }; clock: Clock }

const LISTED = 200
const CONDITIONS = `^(${DEVICE_CONDITIONS.join('|')})(,(${DEVICE_CONDITIONS.join('|')}))*$`
const LISTED_MAX = 1000

export function deviceListRoute(app: App, { directory, clock }: DeviceListParts): void {
  app.get('/api/v1/devices', {
    config: { scope: 'read' },
    schema: {
      summary: 'The devices known, registered or heard, by id',
      tags: ['devices'],
      querystring: object(
        {},
        {
          kind: oneOf(DEVICE_KINDS),
          area: text({ maxLength: 200 }),
          condition: text({ pattern: CONDITIONS, description: `one or more of ${DEVICE_CONDITIONS.join(', ')}, with commas` }),
          q: text({ maxLength: 200, description: 'part of id, name, building or room' }),
          batteryBelow: integer({ minimum: 1, maximum: 100, description: 'per cent; those that never told their battery are left out' }),
          limit: integer({ minimum: 1, maximum: LISTED_MAX, default: LISTED }),
          after: text({ maxLength: 128, description: 'the `next` of the page before' }),
        },
      ),
      response: answers({
        200: object(
          { devices: list(ref('Device')), total: integer({ description: 'matching, all pages' }) },
          { next: text({ description: 'absent on the last page' }) },
        ),
      }),
    },
    handler: async request => {
      const { limit = LISTED, after = '', condition, ...rest } = request.query
      const wanted: Wanted = { ...rest, ...(condition === undefined ? {} : { conditions: condition.split(',') }) }
      const nowMs = clock.nowMs()
      const page = createPage(limit)
      let total = 0
      for (const device of directory.all()) {
        if (!matches(device, wanted, nowMs)) continue
        total += 1
        if (device.deviceId > after) page.add(device)
      }
      const { devices, isLast } = page.done()
      const next = devices.at(-1)?.deviceId
      const shown = devices.map(device => ({ ...device, condition: conditionOf(device, nowMs) }))
      return { devices: shown, total, ...(isLast || next === undefined ? {} : { next }) }
    },
  })
}

/** The first `limit` by id of what passes by, without sorting a whole district at once. */
function createPage(limit: number) {
  let devices: Device[] = []
  let isLast = true
  const trim = (): void => {
    devices.sort((a, b) => (a.deviceId < b.deviceId ? -1 : 1))
    isLast &&= devices.length <= limit
    devices = devices.slice(0, limit)
  }
  return {
    add(device: Device): void {
      devices.push(device)
      if (devices.length >= 4 * limit) trim()
    },
    done(): { devices: Device[]; isLast: boolean } {
      trim()
      return { devices, isLast }
    },
  }
}

type Wanted = { kind?: DeviceKind; area?: string; conditions?: string[]; q?: string; batteryBelow?: number }

function matches(device: Device, wanted: Wanted, nowMs: number): boolean {
  if (wanted.kind !== undefined && device.kind !== wanted.kind) return false
  if (wanted.area !== undefined && device.place?.area !== wanted.area) return false
  if (wanted.conditions !== undefined && !wanted.conditions.includes(conditionOf(device, nowMs))) return false
  if (wanted.batteryBelow !== undefined && !(device.batteryPct !== undefined && device.batteryPct < wanted.batteryBelow)) return false
  if (wanted.q === undefined) return true
  const q = wanted.q.toLowerCase()
  const { deviceId, name, place } = device
  return [deviceId, name, place?.building, place?.room].some(part => part?.toLowerCase().includes(q))
}
