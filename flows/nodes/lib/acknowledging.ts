// Acknowledges what is done, one request at a time and not one for each reading: what is done meanwhile, and within a moment, goes together as one. What
// the nodes remember travels with the cursor it belongs to. What could not be stored is kept and sent again; a place is never acknowledged before it is done.
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf, type Api } from './http.ts'
import type { Row } from './keeper.ts'

export type Acknowledging = {
  /** `readings` are done since the push before */
  push(cursor: number, rows: Row[], readings: number): void
  /** what the server has on disk */
  committed(): number
  isFailing(): boolean
}

const POST_MS_MAX = 10_000
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 5000
/** an acknowledgement is a request and a commit on disk: one for each reading would cost more than the flow */
const PACE_MS = 250

export function acknowledging(
  o: { api: Api; consumer: string; limit: number; signal: AbortSignal },
  report: (problem: string | null) => void,
): Acknowledging {
  /** the newest of each row; the server sends no more while nothing is acknowledged, which bounds it */
  let waiting: { cursor: number; rows: Map<string, string | null> } | null = null
  let committed = 0
  let isSending = false
  let isFailing = false
  /** done and not acknowledged: the server sends no more than `limit` */
  let owed = 0
  let sentMs = -Infinity
  let timer: NodeJS.Timeout | undefined
  o.signal.addEventListener('abort', () => clearTimeout(timer), { once: true })

  async function send(): Promise<void> {
    let retryMs = RETRY_MS_MIN
    while (waiting !== null && !o.signal.aborted) {
      const now = waiting
      waiting = null
      owed = 0
      sentMs = performance.now()
      try {
        await post(now.cursor, [...now.rows])
        committed = now.cursor
        retryMs = RETRY_MS_MIN
        if (isFailing) report(null)
        isFailing = false
      } catch (error) {
        if (o.signal.aborted) return
        waiting = joined(now, waiting)
        isFailing = true
        report(error instanceof Error ? error.message : String(error))
        owed = o.limit // no pause beyond the one that follows
        await sleep(retryMs, undefined, { signal: o.signal }).catch(() => {})
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
      }
      if (!isFailing && owed * 2 < o.limit) return
    }
  }
  function begin(): void {
    clearTimeout(timer)
    timer = undefined
    if (isSending || o.signal.aborted) return
    isSending = true
    void send().finally(() => {
      isSending = false
      if (waiting !== null && !o.signal.aborted) soon()
    })
  }
  function soon(): void {
    const restMs = sentMs + PACE_MS - performance.now()
    if (restMs <= 0 || owed * 2 >= o.limit) begin()
    else timer ??= setTimeout(begin, restMs)
  }

  const path = `/api/v1/feed/${encodeURIComponent(o.consumer)}`
  async function post(ack: number, rows: Row[]): Promise<void> {
    const answer = await o.api.ask(path, {
      method: 'POST',
      body: JSON.stringify(rows.length > 0 ? { ack, rows } : { ack }),
      timeoutMs: POST_MS_MAX,
      signal: o.signal,
    })
    if (!answer.ok) throw new Error(`the feed did not take the acknowledgement: ${reasonOf(answer)}`)
  }

  return {
    push(cursor, rows, readings) {
      waiting = joined(waiting ?? { cursor, rows: new Map() }, { cursor, rows: new Map(rows) })
      owed += readings
      if (!isSending) soon()
    },
    committed: () => committed,
    isFailing: () => isFailing,
  }
}

type Waiting = { cursor: number; rows: Map<string, string | null> }
const joined = (older: Waiting, newer: Waiting | null): Waiting =>
  newer === null ? older : { cursor: newer.cursor, rows: new Map([...older.rows, ...newer.rows]) }
