// One HTTP POST and what its answer means, for every notifier that speaks HTTP. It follows no redirect, reads no answer but status
// and Retry-After (and, for those who say yes or no in the body, its first bytes), and its reasons carry neither the address (which
// may hold a token) nor a word that the other side wrote.
import { FengsuiError } from '#contracts/errors.ts'
import type { Outcome } from './notifier.ts'

export const POST_TIMEOUT_MS = 10_000
/** a receiver may ask to be left alone for at most this long */
export const RETRY_AFTER_MS_MAX = 3_600_000
/** 4xx answers after which the same request can still succeed; all others are a verdict */
const PASSING = new Set([408, 425, 429])

/** @throws FengsuiError setting-invalid, without repeating the address */
export const addressOf = (name: string, url: string): URL => {
  const address = URL.parse(url)
  if (address === null || !['http:', 'https:'].includes(address.protocol))
    throw new FengsuiError('setting-invalid', `the address of the ${name} is not an http: or https: URL`)
  if (address.username !== '' || address.password !== '')
    throw new FengsuiError('setting-invalid', `the address of the ${name} carries a user name or password; that is not supported`)
  return address
}

/** RFC 9110 10.2.3: seconds or a date; undefined where absent or not understood. */
const retryAfterMs = (value: string | null, nowMs: number): number | undefined => {
  if (value === null) return undefined
  const ms = /^\d+$/.test(value.trim()) ? Number(value) * 1000 : Date.parse(value) - nowMs
  return Number.isNaN(ms) ? undefined : Math.min(RETRY_AFTER_MS_MAX, Math.max(0, ms))
}

const verdictOf = (status: number, afterMs: number | undefined): Outcome => {
  if (status >= 200 && status < 300) return { outcome: 'delivered' }
  if (status < 400) return { outcome: 'retry', reason: `answered ${status}: redirects are not followed, set the final address` }
  if (status < 500 && !PASSING.has(status)) return { outcome: 'never', reason: `answered ${status}` }
  return { outcome: 'retry', reason: `answered ${status}`, ...(afterMs !== undefined && { afterMs }) }
}

/** Only the code of a network error is told: its message carries addresses. */
const networkReason = (error: unknown): string => {
  if (error instanceof Error && error.name === 'TimeoutError') return 'no answer in time'
  if (error instanceof Error && error.name === 'AbortError') return 'stopped while sending'
  const code = error instanceof Error ? (error.cause as { code?: unknown } | undefined)?.code : undefined
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]{0,40}$/.test(code) ? `network: ${code}` : 'network error'
}

/** Robots and SMS gateways answer 200 to everything; what it means stands in a small JSON body. */
export const ANSWER_BYTES_MAX = 64 * 1024

export type Post = {
  address: URL
  headers?: Record<string, string>
  body: string
  signal: AbortSignal
  nowMs: number
  timeoutMs?: number
  /** of the answer's JSON; without it the status alone counts. null = the body says nothing */
  judge?: (answer: Record<string, unknown>) => Outcome | null
}

export const postJson = (o: Post): Promise<Outcome> => post(o, 'application/json; charset=utf-8')
export const postForm = (o: Post): Promise<Outcome> => post(o, 'application/x-www-form-urlencoded; charset=utf-8')
export const postXml = (o: Post): Promise<Outcome> => post(o, 'application/xml; charset=utf-8')

const post = async (o: Post, type: string): Promise<Outcome> => {
  const headers = { 'content-type': type, 'user-agent': 'fengsui', ...o.headers }
  const signal = AbortSignal.any([o.signal, AbortSignal.timeout(o.timeoutMs ?? POST_TIMEOUT_MS)])
  try {
    const response = await fetch(o.address, { method: 'POST', headers, body: o.body, redirect: 'manual', signal })
    const verdict = verdictOf(response.status, retryAfterMs(response.headers.get('retry-after'), o.nowMs))
    // a redirect and a passing trouble need no reading
    const judged = o.judge !== undefined && (verdict.outcome === 'delivered' || verdict.outcome === 'never')
    if (judged) return (await judgement(response, o.judge, verdict)) ?? verdict
    // nothing in the answer's body matters, and it may be endless; that it cannot be cancelled any more changes no verdict
    await response.body?.cancel().catch(() => undefined)
    return verdict
  } catch (error) {
    return { outcome: 'retry', reason: networkReason(error) }
  }
}

const judgement = async (response: Response, judge: Post['judge'], verdict: Outcome): Promise<Outcome | null> => {
  const text = await beginning(response)
  const answer = text === null ? null : objectIn(text)
  if (answer === null) return verdict.outcome === 'delivered' ? { outcome: 'retry', reason: 'the answer was not understood' } : null
  return judge?.(answer) ?? null
}

/** null where it is longer than an answer of this kind is. */
const beginning = async (response: Response): Promise<string | null> => {
  const reader = (response.body as ReadableStream<Uint8Array> | null)?.getReader()
  if (reader === undefined) return ''
  const parts: Uint8Array[] = []
  let bytes = 0
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return Buffer.concat(parts).toString('utf8')
    parts.push(value)
    bytes += value.byteLength
    if (bytes <= ANSWER_BYTES_MAX) continue
    await reader.cancel().catch(() => undefined)
    return null
  }
}

const objectIn = (text: string): Record<string, unknown> | null => {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}

/** A number or a short word of the other side's code list may be told; anything else it wrote may not. */
export const codeWord = (code: unknown): string => {
  const word = typeof code === 'string' || typeof code === 'number' ? String(code) : ''
  return /^[A-Za-z0-9_.-]{1,40}$/.test(word) ? `answered with code ${word}` : 'answered with a refusal'
}
