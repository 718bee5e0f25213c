// MQTT over WebSocket [MQTT-6]: subprotocol `mqtt`, binary frames only, one byte stream however it is cut into frames. What comes
// out is a byte stream like any other; everything else an HTTP client may ask for is answered with one line and the end.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer, type WebSocket } from 'ws'
import type { Limits } from './limits.ts'
import type { Peer } from './peer.ts'
import type { Problem } from './sessions.ts'

/** `mqttv3.1` is what clients from before the standard ask for. */
const SUBPROTOCOLS = ['mqtt', 'mqttv3.1']
const HEAD_BYTES_MAX = 8 * 1024
/** beyond the largest MQTT packet: several may lie in one frame */
const FRAME_ROOM_BYTES = 64 * 1024

export type WebSocketOptions = {
  limits: Limits
  maxPayloadBytes: number
  enter(line: Duplex, peer: Peer): void
  refused(problem: Problem, address: string | null): void
}

export class WebSocketDoor {
  readonly #o: WebSocketOptions
  readonly #http
  readonly #upgrades: WebSocketServer
  readonly #peers = new WeakMap<Duplex, Peer>()

  constructor(o: WebSocketOptions) {
    this.#o = o
    const { limits, maxPayloadBytes } = o
    this.#upgrades = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false, // a memory of its own for each connection, for payloads of 200 bytes
      maxPayload: Math.max(limits.connectFrameBytes, maxPayloadBytes + limits.frameOverheadBytes) + FRAME_ROOM_BYTES,
      handleProtocols: offered => SUBPROTOCOLS.find(name => offered.has(name)) ?? false,
    })
    this.#http = process.getBuiltinModule('node:http').createServer({
      maxHeaderSize: HEAD_BYTES_MAX,
      headersTimeout: limits.connectTimeoutMs,
      requestTimeout: limits.connectTimeoutMs,
      connectionsCheckingInterval: Math.min(1000, limits.connectTimeoutMs),
    })
    this.#http.on('request', (request, response) => {
      this.#refuse(request.socket, 'an HTTP request that is no WebSocket upgrade')
      response.writeHead(426, { upgrade: 'websocket', connection: 'close' }).end('MQTT over WebSocket is spoken here, subprotocol mqtt\n')
    })
    this.#http.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
    this.#http.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') this.#refuse(socket, `not HTTP: ${error.code ?? error.message}`)
      socket.destroy()
    })
    // its timer counts the connections whose request has not come; nothing listens
    this.#http.emit('listening')
  }

  arrived(socket: Socket, peer: Peer): void {
    this.#peers.set(socket, peer)
    this.#http.emit('connection', socket)
    socket.resume()
  }

  close(): void {
    this.#http.closeAllConnections()
    this.#http.close(ignore)
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Node has let go of it: an error that nobody hears would end the process
    socket.on('error', ignore)
    const offered = request.headers['sec-websocket-protocol'] ?? ''
    if (!offered.split(',').some(name => SUBPROTOCOLS.includes(name.trim()))) {
      this.#refuse(socket, `a WebSocket without the subprotocol mqtt [MQTT-6.0.0-3]${offered === '' ? '' : `; offered was ${offered}`}`)
      return void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    }
    this.#upgrades.handleUpgrade(request, socket, head, webSocket => this.#open(webSocket, this.#peerOf(socket)))
  }

  #open(webSocket: WebSocket, peer: Peer): void {
    // before the stream, which would take text for bytes
    webSocket.on('message', (_, isBinary) => {
      if (isBinary || line.destroyed) return
      this.#o.refused({ code: 'protocol-error', reason: 'a WebSocket text frame [MQTT-6.0.0-1]' }, peer.address)
      line.destroy()
    })
    const line = createWebSocketStream(webSocket)
    this.#o.enter(line, peer)
  }

  #peerOf(socket: Duplex): Peer {
    return this.#peers.get(socket) ?? { address: null, certificate: null }
  }

  #refuse(socket: Duplex, reason: string): void {
    this.#o.refused({ code: 'protocol-error', reason }, this.#peerOf(socket).address)
  }
}

function ignore(): void {}
