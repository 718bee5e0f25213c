// The flows' desk through the API, as it runs: trials and store are real, recordings are told here, the gate has tests of its own. Who may ask what, a backtest against the
// flows in force, a candidate where an approver is needed, and a tab that becomes a rule the engine itself judges by.
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Reading } from '#contracts/reading.ts'
import { createDesk, type BacktestAnswer } from '../../flows/desk.ts'
import type { FlowNode } from '../../flows/link.ts'
import { entriesOf, type Scenario } from '../../flows/scenario.ts'
import type { Candidate, Shadow } from '../../flows/shadow.ts'
import { openFlowStore, type FlowStore } from '../../flows/store.ts'
import { engine } from '../../parts/rule-engine.ts'
import { ruleDesk, startRoom, type Room } from './room.ts'

const story = (name: string, expect: 'alarm' | 'no-alarm', kpa: number): Scenario => ({
  name,
  expect,
  readings: [{ deviceId: 'h1', kind: 'pressure', everyS: 10, times: 8, metrics: { pressure_kpa: kpa } }],
})
const ruleBelow = (kpa: number) => `- id: hydrant-low
  version: 1
  kind: threshold
  scope: { kinds: [pressure] }
  alarm: { kind: pressure-low, severity: 3, latching: false }
  text: { zh: 水压过低, en: Water pressure low }
  parameters: { metric: pressure_kpa, direction: below, threshold: ${kpa}, clearAt: ${kpa + 20}, onDelayS: 20, onReadings: 3, offDelayS: 60, maxGapS: 600 }
`
const tab = (kpa: number, more: FlowNode[] = []): FlowNode[] => [
  { id: 'hydrants', type: 'tab', label: 'hydrants' },
  { id: 'read', type: 'fire-reading', z: 'hydrants', kinds: 'pressure', wires: [['rule']] },
  { id: 'rule', type: 'fire-rule', z: 'hydrants', rules: ruleBelow(kpa), wires: [['raise'], [], []] },
  { id: 'raise', type: 'fire-alert', z: 'hydrants', kind: 'pressure-low', severity: '3', wires: [[]] },
  {
    id: 'bt',
    type: 'fire-backtest',
    z: 'hydrants',
    scenarios: JSON.stringify([story('low', 'alarm', 80), story('fine', 'no-alarm', 300)]),
  },
  ...more,
]
/** three hydrants at 80, 170 and 300 kPa */
const recorded = () =>
  [80, 170, 300].flatMap((kpa, i) => [
    ...entriesOf({
      name: 'r',
      expect: 'alarm',
      readings: [{ deviceId: `hyd-${i}`, kind: 'pressure', everyS: 10, times: 12, metrics: { pressure_kpa: kpa } }],
    }),
  ])

let room: Room
let store: FlowStore
let desk: ReturnType<typeof createDesk>
let candidate: Candidate | null = null
const rules = ruleDesk()
const audit: { action: string; actor: string }[] = []
/** the process in shadow has tests of its own */
const shadow: Shadow = {
  candidate: () => candidate,
  begin: next => void (candidate = next),
  end: async () => void (candidate = null),
  alarms: () => [],
  status: () => ({ running: candidate !== null, problem: null }),
  close: async () => {},
}

beforeAll(async () => {
  room = await startRoom({
    parts: {
      rules,
      flowsDesk: async (question, asked) => (desk[question as keyof typeof desk] as (asked: object) => Promise<object>)(asked),
    },
  })
  store = openFlowStore({ dir: join(room.dir, 'flows'), first: () => tab(120) })
  desk = createDesk({
    store,
    shadow,
    gate: { judge: async () => ({ ok: true, problems: [], results: [], tookMs: 0 }) },
    lang: 'en-US',
    clock: systemClock,
    open({ recordings }) {
      if (recordings?.[0] !== 'three hydrants') throw new FengsuiError('invalid-request', `there is no recording ${recordings?.[0]}`)
      return { stream: Readable.from(recorded().map(entry => `${JSON.stringify(entry)}\n`)), ended: Promise.resolve() }
    },
    queue: async () => [],
    audit: entry => audit.push(entry),
    begin: async () => {},
    reload: () => {},
  })
})
afterAll(() => room?.[Symbol.asyncDispose]())

const post = (path: string, json: object, as = 'engineer') => room.post(`/api/v1/flows${path}`, json, as)

test('POST /flows/backtest: what they would have raised, against the flows in force, the same each time', async () => {
  const backtest = async () =>
    (await post('/backtest', { flows: tab(200), recordings: ['three hydrants'] })).body as unknown as BacktestAnswer
  const { candidate, against, difference, changes } = await backtest()
  expect(candidate).toMatchObject({ readings: 36, commands: 0, problems: [] })
  expect(candidate.alarms.map(a => [a.rule, a.subject, a.kind])).toEqual([
    ['hydrant-low', 'hyd-0', 'pressure-low'],
    ['hydrant-low', 'hyd-1', 'pressure-low'],
  ])
  expect(against?.alarms.map(a => a.subject)).toEqual(['hyd-0'])
  expect(difference).toMatchObject({ added: [{ subject: 'hyd-1' }], removed: [], same: 1 })
  expect(changes).toMatchObject([{ type: 'fire-rule', what: 'changed' }])
  // one at a time: each takes a process and much of a core
  const [again, other] = await Promise.all([backtest(), post('/backtest', { recordings: ['three hydrants'] })])
  expect(again.candidate.digest).toBe(candidate.digest)
  expect(other.body).toMatchObject({ code: 'too-many-requests' })
})

test('POST /flows/backtest: without flows those in force, alone; what cannot be read or asked is said', async () => {
  const { body } = await post('/backtest', { recordings: ['three hydrants'] })
  expect(body).toMatchObject({ candidate: { readings: 36 }, against: null, difference: null, changes: [] })
  expect((await post('/backtest', { recordings: ['none'] })).body).toMatchObject({ code: 'invalid-request', message: /no recording none/ })
  for (const as of ['viewer', 'officer', 'approver']) expect((await post('/backtest', {}, as)).status).toBe(403)
})

test('where an approver is needed a deploy becomes a candidate; who proposed it cannot put it into force, another can', async () => {
  const before = store.flows().rev
  const answer = await desk.gateDeploy(tab(140), 'engineer', false)
  expect(answer).toMatchObject({ ok: false, code: 'flow-needs-approval' })
  expect(store.flows().rev).toBe(before)
  const { rev } = candidate!
  expect((await room.ask('/api/v1/flows')).body).toMatchObject({ rev: before, candidate: { rev, by: 'engineer', running: true } })
  expect((await post('/promote', { rev })).status).toBe(403)
  expect((await post('/promote', { rev: before }, 'approver')).body).toMatchObject({ code: 'conflict' })
  await room.ask('/api/v1/flows/candidate', { method: 'DELETE', as: 'engineer' })
  expect((await post('/promote', { rev }, 'approver')).body).toMatchObject({ code: 'conflict' })

  await room.ask('/api/v1/flows/candidate', { method: 'PUT', as: 'admin', json: { flows: tab(140) } })
  expect((await post('/promote', { rev }, 'admin')).body).toMatchObject({ code: 'forbidden', message: /another approver must/ })
  expect((await post('/promote', { rev }, 'approver')).status).toBe(200)
  expect(store.flows().rev).toBe(rev)
  expect(store.history().at(-1)?.by).toBe('user:admin, approved by user:approver')
  expect(audit.slice(-4).map(entry => `${entry.actor} ${entry.action}`)).toEqual([
    'user:engineer flows.propose',
    'user:engineer flows.withdraw',
    'user:admin flows.propose',
    'user:approver flows.promote',
  ])
})

test('a tab of fire nodes becomes rules that the engine judges by; the tab stops saying the same', async () => {
  const promote = (json: object, as = 'approver') => post('/tabs/hydrants/promote', json, as)
  expect((await promote({}, 'engineer')).status).toBe(403)
  const before = store.flows().rev
  expect((await promote({ dryRun: true })).body).toMatchObject({ label: 'hydrants', files: { 'flow-hydrants.yaml': ruleBelow(140) } })
  expect([store.flows().rev, rules.get()]).toMatchObject([before, { files: {} }])

  expect((await promote({})).status).toBe(200)
  expect(store.flows().flows[0]).toMatchObject({ id: 'hydrants', disabled: true })
  // the engine needs no Node-RED: what was put into its rule set raises by itself
  const { files } = rules.get() as unknown as { files: Record<string, string> }
  const fold = engine.createFold({ ruleSet: engine.parse('promoted', files['flow-hydrants.yaml']!) })
  const raised = recorded().flatMap(entry => ('deviceId' in entry ? fold.apply(entry as Reading, entry.off) : []))
  expect(raised.filter(signal => signal.type === 'raise').map(signal => signal.deviceId)).toEqual(['hyd-0'])
  expect(room.dispatch.audit({ limit: 5 })).toContainEqual(expect.objectContaining({ action: 'rules.replace', actor: 'user:approver' }))
})

test('what is nested without end is refused before it is handed on', async () => {
  const deep = JSON.parse(`${'['.repeat(5_000)}${']'.repeat(5_000)}`) as unknown
  const answer = await post('/check', { flows: [{ id: 't', type: 'tab', deep }] }, 'engineer')
  expect([answer.status, answer.body.message]).toEqual([400, expect.stringContaining('nested deeper than 100')])
})

test('a tab that does more than the engine could is left where it is', async () => {
  const refusedWith = async (flows: FlowNode[]) => {
    store.save(flows, 'user:test')
    const answer = await post('/tabs/hydrants/promote', {}, 'approver')
    expect([answer.status, store.flows().flows[0]!['disabled']]).toEqual([422, undefined])
    return answer.body.message
  }
  expect(await refusedWith(tab(140, [{ id: 'f', type: 'function', z: 'hydrants' }]))).toContain('it also has: function')
  expect(await refusedWith(tab(140).filter(node => node.type !== 'fire-rule'))).toContain('no fire-rule')
  expect(await refusedWith(tab(140).map(n => (n.id === 'rule' ? { ...n, wires: [[], ['raise'], []] } : n)))).toContain(
    'straight to a fire-alert',
  )
  expect(await refusedWith(tab(140).map(n => (n.id === 'read' ? { ...n, areas: 'north' } : n)))).toContain('into the scope of the rule')
  expect(await refusedWith(tab(140).map(n => (n.id === 'read' ? { ...n, kinds: 'level' } : n)))).toContain('lets only level pass')
  expect(await refusedWith(tab(140, [{ id: 'in', type: 'link in', z: 'hydrants', links: ['elsewhere'], wires: [['rule']] }]))).toContain(
    'links to other tabs',
  )
  expect((await post('/tabs/none/promote', {}, 'approver')).status).toBe(404)
})
