// Knows when a flow has finished a reading: counts deliveries and completions of everything that one reading set off, by the
// asynchronous context it started in and by the messages themselves, so that a node may finish in a call-back of somebody else's.
// Works through function nodes that build new messages. A node may hold a reading open.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Completion, Delivery } from './red.ts'

/** `late` = some node has not finished it in time; `dropped` = the flows were deployed anew meanwhile. */
export type Outcome = 'done' | 'late' | 'dropped'
/** `isDone`: everything happened before track() returned; nobody need wait for the outcome. */
export type Tracked = { outcome: Promise<Outcome>; drop: () => void; isDone: boolean }
export type Progress = {
  track(send: () => void, timeoutMs: number, consumer?: string): Tracked
  /** keeps the reading of the caller's context open, whatever the time limit; call the result to let it go */
  hold: () => () => void
  /** the consumer whose reading a node is working on */
  consumer(message: object): string | undefined
}

type OldStyle = { _expectedDoneCount?: number }
const DONE: Promise<Outcome> = Promise.resolve('done')
const nothing = (): void => {}

/** `add` is Node-RED's hooks.add; its handlers must take exactly one parameter, or every message stops there. */
export function createProgress(add: (name: string, handler: (event: never) => void) => void): Progress {
  const current = new AsyncLocalStorage<Tracker>()
  const owners = new WeakMap<object, Tracker>()
  add('preDeliver.fengsui', (event: Delivery) => {
    const tracker = current.getStore() ?? owners.get(event.msg)
    if (tracker === undefined) return
    owners.set(event.msg, tracker)
    tracker.delivered(event.msg, event.destination.id)
  })
  add('onComplete.fengsui', (event: Completion) => owners.get(event.msg)?.completed(event.msg, event.node.id, event.error !== undefined))
  // a node whose handler knows no done() never reports completion: it is finished when its handler returns, or a promise later (switch)
  add('postReceive.fengsui', (event: Delivery) => {
    if ((event.destination.node as OldStyle)._expectedDoneCount === 0)
      owners.get(event.msg)?.completed(event.msg, event.destination.id, true)
  })
  return {
    track(send, timeoutMs, consumer = '') {
      const tracker = createTracker(timeoutMs, consumer)
      tracker.delivered(tracker, '') // open until send() has returned
      current.run(tracker, send)
      if (tracker.wasQuick()) return { outcome: DONE, drop: nothing, isDone: true }
      tracker.completed(tracker, '', false)
      return { outcome: tracker.wait(), drop: () => tracker.end('dropped'), isDone: false }
    },
    hold: () => current.getStore()?.hold() ?? nothing,
    consumer: message => (current.getStore() ?? owners.get(message))?.consumer,
  }
}

type Tracker = {
  consumer: string
  wait(): Promise<Outcome>
  /** nothing is open but the sending itself, nothing is held, and no node may yet have more to say */
  wasQuick(): boolean
  delivered(message: object, node: string): void
  completed(message: object, node: string, slow: boolean): void
  hold(): () => void
  end(outcome: Outcome): void
}

/** One reading's open work: (message, node) pairs, since a node may pass on the very message that it has not finished. */
function createTracker(timeoutMs: number, consumer: string): Tracker {
  const open = new Map<object, Map<string, number>>()
  const { promise: outcome, resolve } = Promise.withResolvers<Outcome>()
  let holds = 0
  let isSlow = false
  let timer: NodeJS.Timeout | undefined
  const arm = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => holds === 0 && end('late'), timeoutMs)
  }
  const end = (how: Outcome): void => {
    clearTimeout(timer)
    resolve(how)
  }
  // a Catch node gets its message right after the completion that failed: look again when that has happened
  const settle = (): void => void setImmediate(() => open.size === 0 && holds === 0 && end('done'))
  return {
    consumer,
    end,
    wait() {
      arm()
      return outcome
    },
    wasQuick: () => open.size === 1 && holds === 0 && !isSlow,
    delivered(message, node) {
      const nodes = open.get(message)
      if (nodes === undefined) open.set(message, new Map([[node, 1]]))
      else nodes.set(node, (nodes.get(node) ?? 0) + 1)
    },
    completed(message, node, slow) {
      isSlow ||= slow
      const nodes = open.get(message)
      const count = nodes?.get(node)
      if (nodes === undefined || count === undefined) return
      if (count > 1) nodes.set(node, count - 1)
      else nodes.delete(node)
      if (nodes.size === 0) open.delete(message)
      if (open.size === 0) settle()
    },
    hold() {
      holds++
      let held = true
      return () => {
        if (!held) return
        held = false
        holds--
        arm() // the time limit runs anew for what is left to do
        if (open.size === 0) settle()
      }
    },
  }
}
