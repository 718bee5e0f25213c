// The gate as the editor meets it: what it refuses and why, that the flows before go on with their credentials, what it lets through; and
// trials: the same readings give the same digest, a loop ends at its limit, and nothing can be reached from inside.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createGate } from '../../flows/gate.ts'
import type { FlowNode } from '../../flows/link.ts'
import { lint } from '../../flows/lint.ts'
import { entriesOf, type Entry, type Scenario } from '../../flows/scenario.ts'
import { tryOut } from '../../flows/trials.ts'
import { startRoom, until, type Node, type Room } from './room.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
const HOT: Scenario = {
  name: '机柜过热',
  expect: 'alarm',
  count: 1,
  withinS: 60,
  readings: [{ deviceId: 'c1', kind: 'heat', everyS: 5, times: 12, metrics: { temperature_c: [40, 90] } }],
}
const WARM: Scenario = {
  name: '夏季高温不报',
  expect: 'no-alarm',
  readings: [{ deviceId: 'c1', kind: 'heat', everyS: 5, times: 12, metrics: { temperature_c: 48 } }],
}
const RULE = `- id: hot
  version: 1
  kind: threshold
  scope: { kinds: [heat] }
  alarm: { kind: heat, severity: 2, latching: true }
  text: { zh: 过热, en: hot }
  parameters: { metric: temperature_c, direction: above, threshold: 60, clearAt: 50, onDelayS: 5, onReadings: 2, offDelayS: 10, maxGapS: 600 }
`
const tab = (o: { rules?: string; scenarios?: Scenario[] | null; more?: Node[]; func?: string } = {}): Node[] => [
  { id: 'tab', type: 'tab', label: '机柜' },
  {
    id: 'read',
    type: 'fire-reading',
    z: 'tab',
    consumer: 'gate',
    kinds: 'heat',
    ticks: true,
    x: 1,
    y: 1,
    wires: [[o.func === undefined ? 'rule' : 'work']],
  },
  ...(o.func === undefined ? [] : [{ id: 'work', type: 'function', z: 'tab', func: o.func, outputs: 1, x: 1, y: 2, wires: [['rule']] }]),
  { id: 'rule', type: 'fire-rule', z: 'tab', rules: o.rules ?? RULE, x: 2, y: 1, wires: [['raise'], [], []] },
  { id: 'raise', type: 'fire-alert', z: 'tab', x: 3, y: 1, wires: [[]] },
  ...(o.scenarios === null
    ? []
    : [{ id: 'bt', type: 'fire-backtest', z: 'tab', scenarios: JSON.stringify(o.scenarios ?? [HOT, WARM]), x: 4, y: 1, wires: [] }]),
  ...(o.more ?? []),
]

describe('the lint', () => {
  const said = (more: Node[], func?: string) => lint(tab({ more, ...(func !== undefined && { func }) }) as FlowNode[]).map(p => p.en)
  test.each(['delay', 'trigger', 'join', 'batch', 'http request', 'mqtt in', 'mqtt out', 'some-foreign-node'])('refuses %s', type =>
    expect(said([{ id: 'x', type, z: 'tab' }])).toHaveLength(1),
  )
  test.each([
    'setTimeout(() => {}, 1)',
    'return { t: Date.now() }',
    'const d = new Date()',
    'msg.r = Math.random()',
    'await fetch("x")',
    'global.set("a", 1)',
    'const d = new Date;',
    'return { t: Date() }',
    "const fs = require('fs')",
    'process.exit(1)',
    "eval('1')",
    "new Function('return 1')()",
    "const p = console.log.constructor('return process')()",
    "const p = console.log['constructor']('return 1')()",
    "await import('node:fs')",
    "const a = '/*'; setTimeout(() => {}, 1); const b = '*/'",
    "const a = 'x // y'; setTimeout(() => {}, 1)",
  ])('refuses a function that says %s', func => expect(said([], func)).toHaveLength(1))
  test('lets a comment say so, and a tab without alarms do what it likes', () => {
    expect(
      said([], '// not Date.now()\nmsg.at = new Date(msg.payload.ts) // eval(x)\nmsg.text = "stop the process. Go"\nreturn msg'),
    ).toEqual([])
    expect(
      lint([
        { id: 't', type: 'tab' },
        { id: 'd', type: 'delay', z: 't' },
      ]),
    ).toEqual([])
    expect(said([{ id: 'i', type: 'inject', z: 'tab', repeat: '5' }])).toEqual(['inject goes off by itself'])
  })
  test.each([
    { type: 'change', rules: [{ t: 'set', p: 'at', pt: 'msg', to: '', tot: 'date' }] },
    { type: 'change', rules: [{ t: 'set', p: 'at', pt: 'msg', to: '$millis()', tot: 'jsonata' }] },
    { type: 'change', rules: [{ t: 'set', p: 'x', pt: 'global', to: '1', tot: 'num' }] },
    { type: 'switch', property: 'x', propertyType: 'global', rules: [] },
    { type: 'switch', repair: true, rules: [] },
    { type: 'split', stream: true },
    { type: 'link call', linkType: 'dynamic' },
    { type: 'function', func: 'return msg', libs: [{ var: 'fs', module: 'fs' }] },
  ])('refuses a %j', node => expect(said([{ id: 'x', z: 'tab', ...node }])).toHaveLength(1))
  test('a subflow that raises makes its tab one that raises, and is judged with it', async () => {
    const flows = [
      { id: 't', type: 'tab', label: 'T' },
      { id: 'i', type: 'subflow:sf', z: 't' },
      { id: 'sf', type: 'subflow', name: 'S' },
      { id: 'a', type: 'fire-alert', z: 'sf' },
    ]
    expect(lint([...flows, { id: 'd', type: 'delay', z: 'sf' }]).map(p => p.tab)).toEqual(['S'])
    expect((await createGate({}).judge(flows, [])).problems.map(p => p.en)).toEqual([
      expect.stringContaining('must alarm'),
      expect.stringContaining('must not alarm'),
    ])
  })
  /** readings come from the tab `from` by way of `tab` B */
  const linked = (via: Node[]): FlowNode[] => [
    ...(tab().map(n => (n.id === 'read' ? { ...n, z: 'from', wires: [['out']] } : n)) as FlowNode[]),
    { id: 'in', type: 'link in', z: 'tab', links: [], x: 1, y: 1, wires: [['rule']] },
    { id: 'from', type: 'tab', label: 'from' },
    { id: 'out', type: 'link out', z: 'from', mode: 'link', links: ['bin'], x: 1, y: 1, wires: [] },
    { id: 'b', type: 'tab', label: 'B' },
    { id: 'bin', type: 'link in', z: 'b', links: [], x: 1, y: 1, wires: [[via[0]?.id ?? 'bout']] },
    { id: 'bout', type: 'link out', z: 'b', mode: 'link', links: ['in'], x: 1, y: 1, wires: [] },
    ...(via.map(node => ({ z: 'b', x: 1, y: 1, wires: [['bout']], ...node })) as FlowNode[]),
  ]
  test('the way through other tabs is judged too, and is there when the stories are played', async () => {
    expect(lint(linked([{ id: 'd', type: 'delay' }]))).toMatchObject([{ tab: 'B → 机柜', node: 'delay d' }])
    const verdict = await createGate({}).judge(linked([]), [])
    expect([verdict.problems, verdict.results.map(r => [r.ok, r.alarms])]).toEqual([[], [[true, 1], [true, 0]]]) // prettier-ignore
    // where its messages go on to is its own affair
    const notice: FlowNode[] = [
      { id: 'n', type: 'tab', label: 'notice' },
      { id: 'nin', type: 'link in', z: 'n', links: ['tell'] },
      { id: 'nd', type: 'delay', z: 'n' },
    ]
    expect(lint([...(tab() as FlowNode[]), { id: 'tell', type: 'link out', z: 'tab', mode: 'link', links: ['nin'] }, ...notice])).toEqual(
      [],
    )
  })
  test.each<[string, unknown[], RegExp]>([
    ['an id twice', [...tab(), { id: 'rule', type: 'comment', z: 'tab' }], /twice/],
    ['an id with a path', [{ id: 'x/../../pwn', type: 'tab' }], /letters, digits/],
    ['an id that is a trap', [{ id: '__proto__', type: 'tab' }], /letters, digits/],
    ['a node on no tab', [{ id: 'a', type: 'fire-alert', x: 1, y: 1 }], /stands on no tab/],
    ['a node on a tab that is not there', [{ id: 'a', type: 'fire-alert', z: 'ghost', x: 1, y: 1 }], /which is not there/],
    [
      'a wire to another tab',
      [...tab(), { id: 'o', type: 'tab' }, { id: 'i', type: 'inject', z: 'o', wires: [['raise']] }],
      /of another tab/,
    ],
    ['wires that are none', [...tab(), { id: 'i', type: 'debug', z: 'tab', wires: 'x' }], /lists of ids/],
    ['what is no node', [null, 'x', { id: 5, type: 'tab' }], /is no node/],
    ['too many nodes', Array.from({ length: 20_001 }, (_, i) => ({ id: `n${i}`, type: 'tab' })), /more than 20000/],
  ])('refuses %s', async (_what, flows, why) => {
    const { ok, problems } = await createGate({}).judge(flows as FlowNode[], [])
    expect([ok, problems[0]?.en]).toEqual([false, expect.stringMatching(why)])
  })
  const [told] = HOT.readings!
  test.each<[object, string]>([
    [{ startsAt: 'yesterday' }, 'startsAt must be'],
    [{ untilS: 1e9 }, 'untilS must be'],
    [{ withinSeconds: 5 }, 'withinSeconds is not known'],
    [{ expect: 'maybe' }, 'expect must be'],
    [{ readings: 5 }, 'readings must be'],
    [{ readings: [null] }, 'readings must be'],
    [{ recording: 'r' }, 'readings or a recording are needed, and only one of them'],
    [{ readings: [{ ...told, kind: 'nokind' }] }, 'readings[0].kind must be one of'],
    [{ readings: [{ ...told, metrics: { temperature_c: 'hot' } }] }, 'readings[0].metrics must be'],
    [{ readings: [{ ...told, metrics: { temperature_c: [1, 2, 3] } }] }, 'readings[0].metrics must be'],
    [{ readings: [{ ...told, alarms: { smok: true } }] }, 'readings[0].alarms must be'],
    [{ readings: [{ ...told, times: 'many' }] }, 'readings[0].times must be'],
    [{ readings: [{ ...told, everyS: undefined }] }, 'readings[0]: times needs everyS'],
    [{ readings: [{ ...told, everyS: 1e12 }] }, 'readings[0].everyS must be'],
    [{ readings: [{ ...told, everyS: 2_000_000 }] }, 'readings[0]: the story lasts longer than'],
    [{ readings: [{ ...told, atS: -1 }] }, 'readings[0].atS must be'],
  ])('refuses a scenario with %j', async (slip, why) => {
    const { problems } = await createGate({}).judge(tab({ scenarios: [{ ...HOT, ...slip } as Scenario, WARM] }) as FlowNode[], [])
    expect(problems[0]?.en).toContain(`${HOT.name}: ${why}`)
  })
  test('a story of a month is made while it is told, in order, with a tick each ten seconds', () => {
    const told: Scenario = { ...HOT, readings: [{ ...HOT.readings![0]!, atS: 25, everyS: 6 }], untilS: 31 * 86_400 }
    const story = entriesOf(told)
    const first = Array.from({ length: 5 }, () => story.next().value as Entry)
    expect(first.map(e => ('at' in e ? 'tick' : e.ts.slice(17, 19)))).toEqual(['tick', 'tick', 'tick', '25', 'tick'])
    expect(first.map(e => e.off)).toEqual([1, 2, 3, 4, 5])
  })
})

describe('deploying', () => {
  let room: Room
  const audit: { action: string; detail: object }[] = []
  beforeAll(async () => {
    room = await startRoom({ gate: true, audit: entry => audit.push(entry) })
  })
  afterAll(() => room?.[Symbol.asyncDispose]())
  const flowsNow = async () => ((await (await room.get('/flows')).json()) as { flows: { id: string }[] }).flows.map(n => n.id)
  const refused = async (nodes: Node[]) => {
    const before = await flowsNow()
    const answer = await room.deploy(nodes)
    expect(answer.status).toBe(422)
    expect(await flowsNow()).toEqual(before)
    return ((await answer.json()) as { message: string }).message
  }

  test('a flow with scenarios that pass is let through, and the trail has who, what changed and the results', async () => {
    expect((await room.deploy(tab())).status).toBe(200)
    expect(audit.at(-1)).toMatchObject({
      actor: 'user:some-engineer',
      action: 'flows.deploy',
      detail: {
        scenarios: [
          { scenario: '机柜过热', ok: true, alarms: 1 },
          { scenario: '夏季高温不报', ok: true, alarms: 0 },
        ],
        changes: expect.arrayContaining([expect.objectContaining({ node: 'fire-rule rule', what: 'added' })]),
      },
    })
    // what did not change is not run again
    expect((await room.deploy(tab().map(n => ({ ...n, ...(n['x'] !== undefined && { x: 77 }) })))).status).toBe(200)
    expect(audit.at(-1)).toMatchObject({ detail: { scenarios: [] } })
  })
  test('it says why in the language of the editor', async () => {
    const nodes = tab({ scenarios: null, more: [{ id: 'd', type: 'delay', z: 'tab' }] })
    const inLanguage = async (language: string) => {
      const { rev } = (await (await room.get('/flows')).json()) as { rev: string }
      const answer = await fetch(`${room.flows.url}/flows/flows`, {
        method: 'POST',
        headers: {
          ...room.as('engineer'),
          'Content-Type': 'application/json',
          'Accept-Language': language,
          'X-Requested-With': 'XMLHttpRequest',
        },
        body: JSON.stringify({ flows: nodes, rev }),
      })
      return [answer.status, await answer.text()]
    }
    expect(await inLanguage('en-US,en;q=0.9')).toEqual([
      422,
      expect.stringMatching(/^refused by the gate.*has no scenario that must alarm/),
    ])
    expect(await inLanguage('zh-CN,zh;q=0.9,en;q=0.8')).toEqual([422, expect.stringMatching(/^未通过部署检查.*缺少一个必须报警的场景/)])
    // who does not say gets the installation's
    expect(await inLanguage('fr')).toEqual([422, expect.stringMatching(/^未通过部署检查/)])
    const unsound = { ...HOT, readings: [{ ...HOT.readings![0]!, times: 200_000 }] }
    const verdict = await room.flows.desk.check({ flows: tab({ scenarios: [unsound, WARM] }) as FlowNode[], accepted: 'en' })
    expect(verdict.reason).toContain('机柜过热: more than 100000 readings')
    expect((await room.flows.desk.check({ flows: tab({ scenarios: [unsound, WARM] }) as FlowNode[] })).reason).toContain('读数超过')
  })
  test('without scenarios, with a timer, too sensitive, too slow, throwing: refused with the reason, and the flows before go on', async () => {
    expect(await refused(tab({ scenarios: null }))).toMatch(/机柜: 缺少一个必须报警的场景.*机柜: 缺少一个不得报警的场景/)
    expect(await refused(tab({ more: [{ id: 'd', type: 'delay', z: 'tab', name: '等一下' }] }))).toContain('机柜 / 等一下: 会扣住消息')
    expect(await refused(tab({ rules: RULE.replace('threshold: 60, clearAt: 50', 'threshold: 45, clearAt: 40') }))).toContain(
      '机柜 / 夏季高温不报: 不应报警,却报了 1 次',
    )
    expect(await refused(tab({ rules: RULE.replace('onDelayS: 5', 'onDelayS: 600') }))).toContain('机柜 / 机柜过热: 应当报警,却没有报')
    expect(await refused(tab({ func: '\nthrow new Error("broken")' }))).toContain(
      '机柜 / 机柜过热: 流程出错:function work: Error: broken (line 2); ',
    )
    const unsound = await refused(tab({ rules: RULE.replace('onReadings: 2', 'onReadings: 0') }))
    expect([unsound, unsound.includes('.ts')]).toEqual([expect.stringContaining('onReadings must be'), false])
    expect(audit.at(-1)).toMatchObject({ action: 'flows.refuse', actor: 'user:some-engineer' })
  })
  test('the credentials of a refused deploy are not kept', async () => {
    const server = (token: string): Node => ({ id: 'srv', type: 'fire-server', url: 'http://127.0.0.1:9', credentials: { token } })
    expect((await room.deploy([...tab(), server('good')])).status).toBe(200)
    const file = () => readFileSync(join(room.dir, 'flows/store/credentials.json'), 'utf8')
    const before = file()
    await refused([...tab({ scenarios: null }), server('bad')])
    expect(file()).toBe(before)
    await room.deploy([
      ...tab().map(n => (n.id === 'tab' ? { ...n, info: 'x' } : n)),
      { id: 'srv', type: 'fire-server', url: 'http://127.0.0.1:9' },
    ])
    expect(file()).toBe(before)
  })
  test('a candidate runs in shadow on the live feed and raises nothing; another person puts it into force', async () => {
    const lower = tab({ rules: RULE.replace('threshold: 60', 'threshold: 55') }) as FlowNode[]
    const { rev } = (await room.flows.desk.propose({ flows: lower, by: 'chen' })) as { rev: string }
    const status = () => room.flows.desk.status() as { candidate: { running: boolean; rev: string } | null; rev: string }
    await until(
      () => status().candidate?.running === true,
      60_000,
      () => JSON.stringify(status()),
    )
    const { reading } = await import('./room.ts')
    await until(
      () => room.api.cursors.has('gate') || room.api.readings.length === 0,
      5000,
      () => 'reads',
    )
    for (let n = 0; n < 4; n++)
      room.api.readings.push(reading(100 + n * 10, { deviceId: 'c9', kind: 'heat', metrics: { temperature_c: 57 } }))
    await until(
      () => (room.api.cursors.get('shadow-gate') ?? 0) >= 130,
      30_000,
      () => JSON.stringify([...room.api.cursors]),
    )
    const report = room.flows.desk.shadow().catch((error: Error) => error)
    expect(await report).toBeDefined()
    expect(room.api.alarms.size).toBe(0)
    await expect(room.flows.desk.promote({ rev, by: 'chen' })).rejects.toThrow(/another approver must/)
    await room.flows.desk.promote({ rev, by: 'li' })
    expect(status()).toMatchObject({ rev, candidate: null })
    await until(
      async () => JSON.stringify(await (await room.get('/flows')).json()).includes('threshold: 55'),
      30_000,
      () => 'the live process has it',
    )
    for (let n = 0; n < 4; n++)
      room.api.readings.push(reading(200 + n * 10, { deviceId: 'c10', kind: 'heat', metrics: { temperature_c: 57 } }))
    await until(
      () => room.api.alarms.size === 1,
      30_000,
      () => 'the promoted flow raises',
    )
    expect([...room.api.alarms.values()][0]!.origin).toBe(`flow:${rev.slice(0, 12)}`)
  })
})

test('what ships passes the gate: the shipped flow and every example, each with its scenarios', async () => {
  const folder = join(import.meta.dirname, '../../flows')
  const files = [
    join(folder, 'examples/shipped.json'),
    ...readdirSync(join(folder, 'nodes/examples')).map(file => join(folder, 'nodes/examples', file)),
  ]
  expect(files).toHaveLength(8)
  const all = files.flatMap((file, i) =>
    (JSON.parse(readFileSync(file, 'utf8')) as FlowNode[]).map(node => ({ ...node, ...(i > 0 && node.type === 'tab' && { label: file }) })),
  )
  const verdict = await createGate({ msMax: 60_000 }).judge(all, [])
  expect(verdict.results.filter(r => !r.ok)).toEqual([])
  expect(verdict.problems).toEqual([])
  expect(verdict.results.length).toBeGreaterThanOrEqual(20)
  console.log(`${verdict.results.length} scenarios in ${verdict.tookMs} ms`)
})

describe('trials', () => {
  const story = (flows: Node[]) => ({ name: 's', flows: flows as FlowNode[], entries: entriesOf(HOT) })
  const heard = tab({
    more: [
      { id: 'heard', type: 'complete', z: 'tab', scope: ['rule'], x: 5, y: 1, wires: [['tell']] },
      { id: 'tell', type: 'function', z: 'tab', func: "if (msg.payload) node.error('heard')", outputs: 1, x: 6, y: 1, wires: [[]] },
    ],
  })
  test('the same readings give the same digest, in one process or another; each story begins without memory; no network is reached', async () => {
    const func = `try { const p = console.log.constructor('return process')(); await new Promise((ok, no) => p.getBuiltinModule('node:net').connect(9, '127.0.0.1').on('error', no).on('connect', ok)); return null } catch (e) { node.error('no: ' + e.code); return null }`
    // with a node between them the rule is not asked ahead of the message
    const between = story(tab({ func: 'return msg' }))
    const stories = [story(tab()), story(tab()), story(tab({ func })), between, story(heard)]
    const [a, b, probe, apart, complete] = await tryOut({ stories, msMax: 20_000 })
    const [c] = await tryOut({ stories: [story(tab())], msMax: 20_000 })
    expect(a!.alarms).toHaveLength(1)
    expect([b!.digest, c!.digest]).toEqual([a!.digest, a!.digest])
    expect(probe!.problems[0]).toContain('no: ERR_ACCESS_DENIED')
    expect([apart!.digest, complete!.digest]).toEqual([a!.digest, a!.digest])
    expect(complete!.problems, 'who waits for the rule to be done hears of every reading').toHaveLength(12)
  })
  test('a loop ends at the time limit and is refused', async () => {
    const verdict = await createGate({ msMax: 2500 }).judge(tab({ func: 'await 0\nwhile (true) {}' }) as FlowNode[], [])
    expect(verdict.ok).toBe(false)
    expect(verdict.problems[0]?.en).toContain('did not end within 2.5 s')
  })
})
