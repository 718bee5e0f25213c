// One HTTP POST and what its answer means, for every notifier that speaks HTTP. It follows no redirect, reads no answer but status
// and Retry-After, and its reasons carry neither the address (which may hold a token) nor a word that the other side wrote.
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

export type Post = { address: URL; headers?: Record<string, string>; body: string; signal: AbortSignal; nowMs: number; timeoutMs?: number }

export const postJson = async (o: Post): Promise<Outcome> => {
  const headers = { 'content-type': 'application/json; charset=utf-8', 'user-agent': 'fengsui', ...o.headers }
  const signal = AbortSignal.any([o.signal, AbortSignal.timeout(o.timeoutMs ?? POST_TIMEOUT_MS)])
  try {
    const response = await fetch(o.address, { method: 'POST', headers, body: o.body, redirect: 'manual', signal })
    // nothing in the answer's body matters, and it may be endless; that it cannot be cancelled any more changes no verdict
    await response.body?.cancel().catch(() => undefined)
    return verdictOf(response.status, retryAfterMs(response.headers.get('retry-after'), o.nowMs))
  } catch (error) {
    return { outcome: 'retry', reason: networkReason(error) }
  }
}
