// What the rules cost: readings a second through the set that ships, of 20,000 and of 100,000 devices, once their usual levels are learnt;
// the same rules as Node-RED function nodes; the share of writing their state; memory a device; how long another set holds the stream up;
// and a day of 2,000 devices as a backtest. A tenth of the day is played unless BENCH_DAY=1 asks for all of it. `rules day` and `rules nodes`
// measure the backtest and the function nodes alone. Rates are of pieces of 100 readings: the median, and the fastest hundredth, which is what the code takes where nobody else uses the machine.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'
import { noLog, systemClock } from '#contracts/clock.ts'
import type { Message } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import type { Reading } from '#contracts/reading.ts'
import { backtestParts } from '../bin/backtest-sources.ts'
import { openSources } from '../bin/decode-ahead.ts'
import { openDispatch } from '../dispatch/index.ts'
import { createCatalogue, createDirectory, loadDecoders } from '../ingest/index.ts'
import { createKeeping } from '../keeping.ts'
import {
  backtest,
  createFold,
  createRuleParser,
  loadRuleSet,
  startParser,
  type Fold,
  type Rule,
  type RuleFiles,
  type RuleSet,
} from '../rules/index.ts'
import { asNodes, startNodeRed } from './node-red-rules.ts'

const START = Date.UTC(2026, 0, 5)
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

const PIECE = 100
/** usual levels are learnt from five readings; the code is warm by then too */
const LEARNT = 7
const perS = (us: number) => `${Math.round(1e6 / us).toLocaleString('en')}/s`

/** Microseconds a reading of each piece. */
class Spent {
  readonly us: number[] = []
  add(ms: number, readings: number): void {
    this.us.push((ms * 1000) / readings)
  }
  at(part: number): number {
    const sorted = this.us.toSorted((a, b) => a - b)
    return sorted[Math.floor(sorted.length * part)] ?? NaN
  }
  total = (): number => this.us.reduce((a, b) => a + b, 0) * PIECE
}

function* pieces(devices: number, fromRound: number, toRound: number): Generator<{ messages: Message[]; isLearnt: boolean }> {
  let seq = fromRound * devices
  for (let minute = fromRound; minute < toRound; minute++)
    for (let from = 0; from < devices; from += PIECE)
      yield { messages: Array.from({ length: PIECE }, (_, i) => message(from + i, minute, devices, ++seq)), isLearnt: minute >= LEARNT }
}

/** Piece by piece through decoders and rules, as on the alarm path; state is written where the alarm path writes it under load. */
function folding(devices: number, rounds: number) {
  const fold = createFold({ ruleSet: shipped })
  const decode = parts.decoder()
  const [decoding, judging] = [new Spent(), new Spent()]
  const heapBefore = heapMiB()
  for (const { messages, isLearnt } of pieces(devices, 0, rounds)) {
    const t0 = performance.now()
    const readings: Reading[] = []
    for (const m of messages) readings.push(...decode(m))
    const t1 = performance.now()
    for (let i = 0; i < readings.length; i++) fold.apply(readings[i]!, messages[i]!.seq, messages[i]!.receivedAtMs)
    const t2 = performance.now()
    if (!isLearnt) continue
    decoding.add(t1 - t0, PIECE)
    judging.add(t2 - t1, PIECE)
  }
  const kb = ((heapMiB() - heapBefore) * 1024) / devices
  line(
    `${devices.toLocaleString('en')} devices: rules`,
    `${perS(judging.at(0.5))} (undisturbed ${perS(judging.at(0.01))}), ${(judging.at(0.5) / decoding.at(0.5)).toFixed(2)} x the time of decoding (${perS(decoding.at(0.5))})`,
  )
  line('  memory a device, directory and rules', `${kb.toFixed(1)} KB`)
  return { fold, judging }
}

function heapMiB(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed / 2 ** 20
}

/** The alarm path's work on the same readings, with the state of rules and directory kept as the path keeps it. Time counts only that work. */
async function keepingState(devices: number, rounds: number): Promise<void> {
  const decoders = await loadDecoders()
  const catalogue = createCatalogue({ decoders })
  const directory = createDirectory({})
  const fold = createFold({ ruleSet: shipped })
  const dir = mkdtempSync(join(tmpdir(), 'bench-rules-'))
  const dispatch = openDispatch({ file: join(dir, 'dispatch.db'), clock: systemClock, log: noLog, meter: noMeter })
  const spent = { path: 0, keep: 0, portion: 0, rows: 0 }
  const keeping = createKeeping({ catalogue, directory, fold, notes: { dirty: () => [] } }, () => spent.path + spent.keep)
  for (const { messages, isLearnt } of pieces(devices, 0, rounds)) {
    const t0 = performance.now()
    for (const m of messages)
      for (const reading of catalogue.decode(m).readings) fold.apply(directory.apply(reading).reading, m.seq, m.receivedAtMs)
    directory.touched()
    const t1 = performance.now()
    if (isLearnt) spent.path += t1 - t0
    const position = messages.at(-1)?.seq ?? 0
    if (keeping.isDue(position)) keeping.begin(position)
    if (!keeping.isPortionDue()) continue
    const portion = keeping.portion()
    dispatch.commit({ position, signals: [], rows: [], kept: [portion] })
    const ms = performance.now() - t1
    keeping.spent(ms)
    spent.rows += portion.rows.reduce((sum, { rows }) => sum + rows.length, 0)
    spent.keep += ms
    spent.portion = Math.max(spent.portion, ms)
  }
  dispatch.close()
  rmSync(dir, { recursive: true, force: true })
  line(
    `  keeping their state`,
    `${((spent.keep / (spent.keep + spent.path)) * 100).toFixed(1)} % of the alarm path's time (${spent.rows.toLocaleString('en')} rows, ${((spent.keep * 1000) / spent.rows).toFixed(1)} us each; longest portion ${spent.portion.toFixed(1)} ms)`,
  )
}

async function besideNodeRed(devices: number, rounds: number): Promise<void> {
  const rules = asNodes(shipped.rules).filter(rule => isFor(rule))
  const red = await startNodeRed(rules)
  const fold = createFold({ ruleSet: { ...shipped, rules } })
  const decode = parts.decoder()
  const [ours, theirs] = [new Spent(), new Spent()]
  for (const { messages, isLearnt } of pieces(devices, 0, rounds)) {
    const readings = messages.flatMap(m => decode(m))
    const t0 = performance.now()
    for (let i = 0; i < readings.length; i++) fold.apply(readings[i]!, messages[i]!.seq, messages[i]!.receivedAtMs)
    const t1 = performance.now()
    await red.judge(readings)
    const t2 = performance.now()
    if (!isLearnt) continue
    ours.add(t1 - t0, PIECE)
    theirs.add(t2 - t1, PIECE)
  }
  if (red.alarms() > 0) throw new Error('the function nodes raise alarms where nothing burns')
  line(
    `${rules.length} rules, ${devices.toLocaleString('en')} devices, as function nodes`,
    `Node-RED ${perS(theirs.at(0.5))}, ours ${perS(ours.at(0.5))}: ${(theirs.at(0.5) / ours.at(0.5)).toFixed(1)} x`,
  )
  await red.close()
}

/** Those that look at a smoke detector with these values. */
const METRICS = ['obscuration_db_per_m', 'temperature_c', 'co_ppm']
function isFor({ kind, scope, parameters }: Rule): boolean {
  const { metric, terms = [] } = parameters as { metric?: string; terms?: { climbOverS?: number }[] }
  // the function nodes know no climb of a room
  if (terms.some(({ climbOverS }) => climbOverS !== undefined)) return false
  if (scope.notKinds?.includes('smoke') === true || (scope.kinds !== undefined && !scope.kinds.includes('smoke'))) return false
  return metric === undefined ? ['fuse', 'gone-quiet', 'clock-fault'].includes(kind) : METRICS.includes(metric)
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

async function reloading(fold: Fold): Promise<void> {
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

function writeDay(file: string, devices: number, minutes: number): void {
  const to = openSync(file, 'w')
  for (let minute = 0; minute < minutes; minute++) {
    const lines = Array.from({ length: devices }, (_, device) => {
      const atMs = atOf(device, minute, devices)
      return `{"receivedAt":"${new Date(atMs + 40).toISOString()}","topic":"${topicOf(device)}","qos":1,"retain":false,"payload":${payloadOf(device, minute, atMs)}}\n`
    })
    writeSync(to, lines.join(''))
  }
  closeSync(to)
}

/** As `npm run backtest` plays it from its file; the whole of it, the start of the thread that decodes included. */
async function playDay(file: string, isAhead: boolean): Promise<{ s: number; messages: number; cpuS: number }> {
  const t0 = performance.now()
  const cpu0 = process.cpuUsage()
  await using sources = openSources([{ file }], undefined, isAhead)
  const [recording] = (await backtest(shipped, sources.open(), parts)).recordings
  if (recording?.falseAlarms.length !== 0 || recording.alarms.length !== 0) throw new Error('the day has no fire, but alarms were raised')
  const { user, system } = process.cpuUsage(cpu0)
  return { s: (performance.now() - t0) / 1000, messages: recording.messages, cpuS: (user + system) / 1e6 }
}

async function dayOfBacktest(): Promise<void> {
  const minutes = ALL ? MINUTES_A_DAY : MINUTES_A_DAY / 10
  const dir = mkdtempSync(join(tmpdir(), 'bench-day-'))
  const file = join(dir, 'day.jsonl')
  try {
    writeDay(file, 2_000, minutes)
    for (const isAhead of ALL ? [true] : [false, true]) {
      const { s, messages, cpuS } = await playDay(file, isAhead)
      line(
        `backtest, 2,000 devices, ${(minutes / 60).toFixed(1)} h, decoded ${isAhead ? 'ahead' : 'in the same thread'}`,
        `${s.toFixed(1)} s, ${cpuS.toFixed(1)} s of CPU, ${Math.round(messages / s).toLocaleString('en')} readings/s${ALL ? '' : `; a day of that ${((s * MINUTES_A_DAY) / minutes).toFixed(0)} s`}`,
      )
    }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

const only = process.argv[2]
if (only === undefined) {
  const small = folding(20_000, 20)
  await keepingState(20_000, 100)
  const large = folding(100_000, 11)
  line('  rate of 100,000 devices beside 20,000', `${(small.judging.at(0.5) / large.judging.at(0.5)).toFixed(2)} x`)
  await reloading(large.fold)
}
if (only === undefined || only === 'nodes') await besideNodeRed(5_000, 16)
if (only === undefined || only === 'day') await dayOfBacktest()
