// fire-rule: the rules engine inside a flow. Takes readings and ticks, gives alarms that begin, alarms that are over, and more evidence for
// open ones. What it remembers is stored with the consumer's acknowledgement, so a restart goes on exactly where the old one stood.
import type { AlarmSignal } from '../../../contracts/alarm.ts'
import type { Alert } from './alert.ts'
import type { Engine, EngineFold, EngineSet } from './engine.ts'
import type { FeedReading, FeedTick } from './feed.ts'
import { reasonOf, type Api } from './http.ts'
import { rowsOf, type Keeper, type Row } from './keeper.ts'
import { keepers, progress } from './one-progress.ts'
import { ownOf, type FlowMessage, type Red, type RedNode, type Send } from './red.ts'
import { serverOf } from './server-node.ts'
import { judged, type JudgeAhead } from './straight.ts'

type Config = { id: string; server?: string; rules?: string; name?: string }

const LOAD_MS_MAX = 10_000
const LOAD_RETRY_MS = 500

export const ruleNode =
  (engine: Engine) =>
  (red: Red): void => {
    const { hold, consumer: consumerOf } = progress(red)
    const own = ownOf(red)
    addPages(red, engine)

    function FireRule(this: RedNode & { judgeAhead?: JudgeAhead }, config: Config): void {
      red.nodes.createNode(this, config)
      const ruleSet = parsed(this, engine, config)
      if (ruleSet === null) return
      const api = serverOf(red, config.server)
      let of: string | undefined
      let fold: EngineFold | null = null
      let loading: Promise<void> | null = null
      let closed = false
      let raised = 0

      const keeper: Keeper = { node: config.id, changed: (): Row[] => fold?.dirty() ?? [] }
      const forget = (): void => {
        fold = null
        loading = null
      }
      async function load(consumer: string): Promise<void> {
        const stored = own.trial?.tap === undefined ? await rowsStored(api, consumer, config.id, () => closed) : []
        fold = engine.createFold({ ruleSet: ruleSet!, rows: stored })
        keepers().join(consumer, keeper)
      }
      const say = (message: FlowMessage, signals: AlarmSignal[], send: Send): void => {
        for (const signal of signals) {
          if (signal.type === 'raise') this.status({ fill: 'red', shape: 'dot', text: String(++raised) })
          send(outputsOf(message, signal, ruleSet!))
        }
      }
      const judge = (of: EngineFold, entry: unknown, isTick: boolean): AlarmSignal[] => {
        const signals = isTick ? advanced(of, entry as FeedTick) : isReading(entry) ? of.apply(entry, entry.off) : []
        const [broken] = of.disabled()
        if (broken !== undefined) this.status({ fill: 'red', shape: 'ring', text: `${broken.rule}: ${broken.reason}`.slice(0, 60) })
        return signals
      }
      const hear = (message: FlowMessage, send: Send): void => {
        if (fold === null) return
        const { tick, payload } = message
        say(message, judged.get(message) ?? judge(fold, tick ?? payload, tick !== undefined), send)
      }
      this.judgeAhead = (entry, consumer) => (fold === null || consumer !== of ? undefined : judge(fold, entry, !('deviceId' in entry)))

      this.on('input', (message, send, done) => {
        const consumer = consumerOf(message)
        if (fold !== null && (consumer === undefined || consumer === of)) {
          hear(message, send)
          return done()
        }
        if (consumer === undefined) return done(new Error(red._('fire-rule.no-feed')))
        if (of !== undefined && of !== consumer) return done(new Error(red._('fire-rule.two-feeds', { first: of, second: consumer })))
        of = consumer
        const letGo = hold()
        loading ??= load(consumer)
        void loading
          .then(() => (hear(message, send), done()))
          .catch((error: Error) => void (!closed && done(error)))
          .finally(() => void (!closed && letGo()))
      })
      // a deploy begins every feed again at what is acknowledged, and so must what is remembered
      red.events.on('flows:started', forget)
      this.on('close', done => {
        closed = true
        red.events.removeListener('flows:started', forget)
        keepers().leave(keeper)
        forget()
        done()
      })
    }
    red.nodes.registerType('fire-rule', FireRule)
  }

function parsed(node: RedNode, engine: Engine, config: Config): EngineSet | null {
  try {
    return engine.parse(config.name?.trim() || config.id, config.rules ?? '')
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    node.status({ fill: 'red', shape: 'ring', text: why.slice(0, 60) })
    node.error(why)
    node.on('input', (_message, _send, done) => done(new Error(why)))
    return null
  }
}

/** One signal on the output of its sort: begun, over, more evidence. */
function outputsOf(message: FlowMessage, signal: AlarmSignal, set: EngineSet): (FlowMessage | null)[] {
  const given = { topic: message.topic ?? '', ...(message.payload !== undefined && { payload: message.payload }) }
  if (signal.type === 'clear') return [null, { ...given, cleared: { key: signal.alarmId, at: signal.at, evidence: signal.evidence } }, null]
  if (signal.type === 'update') {
    const { alarmId, at, evidence, severity } = signal
    return [null, null, { ...given, more: { key: alarmId, at, evidence, ...(severity !== undefined && { severity }) } }]
  }
  const { alarmId, kind, severity, subject, deviceId, place, position, at, evidence, text } = signal
  const alert: Alert = {
    key: alarmId,
    rule: signal.rule.id || set.name,
    kind,
    severity,
    subject,
    deviceId,
    ...(place !== undefined && { place }),
    ...(position !== undefined && { position }),
    at,
    evidence,
    text,
  }
  return [{ ...given, alert }, null, null]
}

/** Tries until the server has answered: without what it remembered a rule could raise what was raised, or miss what was half seen. */
async function rowsStored(api: Api, consumer: string, node: string, isClosed: () => boolean): Promise<[string, string][]> {
  for (;;) {
    try {
      const answer = await api.ask(`/api/v1/feed/${encodeURIComponent(consumer)}/rows`, { timeoutMs: LOAD_MS_MAX })
      if (!answer.ok) throw new Error(reasonOf(answer))
      return rowsOf(node, (JSON.parse(answer.body) as { rows: [string, string][] }).rows)
    } catch (error) {
      if (isClosed()) throw error
      await new Promise(resolve => setTimeout(resolve, LOAD_RETRY_MS))
    }
  }
}

const advanced = (fold: EngineFold, { at, off }: FeedTick): AlarmSignal[] => fold.advance(Date.parse(at), { seq: off, isClock: true })
const isReading = (value: unknown): value is FeedReading =>
  typeof value === 'object' && value !== null && 'deviceId' in value && 'ts' in value && 'off' in value

const textIn = (body: unknown): string => {
  const { rules } = (body ?? {}) as { rules?: unknown }
  return typeof rules === 'string' ? rules : ''
}

let hasPages = false
/** For the node's dialog: the kinds with their parameters, and whether a text is a rule. */
function addPages(red: Red, engine: Engine): void {
  if (hasPages || red.httpAdmin?.get === undefined) return
  hasPages = true
  red.httpAdmin.get('/fengsui/rule-schema', red.auth.needsPermission('flows.read'), (_req, res) => res.json(engine.schema()))
  red.httpAdmin.post('/fengsui/rule-check', red.auth.needsPermission('flows.read'), (req, res) => {
    try {
      const { rules } = engine.parse('rules', textIn(req.body))
      res.json({ ok: true, rules: rules.map(({ id, kind }) => ({ id, kind })) })
    } catch (error) {
      res.json({ ok: false, problem: error instanceof Error ? error.message : String(error) })
    }
  })
}
