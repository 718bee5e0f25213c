// The whole list as CSV, not only the page that is shown: page after page is fetched, how far it has come is said, it can be stopped.
import { useEffect, useRef, useState } from 'preact/hooks'
import { why } from '../actions.ts'
import { count } from '../format.ts'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'
import { csvOf, fileName, save, type Column } from './csv.ts'
import type { FetchPage } from './listing.ts'

/** rows kept in the browser's memory while they come; what is beyond is left out, and said */
export const EXPORT_ROWS_MAX = 100_000
const PAGE_ROWS = 500

type Progress = { rows: number; total: number | undefined }

/** All pages, until there is none, the bound is reached or `signal` says stop. */
export const readAll = async <T,>(
  fetch: FetchPage<T>,
  o: { signal: AbortSignal; onProgress: (progress: Progress) => void; rowsMax?: number },
): Promise<{ rows: T[]; isCut: boolean }> => {
  const rows: T[] = []
  const rowsMax = o.rowsMax ?? EXPORT_ROWS_MAX
  let cursor: string | undefined = ''
  while (cursor !== undefined && rows.length < rowsMax) {
    const found: Awaited<ReturnType<FetchPage<T>>> = await fetch(cursor, PAGE_ROWS, o.signal)
    rows.push(...found.rows)
    o.onProgress({ rows: rows.length, total: found.total })
    o.signal.throwIfAborted()
    cursor = found.next
  }
  return { rows: rows.slice(0, rowsMax), isCut: cursor !== undefined || rows.length > rowsMax }
}

type ExportProps<T> = { store: Store; name: string; columns: readonly Column<T>[]; fetch: FetchPage<T> }

export const ExportCsv = <T,>({ store, name, columns, fetch }: ExportProps<T>) => {
  const [progress, setProgress] = useState<Progress | null>(null)
  const abort = useRef<AbortController | null>(null)
  useEffect(() => () => abort.current?.abort(), [])
  const start = async (): Promise<void> => {
    const stop = new AbortController()
    abort.current = stop
    setProgress({ rows: 0, total: undefined })
    try {
      const { rows, isCut } = await readAll(fetch, { signal: stop.signal, onProgress: setProgress })
      save(fileName(name, store.now.peek()), csvOf(columns, rows))
      store.toast(isCut ? 'bad' : 'good', t(isCut ? 'export.cut' : 'export.done', { n: count(rows.length) }))
    } catch (error) {
      if (!stop.signal.aborted) store.toast('bad', t('export.failed', { why: why(error) }))
    }
    setProgress(null)
  }
  if (progress === null)
    return (
      <button type="button" data-testid="export" onClick={() => void start()}>
        {t('export.csv')}
      </button>
    )
  const { rows, total } = progress
  return (
    <span class="export" role="status">
      <progress aria-label={t('export.csv')} {...(total === undefined ? {} : { max: Math.max(1, total), value: rows })} />
      {t('export.progress', { n: count(rows) })}
      <button type="button" onClick={() => abort.current?.abort()}>
        {t('export.stop')}
      </button>
    </span>
  )
}
