// What persistent sessions have not acknowledged, in place of Aedes' own queues: bounded, found by number instead of by a walk,
// marked DUP when sent again [MQTT-3.3.1-1], and forgotten with the session [MQTT-3.1.2-6]. Answers at once (settled.ts).
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'

export type Outgoing = {
  cmd: string
  topic?: string
  payload?: Uint8Array
  qos?: number
  retain?: boolean
  dup?: boolean
  brokerId?: string
  brokerCounter?: number
  messageId?: number | undefined
}
type Queued = { packet: Outgoing; counter: number; sends: number; row: number; bytes: number }
/** Where queued messages outlive a restart (session-file.ts). */
type Disk = { nextRow(): number; queued(row: number, id: string, packet: Outgoing): void; unqueued(row: number): void }
type Queue = { byCounter: Map<number, Queued>; byMessageId: Map<number, Queued>; streams: number }
type Returning = { id: string; closed: boolean }
const newQueue = (): Queue => ({ byCounter: new Map(), byMessageId: new Map(), streams: 0 })

export class Queues {
  readonly #max: number
  readonly #maxOfSession: number
  readonly #full: (clientId: string) => void
  readonly #maxBytes: number
  readonly #disk: Disk
  readonly #of = new Map<string, Queue>()
  #total = 0
  #bytes = 0

  constructor(o: { max: number; maxOfSession: number; maxBytes: number; disk: Disk; full: (clientId: string) => void }) {
    this.#max = o.max
    this.#maxOfSession = o.maxOfSession
    this.#full = o.full
    this.#maxBytes = o.maxBytes
    this.#disk = o.disk
  }

  hasRoom(clientId: string): boolean {
    const queue = this.#of.get(clientId)
    if ((queue?.byCounter.size ?? 0) < this.#maxOfSession && this.#total < this.#max && this.#bytes < this.#maxBytes) return true
    this.#full(clientId)
    return false
  }

  /** `packet` is shared between the sessions it is for, so each keeps its own object with the same payload. */
  add(clientId: string, packet: Outgoing): void {
    const queue = this.#queueOf(clientId)
    const counter = packet.brokerCounter ?? 0
    const before = queue.byCounter.get(counter)
    if (before !== undefined) this.#dropped(before)
    this.#put(clientId, queue, {
      packet: { ...packet, messageId: undefined },
      counter,
      sends: 0,
      row: this.#disk.nextRow(),
      bytes: sizeOf(packet),
    })
  }

  /** What waited before a restart, in order. Their counters are below all that Aedes gives. */
  restore(kept: readonly { row: number; id: string; packet: Outgoing }[]): void {
    for (const [i, { row, id, packet }] of kept.entries()) {
      const queue = this.#queueOf(id)
      const counter = i - kept.length
      const queued = { packet: { ...packet, brokerCounter: counter }, counter, sends: 0, row, bytes: sizeOf(packet) }
      queue.byCounter.set(counter, queued)
      if (packet.messageId !== undefined) queue.byMessageId.set(packet.messageId, queued)
      this.#total++
      this.#bytes += queued.bytes
    }
  }

  #put(clientId: string, queue: Queue, queued: Queued): void {
    queue.byCounter.set(queued.counter, queued)
    this.#total++
    this.#bytes += queued.bytes
    this.#disk.queued(queued.row, clientId, queued.packet)
  }

  #dropped(queued: Queued): void {
    this.#total--
    this.#bytes -= queued.bytes
    this.#disk.unqueued(queued.row)
  }

  /** A message gets its number when it is sent; with PUBREC its PUBREL takes its place. false = it is not in the queue. */
  update(clientId: string, packet: Outgoing): boolean {
    const queue = this.#of.get(clientId)
    if (packet.cmd === 'publish' && packet.qos === 0) return true // granted no more: nothing waits for it
    if (queue === undefined || packet.messageId === undefined) return false
    const sent = packet.cmd === 'publish' ? queue.byCounter.get(packet.brokerCounter ?? 0) : undefined
    if (sent !== undefined) {
      if (sent.packet.messageId === undefined) packet.messageId = freeId(queue, packet.messageId)
      sent.packet.messageId = packet.messageId
      sent.sends++
      queue.byMessageId.set(packet.messageId, sent)
      this.#disk.queued(sent.row, clientId, sent.packet)
      return true
    }
    const had = queue.byMessageId.get(packet.messageId)
    if (had === undefined) return false
    const isChanged = had.packet.cmd !== packet.cmd
    had.packet = packet
    had.sends++
    if (isChanged) this.#disk.queued(had.row, clientId, packet)
    return true
  }

  /** Behind all that are in use, so that a new connection does not begin with one of them [MQTT-2.3.1-4]. */
  nextId(clientId: string): number {
    let highest = 0
    for (const id of this.#of.get(clientId)?.byMessageId.keys() ?? []) if (id > highest) highest = id
    return highest >= IDS_MAX ? 1 : highest + 1
  }

  take(clientId: string, messageId: number | undefined): Outgoing | undefined {
    const queue = this.#of.get(clientId)
    const had = messageId === undefined ? undefined : queue?.byMessageId.get(messageId)
    if (queue === undefined || had === undefined || messageId === undefined) return undefined
    queue.byMessageId.delete(messageId)
    queue.byCounter.delete(had.counter)
    this.#dropped(had)
    if (queue.byCounter.size === 0 && queue.streams === 0) this.#of.delete(clientId)
    return had.packet
  }

  forget(clientId: string): void {
    for (const queued of this.#of.get(clientId)?.byCounter.values() ?? []) this.#dropped(queued)
    this.#of.delete(clientId)
  }

  /** Takes back what waits for a session and must not reach it any more; how many. */
  withdraw(isTaken: (clientId: string, topic: string, payload: Uint8Array | undefined) => boolean): number {
    let taken = 0
    for (const [clientId, queue] of this.#of) {
      for (const queued of queue.byCounter.values()) {
        const { cmd, topic, payload, messageId } = queued.packet
        if (cmd !== 'publish' || topic === undefined || !isTaken(clientId, topic, payload)) continue
        queue.byCounter.delete(queued.counter)
        if (messageId !== undefined) queue.byMessageId.delete(messageId)
        this.#dropped(queued)
        taken++
      }
      if (queue.byCounter.size === 0 && queue.streams === 0) this.#of.delete(clientId)
    }
    return taken
  }

  /** In order; what has a number was sent before. What is queued meanwhile comes behind it, up to the moment of `isBack`. */
  stream(client: Returning, isBack: () => void): Readable {
    return Readable.from(this.#all(client, isBack))
  }

  /** One is asked for when the one before it has been handed to the socket, so that at the end nothing is between the two. */
  async *#all(client: Returning, isBack: () => void): AsyncGenerator<Outgoing> {
    const queue = this.#queueOf(client.id)
    queue.streams++
    try {
      for (const queued of queue.byCounter.values()) {
        const { packet, sends } = queued
        yield packet.cmd === 'publish' && packet.messageId !== undefined ? { ...packet, dup: true } : packet
        while (queued.sends === sends && !client.closed) await nextTurn()
        if (client.closed) return
      }
      isBack()
    } finally {
      queue.streams--
      if (queue.byCounter.size === 0 && queue.streams === 0 && this.#of.get(client.id) === queue) this.#of.delete(client.id)
    }
  }

  #queueOf(clientId: string): Queue {
    const queue = this.#of.get(clientId) ?? newQueue()
    this.#of.set(clientId, queue)
    return queue
  }
}

const sizeOf = ({ payload, topic }: Outgoing): number => (payload?.byteLength ?? 0) + (topic?.length ?? 0)

const IDS_MAX = 65_535

/** `wanted`, or the next that is not in use: a queue is shorter than there are numbers. */
function freeId({ byMessageId }: Queue, wanted: number): number {
  let id = wanted
  while (byMessageId.has(id)) id = id >= IDS_MAX ? 1 : id + 1
  return id
}
