// A list that is fetched a page at a time behind a cursor of the server's: which page is shown, forward and back, refreshed while it is
// looked at. A slower answer to an older question is never shown.
import { useEffect, useRef, useState } from 'preact/hooks'
import { openZone } from '#contracts/zone.ts'
import { why } from '../actions.ts'
import { zoneName } from '../format.ts'

/** `total` where the server counts; `next` = cursor of the page after this one, absent on the last. */
export type Found<T> = { rows: T[]; total?: number; next?: string }
/** `cursor` '' = the first page */
export type FetchPage<T> = (cursor: string, rows: number, signal?: AbortSignal) => Promise<Found<T>>

export type Listing<T> = {
  found: Found<T> | null
  problem: string
  busy: boolean
  /** 1 = first */
  page: number
  pageRows: number
  forward(): void
  back(): void
  reload(): void
}

const TYPING_MS = 250

/** `asked` names the question (the filter as text): another one begins at the first page. */
export const useListing = <T>(o: { fetch: FetchPage<T>; asked: string; pageRows: number; refreshMs?: number }): Listing<T> => {
  const [found, setFound] = useState<Found<T> | null>(null)
  const [problem, setProblem] = useState('')
  const [busy, setBusy] = useState(true)
  const [at, setAt] = useState<{ asked: string; cursors: string[] }>({ asked: o.asked, cursors: [''] })
  const [again, setAgain] = useState(0)
  const shownFor = useRef<string | null>(null)
  const cursors = at.asked === o.asked ? at.cursors : ['']
  const cursor = cursors.at(-1) ?? ''

  useEffect(() => {
    const abort = new AbortController()
    const load = async (): Promise<void> => {
      setBusy(true)
      try {
        const answer = await o.fetch(cursor, o.pageRows, abort.signal)
        if (abort.signal.aborted) return
        setFound(answer)
        setProblem('')
      } catch (error) {
        if (!abort.signal.aborted) setProblem(why(error))
      }
      if (!abort.signal.aborted) setBusy(false)
    }
    // while somebody types, not every letter is a question
    const isTyped = shownFor.current !== null && shownFor.current !== o.asked
    shownFor.current = o.asked
    const first = setTimeout(() => void load(), isTyped ? TYPING_MS : 0)
    const timer = o.refreshMs === undefined ? undefined : setInterval(() => void load(), o.refreshMs)
    return () => {
      abort.abort()
      clearTimeout(first)
      clearInterval(timer)
    }
  }, [o.asked, cursor, again])

  return {
    found,
    problem,
    busy,
    page: cursors.length,
    pageRows: o.pageRows,
    forward() {
      if (found?.next !== undefined) setAt({ asked: o.asked, cursors: [...cursors, found.next] })
    },
    back() {
      if (cursors.length > 1) setAt({ asked: o.asked, cursors: cursors.slice(0, -1) })
    },
    reload: () => setAgain(n => n + 1),
  }
}

/** A list that comes whole, cut into pages here. */
export const pagesOf =
  <T>(all: () => Promise<readonly T[]>): FetchPage<T> =>
  async (cursor, pageRows) => {
    const rows = await all()
    const from = cursor === '' ? 0 : Number(cursor)
    const next = from + pageRows
    return { rows: rows.slice(from, next), total: rows.length, ...(next < rows.length ? { next: String(next) } : {}) }
  }

/** What was filled in, as a query; empty fields ask nothing. */
export const queryOf = (fields: Record<string, string | number | undefined>): string =>
  new URLSearchParams(
    Object.entries(fields).flatMap(([name, value]) => (value === undefined || value === '' ? [] : [[name, String(value)]])),
  ).toString()

/** `datetime-local` is filled in by the district's clock; the API wants an instant. */
export const instantOf = (local: string): string | undefined => {
  const ms = openZone(zoneName()).instantMs(local)
  return Number.isNaN(ms) ? undefined : new Date(ms).toISOString()
}
