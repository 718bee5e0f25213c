// A Node-RED without editor, network and clock that tries flows: the program of flows/trials.ts. Gets flows and readings as lines of JSON on
// stdin, plays them as fast as the flow works, and answers over IPC what was raised. In shadow it follows the live feed instead.
import { createHash } from 'node:crypto'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { closeDoors, lockDown } from './lockdown.ts'
import { openLine } from './line.ts'
import type { FlowNode, Start } from './link.ts'
import type { AlarmRequest } from './nodes/lib/alert.ts'
import type { Own, Tap } from './nodes/lib/red.ts'
import { play } from './play.ts'
import { trialSettings } from './settings.ts'
import type { Played, TrialAlarm } from './trials.ts'

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
let taps: readonly Tap[] = []

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
  if (isShadow) closeDoors(start.closed) // else nothing can be called at all
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
      ...(!isShadow && {
        tap(tap: Tap) {
          taps = [...taps, tap]
          return () => void (taps = taps.filter(other => other !== tap))
        },
      }),
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
      await red.runtime.flows.setFlows({ flows: { flows: nodes.map(quick) }, deploymentType: 'full', req: {} })
      await started
    }
    seen.clear()
    raised = []
    problems = []
    commands = 0
  }
  if (isShadow) return use((await line.ask('getFlows')).flows)
  let beganMs = 0
  let name = ''
  process.stdin.setEncoding('utf8')
  await play({
    lines: process.stdin as AsyncIterable<string>,
    taps: () => taps,
    async begin(story, flows) {
      await use(flows)
      name = story
      beganMs = performance.now()
    },
    end(readings) {
      const digest = digestOf(raised)
      const played: Played = { name, alarms: raised, commands, problems, readings, ms: performance.now() - beganMs, digest }
      line.tell({ type: 'played', played })
    },
    late: () => problem(`a reading of ${name} was not finished in time`),
  })
}

function digestOf(alarms: readonly TrialAlarm[]): string {
  const digest = createHash('sha256')
  for (const { key, kind, at, severity } of alarms) digest.update(`${key} ${kind} ${at} ${severity}\n`)
  return digest.digest('hex')
}

/** The whole trial has a time limit; one of each call of a function would cost fifty times the call. */
const quick = (node: FlowNode): FlowNode => (node.type === 'function' ? { ...node, timeout: 0 } : node)

function fail(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
  process.exit(1)
}
