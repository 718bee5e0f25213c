// An HTTP server between the store and InfluxDB that misbehaves on order: each write takes the next fault, without one it is passed on.
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

export type Fault =
  | { answer: number; headers?: Record<string, string>; body?: string }
  /** passed on, and answered so late */
  | { delayMs: number }
  /** the connection ends in the middle of the request */
  | 'reset-before'
  /** InfluxDB has it, and nobody hears so */
  | 'reset-after'

export type Seen = { method: string; url: string; headers: Record<string, unknown>; body: string; atMs: number }
export type Proxy = {
  url: string
  writes: Seen[]
  others: Seen[]
  faults: Fault[]
  /** lines that InfluxDB refuses, and stores the others of the request */
  poison: RegExp | null
  /** writes not answered yet */
  open(): number
  [Symbol.asyncDispose](): Promise<void>
}

/** `target` is the URL of the real one, or a function that answers in its place. */
export async function startProxy(
  target: string | ((seen: Seen) => { status: number; headers?: Record<string, string>; body?: string }),
): Promise<Proxy> {
  let opened = 0
  const proxy = {
    url: '',
    writes: [] as Seen[],
    others: [] as Seen[],
    faults: [] as Fault[],
    poison: null as RegExp | null,
    open: () => opened,
  }

  async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const isWrite = /^\/(api\/v2\/)?write\?/.test(incoming.url ?? '')
    const fault = isWrite ? proxy.faults.shift() : undefined
    if (isWrite) opened += 1
    if (isWrite) outgoing.once('close', () => (opened -= 1))
    if (fault === 'reset-before') {
      await new Promise(resolve => incoming.once('data', resolve))
      return void incoming.socket.destroy()
    }
    const seen = await read(incoming)
    ;(isWrite ? proxy.writes : proxy.others).push(seen)
    if (typeof fault === 'object' && 'answer' in fault) return void outgoing.writeHead(fault.answer, fault.headers).end(fault.body)
    const { poison } = proxy
    const lines = seen.body.split('\n')
    const good = (poison === null || !isWrite ? lines : lines.filter(line => !poison.test(line))).join('\n')
    const stored = typeof target === 'function' ? target(seen) : await passOn(target, { ...seen, body: good })
    const dropped = good === seen.body ? undefined : '{"error":"partial write: field type conflict: it is text already dropped=1"}'
    const answer = dropped === undefined ? stored : { status: 400, body: dropped }
    if (fault === 'reset-after') return void incoming.socket.destroy()
    if (fault !== undefined) await delay(fault.delayMs)
    outgoing.writeHead(answer.status, answer.headers).end(answer.body)
  }

  const server = createServer((incoming, outgoing) => void handle(incoming, outgoing).catch(() => incoming.socket.destroy()))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return Object.assign(proxy, {
    [Symbol.asyncDispose]: () =>
      new Promise<void>(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  })
}

async function read(incoming: IncomingMessage): Promise<Seen> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const { method = '', url = '', headers } = incoming
  return { method, url, headers, body: Buffer.concat(chunks).toString(), atMs: performance.now() }
}

type Answer = { status: number; headers: Record<string, string>; body: string }

const passOn = (target: string, { method, url, headers, body }: Seen): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { host: _, 'content-length': __, ...kept } = headers
    const sent = request(`${target}${url}`, { method, headers: kept as Record<string, string> }, incoming => {
      read(incoming).then(
        answer => resolve({ status: incoming.statusCode ?? 502, headers: versionOf(incoming), body: answer.body }),
        reject,
      )
    })
    sent.once('error', reject)
    sent.end(body)
  })

const versionOf = ({ headers }: IncomingMessage): Record<string, string> => {
  const version = headers['x-influxdb-version']
  return typeof version === 'string' ? { 'x-influxdb-version': version } : {}
}
