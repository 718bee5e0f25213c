// Bounds on what Aedes keeps in memory, and the way of all of it to disk: queues of who is away, sessions that never come back, half-done QoS 2, retained messages.
// Aedes' own store has none of these. At a bound the newest message is not queued; it is in the journal all the same.
// What is kept is copied: a payload is a slice of a 64 KiB read, and would keep all of that alive.
import type { Client } from 'aedes'
import { Readable } from 'node:stream'
import { FengsuiError } from '#contracts/errors.ts'
import { parseNativeTopic } from '#contracts/topic.ts'
import { ANONYMOUS } from './access.ts'
import type { Limits } from './limits.ts'
import { Queues, type Outgoing } from './queues.ts'
import type { Kept, SessionFile } from './session-file.ts'
import { ownerOf } from './sessions.ts'
import { broken, settled } from './settled.ts'
import type { KeptSubscription, Subscribers } from './subscribers.ts'
import { RetainedTree, type Retained } from './retained.ts'

type ClientRef = { id: string }
/** What Aedes' client says of the session its message belongs to. */
type Sender = ClientRef & { clean: boolean; closed: boolean; broker: { clients: Readonly<Record<string, { clean: boolean } | undefined>> } }
type SubscriberRef = { clientId: string }
type Packet = { payload?: Uint8Array; messageId?: number }

/** What we use or bound of Aedes' persistence. */
export type Persistence = {
  incomingGetPacket(client: ClientRef, packet: { messageId?: number }): Promise<unknown>
  incomingStorePacket(client: Sender, packet: Packet): Promise<void>
  incomingDelPacket(client: ClientRef, packet: Packet): Promise<void>
  cleanIncoming(client: Client): Promise<void>
  addSubscriptions(client: ClientRef, subscriptions: { topic: string; qos: number }[]): Promise<void>
  removeSubscriptions(client: ClientRef, topics: string[]): Promise<void>
  subscriptionsByClient(client: ClientRef): Promise<{ topic: string }[]>
  subscriptionsByTopic(topic: string): Promise<KeptSubscription[]>
  cleanSubscriptions(client: ClientRef): Promise<void>
  outgoingEnqueue(subscriber: SubscriberRef, packet: Outgoing): Promise<void>
  outgoingEnqueueCombi(subscribers: SubscriberRef[], packet: Outgoing): Promise<void>
  outgoingUpdate(client: ClientRef, packet: Outgoing): Promise<void>
  outgoingClearMessageId(client: ClientRef, packet: { messageId?: number }): Promise<unknown>
  outgoingStream(client: Client): Readable
  storeRetained(packet: Retained): Promise<void>
  createRetainedStreamCombi(filters: string[]): Readable
  createRetainedStream(filter: string): Readable
  streamWill(): Readable
}

export type BoundOptions = {
  subscribers: Subscribers
  limits: Limits
  disk: SessionFile
  /** is told which persistent sessions there were before a restart */
  restored(ids: readonly string[]): void
  /** has this connection shown who it is? */
  isLetIn(client: Client): boolean
  /** its queue has been sent: what comes from now on goes to it at once */
  isBack(client: Client): void
  /** is told what could not be kept */
  full: (what: string, where: string) => void
}

/** Puts the bounds around the store that Aedes was made with; gives back the queues that took the place of its own. */
export async function boundPersistence(store: Persistence, o: BoundOptions): Promise<Queues> {
  const { limits, disk, isLetIn, isBack, full } = o
  const queues = new Queues({
    max: limits.queued,
    maxOfSession: limits.queuedOfSession,
    maxBytes: limits.queuedBytes,
    disk,
    full: clientId => full('messages queued for a session', clientId),
  })
  const kept = disk.restore()
  queues.restore(kept.queued)
  o.restored(kept.sessions)
  putQueues(store, queues, isBack)
  await boundSessions(store, o, queues, kept)
  await boundIncoming(store, limits, isLetIn, disk, kept)
  // wills of other brokers that died: there are none, and after a jump of the clock Aedes would send those of all who are connected
  store.streamWill = () => Readable.from([])
  const retained = new RetainedTree(limits.retained, limits.retainedBytes)
  for (const packet of kept.retained) retained.store({ ...packet, cmd: 'publish', retain: true })
  store.storeRetained = packet => {
    if (!mayBeRetained(packet.topic)) return settled(undefined) // shown to who is there, and journalled
    const own = { ...packet, payload: ownCopy(packet.payload) }
    if (retained.store(own)) disk.retained({ topic: own.topic, payload: own.payload, qos: own.qos ?? 0 })
    else full('retained messages', packet.topic)
    return settled(undefined)
  }
  store.createRetainedStreamCombi = filters => Readable.from(filters.flatMap(filter => [...retained.matching(filter)]))
  store.createRetainedStream = filter => Readable.from([...retained.matching(filter)])
  return queues
}

/** An alarm that is handed out again to everyone who subscribes later is no alarm: of native topics two say what is so. */
function mayBeRetained(topic: string): boolean {
  const native = parseNativeTopic(topic)
  return native === null || native.channel === 'status' || native.channel === 'about'
}

/** Not from Buffer's pool, which is a 64 KiB slab again. */
function ownCopy(payload: Uint8Array | undefined): Buffer {
  const copy = Buffer.allocUnsafeSlow(payload?.byteLength ?? 0)
  if (payload !== undefined) copy.set(payload)
  return copy
}

function putQueues(store: Persistence, queues: Queues, isBack: BoundOptions['isBack']): void {
  store.outgoingEnqueueCombi = (subscribers, packet) => {
    const kept = subscribers.filter(({ clientId }) => queues.hasRoom(clientId))
    if (kept.length === 0) return settled(undefined)
    const own = { ...packet, payload: ownCopy(packet.payload) }
    for (const { clientId } of kept) queues.add(clientId, own)
    return settled(undefined)
  }
  store.outgoingEnqueue = (subscriber, packet) => store.outgoingEnqueueCombi([subscriber], packet)
  store.outgoingUpdate = ({ id }, packet) => (queues.update(id, packet) ? settled(undefined) : broken(new Error(NOT_QUEUED)))
  // not `settled`: Aedes asks from within its parser, which cannot be entered twice
  store.outgoingClearMessageId = async ({ id }, { messageId }) => queues.take(id, messageId)
  store.outgoingStream = client => (client.clean ? Readable.from([]) : queues.stream(client, () => isBack(client)))
}

/** In Aedes' own words; it ends a connected session whose queue was full, and nobody is to blame. */
export const NOT_QUEUED = 'no such packet'

async function boundSessions(store: Persistence, { subscribers, limits, disk }: BoundOptions, queues: Queues, kept: Kept): Promise<void> {
  const sessions = new Map<string, Set<string>>()
  let total = 0
  const original = {
    add: store.addSubscriptions.bind(store),
    remove: store.removeSubscriptions.bind(store),
    clean: store.cleanSubscriptions.bind(store),
  }

  function enter(id: string): void {
    const owner = ownerOf(id)
    const own = sessions.get(owner) ?? new Set()
    if (own.has(id)) return
    const mostOwn = owner === ANONYMOUS.username ? limits.sessions : limits.sessionsOfIdentity
    if (own.size >= mostOwn || total >= limits.sessions)
      throw new FengsuiError(
        'too-many-connections',
        `${owner} has ${own.size} persistent sessions, all together ${total}: use one ClientId again, or a clean session`,
      )
    sessions.set(owner, own.add(id))
    total++
  }
  function leave(id: string): void {
    const own = sessions.get(ownerOf(id))
    if (own?.delete(id) !== true) return
    total--
    if (own.size === 0) sessions.delete(ownerOf(id))
  }

  for (const { id, topic, qos } of kept.subscriptions) {
    enter(id)
    subscribers.keep({ clientId: id, topic, qos })
    await original.add({ id }, [{ topic, qos }])
  }

  store.addSubscriptions = async (client, subscriptions) => {
    enter(client.id)
    for (const { topic, qos } of subscriptions) {
      subscribers.keep({ clientId: client.id, topic, qos })
      disk.subscribed(client.id, topic, qos)
    }
    await original.add(client, subscriptions)
  }
  store.subscriptionsByTopic = topic => settled(subscribers.keptFor(topic))
  store.removeSubscriptions = async (client, topics) => {
    for (const topic of topics) {
      subscribers.forget(client.id, topic)
      disk.unsubscribed(client.id, topic)
    }
    await original.remove(client, topics)
    if ((await store.subscriptionsByClient(client)).length === 0) leave(client.id)
  }
  store.cleanSubscriptions = async client => {
    for (const { topic } of await store.subscriptionsByClient(client)) subscribers.forget(client.id, topic)
    await original.clean(client)
    queues.forget(client.id)
    disk.end(client.id)
    leave(client.id)
  }
}

/** QoS 2 between PUBLISH and PUBREL: only the number is needed, and it outlives the connection of a persistent session. */
async function boundIncoming(
  store: Persistence,
  limits: Limits,
  isLetIn: BoundOptions['isLetIn'],
  disk: SessionFile,
  kept: Kept,
): Promise<void> {
  const waiting = new Map<string, number>()
  const ofOwner = new Map<string, number>()
  let total = 0
  const original = {
    store: store.incomingStorePacket.bind(store),
    remove: store.incomingDelPacket.bind(store),
    clean: store.cleanIncoming.bind(store) as (client: ClientRef) => Promise<void>,
  }
  function change(id: string, by: number): void {
    const owner = ownerOf(id)
    total += by
    for (const [counts, key] of [[waiting, id] as const, [ofOwner, owner] as const]) {
      const count = (counts.get(key) ?? 0) + by
      if (count > 0) counts.set(key, count)
      else counts.delete(key)
    }
  }
  function makeRoom(id: string): void {
    const owner = ownerOf(id)
    const own = ofOwner.get(owner) ?? 0
    const mostOwn = owner === ANONYMOUS.username ? limits.halfDone : limits.halfDoneOfIdentity
    if (own < mostOwn && total < limits.halfDone) return
    throw new FengsuiError('too-many-connections', `${own} QoS 2 messages of ${owner} wait for their PUBREL, all together ${total}`)
  }
  for (const { id, messageId } of kept.halfDone) {
    change(id, 1)
    await original.store({ id } as Sender, { messageId, payload: NOTHING })
  }

  store.incomingStorePacket = async (client, packet) => {
    if (isOver(client)) return
    makeRoom(client.id)
    change(client.id, 1)
    await original.store(client, { ...packet, payload: NOTHING })
    if (!client.clean) disk.halfDone(client.id, packet.messageId ?? 0, true)
  }
  store.incomingDelPacket = async (client, packet) => {
    await original.remove(client, packet)
    change(client.id, -1)
    if ('clean' in client && client.clean === false) disk.halfDone(client.id, packet.messageId ?? 0, false)
    if (!waiting.has(client.id)) await original.clean(client) // else a trace of every ClientId would stay
  }
  store.cleanIncoming = async client => {
    if (!isLetIn(client)) return // Aedes asks for whoever was refused, too: it is not their session
    await original.clean(client)
    change(client.id, -(waiting.get(client.id) ?? 0))
    disk.noneHalfDone(client.id)
  }
}

/** The session ended while its message was on the way to disk [MQTT-3.1.2-6]: the number means nothing to the next one. */
const isOver = ({ id, clean, closed, broker }: Sender): boolean => closed && (clean || broker.clients[id]?.clean === true)

const NOTHING = Buffer.alloc(0)
