// The terms of the sum and what a report asks a person to do. Pure.
import { OUTCOMES, type AccountingReport, type MissingRange } from '#contracts/accounting.ts'

export type Term = { name: string; messages: number }

/** Zero terms stay, so that the sum looks the same every day; the two that should never be there come only when they are. */
export function termsOf({ account }: Pick<AccountingReport, 'account'>): Term[] {
  if (account === undefined) return []
  const outcomes = OUTCOMES.map(name => ({ name, messages: account.counts[name] }))
  const always = outcomes.filter(({ name, messages }) => name !== 'passed-over' || messages > 0)
  const before = account.since > 0 ? [{ name: 'before', messages: account.since }] : []
  return [...before, ...always, { name: 'in-flight', messages: account.inFlight }]
}

/** what waits longer is named as waiting */
const LAG_MS_MAX = 60_000

/** Keys of `advice.*`, gravest first; never empty. */
export function adviceOf(report: AccountingReport): string[] {
  const { account, known, readers, quarantine, gaps, at } = report
  const waits = (name: string) => {
    const since = readers.find(({ reader }) => reader === name)?.oldestReceivedAt
    return since !== undefined && Date.parse(at) - Date.parse(since) > LAG_MS_MAX
  }
  const advice = [
    account?.balanced === false && 'unbalanced',
    !known && 'store-silent',
    waits('rules') && 'rules-behind',
    known && waits('store') && 'store-behind',
    account !== undefined && account.counts['passed-over'] > 0 && 'passed-over',
    quarantine.open > 0 && 'quarantine',
    gaps.missing > 0 && 'gaps',
  ].filter(name => name !== false)
  return advice.length > 0 ? advice : ['nothing']
}

const RANGES_SHOWN = 8

/** `#1: 3–4, 9; #2: 7`, newest last, each boot named once; `more` = ranges that are not shown. */
export function rangesInWords(ranges: readonly MissingRange[]): { words: string; more: number } {
  const shown = ranges.slice(-RANGES_SHOWN)
  const words = shown.map(({ boot, from, to }, i) => {
    const isSame = i > 0 && boot === shown[i - 1]?.boot
    const joined = i === 0 ? '' : isSame ? ', ' : '; '
    return `${joined}${boot === undefined || isSame ? '' : `#${boot}: `}${from === to ? from : `${from}–${to}`}`
  })
  return { words: words.join(''), more: ranges.length - shown.length }
}
