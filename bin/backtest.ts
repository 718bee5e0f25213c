// `npm run backtest -- [--rules DIR] [--against DIR] [--json] FILE...`, or `--journal DATA_DIR --from T --to T` instead of files: runs
// rules over what was recorded and says what they found, missed and made up, and what another set would change.
// Truth stands beside each recording as NAME.truth.json. Exit 0 = every labelled fire found, 1 = one was missed, 2 = cannot run.
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { FengsuiError } from '#contracts/errors.ts'
import {
  backtest,
  differenceOf,
  loadRuleSet,
  type Backtest,
  type BacktestParts,
  type Difference,
  type Recording,
  type RuleSet,
} from '../rules/index.ts'
import { backtestParts, knownIn, located, type Source } from './backtest-sources.ts'
import { causesOf, differenceTable, tableOf } from './backtest-table.ts'
import { openSources } from './decode-ahead.ts'

export { backtestParts, openRecording } from './backtest-sources.ts'

const USAGE = `usage: npm run backtest -- [--rules DIR] [--against DIR] [--json] FILE.jsonl[.gz]...
       npm run backtest -- [--rules DIR] [--against DIR] [--json] --journal DATA_DIR --from TIME --to TIME`
export const SHIPPED_RULES = join(import.meta.dirname, '../rules/sets/default')
const OPTIONS = {
  rules: { type: 'string' },
  against: { type: 'string' },
  json: { type: 'boolean' },
  journal: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
} as const

export type Answer = Backtest & { against?: Backtest; difference?: Difference }

/** One set, or two with what the first would change against the second; `open` gives the recordings anew for each. */
export async function compared(
  rules: RuleSet,
  against: RuleSet | undefined,
  open: () => Recording[],
  parts: BacktestParts,
): Promise<Answer> {
  const result = await backtest(rules, open(), parts)
  if (against === undefined) return result
  const old = await backtest(against, open(), parts)
  return { ...result, against: old, difference: differenceOf(old, result) }
}

type Values = { [K in keyof typeof OPTIONS]?: string | boolean }

function sourcesOf({ journal, from, to }: Values, files: string[]): { sources: Source[]; dataDir?: string } {
  if (journal === undefined) {
    if (files.length === 0 || from !== undefined || to !== undefined) throw new FengsuiError('invalid-request', USAGE)
    return { sources: files.map(file => ({ file })) }
  }
  if (files.length > 0) throw new FengsuiError('invalid-request', `recordings or a journal, not both\n${USAGE}`)
  const [fromMs, toMs] = [from, to].map(time => Date.parse(String(time))) as [number, number]
  if (!Number.isFinite(fromMs) || !Number.isFinite(toMs))
    throw new FengsuiError('invalid-request', `--from and --to must be times like 2026-07-22T22:40:00+08:00\n${USAGE}`)
  const dataDir = located(String(journal))
  return { sources: [{ span: { dataDir, fromMs, toMs } }], dataDir }
}

/** The exit code; lines go to `print`, what cannot be run is thrown. @throws FengsuiError invalid-request, rules-invalid */
export async function run(args: string[], print: (line: string) => void): Promise<number> {
  const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true })
  const { sources, dataDir } = sourcesOf(values, positionals)
  const rules = await loadRuleSet(values.rules === undefined ? SHIPPED_RULES : located(values.rules))
  const against = values.against === undefined ? undefined : await loadRuleSet(located(values.against))
  await using opened = openSources(sources, dataDir)
  const parts = await backtestParts(dataDir === undefined ? undefined : knownIn(dataDir))
  const result = await compared(rules, against, opened.open, parts)
  if (values.json === true) print(JSON.stringify(result, null, 1))
  else for (const line of linesOf(result)) print(line)
  return result.recordings.some(r => r.missed.length > 0) ? 1 : 0
}

function linesOf(result: Answer): string[] {
  const { ruleSet, against, difference } = result
  const measured = `rules ${ruleSet.name} ${ruleSet.version}, alarm log ${result.logHash.slice(0, 16)}, ${result.readingsPerSecond} readings/s`
  const change =
    against && difference ? ['', `against ${against.ruleSet.name} ${against.ruleSet.version}:`, ...differenceTable(difference)] : []
  return [tableOf(result), ...causesOf(result), measured, ...change]
}

if (import.meta.main) {
  try {
    process.exitCode = await run(process.argv.slice(2), line => console.log(line))
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 2
  }
}
