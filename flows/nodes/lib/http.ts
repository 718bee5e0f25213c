// Talks to the API over connections that stay open: one answer as a whole, or lines of JSON that keep coming. By node:http, since fetch and its
// streams cost several times the processor time of a request, and a flow at 500 readings a second makes many.
import http, { type IncomingMessage, type OutgoingHttpHeaders, type RequestOptions } from 'node:http'
import https from 'node:https'
import { urlToHttpOptions } from 'node:url'
import { openLines, type Lines } from './lines.ts'

export type Answer = { status: number; ok: boolean; retryAfterS: number; body: string }
export type Ask = {
  method?: 'GET' | 'POST'
  headers?: Record<string, string>
  body?: string
  timeoutMs: number
  signal?: AbortSignal
}
export type Api = {
  /** @throws Error when no whole answer came, AbortError when `signal` aborted */
  ask(path: string, o: Ask): Promise<Answer>
  /** @throws Error with the API's own words when it answers otherwise than well */
  lines(path: string, signal: AbortSignal): Promise<Lines>
}

/** until the first of a stream's answer */
const ANSWER_MS_MAX = 25_000
/** at once to one server; what is beyond waits for a free one */
const CONNECTIONS_MAX = 32
const AGENT = { keepAlive: true, maxSockets: CONNECTIONS_MAX }
const agents = { 'http:': new http.Agent(AGENT), 'https:': new https.Agent(AGENT) }

export function apiAt(address: string, token: string | undefined): Api {
  const authorization: Record<string, string> = token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }
  const base = address.trim().replace(/\/+$/, '')
  const url = URL.canParse(base) ? new URL(base) : null
  const to = url === null ? null : urlToHttpOptions(url)
  const isPlain = url?.protocol !== 'https:'
  const prefix = url === null || url.pathname === '/' ? '' : url.pathname

  function begin(path: string, headers: OutgoingHttpHeaders, o: RequestOptions): http.ClientRequest {
    if (to === null) throw new Error(`"${base.slice(0, 100)}" is no address of a server`)
    const options = { ...to, ...o, path: prefix + path, headers: { ...headers, ...authorization } }
    return isPlain ? http.request(options) : https.request(options)
  }

  return {
    ask: (path, { method = 'GET', headers, body, timeoutMs, signal }) =>
      new Promise<Answer>((resolve, reject) => {
        const agent = isPlain ? agents['http:'] : agents['https:']
        const length = body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
        const request = begin(path, { ...headers, ...length }, { method, agent, ...(signal && { signal }) })
        const late = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)), timeoutMs)
        const failed = (error: Error): void => {
          clearTimeout(late)
          reject(error)
        }
        request.on('error', failed)
        request.on('response', response =>
          whole(
            response,
            text => {
              clearTimeout(late)
              resolve(answerOf(response, text))
            },
            failed,
          ),
        )
        request.end(body)
      }),
    lines: (path, signal) =>
      new Promise<Lines>((resolve, reject) => {
        // a connection of its own: it is open as long as the stream
        const request = begin(path, {}, { agent: false, signal })
        request.setTimeout(ANSWER_MS_MAX, () => request.destroy(new Error(`no answer within ${ANSWER_MS_MAX / 1000} s`)))
        request.on('error', reject)
        request.on('response', response => {
          request.setTimeout(0)
          if (response.statusCode === 200) return resolve(openLines(response))
          whole(response, text => reject(new Error(reasonOf(answerOf(response, text)))), reject)
        })
        request.end()
      }),
  }
}

function whole(response: IncomingMessage, done: (text: string) => void, failed: (error: Error) => void): void {
  let text = ''
  response.setEncoding('utf8')
  response.on('data', (chunk: string) => (text += chunk))
  response.on('error', failed)
  response.on('end', () => done(text))
  response.on('close', () => response.complete || failed(new Error('the answer broke off')))
}

function answerOf({ statusCode = 0, headers }: IncomingMessage, body: string): Answer {
  return { status: statusCode, ok: statusCode >= 200 && statusCode < 300, retryAfterS: Number(headers['retry-after']) || 0, body }
}

/** The API's own words, bounded. */
export function reasonOf({ status, body }: Pick<Answer, 'status' | 'body'>): string {
  try {
    const { code, message } = JSON.parse(body) as { code?: string; message?: string }
    return `${status} ${code ?? ''} ${message ?? ''}`.trim().slice(0, 200)
  } catch {
    return `${status} ${body}`.trim().slice(0, 200)
  }
}
