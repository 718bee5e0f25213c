// How the door tells the core, with each commit, how far the journal reaches: over a local socket of their own. The way over the supervisor
// wakes a third process and costs more than reading the message does. Nothing depends on it: while nobody listens the word goes that other way, and
// whoever reads the journal looks there by itself. Says where things stand, never what was added: what waits is replaced by what is newer.
import { chmodSync, rmSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import type { Log } from '#contracts/clock.ts'

export const BELL_FILE = 'core.bell'
/** What a socket's path may have on every system we run on. */
const PATH_BYTES_MAX = 103
const WORD_BYTES = 8
/** one door, and the one before it that has not been seen to go */
const CONNECTIONS_MAX = 4
const AGAIN_MS = 1000

/** undefined: the folder's name is too long for a socket in it. */
export function bellPath(dataDir: string): string | undefined {
  const path = join(dataDir, BELL_FILE)
  return Buffer.byteLength(path) <= PATH_BYTES_MAX ? path : undefined
}

/** Listens for whoever writes the journal. Where that cannot be, it says why once and is silent. */
export async function listenForBell(o: { path: string | undefined; heard(head: number): void; log: Log }): Promise<{ close(): void }> {
  const { path, heard, log } = o
  if (path === undefined) return { close() {} }
  const open = new Set<Socket>()
  const server = createServer(socket => {
    open.add(socket)
    let part: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      const bytes = part.length === 0 ? chunk : Buffer.concat([part, chunk])
      const end = bytes.length - (bytes.length % WORD_BYTES)
      part = bytes.subarray(end)
      if (end > 0) heard(bytes.readDoubleLE(end - WORD_BYTES))
    })
    socket.on('error', () => socket.destroy())
    socket.on('close', () => open.delete(socket))
  })
  server.maxConnections = CONNECTIONS_MAX
  try {
    await listening(server, path)
  } catch (error) {
    log.warn({ err: error, path }, 'the core cannot be told of new messages over a socket of its own; they are announced by the supervisor')
  }
  server.on('error', error => log.warn({ err: error, path }, 'the socket over which new messages are told'))
  return {
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
}

function listening(server: Server, path: string): Promise<void> {
  // of a core that was killed
  rmSync(path, { force: true })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, () => {
      server.off('error', reject)
      chmodSync(path, 0o600)
      resolve()
    })
  })
}

/** `otherwise` has the word while nobody listens. */
export function openBell(o: { path: string | undefined; otherwise(head: number): void }): { ring(head: number): void; close(): void } {
  const { path, otherwise } = o
  let socket: Socket | undefined
  let isHeard = false
  let waiting: number | undefined
  let again: NodeJS.Timeout | undefined
  let closed = false

  function reach(to: string): void {
    const next = (socket = connect(to))
    next.unref()
    next.once('connect', () => (isHeard = true))
    next.on('drain', () => {
      const newest = waiting
      waiting = undefined
      if (newest !== undefined) ring(newest)
    })
    next.on('error', () => {})
    next.once('close', () => {
      isHeard = false
      const untold = waiting
      waiting = undefined
      if (closed) return
      if (untold !== undefined) otherwise(untold)
      again = setTimeout(() => reach(to), AGAIN_MS).unref()
    })
  }

  function ring(head: number): void {
    if (!isHeard || socket === undefined) return otherwise(head)
    if (socket.writableNeedDrain) {
      waiting = head
      return
    }
    const bytes = Buffer.allocUnsafe(WORD_BYTES)
    bytes.writeDoubleLE(head)
    socket.write(bytes)
  }

  if (path !== undefined) reach(path)
  return {
    ring,
    close() {
      closed = true
      clearTimeout(again)
      socket?.destroy()
    },
  }
}
