// The baseline of bench/rules.ts: the rules that a measuring detector meets, written as Node-RED function nodes, in a headless Node-RED of
// this process. In its favour: the nodes stand in one chain, so that no message is copied; state is a Map in the node's memory context,
// never written to disk; an ordinary reading does what our kinds do with it and nothing more (no evidence, no late readings, no restart).
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Reading } from '#contracts/reading.ts'
import type { Rule } from '../rules/index.ts'

type RedNode = { receive(msg: object): void; on(event: 'input', listener: () => void): void }
type Red = {
  init(server: object, settings: object): void
  start(): Promise<void>
  stop(): Promise<void>
  runtime: { events: { once(event: string, listener: () => void): void } }
  nodes: { getNode(id: string): RedNode | null }
}

const LEVEL = `
const followed = (p, level, t, v) => {
  if (level === undefined || level.v === undefined) {
    const learn = [...(level === undefined ? [] : level.learn), v]
    if (learn.length < p.learnReadings) return { learn, t }
    return { v: learn.toSorted((a, b) => a - b)[learn.length >> 1], t }
  }
  const h = Math.min(Math.max(0, t - level.t), 600000) / 3600000
  level.v = Math.min(p.max ?? Infinity, level.v + Math.min(p.risePerH * h, Math.max(-p.fallPerH * h, v - level.v)))
  level.t = t
  return level
}`

/** By kind: `p` parameters, `r` the reading, `t` its time, `s` what is known of its device; `alarm(what)` raises. */
const BODIES: Record<string, string> = {
  threshold: `
    const v = p.metric === 'battery_pct' ? r.batteryPct : r.metrics[p.metric]
    if (v !== undefined && !(p.standsDownFor ?? []).some(f => r.alarms[f] !== undefined)) {
      if (p.level !== undefined) s.level = followed(p.level, s.level, t, v)
      const limit = p.threshold + (p.level === undefined ? 0 : (s.level.v ?? p.level.max))
      if (p.direction === 'above' ? v >= limit : v <= limit) {
        s.on ??= { t, n: 0 }
        if (++s.on.n >= p.onReadings && t - s.on.t >= p.onDelayS * 1000 && !s.open) { s.open = true; alarm(v) }
      } else s.on = undefined
    }`,
  'rate-of-rise': `
    const v = r.metrics[p.metric]
    if (v !== undefined) {
      s.level = followed(p.level, s.level, t, v)
      s.w ??= []
      if (s.level.v !== undefined && (s.w.length > 0 || v - s.level.v >= p.minRise * 0.1)) {
        s.w = [...s.w.filter(x => t - x[0] <= p.windowS * 1000), [t, v]].slice(-24)
        if (s.w.slice(-3).every(x => x[1] - s.level.v < p.minRise * 0.1)) s.w = []
        const first = s.w[0]
        if (first && s.w.length >= p.minSamples && t - first[0] >= p.minSpanS * 1000 && v >= p.floor && v - s.level.v >= p.minRise
          && (v - first[1]) / (t - first[0]) * 60000 >= p.risePerMin && !s.open) { s.open = true; alarm(v) }
      }
    }`,
  fuse: `
    let sum = 0, signs = 0
    s.l ??= []
    for (const [i, term] of p.terms.entries()) {
      const v = r.metrics[term.metric]
      if (v === undefined) continue
      s.l[i] = followed(term.level, s.l[i], t, v)
      const x = v - (s.l[i].v ?? v)
      if (x > term.from) { signs++; sum += Math.min(1, (x - term.from) / (term.to - term.from)) * term.weight }
    }
    if (signs >= p.signs && sum >= p.raiseAt && !s.open) { s.open = true; alarm(sum) }`,
  'drop-out': `
    const v = r.metrics[p.metric]
    if (v !== undefined) {
      const judged = s.t !== undefined && t - s.t <= p.maxOutS * 1000 && s.v <= p.quietBelow
      if (judged && s.v - v >= p.minDrop) s.out = v
      else { if (judged && s.out !== undefined && Math.abs(v - s.v) <= p.backWithin) alarm(s.out); s.t = t; s.v = v; s.out = undefined }
    }`,
  'sensor-fault': `
    const v = r.metrics[p.metric]
    if (v !== undefined) {
      s.bad = v < p.min || v > p.max ? (s.bad ?? 0) + 1 : 0
      if (v === s.v) s.n++
      else { s.n = 1; s.since = t }
      if (p.jumps > 0 && Math.abs(v - s.v) >= p.jump && t - s.t <= p.jumpWithinS * 1000) s.j = [...(s.j ?? []), t].slice(-12)
      s.t = t
      s.v = v
      if (s.bad >= p.badReadings || (p.stuckReadings > 0 && s.n >= p.stuckReadings && t - s.since >= p.stuckS * 1000)) alarm(v)
    }`,
  'gone-quiet': `
    const ms = s.l === undefined ? 0 : t - s.l
    if (ms > 0) { s.n = (s.n ?? 0) + 1; s.m = (s.m ?? 0) + (ms - (s.m ?? 0)) / Math.min(s.n, 50); s.x = Math.max(ms, (s.x ?? 0) * 0.98) }
    s.l = t
    s.due = t + Math.max(p.leastS, (s.n >= 20 && s.x <= s.m * 3 ? s.x / 1000 : p.expectS) * p.intervals) * 1000`,
  'clock-fault': `
    if (r.deviceTs !== undefined && r.tsSource === 'server') { s.n = (s.n ?? 0) + 1; if (s.n >= p.readings) alarm(r.deviceTs) }
    else s.n = 0`,
}

export const asNodes = (rules: readonly Rule[]): Rule[] => rules.filter(rule => BODIES[rule.kind] !== undefined)

function flowOf(rules: readonly Rule[]): object[] {
  const node = (id: string, func: string, wires: string[][], initialize = '') => ({
    id,
    type: 'function',
    z: 'tab',
    name: id,
    func,
    outputs: wires.length,
    initialize,
    finalize: '',
    libs: [],
    timeout: 0,
    // without a place on the tab it would be taken for a configuration
    x: 100,
    y: 100,
    wires,
  })
  const codeOf = ({ kind, parameters }: Rule) => `
    const p = ${JSON.stringify(parameters)}
    const r = msg.payload
    const t = Date.parse(r.ts)
    const all = context.get('all')
    let s = all.get(r.deviceId)
    if (s === undefined) all.set(r.deviceId, (s = {}))
    let found = null
    const alarm = what => { found = { payload: { deviceId: r.deviceId, what } } }
    ${LEVEL}
    ${BODIES[kind]}
    return [msg, found]`
  const chain = rules.map((rule, i) =>
    node(`rule${i}`, codeOf(rule), [[i + 1 < rules.length ? `rule${i + 1}` : 'out'], ['alarms']], `context.set('all', new Map())`),
  )
  return [{ id: 'tab', type: 'tab', label: 'rules' }, ...chain, node('out', 'return null', [[]]), node('alarms', 'return null', [[]])]
}

export type NodeRedRules = { judge(readings: readonly Reading[]): Promise<void>; alarms(): number; close(): Promise<void> }

export async function startNodeRed(rules: readonly Rule[]): Promise<NodeRedRules> {
  const userDir = mkdtempSync(join(tmpdir(), 'bench-node-red-'))
  writeFileSync(join(userDir, 'flows.json'), JSON.stringify(flowOf(rules)))
  const red = createRequire(import.meta.url)('node-red') as Red
  red.init(createServer(), {
    userDir,
    flowFile: 'flows.json',
    httpAdminRoot: false,
    httpNodeRoot: false,
    credentialSecret: false,
    telemetry: { enabled: false },
    logging: { console: { level: 'off' } },
  })
  const started = new Promise<void>(resolve => red.runtime.events.once('flows:started', resolve))
  await red.start()
  await started
  const first = red.nodes.getNode('rule0')
  const out = red.nodes.getNode('out')
  const alarmsNode = red.nodes.getNode('alarms')
  if (first === null || out === null || alarmsNode === null) throw new Error('Node-RED did not start the flow')
  let judged = 0
  let alarms = 0
  let wake = (): void => {}
  let until = 0
  out.on('input', () => {
    if (++judged === until) wake()
  })
  alarmsNode.on('input', () => void alarms++)
  return {
    async judge(readings) {
      until = judged + readings.length
      const done = new Promise<void>(resolve => (wake = resolve))
      for (const reading of readings) first.receive({ payload: reading })
      await done
    },
    alarms: () => alarms,
    async close() {
      await red.stop()
      rmSync(userDir, { recursive: true, force: true })
    },
  }
}
