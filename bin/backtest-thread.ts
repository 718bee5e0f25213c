// A backtest in a thread of its own, for the API: rules and sources in, the scores out. It opens files for reading only.
import { constants, setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import { FengsuiError } from '#contracts/errors.ts'
import { createRuleParser, loadRuleSet, type RuleFiles, type RuleSet } from '../rules/index.ts'
import { compared, SHIPPED_RULES } from './backtest.ts'
import { backtestParts, knownIn, type Source } from './backtest-sources.ts'
import { openSources } from './decode-ahead.ts'

export type ChosenRules = { ruleSet: RuleSet } | { files: RuleFiles } | 'shipped'
export type BacktestTask = {
  rules: ChosenRules
  against?: ChosenRules
  recordings: string[]
  journal?: { dataDir: string; fromMs: number; toMs: number }
}

const parse = createRuleParser()
const setOf = async (chosen: ChosenRules): Promise<RuleSet> => {
  if (chosen === 'shipped') return loadRuleSet(SHIPPED_RULES)
  return 'ruleSet' in chosen ? chosen.ruleSet : parse('given', chosen.files)
}

async function answerTo({ rules, against, recordings, journal }: BacktestTask) {
  const parts = await backtestParts(journal === undefined ? undefined : knownIn(journal.dataDir))
  const sources: Source[] = recordings.map(file => ({ file }))
  if (journal !== undefined) sources.push({ span: journal })
  await using opened = openSources(sources, journal?.dataDir)
  return await compared(await setOf(rules), against === undefined ? undefined : await setOf(against), opened.open, parts)
}

// on Linux this is the priority of the thread, elsewhere of the process, which must not be touched
if (process.platform === 'linux') setPriority(0, constants.priority.PRIORITY_LOW)
try {
  parentPort?.postMessage({ ok: await answerTo(workerData as BacktestTask) }, [])
} catch (error) {
  const { code, message } = error instanceof FengsuiError ? error : new FengsuiError('internal', String(error))
  parentPort?.postMessage({ error: { code, message } }, [])
}
