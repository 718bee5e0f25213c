// What the API may do with rules: see them, put others in their place, try rules on what was recorded. Tries run in threads of their
// own, on recordings by name and on the journal, and never touch the fold that judges.
import { existsSync, globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { FengsuiError } from '#contracts/errors.ts'
import type { BacktestTask, ChosenRules } from './bin/backtest-thread.ts'
import type { BacktestRequest, RulesParts } from './dashboard/api/rules.ts'
import { boundedThread } from './processes/bounded-thread.ts'
import { ruleSetSchema, type RulesInForce } from './rules/index.ts'

const root = import.meta.dirname
export const SHIPPED_RULES = join(root, 'rules/sets/default')
const SHIPPED_RECORDINGS = join(root, 'test/fixtures/recordings')
const RECORDING = /\.jsonl(\.gz)?$/
const AT_ONCE_MAX = 2
const MS_MAX = 5 * 60_000
const HEAP_MIB = 768
const SPAN_MS_MAX = 7 * 24 * 3_600_000

export type RulesDesk = RulesParts['rules'] & { close(): Promise<void> }

/** The folder that is read, and the one that people's sets are written to: never into the set that ships. */
export function ruleFolders(o: { rulesDir: string; dataDir: string }): { dir: string; writeDir: string } {
  if (o.rulesDir !== SHIPPED_RULES) return { dir: o.rulesDir, writeDir: o.rulesDir }
  const own = join(o.dataDir, 'rules')
  return { dir: existsSync(own) ? own : SHIPPED_RULES, writeDir: own }
}

export type RulesDeskParts = {
  rules: RulesInForce
  dataDir: string
  /** rules that broke and are put aside */
  disabled?(): readonly { rule: string; reason: string }[]
}

export function openRulesDesk(o: RulesDeskParts): RulesDesk {
  const limits = { atOnceMax: AT_ONCE_MAX, msMax: MS_MAX, heapMib: HEAP_MIB }
  const tries = boundedThread<BacktestTask, object>({ file: join(root, 'bin/backtest-thread.ts'), what: 'a backtest', ...limits })

  const chosen = (given: NonNullable<BacktestRequest['rules']>): ChosenRules => {
    if (given === 'current') return { ruleSet: o.rules.current() }
    return given === 'shipped' ? given : { files: given.files }
  }
  function taskOf({ rules = 'current', against, recordings, journal }: BacktestRequest): BacktestTask {
    const known = recordingsIn([SHIPPED_RECORDINGS, join(o.dataDir, 'recordings')])
    const names = recordings ?? (journal === undefined ? [...known.keys()] : [])
    return {
      rules: chosen(rules),
      ...(against !== undefined && { against: chosen(against) }),
      recordings: names.map(name => fileOf(known, name)),
      ...(journal !== undefined && { journal: { dataDir: o.dataDir, ...spanOf(journal) } }),
    }
  }

  const withBroken = <T extends object>(view: T) => ({
    ...view,
    disabled: (o.disabled?.() ?? []).map(({ rule, reason }) => ({ rule, reason })),
  })
  return {
    get: () => withBroken(o.rules.view()),
    schema: () => ruleSetSchema(),
    replace: async given => withBroken(await o.rules.replace(given)),
    recordings: () =>
      [...recordingsIn([SHIPPED_RECORDINGS, join(o.dataDir, 'recordings')])].map(([name, file]) => ({
        name,
        isLabelled: existsSync(file.replace(RECORDING, '.truth.json')),
      })),
    backtest: async request => tries.run(taskOf(request)),
    close: tries.close,
  }
}

/** @throws FengsuiError invalid-request: there is none of that name */
export const recordingFile = (dataDir: string, name: string): string =>
  fileOf(recordingsIn([SHIPPED_RECORDINGS, join(dataDir, 'recordings')]), name)

function recordingsIn(dirs: string[]): Map<string, string> {
  const files = dirs.flatMap(dir => globSync('*.{jsonl,jsonl.gz}', { cwd: dir }).map(file => join(dir, file)))
  return new Map(files.sort().map(file => [basename(file).replace(RECORDING, ''), file]))
}

function fileOf(known: Map<string, string>, name: string): string {
  const file = known.get(name)
  if (file === undefined)
    throw new FengsuiError(
      'invalid-request',
      `there is no recording ${JSON.stringify(name)}; there are: ${[...known.keys()].join(', ') || 'none'}`,
    )
  return file
}

function spanOf({ from, to }: { from: string; to: string }): { fromMs: number; toMs: number } {
  const [fromMs, toMs] = [Date.parse(from), Date.parse(to)]
  if (!(fromMs < toMs) || toMs - fromMs > SPAN_MS_MAX)
    throw new FengsuiError('invalid-request', `journal: from must lie before to, at most ${SPAN_MS_MAX / 86_400_000} days apart`)
  return { fromMs, toMs }
}
