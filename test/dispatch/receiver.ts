// Somebody outside who is told: a real HTTP server on 127.0.0.1 that remembers every request and fails on purpose.
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

/** hang = never answer; reset = cut the connection; endless = 200 and a body without end */
export type Answer = { status: number; headers?: Record<string, string>; body?: string } | 'hang' | 'reset' | 'endless'
export type Received = { path: string; headers: IncomingHttpHeaders; body: string }
export type Receiver = { url: string; got: Received[]; answer(next: (r: Received) => Answer): void } & AsyncDisposable

/** part of every address here, as a robot's token would be */
export const TOKEN = 'token-in-the-address-4711'

export const closedPort = async (): Promise<number> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

const closeAll = async (server: Server): Promise<void> => {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

export const startReceiver = async (answer: (r: Received) => Answer = () => ({ status: 204 })): Promise<Receiver> => {
  const got: Received[] = []
  let decide = answer
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const received = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(parts).toString('utf8') }
      got.push(received)
      const next = decide(received)
      if (next === 'reset') request.socket.resetAndDestroy()
      else if (next === 'endless') {
        response.writeHead(200)
        const more = setInterval(() => response.write('x'.repeat(8192)), 5)
        response.on('close', () => clearInterval(more))
      } else if (next !== 'hang') response.writeHead(next.status, next.headers).end(next.body ?? 'what the other side wrote')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}/hook?key=${TOKEN}`,
    got,
    answer: next => {
      decide = next
    },
    [Symbol.asyncDispose]: () => closeAll(server),
  }
}
