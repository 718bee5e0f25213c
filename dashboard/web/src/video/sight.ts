// What is seen of one camera: since when, and why not. A source shows pictures until it fails or is stopped; then it is begun again, more seldom
// with each failure. Times are the server's, so that an age is true on a computer whose clock is off.
import { useEffect, useState } from 'preact/hooks'
import { why } from '../actions.ts'

export type Sight = { atMs: number | null; problem: string; againAtMs: number | null }
export type Report = { seen(atMs: number): void }
/** Shows until it fails (rejects), ends (resolves) or `signal` says so. */
export type Source = (report: Report, signal: AbortSignal) => Promise<void>

const AGAIN_MS = [1_000, 2_000, 5_000, 10_000]
/** Ages are shown by the second: more reports would only draw the same again. */
const REPORT_EVERY_MS = 500
const NOTHING: Sight = { atMs: null, problem: '', againAtMs: null }

export const useSight = (source: Source, key: string, nowMs: () => number): Sight => {
  const [sight, setSight] = useState<Sight>(NOTHING)
  useEffect(() => {
    setSight(NOTHING)
    const stopped = new AbortController()
    let failures = 0
    let timer: ReturnType<typeof setTimeout> | undefined
    let lastMs = 0
    const seen = (atMs: number): void => {
      failures = 0
      if (stopped.signal.aborted || Math.abs(atMs - lastMs) < REPORT_EVERY_MS) return
      lastMs = atMs
      setSight({ atMs, problem: '', againAtMs: null })
    }
    const begin = async (): Promise<void> => {
      let problem = ''
      const mine = new AbortController()
      const stop = (): void => mine.abort()
      stopped.signal.addEventListener('abort', stop)
      try {
        await source({ seen }, mine.signal)
      } catch (error) {
        problem = why(error)
      } finally {
        mine.abort()
        stopped.signal.removeEventListener('abort', stop)
      }
      if (stopped.signal.aborted) return
      const waitMs = AGAIN_MS[Math.min(failures, AGAIN_MS.length - 1)] ?? 1_000
      failures += 1
      lastMs = 0
      setSight(before => ({ ...before, problem, againAtMs: nowMs() + waitMs }))
      timer = setTimeout(() => void begin(), waitMs)
    }
    void begin()
    return () => {
      stopped.abort()
      clearTimeout(timer)
    }
  }, [key])
  return sight
}
