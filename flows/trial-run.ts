// A Node-RED without editor, network and clock that tries flows: the program of flows/trials.ts. Gets flows and readings as lines of JSON on
// stdin, plays them as fast as the flow works, and answers over IPC what was raised. In shadow it follows the live feed instead.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { lockDown } from './lockdown.ts'
import { openLine } from './line.ts'
import type { FlowNode, Start } from './link.ts'
import type { AlarmRequest } from './nodes/lib/alert.ts'
import type { FeedReading, FeedTick } from './nodes/lib/feed.ts'
import type { Own, Tap } from './nodes/lib/red.ts'
import { trialSettings } from './settings.ts'
import type { Played, TrialAlarm, TrialLine } from './trials.ts'

type NodeRed = {
  init(server: unknown, settings: Record<string, unknown>): void
  start(): Promise<void>
  events: { once(name: string, heard: () => void): void }
  runtime: { flows: { setFlows(o: object): Promise<unknown> } }
}

lockDown()
const require = createRequire(import.meta.url)
const red = require('node-red') as NodeRed

const PROBLEMS_MAX = 20
const CHARS_MAX = 500

let raised: TrialAlarm[] = []
let problems: string[] = []
let commands = 0
const taps = new Set<Tap>()

const line = openLine(message => {
  if (message.type === 'start') void run(message.start).catch(fail)
  if (message.type === 'stop') process.exit(0)
})
process.on('uncaughtException', fail)

function noted(alarm: AlarmRequest): TrialAlarm {
  const { idempotencyKey, rule, kind, severity, subject, deviceId, place, at, text, evidence } = alarm
  return {
    key: idempotencyKey,
    rule,
    kind,
    severity,
    subject,
    ...(deviceId !== undefined && { deviceId }),
    ...(place !== undefined && { place }),
    at,
    text,
    evidence: evidence.length,
  }
}

async function run(start: Start): Promise<void> {
  line.tell({ type: 'hello' })
  const isShadow = start.trial === 'shadow'
  let revision = 'none'
  const seen = new Set<string>()
  const own: Own = {
    apiUrl: start.apiUrl,
    token: start.apiToken,
    revision: () => revision,
    ready: Promise.resolve(),
    feed: state => line.tell({ type: 'feed', state }),
    ...(isShadow && { prefix: 'shadow-' }),
    trial: {
      ...(!isShadow && { tap: (tap: Tap) => (taps.add(tap), () => taps.delete(tap)) }),
      raised(alarm) {
        if (isShadow) return line.tell({ type: 'shadow', alarm: noted(alarm) })
        // the same key raises once, as in the queue
        if (seen.has(alarm.idempotencyKey)) return
        seen.add(alarm.idempotencyKey)
        raised.push(noted(alarm))
      },
      commanded: () => void commands++,
    },
  }
  const problem = (text: string): void => {
    if (problems.length < PROBLEMS_MAX) problems.push(text.slice(0, CHARS_MAX))
    if (isShadow) line.tell({ type: 'log', level: 'warn', message: `shadow: ${text.slice(0, CHARS_MAX)}` })
  }
  red.init(createServer(), trialSettings(start, own, problem))
  const began = new Promise<void>(resolve => red.events.once('flows:started', resolve))
  await red.start()
  await began
  line.tell({ type: 'ready' })

  async function use(flows: FlowNode[]): Promise<void> {
    revision = createHash('sha256').update(JSON.stringify(flows)).digest('hex')
    // nothing of the flows before: contexts of nodes that are gone are forgotten
    for (const nodes of [[], flows]) {
      const started = new Promise<void>(resolve => red.events.once('flows:started', resolve))
      await red.runtime.flows.setFlows({ flows: { flows: nodes }, deploymentType: 'full', req: {} })
      await started
    }
    seen.clear()
    raised = []
    problems = []
    commands = 0
  }
  if (isShadow) await use((await line.ask('getFlows')).flows)
  else await play(use)
}

/** One line after the other: what it names is played to the end before the next begins. */
async function play(use: (flows: FlowNode[]) => Promise<void>): Promise<void> {
  let readings = 0
  let beganMs = 0
  let name = ''
  const end = (): void => {
    const digest = createHash('sha256')
    for (const { key, kind, at, severity } of raised) digest.update(`${key} ${kind} ${at} ${severity}\n`)
    const played: Played = {
      name,
      alarms: raised,
      commands,
      problems,
      readings,
      ms: performance.now() - beganMs,
      digest: digest.digest('hex'),
    }
    line.tell({ type: 'played', played })
  }
  const one = async (text: string): Promise<void> => {
    if (isForNobody(text)) return void readings++
    const entry = JSON.parse(text) as TrialLine
    if ('off' in entry) {
      if (!('at' in entry)) readings++
      for (const tap of taps) {
        if (!wants(tap, entry)) continue
        const outcome = tap.deliver(entry)
        if (outcome !== undefined && (await outcome) === 'late') problems.push(`a reading of ${name} was not finished in time`)
      }
      return
    }
    if ('play' in entry) {
      await use(entry.play.flows)
      name = entry.play.name
      readings = 0
      beganMs = performance.now()
    } else if ('end' in entry) end()
  }
  let rest = ''
  process.stdin.setEncoding('utf8')
  for await (const chunk of process.stdin) {
    const text = rest + String(chunk)
    let from = 0
    for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
      if (at > from) await one(text.slice(from, at))
      from = at + 1
    }
    rest = text.slice(from)
  }
}

/** A reading of a kind that no fire-reading wants need not be understood: most of what a district says is of other kinds. */
function isForNobody(text: string): boolean {
  if (!text.startsWith('{"off"') || !text.includes('"kind":')) return false
  for (const tap of taps) {
    if (tap.kinds === '') return false
    for (const kind of filterOf(tap).kinds ?? []) if (text.includes(`"kind":"${kind}"`)) return false
  }
  return taps.size > 0
}

const filters = new WeakMap<Tap, { kinds: Set<string> | null; areas: Set<string> | null }>()
function filterOf(tap: Tap): { kinds: Set<string> | null; areas: Set<string> | null } {
  let filter = filters.get(tap)
  if (filter === undefined) {
    const set = (list: string) => (list === '' ? null : new Set(list.split(',')))
    filters.set(tap, (filter = { kinds: set(tap.kinds), areas: set(tap.areas) }))
  }
  return filter
}

function wants(tap: Tap, entry: FeedReading | FeedTick): boolean {
  if (!('deviceId' in entry)) return tap.ticks
  const { kinds, areas } = filterOf(tap)
  return (kinds?.has(entry.kind) ?? true) && (areas?.has(entry.place?.area ?? '') ?? true)
}

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(1)
}
