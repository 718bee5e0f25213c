// How many new connections are let in a second: after a power cut a district comes back at once, and each CONNECT costs a
// password check. Who is not let in yet waits unread, in order; who has waited too long is closed and reported.
import type { Socket } from 'node:net'
import type { Limits } from './limits.ts'

const LOOK_EVERY_MS = 20

export type DoorwayOptions = { limits: Limits; enter: (socket: Socket) => void; refused: (reason: string) => void }

export class Doorway {
  readonly #o: DoorwayOptions
  readonly #waiting: { socket: Socket; sinceMs: number }[] = []
  #tokens: number
  #filledAtMs = performance.now()
  #timer: NodeJS.Timeout | undefined

  constructor(o: DoorwayOptions) {
    this.#o = o
    this.#tokens = o.limits.newConnectionsAtOnce
  }

  /** Bounded by the server's own bound on sockets. */
  arrived(socket: Socket): void {
    this.#fill()
    if (this.#waiting.length === 0 && this.#tokens >= 1) return this.#letIn(socket)
    socket.on('error', ignore) // a reset while it waits is nobody's concern
    this.#waiting.push({ socket, sinceMs: performance.now() })
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS)
  }

  close(): void {
    clearInterval(this.#timer)
    for (const { socket } of this.#waiting.splice(0)) socket.destroy()
  }

  #look(): void {
    this.#fill()
    const tooOldMs = performance.now() - this.#o.limits.connectTimeoutMs
    let next = 0
    for (; next < this.#waiting.length; next++) {
      const { socket, sinceMs } = this.#waiting[next]!
      if (socket.destroyed) continue
      if (sinceMs < tooOldMs) this.#refuse(socket)
      else if (this.#tokens >= 1) this.#letIn(socket)
      else break
    }
    this.#waiting.splice(0, next)
    if (this.#waiting.length > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #letIn(socket: Socket): void {
    this.#tokens--
    socket.removeListener('error', ignore)
    this.#o.enter(socket)
  }

  #refuse(socket: Socket): void {
    socket.destroy()
    const { newConnectionsPerS, connectTimeoutMs } = this.#o.limits
    this.#o.refused(`waited ${connectTimeoutMs} ms to be let in; the door lets in ${newConnectionsPerS} new connections a second`)
  }

  #fill(): void {
    const nowMs = performance.now()
    const { newConnectionsPerS, newConnectionsAtOnce } = this.#o.limits
    this.#tokens = Math.min(newConnectionsAtOnce, this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * newConnectionsPerS)
    this.#filledAtMs = nowMs
  }
}

function ignore(): void {}
