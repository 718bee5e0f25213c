// What people may ask of the flows through the API: how they stand, a check, a backtest, a candidate in shadow, putting it into force, taking a
// tab over into the rules engine. Who may ask is decided at the API; what passes the gate is decided here.
import type { Begin } from './beginnings.ts'
import type { Readable } from 'node:stream'
import { FengsuiError } from '#contracts/errors.ts'
import type { Clock } from '#contracts/clock.ts'
import { flowDifference, type FlowDifference } from './compare.ts'
import { changesOf, type Change } from './diff.ts'
import { rulesOfTab } from './engine-rules.ts'
import { inWords, reasonsOf, type Gate, type Verdict } from './gate.ts'
import { isNode, langOf, type FlowNode, type GateAnswer, type Lang } from './link.ts'
import { comparedWith, type QueueAlarm, type Shadow } from './shadow.ts'
import { revisionOf, type FlowStore, type Revision } from './store.ts'
import { tryOut, type Played } from './trials.ts'

/** Readings of recordings or of a span of the journal, as lines of JSON. */
export type Recorded = { recordings?: string[]; journal?: { from: string; to: string } }
export type OpenRecorded = (o: Recorded) => { stream: Readable; ended: Promise<void> }
export type FlowAudit = (entry: { actor: string; action: string; subject: string; detail: object }) => void

export type BacktestAnswer = {
  candidate: Played & { readingsPerSecond: number }
  against: Played | null
  difference: FlowDifference | null
  changes: Change[]
}
export type FlowsDesk = {
  status(): object
  /** `accepted`: who asks, as Accept-Language has it; absent = the installation's */
  check(o: { flows: FlowNode[]; accepted?: string }): Promise<Verdict & { reason: string | null; changes: Change[] }>
  backtest(o: { flows?: FlowNode[] } & Recorded): Promise<BacktestAnswer>
  propose(o: { flows: FlowNode[]; by: string; accepted?: string }): Promise<object>
  withdraw(o: { by: string }): Promise<object>
  shadow(): Promise<object>
  promote(o: { rev: string; by: string }): Promise<object>
  /** the rules of a tab; with `disable` the tab stops raising what the engine now raises */
  tab(o: { id: string; by: string; disable?: boolean }): Promise<{ label: string; texts: string[] }>
}
export const FLOW_QUESTIONS = ['status', 'check', 'backtest', 'propose', 'withdraw', 'shadow', 'promote', 'tab'] as const

export type Approved = { by: string; verdict: Verdict }
export type DeskParts = {
  store: FlowStore
  gate: Gate
  shadow: Shadow
  lang: Lang
  clock: Clock
  open?: OpenRecorded
  queue(sinceMs: number): Promise<QueueAlarm[]>
  audit: FlowAudit
  /** fixes where their feeds begin, before they are in force */
  begin: Begin
  /** the live process reads the flows again */
  reload(): void
}

const BACKTEST_MS_MAX = 280_000
const APPROVED_MAX = 20
const AT_ONCE_MAX = 1

/** Credentials are no part of what a flow does, and are never kept with it. @throws FengsuiError invalid-request */
export function bare(flows: readonly FlowNode[]): FlowNode[] {
  if (!Array.isArray(flows) || !flows.every(isNode)) throw new FengsuiError('invalid-request', 'flows must be a list of nodes')
  return flows.map(node => {
    const { credentials: _credentials, ...rest } = node
    return rest as FlowNode
  })
}

export function createDesk(parts: DeskParts): FlowsDesk & {
  gateDeploy(flows: FlowNode[], by: string, mayApprove: boolean): Promise<GateAnswer>
  approvedFor(flows: FlowNode[]): Approved | undefined
} {
  const { store, gate, shadow, lang, audit } = parts
  const approved = new Map<string, Approved>()
  let running = 0

  const judged = (flows: FlowNode[]): Promise<Verdict> => gate.judge(flows, store.flows().flows)
  function refused(verdict: Verdict, as = lang): FengsuiError {
    return new FengsuiError('flow-refused', inWords(reasonsOf(verdict), as))
  }
  const detailOf = (flows: FlowNode[], before: FlowNode[], verdict: Verdict) => ({
    changes: changesOf(before, flows).slice(0, 50),
    scenarios: verdict.results,
    problems: verdict.problems.slice(0, 20),
    tookMs: verdict.tookMs,
  })
  function remember(flows: FlowNode[], by: string, verdict: Verdict): void {
    approved.set(revisionOf(flows), { by, verdict })
    const oldest = approved.keys().next()
    if (approved.size > APPROVED_MAX && oldest.done !== true) approved.delete(oldest.value)
  }
  function propose(flows: FlowNode[], by: string, verdict: Verdict): void {
    const before = store.flows().flows
    const rev = revisionOf(flows)
    const since = new Date(parts.clock.nowMs()).toISOString()
    shadow.begin({ flows, rev, by, since, results: verdict.results, changes: changesOf(before, flows) })
    audit({ actor: `user:${by}`, action: 'flows.propose', subject: rev, detail: detailOf(flows, before, verdict) })
  }

  return {
    /** Before Node-RED touches anything. */
    async gateDeploy(given, by, mayApprove) {
      const flows = bare(given)
      const before = store.flows().flows
      const verdict = await judged(flows)
      const answer: GateAnswer = { ok: verdict.ok, code: 'flow-refused', reason: verdict.ok ? { zh: '', en: '' } : reasonsOf(verdict) }
      if (!verdict.ok) {
        store.dropCredentials()
        audit({ actor: `user:${by}`, action: 'flows.refuse', subject: revisionOf(flows), detail: detailOf(flows, before, verdict) })
        return answer
      }
      if (!mayApprove) {
        propose(flows, by, verdict)
        const reason = {
          zh: '已通过部署检查,正在旁路试运行,等待审批人发布',
          en: 'it passed the gate and runs in shadow now; an approver puts it into force',
        }
        return { ok: false, code: 'flow-needs-approval', reason }
      }
      remember(flows, by, verdict)
      return answer
    },
    approvedFor: flows => approved.get(revisionOf(flows)),

    status() {
      const candidate = shadow.candidate()
      return {
        rev: store.flows().rev,
        history: store.history().slice(-50).toReversed() satisfies Revision[],
        candidate:
          candidate === null
            ? null
            : {
                rev: candidate.rev,
                by: candidate.by,
                since: candidate.since,
                results: candidate.results,
                changes: candidate.changes,
                ...shadow.status(),
              },
      }
    },
    async check({ flows: given, accepted }) {
      const flows = bare(given)
      const verdict = await judged(flows)
      const reason = verdict.ok ? null : inWords(reasonsOf(verdict), langOf(accepted) ?? lang)
      return { ...verdict, reason, changes: changesOf(store.flows().flows, flows) }
    },
    async backtest({ flows: given, ...recorded }) {
      if (parts.open === undefined) throw new FengsuiError('room-unavailable', 'recordings cannot be read here')
      if (running >= AT_ONCE_MAX)
        throw new FengsuiError('too-many-requests', 'a backtest of flows runs already; try again when it has ended')
      running++
      try {
        const before = store.flows().flows
        const flows = given === undefined ? before : bare(given)
        const changes = changesOf(before, flows)
        const sets = changes.length === 0 ? [flows] : [flows, before]
        const [candidate, against] = await played(parts.open, recorded, sets)
        if (candidate === undefined) throw new FengsuiError('internal', 'a backtest gave no answer')
        const readingsPerSecond = candidate.ms > 0 ? Math.round((candidate.readings / candidate.ms) * 1000) : 0
        return {
          candidate: { ...candidate, readingsPerSecond },
          against: against ?? null,
          difference: against === undefined ? null : flowDifference(against, candidate),
          changes,
        }
      } finally {
        running--
      }
    },
    async propose({ flows: given, by, accepted }) {
      const flows = bare(given)
      const verdict = await judged(flows)
      if (!verdict.ok) throw refused(verdict, langOf(accepted))
      propose(flows, by, verdict)
      return { rev: revisionOf(flows), ...verdict }
    },
    async withdraw({ by }) {
      const candidate = shadow.candidate()
      if (candidate === null) throw new FengsuiError('not-found', 'there is no candidate')
      await shadow.end()
      audit({ actor: `user:${by}`, action: 'flows.withdraw', subject: candidate.rev, detail: {} })
      return { rev: candidate.rev }
    },
    async shadow() {
      const candidate = shadow.candidate()
      if (candidate === null) throw new FengsuiError('not-found', 'there is no candidate')
      const { rev, by, since } = candidate
      const live = await parts.queue(Date.parse(since))
      return { rev, by, since, ...shadow.status(), alarms: shadow.alarms().length, ...comparedWith(live, shadow.alarms()) }
    },
    async promote({ rev, by }) {
      const candidate = shadow.candidate()
      if (candidate === null || candidate.rev !== rev)
        throw new FengsuiError('conflict', 'this is not the candidate in shadow: somebody proposed another, or took it back')
      if (candidate.by === by)
        throw new FengsuiError('forbidden', 'who proposed a candidate does not put it into force: another approver must')
      const before = store.flows().flows
      const verdict = await judged(candidate.flows)
      if (!verdict.ok) throw refused(verdict)
      await parts.begin(candidate.flows)
      store.save(candidate.flows, `user:${candidate.by}, approved by user:${by}`)
      parts.reload()
      await shadow.end()
      audit({
        actor: `user:${by}`,
        action: 'flows.promote',
        subject: rev,
        detail: { proposedBy: candidate.by, ...detailOf(candidate.flows, before, verdict) },
      })
      return { rev }
    },
    async tab({ id, by, disable = false }) {
      const { flows } = store.flows()
      const rules = rulesOfTab(flows, id)
      if (disable) {
        store.save(
          flows.map(node => (node.id === id ? { ...node, disabled: true } : node)),
          `user:${by}`,
        )
        parts.reload()
        audit({ actor: `user:${by}`, action: 'flows.tab-to-engine', subject: id, detail: { label: rules.label } })
      }
      return rules
    },
  }
}

/** All sets hear the same stream: it is read and decoded once. */
async function played(open: OpenRecorded, recorded: Recorded, sets: FlowNode[][]): Promise<Played[]> {
  const { stream, ended } = open(recorded)
  const { PassThrough } = await import('node:stream')
  const stop = new AbortController()
  try {
    const ways = sets.map(() => stream.pipe(new PassThrough()))
    const tried = sets.map((flows, i) =>
      tryOut({ stories: [{ name: 'backtest', flows, entries: ways[i]! }], msMax: BACKTEST_MS_MAX, signal: stop.signal }),
    )
    const all = Promise.all(tried.map(async one => (await one)[0]!))
    const results = await Promise.race([all, ended.then(() => all)])
    return results
  } catch (error) {
    stop.abort()
    stream.destroy()
    throw error
  }
}
