// Knows when a flow has finished a reading: counts deliveries and completions of everything that one reading set off, by the
// asynchronous context it started in and by the messages themselves, so that a node may finish in a call-back of somebody else's.
// Works through function nodes that build new messages. A node may hold a reading open.
import { AsyncLocalStorage } from 'node:async_hooks'
import type { Completion, Delivery } from './red.ts'

/** `late` = some node has not finished it in time; `dropped` = the flows were deployed anew meanwhile. */
export type Outcome = 'done' | 'late' | 'dropped'
/**
 * `isDone`: everything happened before track() returned; nobody need wait for the outcome. `passed`: nothing is left but what nodes that
 * nothing comes behind have on its way out of the flow.
 */
export type Tracked = { outcome: Promise<Outcome>; passed: Promise<void>; drop: () => void; isDone: boolean }
/** `isLast`: called by a node while it works on a message that goes nowhere behind it: to the flow the message is as good as done */
export type Hold = { isLast?: boolean }
export type Progress = {
  track(send: () => void, timeoutMs: number, consumer?: string): Tracked
  /** keeps the reading of the caller's context open, whatever the time limit; call the result to let it go */
  hold: (o?: Hold) => () => void
  /** the consumer whose reading a node is working on */
  consumer(message: object): string | undefined
}

type OldStyle = { _expectedDoneCount?: number }
const nothing = (): void => {}
/** nothing is left to wait for */
export const QUICK: Tracked = { outcome: Promise.resolve('done'), passed: Promise.resolve(), drop: nothing, isDone: true }

/** `add` is Node-RED's hooks.add; its handlers must take exactly one parameter, or every message stops there. */
export function createProgress(add: (name: string, handler: (event: never) => void) => void): Progress {
  const current = new AsyncLocalStorage<Work>()
  /** of messages that outlive the sending of their reading: most do not, and remembering costs more than a quick node */
  const owners = new WeakMap<object, Work>()
  const ownerOf = (message: object): Work | undefined => owners.get(message) ?? current.getStore()
  add('preDeliver.fengsui', (event: Delivery) => {
    const work = current.getStore() ?? owners.get(event.msg)
    if (work === undefined) return
    if (!work.isSending) owners.set(event.msg, work)
    work.delivered(event.msg, event.destination.id)
  })
  add('onComplete.fengsui', (event: Completion) => ownerOf(event.msg)?.completed(event.msg, event.node.id, event.error !== undefined))
  // a node whose handler knows no done() never reports completion: it is finished when its handler returns, or a promise later (switch)
  add('postReceive.fengsui', (event: Delivery) => {
    if ((event.destination.node as OldStyle)._expectedDoneCount === 0) ownerOf(event.msg)?.completed(event.msg, event.destination.id, true)
  })
  return {
    track(send, timeoutMs, consumer = '') {
      const work = new Work(timeoutMs, consumer)
      current.run(work, send)
      const messages = work.sent()
      if (messages === null) return QUICK
      for (const message of messages) owners.set(message, work)
      return { ...work.wait(), drop: () => work.end('dropped'), isDone: false }
    },
    hold: ({ isLast = false } = {}) => current.getStore()?.hold(isLast) ?? nothing,
    consumer: message => (current.getStore() ?? owners.get(message))?.consumer,
  }
}

/** One reading's open work: (message, node) pairs, since a node may pass on the very message that it has not finished. */
class Work {
  readonly consumer: string
  readonly #timeoutMs: number
  /** few at a time, and mostly the newest is finished first: searched from its end */
  readonly #open: { message: object; node: string }[] = []
  /** delivered while it was being sent */
  #messages: object[] | null = []
  #holds = 0
  /** of the holds: by nodes that nothing comes behind; each has one pair open */
  #leaving = 0
  #isSlow = false
  #outcome: PromiseWithResolvers<Outcome> | undefined
  #passed: PromiseWithResolvers<void> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(timeoutMs: number, consumer: string) {
    this.#timeoutMs = timeoutMs
    this.consumer = consumer
  }

  get isSending(): boolean {
    return this.#messages !== null
  }

  /** The sending has returned. null = all is done and no node may yet have more to say; else the messages it set off. */
  sent(): object[] | null {
    const messages = this.#messages ?? []
    this.#messages = null
    if (this.#open.length === 0 && this.#holds === 0 && !this.#isSlow) return null
    return messages
  }

  wait(): { outcome: Promise<Outcome>; passed: Promise<void> } {
    this.#outcome = Promise.withResolvers()
    this.#passed = Promise.withResolvers()
    this.#arm()
    this.#settle()
    return { outcome: this.#outcome.promise, passed: this.#passed.promise }
  }

  delivered(message: object, node: string): void {
    this.#messages?.push(message)
    this.#open.push({ message, node })
  }

  completed(message: object, node: string, slow: boolean): void {
    this.#isSlow ||= slow
    const open = this.#open
    for (let i = open.length - 1; i >= 0; i--) {
      const pair = open[i]!
      if (pair.message !== message || pair.node !== node) continue
      const last = open.pop()!
      if (last !== pair) open[i] = last
      this.#settle()
      return
    }
  }

  hold(isLast: boolean): () => void {
    this.#holds++
    if (isLast) this.#leaving++
    this.#settle()
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#holds--
      if (isLast) this.#leaving--
      if (this.#outcome === undefined) return
      this.#arm() // the time limit runs anew for what is left to do
      this.#settle()
    }
  }

  end(how: Outcome): void {
    clearTimeout(this.#timer)
    this.#outcome?.resolve(how)
    this.#passed?.resolve()
  }

  #arm(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#holds === 0 && this.end('late'), this.#timeoutMs)
  }

  /** A Catch node gets its message right after the completion that failed: look again when that has happened. */
  #settle(): void {
    if (this.#outcome === undefined || this.#open.length > this.#leaving) return
    setImmediate(() => {
      if (this.#open.length === 0 && this.#holds === 0) this.end('done')
      else if (this.#open.length === this.#leaving && this.#holds === this.#leaving) this.#passed?.resolve()
    })
  }
}
