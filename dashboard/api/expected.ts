// Which of the registered devices have been heard: from the first day, so that one that was mounted and never spoke is found
// before the fire. GET /api/v1/devices/expected. Decides nothing about conditions (contracts/device.ts does).
import type { Clock } from '#contracts/clock.ts'
import { conditionOf, type Device } from '#contracts/device.ts'
import { answers } from './errors.ts'
import { integer, list, object, text, time, type App } from './schema.ts'

export type ExpectedParts = { directory: { registered(): Iterable<Device>; size(): number }; clock: Clock }

type Tally = { expected: number; heard: number; silent: number; never: number }
export type Expected = Tally & {
  /** heard, and registered by nobody */
  unregistered: number
  byKind: (Tally & { kind: string })[]
  byGateway: (Tally & { via: string })[]
  neverHeard: string[]
  silentSince: { deviceId: string; since: string }[]
}

/** devices named in an answer, and gateways counted by themselves */
const NAMED_MAX = 200

const isHeard = (device: Device, nowMs: number): boolean => {
  const condition = conditionOf(device, nowMs)
  return condition !== 'stale' && condition !== 'offline' && condition !== 'unknown'
}

/** Only the sums: for the metrics. */
export function tallyOf(devices: Iterable<Device>, nowMs: number): Tally {
  const tally: Tally = { expected: 0, heard: 0, silent: 0, never: 0 }
  for (const device of devices) add(tally, device, nowMs)
  return tally
}

export function expectedOf({ directory, clock }: ExpectedParts): Expected {
  const nowMs = clock.nowMs()
  const all: Tally = { expected: 0, heard: 0, silent: 0, never: 0 }
  const kinds = new Map<string, Tally>()
  const gateways = new Map<string, Tally>()
  const neverHeard: string[] = []
  const silentSince: { deviceId: string; since: string }[] = []
  for (const device of directory.registered()) {
    add(all, device, nowMs)
    add(of(kinds, device.kind), device, nowMs)
    if (device.via !== undefined && (gateways.size < NAMED_MAX || gateways.has(device.via))) add(of(gateways, device.via), device, nowMs)
    if (device.lastReceivedAt === undefined) neverHeard.push(device.deviceId)
    else if (!isHeard(device, nowMs)) silentSince.push({ deviceId: device.deviceId, since: device.lastReceivedAt })
  }
  return {
    ...all,
    unregistered: directory.size() - all.expected,
    byKind: [...kinds].map(([kind, tally]) => ({ kind, ...tally })).toSorted((a, b) => (a.kind < b.kind ? -1 : 1)),
    byGateway: [...gateways].map(([via, tally]) => ({ via, ...tally })).toSorted((a, b) => (a.via < b.via ? -1 : 1)),
    neverHeard: neverHeard.toSorted().slice(0, NAMED_MAX),
    silentSince: silentSince.toSorted((a, b) => (a.since < b.since ? -1 : 1)).slice(0, NAMED_MAX),
  }
}

function of(tallies: Map<string, Tally>, key: string): Tally {
  const tally = tallies.get(key) ?? { expected: 0, heard: 0, silent: 0, never: 0 }
  tallies.set(key, tally)
  return tally
}

function add(tally: Tally, device: Device, nowMs: number): void {
  tally.expected++
  if (device.lastReceivedAt === undefined) tally.never++
  else if (isHeard(device, nowMs)) tally.heard++
  else tally.silent++
}

const tally = {
  expected: integer(),
  heard: integer({ description: 'within the silence that is normal for it' }),
  silent: integer({ description: 'heard once, and not of late, or said to be offline' }),
  never: integer({ description: 'not once since it was registered' }),
}

export function expectedRoute(app: App, parts: ExpectedParts): void {
  app.get('/api/v1/devices/expected', {
    config: { scope: 'read' },
    schema: {
      summary: 'Registered devices against those that were heard',
      tags: ['devices'],
      response: answers({
        200: object({
          ...tally,
          unregistered: integer({ description: 'heard, and registered by nobody' }),
          byKind: list(object({ kind: text(), ...tally })),
          byGateway: list(object({ via: text(), ...tally }), { description: `the first ${NAMED_MAX} gateways` }),
          neverHeard: list(text(), { description: `the first ${NAMED_MAX}` }),
          silentSince: list(object({ deviceId: text(), since: time() }), { description: `the ${NAMED_MAX} silent for longest` }),
        }),
      }),
    },
    handler: async () => expectedOf(parts),
  })
}
