// The gate before every deploy: the lint, then the scenarios of every tab that changed, in a process that can reach nothing. What does not pass
// is refused with tab, scenario and reason; nothing has been touched then.
import type { Readable } from 'node:stream'
import type { Text } from '#contracts/alarm.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { isSame } from './diff.ts'
import type { FlowNode, Lang } from './link.ts'
import { byIdOf, contentsOf, lint, tabsOf, type Problem, type Tab } from './lint.ts'
import { entriesOf, scenariosOf, UnsoundScenario, verdictOn, type Scenario } from './scenario.ts'
import { misshapen } from './shape.ts'
import { feeders } from './tabs-linked.ts'
import { NotPlayed, tryOut, type Played, type Story } from './trials.ts'

export type ScenarioResult = {
  tab: string
  scenario: string
  ok: boolean
  alarms: number
  readings: number
  ms: number
  why?: Text
}
export type Verdict = { ok: boolean; problems: Problem[]; results: ScenarioResult[]; tookMs: number }
/** Readings of a recording as lines of JSON. */
export type OpenRecording = (o: { recording: string }) => Readable

export type Gate = { judge(flows: FlowNode[], before: FlowNode[]): Promise<Verdict> }

/** counted from when the process is ready */
const MS_MAX = 10_000
const SCENARIOS_MAX = 200
/** each takes a process and a core; who comes meanwhile waits */
const AT_ONCE_MAX = 2
const WAITING_MAX = 20

export function createGate(o: { open?: OpenRecording; msMax?: number }): Gate {
  const inTurn = turns()
  return {
    async judge(flows, before) {
      const beganMs = performance.now()
      const problems = misshapen(flows)
      const isShaped = problems.length === 0
      if (isShaped) problems.push(...lint(flows))
      const verdict = (results: ScenarioResult[] = []): Verdict => ({
        ok: problems.length === 0 && results.every(r => r.ok),
        problems,
        results,
        tookMs: Math.round(performance.now() - beganMs),
      })
      const planned = isShaped ? planOf(flows, before, problems) : []
      if (problems.length > 0 || planned.length === 0) return verdict()
      let [now] = planned
      const stories = planned.map((one): Story => ({
        name: `${one.tab.label}: ${one.scenario.name}`,
        flows: one.nodes,
        // made when its turn comes: all of them at once would not fit into memory
        entries() {
          now = one
          return one.scenario.recording === undefined ? entriesOf(one.scenario) : recorded(o.open, one.scenario)
        },
      }))
      try {
        const played = await inTurn(() => tryOut({ stories, msMax: o.msMax ?? MS_MAX }))
        return verdict(planned.map(({ tab, scenario }, i) => resultOf(tab, scenario, played[i]!)))
      } catch (error) {
        if (!(error instanceof FengsuiError) || error.code === 'too-many-requests') throw error
        // of a recording that cannot be read there are only the words of who read it
        const { zh, en } = error instanceof NotPlayed ? error.why : { zh: error.message, en: error.message }
        problems.push({ tab: now!.tab.label, node: now!.scenario.name, zh: `试运行没有正常结束:${zh}`, en })
        return verdict()
      }
    },
  }
}

/** @throws FengsuiError too-many-requests */
function turns(): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async work => {
    if (waiting.length >= WAITING_MAX)
      throw new FengsuiError('too-many-requests', `${WAITING_MAX} checks of flows wait already; try again in a minute`)
    // who waited takes the place of who goes: nobody slips in between
    if (running >= AT_ONCE_MAX) await new Promise<void>(resolve => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}

type Planned = { tab: Tab; scenario: Scenario; nodes: FlowNode[] }

/** Which scenarios must be run; what is missing goes to `problems`. */
function planOf(flows: FlowNode[], before: FlowNode[], problems: Problem[]): Planned[] {
  const planned: Planned[] = []
  const [tabs, tabsBefore] = [tabsOf(flows), tabsOf(before)]
  const [byId, linked, linkedBefore] = [byIdOf(tabs), feeders(tabs), feeders(tabsBefore)]
  for (const tab of tabs) {
    if (tab.isSubflow || !contentsOf(tab, byId).some(node => node.type === 'fire-alert')) continue
    const say = (zh: string, en: string): void => void problems.push({ tab: tab.label, zh, en })
    let scenarios: Scenario[] = []
    try {
      scenarios = scenariosOf(tab.nodes)
    } catch (error) {
      if (!(error instanceof UnsoundScenario)) throw error
      say(`场景有误:${error.why.zh}`, error.why.en)
      continue
    }
    if (scenarios.length > SCENARIOS_MAX) say(`场景超过 ${SCENARIOS_MAX} 个`, `more than ${SCENARIOS_MAX} scenarios`)
    if (!scenarios.some(s => s.expect === 'alarm'))
      say('缺少一个必须报警的场景(fire-backtest 节点)', 'has no scenario that must alarm (in a fire-backtest node)')
    if (!scenarios.some(s => s.expect === 'no-alarm'))
      say('缺少一个不得报警的场景(fire-backtest 节点)', 'has no scenario that must not alarm (in a fire-backtest node)')
    const nodes = aloneWith(flows, [tab.id, ...(linked.get(tab.id) ?? [])])
    if (isSame(aloneWith(before, [tab.id, ...(linkedBefore.get(tab.id) ?? [])]), nodes)) continue
    planned.push(...scenarios.map(scenario => ({ tab, scenario, nodes })))
  }
  return planned
}

/** Tabs with what they share: configuration nodes and subflows. */
function aloneWith(flows: readonly FlowNode[], tabIds: readonly string[]): FlowNode[] {
  const wanted = new Set(tabIds)
  for (const node of flows) if (node.type === 'subflow') wanted.add(node.id)
  return flows.filter(node => wanted.has(node.id) || wanted.has(node.z ?? '') || ((node.z ?? '') === '' && node.type !== 'tab'))
}

function recorded(open: OpenRecording | undefined, { recording = '', name }: Scenario): Readable {
  if (open === undefined) throw new FengsuiError('flow-refused', `${name}: recordings cannot be read here`)
  return open({ recording })
}

function resultOf(tab: Tab, scenario: Scenario, played: Played): ScenarioResult {
  const [problem] = played.problems
  const why =
    problem === undefined
      ? verdictOn(scenario, played.alarms)
      : { zh: `流程出错:${briefly(problem)}`, en: `a node failed: ${briefly(problem)}` }
  const { readings, ms } = played
  return {
    tab: tab.label,
    scenario: scenario.name,
    ok: why === null,
    alarms: played.alarms.length,
    readings,
    ms: Math.round(ms),
    ...(why !== null && { why }),
  }
}

/** What failed and in which line of a function; where in our own programs helps nobody who draws flows. */
function briefly(problem: string): string {
  const [said = '', where = ''] = problem.split(/\n\s+at /)
  // Node-RED puts a line of its own before those of the author
  const line = Number(/^Function node:[^:]*:(\d+)/.exec(where)?.[1]) - 1
  return line > 0 ? `${said} (line ${line})` : said
}

const SHOWN_MAX = 8

export const inWords = (text: Text, lang: Lang): string => (lang === 'zh-CN' ? text.zh : text.en)
/** What the editor shows for a refused deploy. */
export const reasonsOf = (verdict: Verdict): Text => ({ zh: reasonOf(verdict, 'zh-CN'), en: reasonOf(verdict, 'en-US') })
function reasonOf({ problems, results }: Verdict, lang: Lang): string {
  const of = (text: Text): string => inWords(text, lang)
  const lines = [
    ...problems.map(p => `${p.tab}${p.node === undefined ? '' : ` / ${p.node}`}: ${of(p)}`),
    ...results.flatMap(r => (r.why === undefined ? [] : [`${r.tab} / ${r.scenario}: ${of(r.why)}`])),
  ]
  const more = lines.length > SHOWN_MAX ? [`… +${lines.length - SHOWN_MAX}`] : []
  const head = lang === 'zh-CN' ? '未通过部署检查,原流程继续运行:' : 'refused by the gate, the flows before go on: '
  return head + [...lines.slice(0, SHOWN_MAX), ...more].join('; ')
}
