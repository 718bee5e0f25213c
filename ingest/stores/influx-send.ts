// Lines on their way to InfluxDB through the official client's connection: several requests in flight, none retried here, none dropped
// in silence; whoever calls sends again.
import { HttpError, InfluxDB, type Transport } from '@influxdata/influxdb-client'
import type { Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { StoreAsksToWait } from './store.ts'

/** `dir` keeps the position and the decoders' state; without it they live in memory and a start replays the whole journal. */
export type InfluxOptions = { url: string; token?: string; org?: string; bucket: string; dir?: string }

export const LINES_A_REQUEST = 2_500
/** InfluxDB 3 Core takes 10 MB */
const CHARS_A_REQUEST = 2_000_000
const REQUESTS_IN_FLIGHT = 4
/** Requests spent on finding the bad lines of one batch; groups still unsplit then are refused together, with the server's words. */
export const BISECT_REQUESTS_MAX = 200
const REQUEST_TIMEOUT_MS = 30_000
const PROBE_TIMEOUT_MS = 5_000
/** the longest that a server is believed when it asks to be left alone */
const WAIT_MAX_MS = 300_000

/** `index` counts the lines that were given. */
export type Refused = { index: number; reason: string }
export type Sender = {
  headers: Record<string, string>
  /**
   * All of them are stored, or told in the answer, or it rejects and nothing is certain. Good lines of a refused request are stored.
   * Lines are asked for as requests become due, so that they can be made while others are on their way.
   */
  sendAll(lines: Iterable<string>): Promise<Refused[]>
}

export function openSender(o: InfluxOptions, log: Log): Sender {
  const headers = headersOf(o.token)
  const transport = transportTo(o.url, headers)
  let preparing: Promise<string> | null = null

  async function send(body: string): Promise<void> {
    preparing ??= pathToWrite(o, headers, log)
    try {
      await post(transport, await preparing, body)
    } catch (error) {
      // not reached yet, or the database is gone: look again before the next request
      if (!(error instanceof HttpError) || error.statusCode === 404) preparing = null
      throw error
    }
  }

  async function sendAndFindBad({ body, first }: Request, budget: { requests: number }): Promise<Refused[]> {
    try {
      await send(body)
      return []
    } catch (error) {
      if (!isRefusal(error)) throw unavailable(error, o.url)
      const reason = `InfluxDB answered ${error.statusCode}: ${(error.body ?? error.message).slice(0, 512)}`
      const lines = body.split('\n')
      if (lines.length === 1 || --budget.requests <= 0) return lines.map((_, i) => ({ index: first + i, reason }))
      const half = Math.ceil(lines.length / 2)
      const inFirst = await sendAndFindBad({ body: lines.slice(0, half).join('\n'), first }, budget)
      return [...inFirst, ...(await sendAndFindBad({ body: lines.slice(half).join('\n'), first: first + half }, budget))]
    }
  }

  return {
    headers,
    async sendAll(lines) {
      const budget = { requests: BISECT_REQUESTS_MAX }
      const waiting = requestsOf(lines)
      const refused: Refused[] = []
      const work = async (): Promise<void> => {
        for (const request of waiting) refused.push(...(await sendAndFindBad(request, budget)))
      }
      // all have ended before it is told that one failed: what comes next does not run beside them
      const ended = await Promise.allSettled(Array.from({ length: REQUESTS_IN_FLIGHT }, work))
      const failed = ended.find(end => end.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      return refused
    },
  }
}

type Request = { body: string; first: number }

function* requestsOf(lines: Iterable<string>): Generator<Request> {
  let request: string[] = []
  let chars = 0
  let first = 0
  for (const line of lines) {
    if (request.length >= LINES_A_REQUEST || (request.length > 0 && chars + line.length > CHARS_A_REQUEST)) {
      yield { body: request.join('\n'), first }
      first += request.length
      request = []
      chars = 0
    }
    request.push(line)
    chars += line.length + 1
  }
  if (request.length > 0) yield { body: request.join('\n'), first }
}

/** 1.x takes a user and password where 2.x and 3 take a token. */
function headersOf(token: string | undefined): Record<string, string> {
  if (token === undefined) return {}
  return { authorization: token.includes(':') ? `Basic ${Buffer.from(token).toString('base64')}` : `Token ${token}` }
}

/**
 * The client's connection without its write API, which counts every character of a request once more, keeps a buffer that drops when it
 * is full, and takes 201 for success: a server that answers so has stored a part.
 */
const transportTo = (url: string, headers: Record<string, string>): Transport =>
  Reflect.get(new InfluxDB({ url, headers, timeout: REQUEST_TIMEOUT_MS }), 'transport') as Transport

/** Not compressed: that costs the sender four times the processor, and the lines mostly cross one switch. */
function post(transport: Transport, path: string, body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let answered: number | undefined
    transport.send(
      path,
      body,
      { method: 'POST', headers: { 'content-type': 'text/plain; charset=utf-8' } },
      {
        responseStarted: (_, status) => void (answered = status),
        error: reject,
        complete: () =>
          answered === 204 ? resolve() : reject(new HttpError(answered ?? 0, '204 is the only answer that says: all stored')),
      },
    )
  })
}

/** InfluxDB 1.x is written through its own /write (before 1.8 it has no other), and its database is made where it is missing. */
async function pathToWrite(o: InfluxOptions, headers: Record<string, string>, log: Log): Promise<string> {
  const ping = await ask(`${o.url}/ping`, { headers })
  const version = ping.headers.get('x-influxdb-version') ?? ''
  const bucket = encodeURIComponent(o.bucket)
  if (!/^v?1\./.test(version)) return `/api/v2/write?org=${encodeURIComponent(o.org ?? '')}&bucket=${bucket}&precision=us`
  await ask(`${o.url}/query?q=${encodeURIComponent(`CREATE DATABASE "${o.bucket.replaceAll('"', '')}"`)}`, { method: 'POST', headers })
  log.info({ version, bucket: o.bucket }, 'InfluxDB 1.x: writing to /write')
  return `/write?db=${bucket}&precision=u`
}

async function ask(address: string, init: RequestInit): Promise<Response> {
  const url = new URL(address)
  let answer: Response
  try {
    answer = await fetch(url, { ...init, signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
    await answer.arrayBuffer()
  } catch (cause) {
    throw new FengsuiError('room-unavailable', `InfluxDB at ${url.origin} does not answer: ${wordsOf(cause)}`, { cause })
  }
  if (answer.status < 400) return answer
  const words = `InfluxDB at ${url.origin}${url.pathname} answered ${answer.status}`
  throw asksToWait(words, answer.headers.get('retry-after')) ?? new FengsuiError('room-unavailable', words)
}

/** The request was read and something in it is wrong for good: asking again would get the same answer. */
const isRefusal = (error: unknown): error is HttpError => error instanceof HttpError && [400, 413, 422].includes(error.statusCode)

function unavailable(error: unknown, url: string): FengsuiError {
  if (error instanceof FengsuiError) return error
  const http = error instanceof HttpError ? error : undefined
  const answer = http === undefined ? `failed: ${wordsOf(error)}` : [`answered ${http.statusCode}`, ...saidBy(http)].join(': ')
  const words = `InfluxDB at ${new URL(url).origin} ${answer}`
  const header = http?.headers?.['retry-after']
  return (
    asksToWait(words, typeof header === 'string' ? header : null, error) ?? new FengsuiError('room-unavailable', words, { cause: error })
  )
}

const saidBy = ({ body, message }: HttpError): string[] => [(body ?? message).trim().slice(0, 256)].filter(said => said !== '')

/** Retry-After is seconds or a date (RFC 9110, 10.2.3). */
function asksToWait(words: string, retryAfter: string | null, cause?: unknown): StoreAsksToWait | undefined {
  if (retryAfter === null) return undefined
  const ms = /^\d+$/.test(retryAfter.trim()) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now()
  if (!(ms > 0)) return undefined
  return new StoreAsksToWait(words, Math.min(ms, WAIT_MAX_MS), { cause })
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
