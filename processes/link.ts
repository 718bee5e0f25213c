// How our processes talk: small requests and notices over the IPC channel of child_process, relayed by the supervisor.
// Nothing of the alarm path depends on it: readings travel through the journal only. Every request has a deadline.
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'

export type Packet =
  | { kind: 'request'; from: string; to: string; id: number; method: string; params: unknown }
  | { kind: 'answer'; from: string; to: string; id: number; result?: unknown; error?: { code: ErrorCode; message: string } }
  | { kind: 'notice'; from: string; to: string; method: string; params: unknown }

export type Link = {
  request(to: string, method: string, params?: unknown, timeoutMs?: number): Promise<unknown>
  /** A notice may be left out when a newer one of the same method follows: say where things stand, not what was added. */
  notify(to: string, method: string, params?: unknown): void
  handle(method: string, answer: (params: never) => unknown): void
  /** feeds in what arrived from the other side */
  receive(packet: Packet): void
}

const MAX_OPEN_REQUESTS = 10_000

/** `post` sends a packet on; it may throw or drop when the other side is gone, requests then end by their deadline. */
export function createLink(self: string, post: (packet: Packet) => void): Link {
  const handlers = new Map<string, (params: never) => unknown>()
  const open = new Map<number, { resolve(value: unknown): void; reject(error: Error): void; timer: NodeJS.Timeout }>()
  let nextId = 1

  const answer = async (packet: Packet & { kind: 'request' }) => {
    const reply = { kind: 'answer' as const, from: self, to: packet.from, id: packet.id }
    try {
      const handler = handlers.get(packet.method)
      if (!handler) throw new FengsuiError('internal', `${self} has no method ${packet.method}`)
      post({ ...reply, result: await handler(packet.params as never) })
    } catch (error) {
      const code = error instanceof FengsuiError ? error.code : 'internal'
      post({ ...reply, error: { code, message: error instanceof Error ? error.message : String(error) } })
    }
  }

  return {
    request(to, method, params, timeoutMs = 5000) {
      if (open.size >= MAX_OPEN_REQUESTS)
        return Promise.reject(new FengsuiError('room-unavailable', `${open.size} requests to other processes are open already`))
      const id = nextId++
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          open.delete(id)
          reject(new FengsuiError('room-unavailable', `${to} did not answer ${method} within ${timeoutMs} ms`))
        }, timeoutMs)
        open.set(id, { resolve, reject, timer })
        post({ kind: 'request', from: self, to, id, method, params })
      })
    },
    notify: (to, method, params) => post({ kind: 'notice', from: self, to, method, params }),
    handle: (method, handler) => void handlers.set(method, handler),
    receive(packet) {
      if (packet.kind === 'request') void answer(packet)
      else if (packet.kind === 'notice') void handlers.get(packet.method)?.(packet.params as never)
      else {
        const waiting = open.get(packet.id)
        if (!waiting) return
        open.delete(packet.id)
        clearTimeout(waiting.timer)
        if (packet.error) waiting.reject(new FengsuiError(packet.error.code, packet.error.message))
        else waiting.resolve(packet.result)
      }
    },
  }
}

/**
 * A way out to one process. Notices go one at a time, and of those that wait only the newest of each receiver and method is kept: a process
 * that does not read must not fill the memory of the one that tells it. `send` calls back when the packet has left.
 */
export function createOutlet(send: (packet: Packet, left: () => void) => void): (packet: Packet) => void {
  const waiting = new Map<string, Packet>()
  let isSending = false
  const next = (): void => {
    const [first] = waiting
    isSending = first !== undefined
    if (first === undefined) return
    waiting.delete(first[0])
    send(first[1], next)
  }
  return packet => {
    // a request that does not leave ends by its deadline
    if (packet.kind !== 'notice') return send(packet, () => {})
    waiting.set(`${packet.to} ${packet.method}`, packet)
    if (!isSending) next()
  }
}

/** Every process answers this at once; one that does not is stuck. */
export const ALIVE = 'alive'

/** The link of a child process to its supervisor. When the supervisor is gone the process must go too: `onOrphaned`. */
export function linkToSupervisor(self: string, onOrphaned: () => void): Link {
  const outlet = createOutlet((packet, left) => {
    if (process.connected) process.send?.(packet, left)
  })
  const link = createLink(self, outlet)
  link.handle(ALIVE, () => true)
  process.on('message', (packet: Packet) => link.receive(packet))
  process.on('disconnect', onOrphaned)
  return link
}

type Method = (...parameters: never[]) => unknown
/** Answers requests for the named methods of a port; parameters travel as a list. */
export function serve<T extends Record<keyof T, Method>>(link: Link, port: T, methods: readonly (keyof T & string)[]): void {
  for (const method of methods) link.handle(method, (parameters: never[]) => port[method](...parameters))
}

/** The other side of `serve`: the same methods, each a request to that process. */
export function remote<T>(link: Link, to: string, methods: readonly (keyof T & string)[], timeoutMs?: number): T {
  return Object.fromEntries(
    methods.map(method => [method, (...parameters: unknown[]) => link.request(to, method, parameters, timeoutMs)]),
  ) as T
}
