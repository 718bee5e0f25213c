// The client end of GET /api/v1/live: connects, watches, comes back with back-off and jitter, asks for what it missed.
// It never decides what a message means; that is reduce.ts. A silent socket is treated as dead after LOST_AFTER_MS.
import type { LiveMessage } from '#contracts/live.ts'
import { readFrame, type RowsFrame } from '#contracts/live-rows.ts'
import { LOST_AFTER_MS, backOffMs, type Link } from './connection.ts'

/** A connection under way or open; its events go to the handlers it was opened with. */
export type SocketHandlers = { opened: () => void; heard: (data: unknown) => void; closed: (code: number) => void }
export type OpenSocket = (path: string, handlers: SocketHandlers) => { close(): void }

export type LiveOptions = {
  open: OpenSocket
  nowMs: () => number
  random: () => number
  /** where the desk stands; null = wants a snapshot */
  position: () => { seq: number; epoch: string } | null
  onMessage: (message: LiveMessage | RowsFrame) => 'ok' | 'resync'
  onLink: (link: Link) => void
  /** the server does not know us (any more) */
  onRefused: () => void
}

export type LiveSocket = { retryNow(): void; check(): void; close(): void }

/** Close code the server uses for a session that has ended (RFC 6455 7.4.2, private range). */
export const REFUSED_CODE = 4401

const parse = (data: unknown): LiveMessage | RowsFrame | null => {
  if (data instanceof ArrayBuffer) return readFrame(data)
  if (typeof data !== 'string') return null
  try {
    return JSON.parse(data) as LiveMessage
  } catch {
    return null
  }
}

export const openLive = (o: LiveOptions): LiveSocket => {
  let socket: { close(): void } | null = null
  /** events of a socket that was given up on are not ours any more */
  let generation = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  let openedAtMs = 0
  let ended = false
  const link: Link = { open: false, heardAtMs: null, sinceMs: o.nowMs(), attempt: 0, retryAtMs: null }
  const tell = (): void => o.onLink({ ...link })

  const path = (): string => {
    const at = o.position()
    return at === null ? '/api/v1/live' : `/api/v1/live?since=${at.seq}&epoch=${encodeURIComponent(at.epoch)}`
  }
  const drop = (): void => {
    generation += 1
    socket?.close()
    socket = null
    link.open = false
  }
  const retryLater = (): void => {
    if (ended) return
    const waitMs = backOffMs(link.attempt, o.random)
    link.attempt += 1
    link.retryAtMs = o.nowMs() + waitMs
    clearTimeout(timer)
    timer = setTimeout(connect, waitMs)
    tell()
  }
  const hear = (data: unknown): void => {
    const message = parse(data)
    // What cannot be read is a hole like any other: take the stream up again from where we stand.
    const answer = message === null ? 'resync' : o.onMessage(message)
    link.heardAtMs = o.nowMs()
    if (message !== null) link.attempt = 0
    tell()
    if (answer === 'resync') {
      drop()
      retryLater()
    }
  }
  const connect = (): void => {
    clearTimeout(timer)
    if (ended) return
    drop()
    link.retryAtMs = null
    openedAtMs = o.nowMs()
    const mine = generation
    socket = o.open(path(), {
      opened() {
        if (mine !== generation) return
        link.open = true
        tell()
      },
      heard(data) {
        if (mine === generation) hear(data)
      },
      closed(code) {
        if (mine !== generation) return
        socket = null
        link.open = false
        if (code === REFUSED_CODE) o.onRefused()
        retryLater()
      },
    })
    tell()
  }

  connect()
  return {
    retryNow: connect,
    /** Called every second: a socket that says "open" and is silent is as dead as a closed one. */
    check() {
      const quietSinceMs = Math.max(openedAtMs, link.heardAtMs ?? 0)
      if (socket !== null && o.nowMs() - quietSinceMs >= LOST_AFTER_MS) {
        drop()
        retryLater()
      }
    },
    close() {
      ended = true
      clearTimeout(timer)
      drop()
    },
  }
}
