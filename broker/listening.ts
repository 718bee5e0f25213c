// The ports of the door: TCP, TLS, WebSocket, WebSocket over TLS. All lead to the same place with the same doorway (how many new
// ones a second), the same bound on sockets and the same PROXY header. Never reads MQTT itself.
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import { Certificates, type TlsFiles } from './certificates.ts'
import { Doorway } from './doorway.ts'
import type { Limits } from './limits.ts'
import type { Peer } from './peer.ts'
import { takeProxyHeader } from './proxied.ts'
import { Secure, type ClientCertificates } from './secure.ts'
import type { Problem } from './sessions.ts'
import { WebSocketDoor } from './websocket.ts'

export type PortName = 'mqtt' | 'mqtts' | 'ws' | 'wss'

export type PortOptions = {
  host: string
  /** 0 takes a free one */
  port: number
  /** undefined = off */
  tlsPort?: number | undefined
  wsPort?: number | undefined
  wssPort?: number | undefined
  tls?: (TlsFiles & { clients: ClientCertificates }) | undefined
  /** every connection begins with a PROXY header; default false: none may */
  proxyProtocol?: boolean
}

export type ListeningParts = {
  limits: Limits
  maxPayloadBytes: number
  clock: Clock
  log: Log
  meter: Meter
  enter(line: Duplex, peer: Peer): void
  refused(problem: Problem, address: string | null): void
}

export type Listening = {
  ports: Partial<Record<PortName, number>> & { mqtt: number }
  /** what an operator has to look at; null = all is well */
  problem(): string | null
  /** No new connections; who waits at the door is sent away. Resolves when all sockets have ended. */
  close(): Promise<void>
}

/** @throws FengsuiError port-in-use, setting-invalid */
export async function listenAt(o: PortOptions, parts: ListeningParts): Promise<Listening> {
  const { limits, enter, refused } = parts
  const certificates = o.tls === undefined ? null : new Certificates(o.tls, parts)
  const web = new WebSocketDoor(parts)
  const secured = (next: (socket: Socket, peer: Peer) => void): Secure => {
    if (o.tls === undefined || certificates === null) throw new FengsuiError('setting-invalid', 'a TLS port without FENGSUI_TLS_CERT')
    return new Secure({ certificates, clients: o.tls.clients, limits, nowMs: parts.clock.nowMs, enter: next, refused })
  }
  const crowded = (reason: string): void => refused({ code: 'too-many-connections', reason }, null)
  /** TLS and HTTP read their own first bytes: a PROXY header is taken off before. MQTT reads it with its first frame (guard.ts). */
  const behindProxy = (next: (socket: Socket, address: string | null) => void) => (socket: Socket) =>
    o.proxyProtocol === true
      ? takeProxyHeader(socket, limits.connectTimeoutMs, next, reason => refused({ code: 'protocol-error', reason }, null))
      : next(socket, socket.remoteAddress ?? null)

  const doors: { name: PortName; port: number; into: (socket: Socket) => void; close?: () => void }[] = []
  const plain = (socket: Socket): void => {
    enter(socket, { address: socket.remoteAddress ?? null, certificate: null, isAnnounced: o.proxyProtocol === true })
    socket.resume()
  }
  doors.push({ name: 'mqtt', port: o.port, into: plain })
  if (o.tlsPort !== undefined) {
    const tls = secured((socket, peer) => (enter(socket, peer), void socket.resume()))
    doors.push({
      name: 'mqtts',
      port: o.tlsPort,
      into: behindProxy((socket, address) => tls.arrived(socket, address)),
      close: () => tls.close(),
    })
  }
  if (o.wsPort !== undefined) {
    doors.push({ name: 'ws', port: o.wsPort, into: behindProxy((socket, address) => web.arrived(socket, { address, certificate: null })) })
  }
  if (o.wssPort !== undefined) {
    const tls = secured((socket, peer) => web.arrived(socket, peer))
    doors.push({
      name: 'wss',
      port: o.wssPort,
      into: behindProxy((socket, address) => tls.arrived(socket, address)),
      close: () => tls.close(),
    })
  }

  // one doorway and one bound for all of them: what costs is the same, whichever way it comes
  const into = new WeakMap<Socket, (socket: Socket) => void>()
  const doorway = new Doorway({ limits, enter: socket => into.get(socket)?.(socket), refused: crowded })
  let open = 0
  const arrived = (socket: Socket, door: (socket: Socket) => void): void => {
    if (open >= limits.connections) {
      crowded(`${limits.connections} sockets are open`)
      return void socket.destroy()
    }
    open++
    socket.once('close', () => open--)
    into.set(socket, door)
    doorway.arrived(socket)
  }
  const servers: Server[] = []
  const ports: Listening['ports'] = { mqtt: 0 }
  const close = async (): Promise<void> => {
    const ended = servers.map(server => new Promise<void>(resolve => server.close(() => resolve())))
    doorway.close()
    for (const door of doors) door.close?.()
    certificates?.close()
    web.close()
    await Promise.all(ended)
  }
  try {
    for (const { name, port, into: door } of doors) {
      // half-open: what a client sent before it hung up is looked at all the same, its goodbye above all
      const server = createServer({ noDelay: true, keepAlive: true, pauseOnConnect: true, allowHalfOpen: true }, s => arrived(s, door))
      servers.push(server)
      ports[name] = await listen(server, o.host, port)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { ports, problem: () => certificates?.problem ?? null, close }
}

/** A district that comes back at once: the system's own bound is usually this, Node's default an eighth. */
const BACKLOG = 4096

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const code = error.code === 'EADDRINUSE' ? 'port-in-use' : 'setting-invalid'
      reject(new FengsuiError(code, `listening for MQTT on ${host}:${port}: ${error.message}`, { cause: error }))
    })
    server.listen({ port, host, backlog: BACKLOG }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}
