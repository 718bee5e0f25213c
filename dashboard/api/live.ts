// The live view: one sequence of deltas for all desks, a snapshot to begin with, a heartbeat every second (contracts/live.ts).
// Alarms and incidents go out at once, device rows at most four times a second (the newest row of a device wins). A socket that
// does not drain is closed and comes back for a snapshot; a delta is never left out of an open one.
import { randomUUID } from 'node:crypto'
import type { WebSocket } from 'ws'
import type { Alarm } from '#contracts/alarm.ts'
import type { Clock } from '#contracts/clock.ts'
import type { Device } from '#contracts/device.ts'
import type { Incident } from '#contracts/incident.ts'
import type { DeviceRow, Kpis, LiveMessage, RoomHealth, Sight } from '#contracts/live.ts'
import { encodeRows, ROWS_PROTOCOL } from '#contracts/live-rows.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Order } from '#contracts/order.ts'
import type { Posture } from '#contracts/posture.ts'
import type { Resource } from '#contracts/resource.ts'
import { queueAlarm } from './alarms.ts'
import { createRing, type Missed } from './ring.ts'
import type { Census } from './census.ts'
import { createRows, smallOf } from './rows.ts'
import { createSnapshot, type Snapshot } from './live-snapshot.ts'

export const CLIENTS_MAX = 200
/** bytes a client may have waiting beyond its snapshot */
const BUFFER_MAX = 4 * 1024 * 1024
const ROWS_EVERY_MS = 250
/** a snapshot serves who connects within this long, with the changes since behind it */
const SNAPSHOT_MS = 1000
/** rows in one delta; more wait for the next */
const ROWS_MAX = 5000
/** a queue smaller than this is not worth the wait for a thread that compresses it */
const COMPRESS_FROM = 64 * 1024
const HEARTBEAT_MS = 1000
/** devices looked at each second for having fallen silent */
const WALK_PER_S = 5000
/** a client that answers no ping between two of these is gone */
const PING_MS = 15_000
/** how long closing waits for the closing handshake */
const GOODBYE_MS = 200
/** RFC 6455 7.4: going away, try again later; 4401 is ours: the session ended */
export const CLOSE = { goingAway: 1001, later: 1013, session: 4401, forbidden: 4403 } as const

export type LiveParts = {
  open(): { incidents: Incident[]; alarms: Alarm[]; orders: Order[]; resources: Resource[]; posture: Posture }
  devices(): Iterable<Device>
  census: Census
  kpis(): Kpis
  rooms: () => RoomHealth[]
  clock: Clock
  meter: Meter
  /** default 15 s */
  pingMs?: number
}
export type Changed = {
  incidents?: Incident[]
  alarms?: Alarm[]
  orders?: Order[]
  resources?: Resource[]
  posture?: Posture
  devices?: Device[]
  /** devices, and resources, that are gone */
  removed?: string[]
  removedResources?: string[]
}
export type Live = {
  push: (c: Changed) => void
  /** `since` and `epoch` as the client last saw them; `mayStay` is asked again every few seconds */
  attach(socket: WebSocket, o: { who: string; since?: number; epoch?: string; mayStay: () => boolean }): void
  /** A place for one more desk of that person. Where all are taken, who holds by far the most gives one up; false = nobody does. */
  makeRoom(who: string): boolean
  clients(): number
  close(): Promise<void>
}
type Client = {
  socket: WebSocket
  who: string
  /** takes small frames in the place of JSON rows */ small: boolean
  mayStay: () => boolean
  answered: boolean
  allowance: number
  /** the devices of this one are still to be sent */ awaits: Snapshot | null
}
type Delta = Omit<Extract<LiveMessage, { type: 'delta' }>, 'type' | 'seq' | 'serverTime'>

const goneOf = (devices: string[], resources: string[]): Pick<Delta, 'removed'> =>
  devices.length + resources.length === 0
    ? {}
    : { removed: { ...(devices.length > 0 ? { devices } : {}), ...(resources.length > 0 ? { resources } : {}) } }
const bytesOf = (message: LiveMessage): Buffer => Buffer.from(JSON.stringify(message))

export function createLive(parts: LiveParts): Live {
  const { clock, meter, census } = parts
  let epoch = randomUUID()
  const ring = createRing()
  const clients = new Set<Client>()
  const waiting = new Map<string, Device>()
  const rows = createRows(clock.nowMs)
  let seq = 0
  /** shared by all who connect before anything changes, or soon after: they get what changed since behind it */
  let snapshot: Snapshot | null = null

  const serverTime = (): string => new Date(clock.nowMs()).toISOString()

  /** Only snapshots are compressed: a delta never waits for a thread. */
  function send(client: Client, bytes: Uint8Array, o: { compress?: boolean; binary?: boolean; sent?: () => void } = {}): void {
    const { compress = false, binary = false, sent } = o
    client.socket.send(bytes, { binary, compress }, failed => (failed ? undefined : sent?.()))
    const { bufferedAmount } = client.socket
    // the snapshot itself may be larger than the limit: it counts until it has gone out
    if (bufferedAmount <= BUFFER_MAX) client.allowance = 0
    if (bufferedAmount <= BUFFER_MAX + client.allowance) return
    meter.count('fengsui_live_dropped_total')
    drop(client)
    client.socket.terminate()
  }

  function drop(client: Client): void {
    clients.delete(client)
    meter.gauge('fengsui_live_clients', clients.size)
  }

  function emit(delta: Delta): void {
    seq += 1
    const bytes = bytesOf({ type: 'delta', seq, serverTime: serverTime(), ...delta })
    ring.add(seq, { json: bytes })
    for (const client of clients) send(client, bytes)
  }

  function push({
    incidents = [],
    alarms = [],
    orders = [],
    resources = [],
    devices = [],
    removed = [],
    removedResources = [],
    posture,
  }: Changed): void {
    for (const device of devices) {
      census.see(device)
      waiting.set(device.deviceId, device)
    }
    for (const deviceId of removed) {
      census.forget(deviceId)
      waiting.delete(deviceId)
      rows.forget(deviceId)
    }
    if ([incidents, alarms, orders, resources, removed, removedResources].every(all => all.length === 0) && posture === undefined) return
    emit({
      ...(incidents.length > 0 ? { incidents } : {}),
      ...(alarms.length > 0 ? { alarms: alarms.map(queueAlarm) } : {}),
      ...(orders.length > 0 ? { orders } : {}),
      ...(resources.length > 0 ? { resources } : {}),
      ...(posture === undefined ? {} : { posture }),
      ...goneOf(removed, removedResources),
    })
  }

  /** Who a device is goes out in full; that only its condition or hearing changed, in a small frame of its own. */
  function sendRows(): void {
    if (waiting.size === 0) return
    if (rows.exhausted()) return renew()
    const full: DeviceRow[] = []
    const small: DeviceRow[] = []
    const sights: Sight[] = []
    for (const [deviceId, device] of waiting) {
      if (full.length + small.length >= ROWS_MAX) break
      waiting.delete(deviceId)
      const next = rows.next(device)
      ;(next.small ? small : full).push(next.row)
      const sight = rows.sight(device)
      if (sight !== null) sights.push(sight)
    }
    if (full.length + sights.length > 0) emit({ devices: full, ...(sights.length > 0 ? { sights } : {}) })
    if (small.length > 0) emitSmall(small)
  }

  /** One change under one seq, as JSON for who wants JSON (made only while somebody does) and as a frame for the others. */
  function emitSmall(small: DeviceRow[]): void {
    seq += 1
    const frame = encodeRows({ seq, serverTimeMs: clock.nowMs(), rows: small.map(smallOf) })
    const json = [...clients].some(client => !client.small)
      ? bytesOf({ type: 'delta', seq, serverTime: serverTime(), devices: small })
      : null
    ring.add(seq, { frame, json })
    for (const client of clients) {
      if (client.small) send(client, frame, { binary: true })
      else if (json !== null) send(client, json)
    }
  }

  /** Device numbers have run out (after 16 million devices): everybody comes back for a snapshot with new ones. */
  function renew(): void {
    epoch = randomUUID()
    rows.reset()
    snapshot = null
    for (const { socket } of clients) socket.close(CLOSE.goingAway, 'device numbers begin anew')
  }

  function beat(): void {
    const { changed, gone } = census.walk(WALK_PER_S)
    push({ devices: changed, removed: gone })
    if (clients.size === 0) return
    const bytes = bytesOf({ type: 'heartbeat', seq, serverTime: serverTime(), kpis: parts.kpis(), rooms: parts.rooms() })
    for (const client of clients) send(client, bytes)
  }

  /** What cannot be read is not shown as if it were: the sockets close and the pages say so. The process, and its alarms, go on. */
  function beatOrClose(): void {
    try {
      beat()
    } catch {
      for (const { socket } of clients) socket.close(1011, 'the queue cannot be read now')
    }
  }

  function ping(): void {
    for (const client of clients) {
      if (!client.mayStay()) client.socket.close(CLOSE.session, 'the session has ended')
      else if (client.answered) client.socket.ping()
      else client.socket.terminate()
      client.answered = false
    }
  }

  function makeSnapshot(): Snapshot {
    const { incidents, alarms, orders, resources, posture } = parts.open()
    const [kpis, health] = [parts.kpis(), parts.rooms()]
    const head = {
      seq,
      epoch,
      serverTime: serverTime(),
      incidents,
      alarms: alarms.map(queueAlarm),
      orders,
      resources,
      posture,
      kpis,
      rooms: health,
    }
    return createSnapshot(head, clock.nowMs(), () => {
      const alone = clients.size <= 1
      const read: { rows: DeviceRow[]; sights: Sight[] } = { rows: [], sights: [] }
      for (const device of parts.devices()) {
        read.rows.push(rows.full(device, alone))
        const sight = rows.sightNow(device)
        if (sight !== null) read.sights.push(sight)
      }
      return read
    })
  }

  /** In a flood something changes all the time; desks that come back then must not each cost the core a new one. */
  function usableSnapshot(small: boolean): { one: Snapshot; later: Missed[] } {
    const nowMs = clock.nowMs()
    const isFresh = snapshot !== null && (snapshot.seq === seq || Math.abs(nowMs - snapshot.madeMs) < SNAPSHOT_MS)
    const later = snapshot !== null && isFresh ? ring.after(snapshot.seq, small) : null
    if (snapshot !== null && later !== null) return { one: snapshot, later }
    snapshot = makeSnapshot()
    return { one: snapshot, later: [] }
  }

  function sendAsSnapshot(client: Client, all: Buffer[]): void {
    const bytes = all.reduce((sum, part) => sum + part.length, 0)
    for (const part of all) {
      if (!clients.has(client)) return
      client.allowance = bytes
      send(client, part, { compress: part.length >= COMPRESS_FROM })
    }
  }

  /** To everybody who waits for the devices of `one`, in one go: a delta from before they were read must not come behind them. */
  function sendDevices(one: Snapshot): void {
    const all = [...clients].filter(({ awaits }) => awaits === one)
    if (all.length === 0) return
    const written = one.parts()
    for (const client of all) {
      client.awaits = null
      sendAsSnapshot(client, written)
    }
  }

  /** The queue is on its way before the devices are looked at. */
  function sendInParts(client: Client, one: Snapshot): void {
    const queue = one.queue()
    if (one.isWhole()) return sendAsSnapshot(client, [queue, ...one.parts()])
    client.awaits = one
    client.allowance = queue.length
    send(client, queue, { compress: queue.length >= COMPRESS_FROM, sent: () => setImmediate(sendDevices, one) })
  }

  const timers = [setInterval(sendRows, ROWS_EVERY_MS), setInterval(beatOrClose, HEARTBEAT_MS), setInterval(ping, parts.pingMs ?? PING_MS)]

  return {
    push,
    clients: () => clients.size,
    makeRoom(who) {
      if (clients.size < CLIENTS_MAX) return true
      const held = Map.groupBy(clients, client => client.who)
      const [most] = [...held.values()].toSorted((a, b) => b.length - a.length)
      const [oldest] = most ?? []
      if (most === undefined || oldest === undefined || most.length <= (held.get(who)?.length ?? 0) + 1) return false
      drop(oldest)
      oldest.socket.close(CLOSE.later, 'another person needs the place')
      return true
    },
    attach(socket, { who, since, epoch: lastEpoch, mayStay }) {
      const small = socket.protocol === ROWS_PROTOCOL
      const client: Client = { socket, who, small, mayStay, answered: true, allowance: 0, awaits: null }
      socket.on('pong', () => (client.answered = true))
      socket.on('close', () => drop(client))
      clients.add(client)
      meter.gauge('fengsui_live_clients', clients.size)
      const missed = since !== undefined && lastEpoch === epoch ? ring.after(since, small) : null
      if (missed !== null) {
        for (const { bytes, binary } of missed) send(client, bytes, { binary })
        return
      }
      const { one, later } = usableSnapshot(small)
      if (small) sendInParts(client, one)
      else {
        sendAsSnapshot(client, [one.whole()])
        sendDevices(one)
      }
      for (const { bytes, binary } of later) send(client, bytes, { binary })
    },
    async close() {
      timers.forEach(clearInterval)
      for (const { socket } of clients) socket.close(CLOSE.goingAway, 'restarting')
      if (clients.size > 0) await new Promise(resolve => setTimeout(resolve, GOODBYE_MS))
      for (const { socket } of clients) socket.terminate()
    },
  }
}
