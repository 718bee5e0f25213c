// What the rules cost: readings a second through the set that ships, beside decoding the same readings; the share of writing their state;
// how long another set holds the stream up; and a day of 2,000 devices as a backtest. The day is made as it is played; a tenth of it is
// played unless BENCH_DAY=1 asks for all of it.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { noLog, systemClock } from '#contracts/clock.ts'
import type { Message } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { Reading } from '#contracts/reading.ts'
import { backtestParts } from '../bin/backtest-sources.ts'
import { openDispatch } from '../dispatch/index.ts'
import {
  backtest,
  batchesOf,
  createFold,
  createRuleParser,
  loadRuleSet,
  startParser,
  type RuleFiles,
  type RuleSet,
} from '../rules/index.ts'

const START = Date.UTC(2026, 0, 5)
const BATCH = 500
const MINUTES_A_DAY = 24 * 60
const ALL = process.env['BENCH_DAY'] === '1'
const line = (name: string, text: string) => console.log(`${name.padEnd(46)} ${text}`)
const shipped = await loadRuleSet(join(import.meta.dirname, '../rules/sets/default'))
const parts = await backtestParts()

/** A detector that measures, once a minute; rooms are 20 to 23 °C. */
function payloadOf(device: number, minute: number, atMs: number): string {
  const temperature = 20 + ((minute * 7 + device) % 30) / 10
  return `{"v":1,"deviceId":"s${device}","kind":"smoke","ts":${atMs},"smoke":{"obscurationDbPerM":${0.01 + (device % 7) / 100},"temperatureC":${temperature},"coPpm":${(minute + device) % 4}}}`
}
const topicOf = (device: number) => `fire/v1/smoke/s${device}/telemetry`
const atOf = (device: number, minute: number, devices: number) => START + minute * 60_000 + Math.floor((device / devices) * 60_000)

function message(device: number, minute: number, devices: number, seq: number): Message {
  const atMs = atOf(device, minute, devices)
  const origin = {
    identity: 'bench',
    clientId: 'bench',
    dup: false,
    qos: 1 as const,
    retain: false,
    receivedAtMs: atMs,
    committedAtMs: atMs,
  }
  return { ...origin, seq, topic: topicOf(device), payload: Buffer.from(payloadOf(device, minute, atMs)) }
}

/** Decoded in portions, so that both sides of the ratio run interleaved and share whatever else the machine does. */
function folding(devices: number, rounds: number) {
  const fold = createFold({ ruleSet: shipped })
  const decode = parts.decoder()
  const spent = { decodeMs: 0, foldMs: 0, dirtyMs: 0, commitMs: 0 }
  const dir = mkdtempSync(join(tmpdir(), 'bench-rules-'))
  const queue = openDispatch({ file: join(dir, 'dispatch.db'), clock: systemClock, log: noLog, meter: noMeter })
  let seq = 0
  for (let minute = 0; minute < rounds; minute++) {
    for (let from = 0; from < devices; from += BATCH) {
      const messages = Array.from({ length: Math.min(BATCH, devices - from) }, (_, i) => message(from + i, minute, devices, ++seq))
      const t0 = performance.now()
      const readings: Reading[] = []
      for (const m of messages) readings.push(...decode(m))
      const t1 = performance.now()
      for (const [i, reading] of readings.entries()) fold.apply(reading, messages[i]!.seq)
      const t2 = performance.now()
      const rows = fold.dirty()
      const t3 = performance.now()
      queue.commit({ position: seq, signals: [], rows: [{ room: 'rules', rows }] })
      const t4 = performance.now()
      spent.decodeMs += t1 - t0
      spent.foldMs += t2 - t1
      spent.dirtyMs += t3 - t2
      spent.commitMs += t4 - t3
    }
  }
  queue.close()
  rmSync(dir, { recursive: true, force: true })
  const perS = (ms: number) => `${Math.round((seq / ms) * 1000).toLocaleString('en')}/s`
  const state = spent.dirtyMs + spent.commitMs
  line(
    `${devices.toLocaleString('en')} devices, ${rounds} rounds: rules`,
    `${perS(spent.foldMs)}  (${(spent.foldMs / spent.decodeMs).toFixed(2)} x the time of decoding, ${perS(spent.decodeMs)})`,
  )
  line(
    '  their state, written every 500 readings',
    `${((state / (state + spent.foldMs)) * 100).toFixed(0)} % of rules and state (rows ${spent.dirtyMs.toFixed(0)} ms, commits ${spent.commitMs.toFixed(0)} ms)`,
  )
  return fold
}

/** The set that ships, repeated for buildings until there are 500 rules, 20 to a file. */
function largeSet(): { files: RuleFiles; changed: RuleFiles } {
  const rules = Array.from({ length: 500 }, (_, i) => {
    const rule = shipped.rules[i % shipped.rules.length]!
    return { ...rule, id: `${rule.id.slice(0, 40)}-${i}`, scope: { ...rule.scope, buildings: [`b${i}`] } }
  })
  const fileOf = (n: number, version: number) =>
    JSON.stringify(
      rules.slice(n * 20, n * 20 + 20).map(rule => ({ ...rule, version })),
      null,
      2,
    )
  const files = Object.fromEntries(Array.from({ length: 25 }, (_, n) => [`f${String(n).padStart(2, '0')}.yaml`, fileOf(n, 1)]))
  return { files, changed: { ...files, 'f07.yaml': fileOf(7, 2) } }
}

async function reloading(fold: ReturnType<typeof folding>): Promise<void> {
  const { files, changed } = largeSet()
  const baseline0 = performance.now()
  createRuleParser()('bench', files)
  const inlineMs = performance.now() - baseline0
  const parser = startParser()
  const first = await parser.parse('bench', files)
  fold.use(first)
  const loop = monitorEventLoopDelay({ resolution: 1 })
  await delay(200)
  loop.enable()
  const cpu0 = process.cpuUsage()
  const t0 = performance.now()
  const next = await parser.parse('bench', changed)
  const t1 = performance.now()
  fold.use(next)
  const t2 = performance.now()
  const cpu = process.cpuUsage(cpu0)
  await delay(20)
  loop.disable()
  line(
    '500 rules, one file of 25 changed',
    `in force after ${(t2 - t0).toFixed(0)} ms, ${((cpu.user + cpu.system) / 1000).toFixed(0)} ms of CPU, ${((t2 - t0) / inlineMs).toFixed(2)} x reading them all in this thread (${inlineMs.toFixed(0)} ms)`,
  )
  line(
    '  longest pause of the thread that judges',
    `${(loop.max / 1e6).toFixed(1)} ms, of that ${(t2 - t1).toFixed(1)} ms for the change itself, ${fold.size().subjects.toLocaleString('en')} subjects`,
  )
  const kinds: RuleSet = { ...next, version: 'other-ids', rules: next.rules.slice(1) }
  const t3 = performance.now()
  fold.use(kinds)
  line('  a rule less', `${(performance.now() - t3).toFixed(1)} ms for the change itself`)
  await parser.close()
}

function* day(devices: number, minutes: number): Generator<Buffer> {
  for (let minute = 0; minute < minutes; minute++) {
    const lines = Array.from({ length: devices }, (_, device) => {
      const atMs = atOf(device, minute, devices)
      return `{"receivedAt":"${new Date(atMs + 40).toISOString()}","topic":"${topicOf(device)}","qos":1,"retain":false,"payload":${payloadOf(device, minute, atMs)}}\n`
    })
    yield Buffer.from(lines.join(''))
  }
}

async function dayOfBacktest(): Promise<void> {
  const minutes = ALL ? MINUTES_A_DAY : MINUTES_A_DAY / 10
  const t0 = performance.now()
  const cpu0 = process.cpuUsage()
  const result = await backtest(shipped, [{ name: 'day', batches: batchesOf('day', day(2_000, minutes)), truth: { fires: [] } }], parts)
  const s = (performance.now() - t0) / 1000
  const { user, system } = process.cpuUsage(cpu0)
  const messages = result.recordings[0]?.messages ?? 0
  const whole = MINUTES_A_DAY / minutes
  line(
    `backtest, 2,000 devices, ${(minutes / 60).toFixed(1)} h`,
    `${s.toFixed(1)} s, ${((user + system) / 1e6).toFixed(1)} s of CPU, ${Math.round(messages / s).toLocaleString('en')} readings/s`,
  )
  if (!ALL) line('  a day of that (2.9 M readings), reckoned', `${(s * whole).toFixed(0)} s; BENCH_DAY=1 plays it all`)
  if (result.recordings[0]?.falseAlarms.length !== 0) throw new Error('the day has no fire, but alarms were raised')
}

folding(20_000, 3)
await reloading(folding(100_000, 1))
await dayOfBacktest()
