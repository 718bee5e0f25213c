// Keeps the set in force: starts with the folder's, follows the folder while it runs, takes a set from people. A bad set changes nothing
// and is named until it is mended; a good one takes over between two messages, with its place in the journal kept beside the alarms.
import { basename, resolve } from 'node:path'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Meter } from '#contracts/metrics.ts'
import { fingerprintOf, readRuleFiles, settleRuleFolder, writeRuleFiles, type RuleFiles } from './folder.ts'
import { createRuleHistory, type RuleHistory, type SetChange } from './history.ts'
import { createRuleParser } from './load.ts'
import type { StateRows } from '#contracts/state-rows.ts'
import type { Parse } from './parser.ts'
import type { RuleSet } from './schema.ts'
import { watchRuleFolder, type Watch } from './watch.ts'

/** where the history is kept beside the fold's own rows */
export const HISTORY_ROOM = 'rule-sets'
const CHANGES_SHOWN = 50
/** how long a change waits for the queue before the caller is told that it is still to come */
const TURN_MS_MAX = 10_000
const RETRY_MS = 5_000

type Rows = { room: string; rows: StateRows }[]
/** Does `work` between two messages; what it answers is stored with the position it was told. Resolves with that position. */
export type BetweenMessages = (work: (position: number) => Rows) => Promise<number>

export type StartingRules = {
  ruleSet: RuleSet
  /** the set in force when the system stopped; null = it never ran */
  before: RuleSet | null
  files: RuleFiles
  history: RuleHistory
  /** why the folder's own set is not the one in force */
  problem: string | null
  fingerprint: string
  /** what is to be stored before the first message is judged */
  rows: Rows
}

/**
 * The set to start with: the folder's, or the last good one where that cannot be used.
 * @throws FengsuiError rules-invalid where there is no last good one
 */
export async function startingRules(o: {
  dir: string
  rows: Iterable<[string, string]>
  position: number
  clock: Clock
}): Promise<StartingRules> {
  const history = createRuleHistory(o.rows)
  const last = history.newest()
  const before = last?.ruleSet ?? null
  await settleRuleFolder(o.dir).catch(() => undefined)
  const fingerprint = await fingerprintOf(o.dir).catch(() => '')
  try {
    const files = await readRuleFiles(o.dir)
    const ruleSet = createRuleParser()(nameOf(o.dir), files)
    const change = { position: o.position, at: iso(o.clock), by: 'system:start' }
    const rows = last?.change.version === ruleSet.version ? [] : [{ room: HISTORY_ROOM, rows: history.add(ruleSet, change) }]
    return { ruleSet, before, files, history, problem: null, fingerprint, rows }
  } catch (error) {
    if (last === undefined) throw error
    const files = { 'rules.json': JSON.stringify(last.ruleSet.rules, null, 1) }
    return { ruleSet: last.ruleSet, before, files, history, problem: messageOf(error), fingerprint, rows: [] }
  }
}

export type RulesView = RuleSet & {
  files: RuleFiles
  since: SetChange | null
  /** why the folder holds another set than this; null = it does not */
  problem: string | null
  history: SetChange[]
}

export type RulesInForce = {
  current(): RuleSet
  view(): RulesView
  status(): { ok: boolean; detail: string }
  /**
   * Other files in the place of those that are there, and in force when it resolves.
   * @throws FengsuiError rules-invalid, rules-unwritable, conflict (another version than `ifVersion` is in force); nothing is changed then
   */
  replace(o: { files: RuleFiles; by: string; ifVersion?: string }): Promise<RulesView>
  close(): void
}

export type KeepParts = {
  dir: string
  /** where sets from people are written, and read from then on */
  writeDir: string
  started: StartingRules
  fold: { use(ruleSet: RuleSet): void }
  between: BetweenMessages
  parse: Parse
  clock: Clock
  log: Log
  meter: Meter
  /** a set from the folder came into force or was refused, which no person did through the API */
  followed(o: { version: string; problem: string | null }): void
  pollMs?: number
}

export function keepRules(parts: KeepParts): RulesInForce {
  const { started, log, clock, meter } = parts
  const { history } = started
  let { dir } = parts
  let { ruleSet, files, problem } = started
  let retry: NodeJS.Timeout | undefined
  let turn: Promise<unknown> = Promise.resolve()
  let watching: Watch = watchRuleFolder({ ...watchOptions(), seen: started.fingerprint })

  function watchOptions() {
    const { pollMs } = parts
    return { dir, changed: () => void inTurn(follow), ...(pollMs !== undefined && { pollMs }) }
  }
  /** One change at a time, in the order in which they came. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work)
    turn = done.catch(() => undefined)
    return done
  }

  async function take(next: RuleSet, nextFiles: RuleFiles, by: string): Promise<void> {
    if (next.version === ruleSet.version) {
      files = nextFiles
      problem = null
      return
    }
    const turned = parts.between(position => {
      // asked for twice, because the first time took too long
      if (next.version === ruleSet.version) return []
      parts.fold.use(next)
      problem = null
      ruleSet = next
      files = nextFiles
      meter.count('fengsui_rule_set_changes_total', { outcome: 'taken' })
      log.info({ version: next.version, rules: next.rules.length, position, by }, 'another rule set is in force')
      return [{ room: HISTORY_ROOM, rows: history.add(next, { position, at: iso(clock), by }) }]
    })
    await within(turned, TURN_MS_MAX)
  }

  async function follow(): Promise<void> {
    try {
      const found = await readRuleFiles(dir)
      const before = ruleSet.version
      await take(isSame(found, files) ? ruleSet : await parts.parse(nameOf(dir), found), found, 'system:rules-folder')
      if (before !== ruleSet.version) parts.followed({ version: ruleSet.version, problem: null })
    } catch (error) {
      refused(messageOf(error))
      if (!(error instanceof FengsuiError) || error.code !== 'rules-invalid') again()
    }
  }

  /** What lies with the moment and not with the files is tried again. */
  function again(): void {
    clearTimeout(retry)
    retry = setTimeout(() => void inTurn(follow), RETRY_MS)
    retry.unref()
  }

  function refused(why: string): void {
    if (why === problem) return
    problem = why
    meter.count('fengsui_rule_set_changes_total', { outcome: 'refused' })
    log.error({ dir, version: ruleSet.version, reason: why }, 'the rules folder cannot be used; the set before stays in force')
    parts.followed({ version: ruleSet.version, problem: why })
  }

  const view = (): RulesView => ({
    ...ruleSet,
    files,
    since: history.changes().at(-1) ?? null,
    problem,
    history: history.changes().slice(-CHANGES_SHOWN).toReversed(),
  })

  return {
    current: () => ruleSet,
    view,
    status: () => ({
      ok: problem === null,
      detail: `${ruleSet.name} ${ruleSet.version.slice(0, 8)}${problem === null ? '' : `, since the folder cannot be used: ${brief(problem)}`}`,
    }),
    replace: o =>
      inTurn(async () => {
        if (o.ifVersion !== undefined && o.ifVersion !== ruleSet.version)
          throw new FengsuiError('conflict', `the set in force is ${ruleSet.version}, not ${o.ifVersion}: somebody changed it meanwhile`)
        const next = await parts.parse(nameOf(parts.writeDir), o.files)
        await writeRuleFiles(parts.writeDir, o.files)
        if (dir !== parts.writeDir) {
          dir = parts.writeDir
          watching.close()
          watching = watchRuleFolder(watchOptions())
        }
        await take(next, o.files, o.by)
        return view()
      }),
    close() {
      clearTimeout(retry)
      watching.close()
    },
  }
}

async function within<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new FengsuiError('room-unavailable', 'the set is written and comes into force as soon as the alarm path goes on; see /readyz'),
        ),
      ms,
    )
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}

const nameOf = (dir: string): string => basename(resolve(dir))
const iso = (clock: Clock): string => new Date(clock.nowMs()).toISOString()
const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
const isSame = (a: RuleFiles, b: RuleFiles): boolean =>
  Object.keys(a).length === Object.keys(b).length && Object.entries(a).every(([name, text]) => b[name] === text)
/** the first two lines: where the first mistake is */
const brief = (problem: string): string => problem.split('\n').slice(0, 2).join(' ').slice(0, 300)
