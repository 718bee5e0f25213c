// A TCP port for devices that speak a protocol of their own: connections counted and bounded, read only as fast as the conversation takes
// the bytes, ended when silent or when the other side does not read. What the bytes mean is the conversation's business.
import { createServer, type Socket } from 'node:net'
import type { Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Entrance } from '../intake.ts'

/** The other side of a connection. */
export type Peer = { readonly address: string; write(bytes: Uint8Array): void; end(): void }
export type Conversation = {
  /** The next bytes come when it has resolved. A rejection ends the connection. */
  heard(bytes: Uint8Array): Promise<void> | void
  ended(): void
}

export type TcpOptions = {
  entrance: Entrance
  host: string
  /** 0 takes a free one */
  port: number
  open(peer: Peer): Conversation
  /** a connection that says nothing for so long is ended */
  idleMs: number
  connectionsMax?: number
  log: Log
  meter: Meter
}
export type Listener = { port: number; connections(): number; close(): Promise<void> }

/** Sockets open at once on one port; more are closed at once. */
export const CONNECTIONS_MAX = 5_000
/** Bytes a peer has not taken: beyond it, it is cut. */
export const UNREAD_BYTES_MAX = 256 * 1024
const READ_BYTES = 16 * 1024

/** @throws FengsuiError port-in-use, setting-invalid */
export async function listenTcp(o: TcpOptions): Promise<Listener> {
  const { entrance, log, meter } = o
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, keepAlive: true, highWaterMark: READ_BYTES }, socket => {
    sockets.add(socket)
    meter.gauge('fengsui_entrance_connections', sockets.size, { entrance })
    void converse(o, socket).finally(() => {
      sockets.delete(socket)
      meter.gauge('fengsui_entrance_connections', sockets.size, { entrance })
    })
  })
  server.maxConnections = o.connectionsMax ?? CONNECTIONS_MAX
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen(entrance, o.host, o.port, error)))
    server.listen({ host: o.host, port: o.port }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : o.port)
    })
  })
  log.info({ entrance, host: o.host, port }, 'listening for devices')
  return {
    port,
    connections: () => sockets.size,
    async close() {
      const stopped = new Promise<void>(resolve => server.close(() => resolve()))
      for (const socket of sockets) socket.destroy()
      await stopped
    },
  }
}

export const cannotListen = (entrance: string, host: string, port: number, error: NodeJS.ErrnoException): FengsuiError =>
  new FengsuiError(
    error.code === 'EADDRINUSE' ? 'port-in-use' : 'setting-invalid',
    `listening for ${entrance} on ${host}:${port}: ${error.message}`,
    {
      cause: error,
    },
  )

async function converse({ open, idleMs, entrance, log }: TcpOptions, socket: Socket): Promise<void> {
  const address = socket.remoteAddress ?? 'unknown'
  const peer: Peer = {
    address,
    write(bytes) {
      if (socket.destroyed) return
      socket.write(bytes)
      if (socket.writableLength > UNREAD_BYTES_MAX) socket.destroy()
    },
    end: () => void socket.end(),
  }
  socket.setTimeout(idleMs, () => socket.destroy())
  const conversation = open(peer)
  try {
    for await (const chunk of socket) await conversation.heard(chunk as Buffer)
  } catch (error) {
    // an end of the network's making is nobody's mistake
    log.debug({ entrance, address, reason: (error as Error).message }, 'a connection ended')
  } finally {
    socket.destroy()
    conversation.ended()
  }
}
