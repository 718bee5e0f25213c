// Acknowledges what is done, one request at a time: while one is under way the newer ones wait together as one. What the nodes remember
// travels with the cursor it belongs to. What could not be stored is kept and sent again; a place is never acknowledged before it is done.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Row } from './keeper.ts'
import { reasonOf } from './feed.ts'
import type { Request } from './server-node.ts'

export type Acknowledging = {
  push(cursor: number, rows: Row[]): void
  /** what the server has on disk */
  committed(): number
  isFailing(): boolean
}

const POST_MS_MAX = 10_000
const RETRY_MS_MIN = 100
const RETRY_MS_MAX = 5000

export function acknowledging(
  o: { request: Request; consumer: string; signal: AbortSignal },
  report: (problem: string | null) => void,
): Acknowledging {
  /** the newest of each row; the server sends no more while nothing is acknowledged, which bounds it */
  let waiting: { cursor: number; rows: Map<string, string | null> } | null = null
  let committed = 0
  let isSending = false
  let isFailing = false

  async function send(): Promise<void> {
    let retryMs = RETRY_MS_MIN
    while (waiting !== null && !o.signal.aborted) {
      const now = waiting
      waiting = null
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
        await sleep(retryMs, undefined, { signal: o.signal }).catch(() => {})
        retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)
      }
    }
  }

  async function post(ack: number, rows: Row[]): Promise<void> {
    const response = await o.request(`/api/v1/feed/${encodeURIComponent(o.consumer)}`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(rows.length > 0 ? { ack, rows } : { ack }),
      signal: AbortSignal.any([o.signal, AbortSignal.timeout(POST_MS_MAX)]),
    })
    if (!response.ok) throw new Error(`the feed did not take the acknowledgement: ${response.status} ${await reasonOf(response)}`)
    await response.arrayBuffer()
  }

  return {
    push(cursor, rows) {
      waiting = joined(waiting ?? { cursor, rows: new Map() }, { cursor, rows: new Map(rows) })
      if (isSending) return
      isSending = true
      void send().finally(() => (isSending = false))
    },
    committed: () => committed,
    isFailing: () => isFailing,
  }
}

type Waiting = { cursor: number; rows: Map<string, string | null> }
const joined = (older: Waiting, newer: Waiting | null): Waiting =>
  newer === null ? older : { cursor: newer.cursor, rows: new Map([...older.rows, ...newer.rows]) }
