// POST /push/{platform}[/{name}]: platforms that push over HTTP. Who proves who he is gets his body into the journal, and a 200 when it is on
// disk, never before: a platform that gets anything else sends again. Says nothing about which secrets there are.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import { cannotListen } from '../adapters/tcp.ts'
import type { Intake } from '../intake.ts'
import { bodiesOf } from './bodies.ts'
import { PLATFORMS, type PushSource } from './config.ts'
import { createOnce, staleness } from './fresh.ts'
import { challengeAnswer, isProven, signatureOf } from './proof.ts'
import { opened } from './sealed.ts'

export type PushOptions = {
  host: string
  /** 0 takes a free one */
  port: number
  sources: readonly PushSource[]
  intake: Intake
  clock: Clock
  log: Log
  meter: Meter
  bodyBytesMax?: number
}
export type PushServer = { port: number; requests(): number; close(): Promise<void> }

/** Pictures come with the alerts of cameras, and are not kept. */
export const BODY_BYTES_MAX = 8 * 1024 * 1024
export const CONNECTIONS_MAX = 1_000
/**
 * Wrong secrets of one address in a minute; for the rest of it a wrong one is answered 429 and told no more. A right one is heard all the same:
 * behind a proxy all platforms are one address, and nobody may keep their alarms out by guessing.
 */
export const FAILURES_MAX = 20
/** of an address that guesses, where the proof is in the body */
const GUESSED_BODY_BYTES_MAX = 256 * 1024
const NO_BODY = Buffer.alloc(0)
const ADDRESSES_MAX = 10_000
const MINUTE_MS = 60_000
const REQUEST_MS = 30_000

export async function startPush(o: PushOptions): Promise<PushServer> {
  const { sources, intake, meter, bodyBytesMax = BODY_BYTES_MAX } = o
  const failures = new Map<string, { count: number; untilMs: number }>()
  const once = createOnce(o.clock)
  let requests = 0

  function sourceAt(path: string): PushSource | undefined {
    const [, platform, name] = /^\/push\/([a-z-]{1,32})(?:\/([a-z0-9-]{1,64}))?\/?$/.exec(path) ?? []
    const of = sources.filter(one => one.platform === platform)
    return name === undefined ? (of.length === 1 ? of[0] : undefined) : of.find(one => one.name === name)
  }

  function failed(address: string): void {
    const nowMs = o.clock.nowMs()
    const known = failures.get(address)
    if (known !== undefined && known.untilMs > nowMs) known.count += 1
    else {
      failures.delete(address)
      failures.set(address, { count: 1, untilMs: nowMs + MINUTE_MS })
    }
    const [oldest] = failures.keys()
    if (failures.size > ADDRESSES_MAX && oldest !== undefined) failures.delete(oldest)
  }
  const isShut = (address: string): boolean => {
    const known = failures.get(address)
    return known !== undefined && known.count >= FAILURES_MAX && known.untilMs > o.clock.nowMs()
  }

  async function answer(request: IncomingMessage): Promise<string> {
    requests += 1
    const address = request.socket.remoteAddress ?? 'unknown'
    const url = new URL(request.url ?? '/', 'http://push')
    const source = sourceAt(url.pathname)
    if (source === undefined) throw new FengsuiError('not-found', 'no platform pushes to this path')
    const name = `push:${source.name}`
    const guesses = isShut(address)
    const refuse = (code: ErrorCode, reason: string): FengsuiError => {
      if (guesses) return new FengsuiError('too-many-requests', 'too many requests with a wrong secret')
      failed(address)
      intake.refuse({ code, reason, identity: name, topic: url.pathname.slice(0, 128), address })
      return new FengsuiError(code, reason)
    }
    if (request.method === 'GET') {
      const text = challengeAnswer(source, url.searchParams)
      if (text === undefined) throw refuse('bad-credentials', 'no challenge, or its signature is wrong')
      return text
    }
    if (request.method !== 'POST' && request.method !== 'PUT') throw new FengsuiError('invalid-request', 'POST is wanted here')
    const asked = { headers: request.headers, query: url.searchParams }
    const isByToken = PLATFORMS[source.platform].proof === 'token'
    const wrong = 'the token or signature is wrong'
    // of who guesses nothing is read that need not be
    if (guesses && isByToken && !isProven(source, { ...asked, body: NO_BODY })) throw refuse('bad-credentials', wrong)
    const body = await bodyOf(request, guesses && !isByToken ? Math.min(bodyBytesMax, GUESSED_BODY_BYTES_MAX) : bodyBytesMax)
    if (!isProven(source, { ...asked, body })) throw refuse('bad-credentials', wrong)
    const plain = opened(source, body)
    const stale = staleness(source, { ...asked, body: plain }, o.clock.nowMs())
    if (stale !== undefined) {
      intake.refuse({ code: 'message-stale', reason: stale, identity: name, topic: url.pathname.slice(0, 128), address, payload: body })
      throw new FengsuiError('message-stale', stale)
    }
    const { family } = PLATFORMS[source.platform]
    const arrival = { entrance: 'push', source: name, clientId: name, topic: `in/${family}/${source.name}` } as const
    const bodies = bodiesOf(request.headers['content-type'] ?? '', plain)
    const take = async (): Promise<void> => void (await Promise.all(bodies.map(payload => intake.take({ ...arrival, payload }))))
    const signature = signatureOf(source, { ...asked, body })
    await (signature === undefined ? take() : once.do(signature, take))
    return '{"ok":true}'
  }

  const server = createServer(
    { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS / 2, connectionsCheckingInterval: 5_000 },
    (request, response) => {
      answer(request).then(
        text => send(response, 200, text),
        (error: unknown) => sendError(request, response, error),
      )
    },
  )
  server.maxConnections = CONNECTIONS_MAX
  let open = 0
  server.on('connection', socket => {
    meter.gauge('fengsui_entrance_connections', ++open, { entrance: 'push' })
    socket.once('close', () => meter.gauge('fengsui_entrance_connections', --open, { entrance: 'push' }))
  })
  const port = await new Promise<number>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(cannotListen('push', o.host, o.port, error)))
    server.listen({ host: o.host, port: o.port }, () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : o.port)
    })
  })
  o.log.info({ host: o.host, port, platforms: [...new Set(sources.map(one => one.platform))] }, 'platforms may push')
  return {
    port,
    requests: () => requests,
    async close() {
      const stopped = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await stopped
    },
  }
}

async function bodyOf(request: IncomingMessage, most: number): Promise<Buffer> {
  const tooLarge = (): FengsuiError => new FengsuiError('payload-too-large', `a body of more than ${most} bytes`)
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge()
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request) {
    bytes += (chunk as Buffer).length
    if (bytes > most) throw tooLarge()
    chunks.push(chunk as Buffer)
  }
  return Buffer.concat(chunks)
}

function send(response: ServerResponse, status: number, text: string, headers: Record<string, string> = {}): void {
  const type = text.startsWith('{') ? 'application/json; charset=utf-8' : 'text/plain; charset=utf-8'
  response.writeHead(status, { 'content-type': type, 'x-content-type-options': 'nosniff', ...headers }).end(text)
}

function sendError(request: IncomingMessage, response: ServerResponse, error: unknown): void {
  if (response.destroyed) return
  const known = error instanceof FengsuiError ? error : new FengsuiError('internal', 'the request could not be handled')
  const { code, message, hint, status } = known
  const more = status === 429 || status === 503 ? { 'retry-after': '10' } : {}
  // a body that has not come whole is not waited for
  send(response, status, JSON.stringify({ code, message, hint }), request.complete ? more : { ...more, connection: 'close' })
}
