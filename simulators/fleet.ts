// The connections of a district: one for every station, camera, drone and gateway, each with its own credential and will. Takes
// the world's messages to the connection they belong to; what waited for more than a minute goes out marked `history`.
import { nativeTopic } from '#contracts/topic.ts'
import { createLink, newCounts, type Link, type LinkCounts, type Outgoing } from './link.ts'
import type { Login } from './logins.ts'
import { commandTopic, heardIn } from './orders.ts'
import type { Planned } from './plan.ts'
import type { Random } from './random.ts'
import { createWindow } from './window.ts'
import type { SimMessage, World } from './world.ts'

export type FleetOptions = {
  url: string
  planned: readonly Planned[]
  /** by deviceId; needed for whatever has a connection of its own */
  logins: ReadonlyMap<string, Login>
  world: World
  random: Random
  clock: { nowMs(): number }
  inFlightMax?: number
  firstPauseMs?: number
}
export type Fleet = {
  open(): void
  send(message: SimMessage): void
  counts: LinkCounts
  inFlight(): number
  waiting(): number
  connections(): { open: number; all: number }
  troubles(): Map<string, number>
  close(): Promise<void>
}

const HISTORY_AFTER_MS = 60_000
/** messages waiting in the whole district; shared out by device, at most so many for one */
const BACKLOG_TOTAL = 200_000
const BACKLOG_PER_DEVICE_MAX = 500
const IN_FLIGHT_MAX = 4000
const IN_FLIGHT_PER_LINK = 64
const FIRST_PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 30_000
/** connections opened in one second at first: a broker must hash a password for each */
const DIALS_PER_S = 150
const LAST_WORDS_MS = 3000

export function createFleet(o: FleetOptions): Fleet {
  const counts = newCounts()
  const window = createWindow(o.inFlightMax ?? IN_FLIGHT_MAX)
  const groups = Map.groupBy(o.planned, p => p.via ?? p.deviceId)
  const perDevice = Math.min(BACKLOG_PER_DEVICE_MAX, Math.ceil(BACKLOG_TOTAL / o.planned.length))
  const links = new Map<string, Link>()
  const run = o.world.wallMs(0).toString(36)
  const sessionOf = (owner: string, connection: number) => `${owner}-${run}-${connection}`.slice(-64)
  /** Only the connection's owner says good-bye: the detectors behind a gateway do not know that it was switched off. */
  const farewell = (owner: string, members: Planned[]) => (connection: number) =>
    members.filter(p => p.deviceId === owner).map(p => statusOf(p, o.world, sessionOf(owner, connection), false))
  const timers: NodeJS.Timeout[] = []
  for (const [owner, members] of groups) {
    const self = members.find(p => p.deviceId === owner)
    const kind = self?.kind
    const random = o.random.fork(owner)
    const login = o.logins.get(owner)
    links.set(
      owner,
      createLink({
        url: o.url,
        clientId: `sim-${owner}`,
        ...login,
        ...(kind === undefined
          ? {}
          : {
              will: (connection: number) => ({
                topic: nativeTopic({ kind, deviceId: owner, channel: 'status' }),
                payload: JSON.stringify({ v: 1, online: false, reason: 'will', session: sessionOf(owner, connection) }),
              }),
            }),
        ...(self?.kind === 'micro-station' && {
          listen: { topic: commandTopic(self), heard: (payload: Uint8Array) => listenTo(self, payload) },
        }),
        births: connection => members.flatMap(p => birthsOf(p, o.world, sessionOf(owner, connection))),
        random,
        clock: o.clock,
        window,
        counts,
        inFlightMax: IN_FLIGHT_PER_LINK,
        backlogMax: perDevice * members.length,
        firstPauseMs: o.firstPauseMs ?? FIRST_PAUSE_MS,
        longestPauseMs: LONGEST_PAUSE_MS,
      }),
    )
  }
  function listenTo(self: Planned, payload: Uint8Array): void {
    const heard = heardIn(self, payload)
    if (heard === null) return
    links.get(self.deviceId)?.send(heard.answer)
    if (heard.order !== undefined) o.world.told(self.deviceId, heard.order, o.clock.nowMs())
  }
  const spreadMs = (links.size / DIALS_PER_S) * 1000

  return {
    counts,
    inFlight: () => window.used(),
    waiting: () => sum(links.values(), l => l.pending()) - window.used(),
    connections: () => ({ open: sum(links.values(), l => (l.connected() ? 1 : 0)), all: links.size }),
    troubles() {
      const seen = new Map<string, number>()
      for (const link of links.values()) if (link.trouble() !== '') seen.set(link.trouble(), (seen.get(link.trouble()) ?? 0) + 1)
      return seen
    },
    open() {
      for (const [owner, link] of links) timers.push(setTimeout(() => link.open(), o.random.fork(`dial/${owner}`).between(0, spreadMs)))
    },
    send: message => links.get(message.via ?? message.deviceId)?.send(readingOf(message)),
    async close() {
      for (const timer of timers) clearTimeout(timer)
      await Promise.all([...links].map(([owner, link]) => link.close(farewell(owner, groups.get(owner) ?? []), LAST_WORDS_MS)))
    },
  }
}

const sum = <T>(items: Iterable<T>, of: (item: T) => number) => {
  let total = 0
  for (const item of items) total += of(item)
  return total
}

const readingOf = (message: SimMessage): Outgoing => ({
  topic: message.topic,
  qos: 1,
  retain: message.retain,
  urgent: message.urgent,
  payload: nowMs => JSON.stringify(nowMs - message.atMs > HISTORY_AFTER_MS ? { ...message.body, history: true } : message.body),
})

function birthsOf(p: Planned, world: World, session: string): Outgoing[] {
  const about = world.about(p.deviceId)
  return [
    statusOf(p, world, session, true),
    { topic: about.topic, qos: 1, retain: true, urgent: true, payload: () => JSON.stringify(about.body) },
  ]
}

/** contracts/schema/native-status.schema.json */
const statusOf = (p: Planned, world: World, session: string, online: boolean): Outgoing => ({
  topic: nativeTopic({ kind: p.kind, deviceId: p.deviceId, channel: 'status' }),
  qos: 1,
  retain: true,
  urgent: true,
  payload: nowMs =>
    JSON.stringify({
      v: 1,
      online,
      ts: new Date(nowMs).toISOString(),
      session,
      reason: online ? 'birth' : 'shutdown',
      expectNextS: world.pace.expectNextS(p.kind),
    }),
})
