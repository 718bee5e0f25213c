// How fast flows are tried: a tab of fire nodes on 200,000 readings, the same with a function node, and the
// gate on a scenario of 20,000 readings, its process included. The baseline is the rules engine alone on the same lines, in the same run. The same readings
// must give the same digest each time.
import { createGate } from '../flows/gate.ts'
import type { FlowNode } from '../flows/link.ts'
import { tryOut, type Played } from '../flows/trials.ts'
import { engine } from '../parts/rule-engine.ts'
import { Readable } from 'node:stream'
import { median, round } from './side-by-side.ts'

const DEVICES = 2_000
const READINGS = 200_000
const ROUNDS = 3
const RULE = `- id: hot
  version: 1
  kind: threshold
  scope: { kinds: [heat] }
  alarm: { kind: heat, severity: 2, latching: true }
  text: { zh: 过热, en: hot }
  parameters: { metric: temperature_c, direction: above, threshold: 60, clearAt: 50, onDelayS: 60, onReadings: 2, offDelayS: 120, maxGapS: 600 }
`
export const tab = (o: { func?: string; scenarios?: object[] } = {}): FlowNode[] => [
  { id: 'tab', type: 'tab', label: 'bench' },
  {
    id: 'read',
    type: 'fire-reading',
    z: 'tab',
    consumer: 'bench',
    kinds: 'heat',
    ticks: true,
    wires: [[o.func === undefined ? 'rule' : 'work']],
  },
  ...(o.func === undefined ? [] : [{ id: 'work', type: 'function', z: 'tab', func: o.func, outputs: 1, wires: [['rule']] }]),
  { id: 'rule', type: 'fire-rule', z: 'tab', rules: RULE, wires: [['raise'], [], []] },
  { id: 'raise', type: 'fire-alert', z: 'tab', wires: [[]] },
  { id: 'bt', type: 'fire-backtest', z: 'tab', scenarios: JSON.stringify(o.scenarios ?? []), wires: [] },
]
const beganMs = Date.parse('2026-03-01T00:00:00Z')
/** each device once a minute; one in a hundred grows hot for ten minutes */
function lines(): string[] {
  const all: string[] = []
  for (let n = 0; n < READINGS; n++) {
    const device = n % DEVICES
    const round = Math.floor(n / DEVICES)
    const at = new Date(beganMs + round * 60_000 + Math.floor((device * 60_000) / DEVICES)).toISOString()
    const isHot = device % 100 === 7 && round >= 40 && round < 50
    all.push(
      `${JSON.stringify({
        off: n + 1,
        deviceId: `heat-${device}`,
        kind: 'heat',
        ts: at,
        tsSource: 'device',
        receivedAt: at,
        place: { building: `b${device % 200}`, area: `a${device % 9}` },
        metrics: { temperature_c: isHot ? 75 : 20 + (device % 15), humidity_pct: 40 },
        alarms: {},
        flags: {},
        batteryPct: 90,
        source: { family: 'native' },
      })}\n`,
    )
  }
  return all
}
const told = lines()
const chunks: Buffer[] = []
for (let i = 0; i < told.length; i += 1000) chunks.push(Buffer.from(told.slice(i, i + 1000).join('')))
console.log(`${READINGS} readings, ${round(chunks.reduce((sum, c) => sum + c.length, 0) / READINGS)} bytes each`)

/** readings a second of parsing each line and judging it by the same rule, with no flow around it */
function engineAlone(): number {
  const fold = engine.createFold({ ruleSet: engine.parse('bench', RULE) })
  const begun = performance.now()
  for (const line of told) {
    const reading = JSON.parse(line) as Parameters<typeof fold.apply>[0] & { off: number }
    fold.apply(reading, reading.off)
  }
  return (READINGS / (performance.now() - begun)) * 1000
}

const digests = new Set<string>()
async function rate(name: string, flows: FlowNode[]): Promise<void> {
  const rates: number[] = []
  const ratios: number[] = []
  let played: Played | undefined
  for (let i = 0; i < ROUNDS; i++) {
    ;[played] = await tryOut({ stories: [{ name, flows, entries: Readable.from(chunks) }], msMax: 120_000 })
    rates.push((played!.readings / played!.ms) * 1000)
    digests.add(played!.digest)
    ratios.push(rates.at(-1)! / engineAlone())
  }
  const each = rates.map(one => one.toFixed(0)).join(', ')
  console.log(
    `${name}: ${median(rates).toFixed(0)} readings/s (${each}), ${round(median(ratios), 2)} x the engine alone, ${played!.alarms.length} alarms, problems ${played!.problems.length}`,
  )
}
await rate('fire nodes only', tab())
await rate('with a function node', tab({ func: 'return msg' }))
console.log(`digests: ${digests.size} of ${2 * ROUNDS} runs`)
if (digests.size !== 1) process.exitCode = 1

const story = (name: string, expect: string, to: number) => ({
  name,
  expect,
  readings: Array.from({ length: 20 }, (_, i) => ({
    deviceId: `c${i}`,
    kind: 'heat',
    everyS: 5,
    times: 1000,
    metrics: { temperature_c: [20, to] },
  })),
})
const scenarios = [story('must', 'alarm', 90)]
const gated: number[] = []
for (let i = 0; i < ROUNDS; i++) {
  const beganMs = performance.now()
  const verdict = await createGate({}).judge(
    tab({ scenarios: [...scenarios, { ...story('not', 'no-alarm', 40), readings: [{ deviceId: 'c', kind: 'heat' }] }] }),
    [],
  )
  gated.push(performance.now() - beganMs)
  if (!verdict.ok) throw new Error(JSON.stringify(verdict))
  if (i === 0) console.log(verdict.results.map(r => `${r.scenario}: ${r.readings} readings in ${r.ms} ms`).join('; '))
}
console.log(`gate on 20,000 readings, process included: ${median(gated).toFixed(0)} ms (${gated.map(g => g.toFixed(0)).join(', ')})`)
