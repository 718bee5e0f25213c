// fire-reading: sends each reading of the feed into the flow, in order, and acknowledges it when the flow has finished with it.
import { consumerOf, isConsumer } from './consumer.ts'
import { follow, type Feed, type FeedReading, type FeedTick } from './feed.ts'
import { keepers, progress } from './one-progress.ts'
import { QUICK, type Tracked } from './progress.ts'
import { ownOf, type FlowMessage, type Red, type RedNode } from './red.ts'
import { serverOf } from './server-node.ts'
import { judged, ruleBehind, type JudgeAhead } from './straight.ts'

type Config = {
  id: string
  server?: string
  consumer?: string
  kinds?: string
  areas?: string
  limit?: string | number
  together?: boolean
  ticks?: boolean
}

/** A reading whose flow does not finish in this time is acknowledged all the same, and said so. */
const LATE_MS = 30_000
const LIMIT_DEFAULT = 500
/** Where the machine is busy an acknowledgement takes a tenth of a second and more: with fewer on their way the flow would wait for it. */
const LIMIT_MAX = 2_000

export default function (red: Red): void {
  const track = progress(red)
  const own = ownOf(red)
  const taken = new Map<string, string>()

  function FireReading(this: RedNode, config: Config): void {
    red.nodes.createNode(this, config)
    const consumer = consumerOf(config, own.prefix)
    if (!isConsumer(consumer)) return refuse(this, red._('fire-reading.bad-consumer', { consumer }))
    if (taken.has(consumer)) return refuse(this, red._('fire-reading.taken', { consumer }))
    taken.set(consumer, config.id)
    const filter = { kinds: list(config.kinds), areas: list(config.areas), ticks: config.ticks === true }
    /** null = to be looked for: a deploy may have put another node behind this one */
    let behind: { judge: JudgeAhead | undefined } | null = null
    const deliver = (entry: FeedReading | FeedTick): Tracked => {
      behind ??= { judge: ruleBehind(red, this) }
      const signals = behind.judge?.(entry, consumer)
      if (signals?.length === 0) return QUICK
      const message = messageOf(entry)
      if (signals !== undefined) judged.set(message, signals)
      return track.track(() => this.send(message), LATE_MS, consumer)
    }
    const forget = (): void => void (behind = null)
    red.events.on('flows:started', forget)
    this.on('close', done => (red.events.removeListener('flows:started', forget), done()))

    const { trial } = own
    if (trial?.tap !== undefined) {
      const leave = trial.tap({
        node: config.id,
        ...filter,
        deliver(entry) {
          const { outcome, isDone } = deliver(entry)
          return isDone ? undefined : outcome
        },
      })
      this.on('close', done => (leave(), taken.delete(consumer), done()))
      return
    }
    const api = serverOf(red, config.server)
    let following: { abort: AbortController; ended: Promise<void> } | undefined
    const begin = (): void => {
      const abort = new AbortController()
      const feed: Feed = {
        api,
        consumer,
        limit: Math.min(LIMIT_MAX, Math.max(1, Math.floor(Number(config.limit)) || LIMIT_DEFAULT)),
        inOrder: config.together !== true,
        ...filter,
        keepers: keepers(),
        deliver,
        report: state => {
          own.feed({ consumer, ...state })
          show(this, state)
        },
        late: entry =>
          this.warn(
            red._('fire-reading.late', { off: entry.off, deviceId: 'deviceId' in entry ? entry.deviceId : '-', seconds: LATE_MS / 1000 }),
          ),
        signal: abort.signal,
      }
      following = { abort, ended: own.ready.then(() => follow(feed)) }
    }
    // any deploy may have stopped a node that held one of our readings: begin again from what is acknowledged
    const again = (): void => {
      const before = following
      before?.abort.abort()
      void (before?.ended ?? Promise.resolve()).then(() => taken.get(consumer) === config.id && begin())
    }
    red.events.on('flows:started', again)
    this.on('close', done => {
      red.events.removeListener('flows:started', again)
      taken.delete(consumer)
      following?.abort.abort()
      void (following?.ended ?? Promise.resolve()).then(() => {
        own.feed({ consumer, cursor: 0, head: 0, gone: true })
        done()
      })
    })
  }
  red.nodes.registerType('fire-reading', FireReading)
}

/** Named by its place in the journal: the same in every run, and cheaper than the name Node-RED would throw dice for. */
const messageOf = (entry: FeedReading | FeedTick): FlowMessage => {
  const _msgid = entry.off.toString(16).padStart(16, '0')
  return 'deviceId' in entry ? { _msgid, payload: entry, topic: entry.deviceId } : { _msgid, tick: entry, topic: 'tick' }
}

function refuse(node: RedNode, why: string): void {
  node.status({ fill: 'red', shape: 'ring', text: why })
  node.error(why)
}

const STATUS_MS = 500
const shown = new WeakMap<RedNode, number>()
/** The editor is told at most twice a second; a problem at once. */
function show(node: RedNode, state: { cursor: number; head: number; problem?: string }): void {
  if (state.problem !== undefined) return node.status({ fill: 'red', shape: 'ring', text: state.problem.slice(0, 60) })
  const now = Date.now()
  if (now - (shown.get(node) ?? 0) < STATUS_MS && state.cursor < state.head) return
  shown.set(node, now)
  node.status({ fill: 'green', shape: 'dot', text: `${state.cursor} / ${state.head}` })
}

const list = (text: string | undefined): string =>
  (text ?? '')
    .split(/[,，、\s]+/)
    .filter(part => part !== '')
    .join(',')
