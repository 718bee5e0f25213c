// Asks an edge node for its births where what it sends cannot be read without them: data before any birth, an alias that no birth explains,
// messages that are missing (Sparkplug 3.0, tck-id-operational-behavior-host-reordering-*, -data-commands-ncmd-rebirth-*).
// Never asks in a loop: each node with back-off, all of them at a bounded rate. One for each way that edge nodes come.
import type { Clock } from '#contracts/clock.ts'
import { createMemory } from '../memory.ts'
import { bdSeqOf, isOlderDeath, keepSession, learnMetrics, resolve, sessionOf } from './births.ts'
import { readPayload, type Payload } from './payload.ts'
import { rebirthCommand } from './command.ts'

export type RebirthsOptions = {
  clock: Clock
  send(topic: string, payload: Uint8Array): void
}
export type Rebirths = {
  /** A message that is on disk. Others than Sparkplug's are passed over. */
  heard(topic: string, payload: Uint8Array): void
  close(): void
}

/** What is missing may still come: the order is kept only by one connection (tck-id-operational-behavior-host-reordering-start). */
export const REORDER_MS = 2_000
/** Between two askings of one node; twice as long each time up to an hour, and anew when it has needed nothing for that long. */
export const ASK_AGAIN_MS = 10_000
export const ASK_AGAIN_MAX_MS = 3_600_000
/** Of all nodes: after a restart all of a plant may have to be asked. */
export const ASKED_PER_S = 20
/** The one not heard for longest is forgotten: heard again it is asked for its births. */
export const EDGES_MAX = 5_000
const DEVICES_MAX = 1_024

type Edge = {
  topic: string
  isBorn: boolean
  born: Set<string>
  seq: number | undefined
  /** numbers of messages that may still come */
  missing: Set<number>
  isNeeded: boolean
  neededMs: number
  nextAskMs: number
  waitMs: number
  dueMs: number
  timer: NodeJS.Timeout | undefined
}

const TOPIC = /^spBv1\.0\/([^/]{1,256})\/(NBIRTH|NDEATH|NDATA|DBIRTH|DDEATH|DDATA)\/([^/]{1,256})(?:\/([^/]{1,256}))?$/

export function createRebirths({ clock, send }: RebirthsOptions): Rebirths {
  const edges = new Map<string, Edge>()
  const memory = createMemory()
  let second = 0
  let asked = 0

  function edgeOf(name: string, group: string, node: string): Edge {
    const known = edges.get(name) ?? newEdge(`spBv1.0/${group}/NCMD/${node}`)
    edges.delete(name)
    edges.set(name, known)
    const [oldest] = edges.keys()
    if (edges.size > EDGES_MAX && oldest !== undefined) {
      clearTimeout(edges.get(oldest)?.timer)
      edges.delete(oldest)
    }
    return known
  }

  function need(edge: Edge, afterMs: number): void {
    const nowMs = clock.nowMs()
    if (nowMs - edge.neededMs > ASK_AGAIN_MAX_MS) edge.waitMs = ASK_AGAIN_MS
    edge.isNeeded = true
    edge.neededMs = nowMs
    wake(edge, Math.max(nowMs + afterMs, edge.nextAskMs))
  }

  function wake(edge: Edge, dueMs: number): void {
    if (edge.timer !== undefined && edge.dueMs <= dueMs) return
    clearTimeout(edge.timer)
    edge.timer = undefined
    edge.dueMs = dueMs
    const inMs = dueMs - clock.nowMs()
    if (inMs <= 0) return ask(edge)
    edge.timer = setTimeout(() => {
      edge.timer = undefined
      if (edge.isNeeded) ask(edge)
    }, inMs)
    edge.timer.unref()
  }

  function ask(edge: Edge): void {
    const nowMs = clock.nowMs()
    if (Math.floor(nowMs / 1000) !== second) {
      second = Math.floor(nowMs / 1000)
      asked = 0
    }
    if (asked >= ASKED_PER_S) return wake(edge, nowMs + 1000)
    asked += 1
    edge.isNeeded = false
    edge.missing.clear()
    edge.nextAskMs = nowMs + edge.waitMs
    edge.waitMs = Math.min(edge.waitMs * 2, ASK_AGAIN_MAX_MS)
    send(edge.topic, rebirthCommand(nowMs))
  }

  function born(name: string, edge: Edge, payload: Payload): void {
    const bdSeq = bdSeqOf(payload)
    const birth = (sessionOf(name, memory)?.birth ?? 0) + 1
    keepSession(name, { birth, ...(bdSeq !== undefined && { bdSeq }) }, memory)
    learnMetrics(name, undefined, birth, payload.metrics, memory)
    rest(edge)
    Object.assign(edge, { isBorn: true, seq: payload.seq, born: new Set() })
  }

  function died(name: string, edge: Edge, payload: Payload): void {
    if (isOlderDeath(payload, sessionOf(name, memory))) return
    rest(edge)
    edge.isBorn = false
  }

  function ofSession(name: string, edge: Edge, type: string, device: string | undefined, payload: Payload): void {
    if (!edge.isBorn) return need(edge, 0)
    inOrder(edge, payload.seq)
    const session = sessionOf(name, memory)
    if (type === 'DBIRTH') {
      if (device !== undefined && edge.born.size < DEVICES_MAX) edge.born.add(device)
      return learnMetrics(name, device, session?.birth ?? 0, payload.metrics, memory)
    }
    if (type === 'DDEATH') return void (device !== undefined && edge.born.delete(device))
    const isUnborn = type === 'DDATA' && device !== undefined && !edge.born.has(device) && edge.born.size < DEVICES_MAX
    // its birth may be among what is missing
    if (isUnborn || payload.metrics.some(metric => resolve(name, device, session, metric, memory) === undefined))
      need(edge, edge.missing.size > 0 ? REORDER_MS : 0)
  }

  function inOrder(edge: Edge, seq: number | undefined): void {
    if (seq === undefined || !Number.isInteger(seq) || seq < 0 || seq > 255) return
    const last = edge.seq
    if (edge.missing.delete(seq)) {
      if (edge.missing.size === 0) rest(edge) // tck-id-operational-behavior-host-reordering-success
      return
    }
    if (seq === last) return
    edge.seq = seq
    if (last === undefined) return
    for (let one = (last + 1) % 256; one !== seq; one = (one + 1) % 256) edge.missing.add(one)
    if (edge.missing.size > 0 && !edge.isNeeded) need(edge, REORDER_MS)
  }

  return {
    heard(topic, bytes) {
      const [, group, type, node, device] = TOPIC.exec(topic) ?? []
      if (group === undefined || type === undefined || node === undefined) return
      const payload = readPayload(bytes)
      if (payload === undefined) return
      const name = `${group}/${node}`
      const edge = edgeOf(name, group, node)
      if (type === 'NBIRTH') born(name, edge, payload)
      else if (type === 'NDEATH') died(name, edge, payload)
      else ofSession(name, edge, type, device, payload)
    },
    close() {
      for (const { timer } of edges.values()) clearTimeout(timer)
      edges.clear()
    },
  }
}

/** Nothing is missing any more, or nobody is there to be asked. */
function rest(edge: Edge): void {
  clearTimeout(edge.timer)
  edge.timer = undefined
  edge.isNeeded = false
  edge.missing.clear()
}

const newEdge = (topic: string): Edge => ({
  topic,
  isBorn: false,
  born: new Set(),
  seq: undefined,
  missing: new Set(),
  isNeeded: false,
  neededMs: -Infinity,
  nextAskMs: -Infinity,
  waitMs: ASK_AGAIN_MS,
  dueMs: 0,
  timer: undefined,
})
