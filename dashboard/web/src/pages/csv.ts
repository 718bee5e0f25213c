// Rows as CSV (RFC 4180, UTF-8 with a mark so that spreadsheets read Chinese). What a device or a person wrote is never a formula: a text
// that a spreadsheet would calculate begins with an apostrophe (OWASP, CSV injection). Pure, save handing the file to the browser.
import { localTime } from '../format.ts'

export type Cell = string | number | boolean | null | undefined
/** `title` in words, `value` of a row; times as RFC 3339, so that other programs read them too. */
export type Column<T> = { title: string; value: (row: T) => Cell }

const CALCULATED = /^[=+\-@\t\r]/
const NUMBER = /^-?\d+(\.\d+)?$/

export const cellOf = (value: Cell): string => {
  if (value === null || value === undefined) return ''
  if (typeof value !== 'string') return String(value)
  const harmless = CALCULATED.test(value) && !NUMBER.test(value) ? `'${value}` : value
  return /[",\r\n]/.test(harmless) ? `"${harmless.replaceAll('"', '""')}"` : harmless
}

export const csvOf = <T>(columns: readonly Column<T>[], rows: readonly T[]): string =>
  [columns.map(one => cellOf(one.title)), ...rows.map(row => columns.map(one => cellOf(one.value(row))))]
    .map(cells => `${cells.join(',')}\r\n`)
    .join('')

const BYTE_ORDER_MARK = '\uFEFF'

/** The browser asks or saves as it is set to. */
export const save = (name: string, text: string, type = 'text/csv;charset=utf-8'): void => {
  const url = URL.createObjectURL(new Blob([type.startsWith('text/csv') ? BYTE_ORDER_MARK : '', text], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** `devices` -> `devices-2026-07-22T02-13-40.csv`, by the district's clock. */
export const fileName = (what: string, nowMs: number, ending = 'csv'): string => {
  return `${what}-${localTime(nowMs).replace(' ', 'T').replaceAll(':', '-')}.${ending}`
}
