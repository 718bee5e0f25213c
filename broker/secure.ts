// TLS in front of the door: handshakes are begun a few a turn, so that a storm of them leaves room for who is connected already;
// half-done ones are bounded and timed. Says what certificate was shown, after checking it. Never decides who may come in.
import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket } from 'node:tls'
import type { Certificates } from './certificates.ts'
import type { Limits } from './limits.ts'
import { shownBy, type Peer } from './peer.ts'
import type { Problem } from './sessions.ts'

export type ClientCertificates = 'none' | 'optional' | 'required'

export type SecureOptions = {
  certificates: Certificates
  clients: ClientCertificates
  limits: Limits
  nowMs: () => number
  enter(socket: TLSSocket, peer: Peer): void
  refused(problem: Problem, address: string | null): void
}

type Begun = { address: string | null; ended(): void }
type Waiting = { socket: Socket; address: string | null; sinceMs: number }

/** Each costs most of a millisecond of the one thread that also acknowledges. */
const BEGUN_A_TURN = 8

export class Secure {
  readonly #o: SecureOptions
  readonly #server: Server
  readonly #begun = new Map<string, Begun>()
  #waiting: Waiting[] = []
  #isDue = false

  constructor(o: SecureOptions) {
    this.#o = o
    const { certificates, clients, limits } = o
    this.#server = createServer({
      ...certificates.context,
      requestCert: clients !== 'none',
      rejectUnauthorized: false, // looked at below, so that the refusal says why
      handshakeTimeout: limits.connectTimeoutMs,
      allowHalfOpen: true,
      pauseOnConnect: true,
    })
    this.#server.on('secureConnection', socket => this.#secured(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#failed(error as NodeJS.ErrnoException, socket))
    certificates.watch(context => this.#server.setSecureContext(context))
  }

  /** A socket that nothing was read of. Bounded by the bound on sockets. */
  arrived(socket: Socket, address: string | null): void {
    socket.on('error', ignore)
    this.#waiting.push({ socket, address, sinceMs: performance.now() })
    this.#beginSoon()
  }

  close(): void {
    this.#o.certificates.close()
    for (const { socket } of this.#waiting.splice(0)) socket.destroy()
  }

  #beginSoon(): void {
    if (this.#isDue || this.#waiting.length === 0 || this.#begun.size >= this.#o.limits.handshakes) return
    this.#isDue = true
    setImmediate(() => {
      this.#isDue = false
      const some = this.#waiting.splice(0, Math.min(BEGUN_A_TURN, this.#o.limits.handshakes - this.#begun.size))
      for (const waiting of some) this.#begin(waiting)
      this.#beginSoon()
    })
  }

  #begin({ socket, address, sinceMs }: Waiting): void {
    if (socket.destroyed) return
    const { connectTimeoutMs, handshakes } = this.#o.limits
    if (performance.now() - sinceMs > connectTimeoutMs) {
      const reason = `waited ${connectTimeoutMs} ms for its TLS handshake; ${handshakes} others are under way`
      this.#o.refused({ code: 'too-many-connections', reason }, address)
      return void socket.destroy()
    }
    const name = nameOf(socket)
    const ended = (): void => {
      if (this.#begun.delete(name)) this.#beginSoon()
    }
    this.#begun.set(name, { address, ended })
    socket.once('close', ended)
    this.#server.emit('connection', socket)
  }

  #secured(socket: TLSSocket): void {
    const begun = this.#begun.get(nameOf(socket))
    begun?.ended()
    const address = begun?.address ?? socket.remoteAddress ?? null
    const certificate = socket.getPeerX509Certificate()
    const problem = this.#problemWith(socket, certificate?.validToDate)
    if (problem !== null) {
      this.#o.refused({ code: 'bad-credentials', reason: problem }, address)
      socket.on('error', ignore)
      return void socket.destroy()
    }
    this.#o.enter(socket, { address, certificate: certificate === undefined ? null : shownBy(certificate) })
  }

  #problemWith(socket: TLSSocket, validTo: Date | undefined): string | null {
    const { clients, nowMs } = this.#o
    if (clients === 'none') return null
    if (validTo === undefined) return clients === 'required' ? 'no client certificate was shown' : null
    if (!socket.authorized) return `the client certificate is not accepted: ${String(socket.authorizationError)}`
    // a resumed session was checked when it began
    return validTo.getTime() < nowMs() ? `the client certificate ended ${validTo.toISOString()}` : null
  }

  #failed(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    const begun = this.#begun.get(nameOf(socket))
    begun?.ended()
    socket.destroy()
    if (error.code === 'ECONNRESET' || error.code === 'EPIPE') return // gone by itself
    const late = error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT'
    const hint = late ? '' : '; does the client speak TLS 1.2 or 1.3 here, and does it trust our certificate?'
    const reason = `TLS handshake: ${error.code ?? error.message}${hint}`
    this.#o.refused({ code: 'protocol-error', reason }, begun?.address ?? null)
  }
}

/** Node does not say which socket a secured one stands on. */
const nameOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`

function ignore(): void {}
