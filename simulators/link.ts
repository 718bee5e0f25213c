// One MQTT connection with store-and-forward: what could not be acknowledged is kept, in order, and sent again after a jittered,
// growing pause. Nothing counts as delivered before its PUBACK. Knows nothing of devices; both commands use it.
import { connect, type MqttClient } from 'mqtt'
import { createBacklog } from './backlog.ts'
import type { Random } from './random.ts'
import type { Window } from './window.ts'

export type Outgoing = {
  topic: string
  qos: 0 | 1 | 2
  retain: boolean
  urgent: boolean
  /** bytes as they shall be at the moment of sending */
  payload(nowMs: number): string | Uint8Array
}
export type LinkCounts = { published: number; acked: number; dropped: number; reconnects: number; failures: number }
export const newCounts = (): LinkCounts => ({ published: 0, acked: 0, dropped: 0, reconnects: 0, failures: 0 })

export type LinkOptions = {
  url: string
  clientId: string
  username?: string
  password?: string
  /** left with the broker; `connection` counts from 1, so that a late will of an old connection can be told apart */
  will?: (connection: number) => { topic: string; payload: string }
  /** what it listens to on every connection */
  listen?: { topic: string; heard(payload: Uint8Array): void }
  /** said first on every connection: births, self-descriptions */
  births(connection: number): Outgoing[]
  random: Random
  clock: { nowMs(): number }
  window: Window
  counts: LinkCounts
  /** sent and unacknowledged on this connection at most */
  inFlightMax: number
  backlogMax: number
  firstPauseMs: number
  longestPauseMs: number
}
export type Link = {
  /** Opens the connection and keeps it open until close(). */
  open(): void
  send(message: Outgoing): void
  /** not yet acknowledged, sent or not */
  pending(): number
  connected(): boolean
  /** the last reason the broker or the network gave, '' = none; never holds a password */
  trouble(): string
  /** resolves when something changed: connected, acknowledged, closed */
  change(): Promise<void>
  /** Says its last words, waits for its acknowledgement at most `waitMs`, disconnects in good order. */
  close(lastWords: (connection: number) => Outgoing[], waitMs: number): Promise<void>
}

type Flying = { message: Outgoing; birth: boolean }

export function createLink(o: LinkOptions): Link {
  const backlog = createBacklog<Outgoing>(o.backlogMax)
  let connection = 0
  let births: Outgoing[] = []
  let flying = new Set<Flying>()
  let client: MqttClient | null = null
  let online = false
  let closing = false
  let attempts = 0
  let everOnline = false
  let trouble = ''
  let timer: NodeJS.Timeout | undefined
  let listeners: (() => void)[] = []

  const changed = () => {
    const called = listeners
    listeners = []
    for (const listener of called) listener()
  }

  function dial(): void {
    connection++
    const will = o.will?.(connection)
    const attempt = connect(o.url, {
      clientId: o.clientId,
      ...(o.username === undefined ? {} : { username: o.username }),
      ...(o.password === undefined ? {} : { password: o.password }),
      ...(will === undefined ? {} : { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: 1 as const, retain: true } }),
      protocolVersion: 4,
      clean: true,
      keepalive: 60,
      reconnectPeriod: 0,
      connectTimeout: 15_000,
      queueQoSZero: false,
      resubscribe: false,
    })
    client = attempt
    attempt.on('connect', welcomed)
    attempt.on('message', (_topic, payload) => o.listen?.heard(payload))
    attempt.on('error', error => {
      trouble = error.message
    })
    attempt.on('close', () => lost(attempt))
  }

  function welcomed(): void {
    if (everOnline) o.counts.reconnects++
    everOnline = true
    online = true
    attempts = 0
    trouble = ''
    births = o.births(connection)
    // what is refused here shows as orders that nobody answers; a lost connection asks anew
    if (o.listen !== undefined) client?.subscribe(o.listen.topic, { qos: 1 }, error => void (error && (trouble = error.message)))
    pump()
    changed()
  }

  /** Unacknowledged messages go back to the front; births are made anew on the next connection. */
  function lost(attempt: MqttClient): void {
    if (attempt !== client) return
    client = null
    online = false
    attempt.end(true)
    const back = [...flying].filter(f => !f.birth).map(f => f.message)
    const released = flying.size
    flying = new Set()
    backlog.putBack(back)
    for (let i = 0; i < released; i++) o.window.give()
    changed()
    if (closing) return
    o.counts.failures++
    const pauseMs = Math.min(o.longestPauseMs, o.firstPauseMs * 2 ** attempts++) * o.random.between(0.5, 1.5)
    timer = setTimeout(dial, pauseMs)
  }

  function pump(): void {
    while (online && client !== null && flying.size < o.inFlightMax && births.length + backlog.size() > 0) {
      if (!o.window.take(pump)) return
      const birth = births.shift()
      const message = birth ?? backlog.shift()!
      fly(client, { message, birth: birth !== undefined })
    }
  }

  function fly(on: MqttClient, flight: Flying): void {
    const group = flying
    group.add(flight)
    o.counts.published++
    const { topic, qos, retain } = flight.message
    const payload = flight.message.payload(o.clock.nowMs())
    on.publish(topic, typeof payload === 'string' ? payload : Buffer.from(payload), { qos, retain }, error => {
      // an error means the connection ended: lost() has taken or will take the message back
      if (error != null || !group.delete(flight)) return
      o.counts.acked++
      o.window.give()
      pump()
      changed()
    })
  }

  return {
    open: dial,
    send(message) {
      if (backlog.add(message) !== null) o.counts.dropped++
      pump()
    },
    pending: () => births.length + backlog.size() + flying.size,
    connected: () => online,
    trouble: () => trouble,
    change: () => new Promise(resolve => void listeners.push(resolve)),
    async close(lastWords, waitMs) {
      for (const message of lastWords(connection)) this.send(message)
      const deadline = o.clock.nowMs() + waitMs
      while (online && this.pending() > 0 && o.clock.nowMs() < deadline)
        await Promise.race([this.change(), pause(Math.max(1, deadline - o.clock.nowMs()))])
      closing = true
      clearTimeout(timer)
      const last = client
      if (last === null) return
      await new Promise<void>(resolve => last.end(!online, {}, () => resolve()))
    },
  }
}

const pause = (ms: number) => new Promise<void>(resolve => void setTimeout(resolve, ms))
