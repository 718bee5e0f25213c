// fire-reading: sends each reading of the feed into the flow, in order, and acknowledges it when the flow has finished with it.
import { follow, type Feed } from './feed.ts'
import { progress } from './one-progress.ts'
import type { Red, RedNode } from './red.ts'
import { serverOf } from './server-node.ts'

type Config = {
  id: string
  server?: string
  consumer?: string
  kinds?: string
  areas?: string
  limit?: string | number
  together?: boolean
}

/** A reading whose flow does not finish in this time is acknowledged all the same, and said so. */
const LATE_MS = 30_000
const LIMIT_DEFAULT = 100
const LIMIT_MAX = 500
const CONSUMER = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

export default function (red: Red): void {
  const track = progress(red)
  const taken = new Map<string, string>()

  function FireReading(this: RedNode, config: Config): void {
    red.nodes.createNode(this, config)
    const consumer = config.consumer?.trim() || `flow-${config.id}`
    if (!CONSUMER.test(consumer)) return refuse(this, red._('fire-reading.bad-consumer', { consumer }))
    if (taken.has(consumer)) return refuse(this, red._('fire-reading.taken', { consumer }))
    taken.set(consumer, config.id)

    const request = serverOf(red, config.server)
    let following: { abort: AbortController; ended: Promise<void> } | undefined
    const begin = (): void => {
      const abort = new AbortController()
      const feed: Feed = {
        request,
        consumer,
        limit: Math.min(LIMIT_MAX, Math.max(1, Math.floor(Number(config.limit)) || LIMIT_DEFAULT)),
        inOrder: config.together !== true,
        kinds: list(config.kinds),
        areas: list(config.areas),
        deliver: reading => track.track(() => this.send({ payload: reading, topic: reading.deviceId }), LATE_MS),
        report: state => {
          red.settings.fengsui.feed({ consumer, ...state })
          show(this, state)
        },
        late: reading => this.warn(red._('fire-reading.late', { off: reading.off, deviceId: reading.deviceId, seconds: LATE_MS / 1000 })),
        signal: abort.signal,
      }
      following = { abort, ended: red.settings.fengsui.ready.then(() => follow(feed)) }
    }
    // any deploy may have stopped a node that held one of our readings: begin again from what is acknowledged
    const again = (): void => {
      following?.abort.abort()
      begin()
    }
    red.events.on('flows:started', again)
    this.on('close', done => {
      red.events.removeListener('flows:started', again)
      taken.delete(consumer)
      following?.abort.abort()
      void (following?.ended ?? Promise.resolve()).then(done)
    })
  }
  red.nodes.registerType('fire-reading', FireReading)
}

function refuse(node: RedNode, why: string): void {
  node.status({ fill: 'red', shape: 'ring', text: why })
  node.error(why)
}

function show(node: RedNode, state: { cursor: number; head: number; problem?: string }): void {
  if (state.problem !== undefined) node.status({ fill: 'red', shape: 'ring', text: state.problem.slice(0, 60) })
  else node.status({ fill: 'green', shape: 'dot', text: `${state.cursor} / ${state.head}` })
}

const list = (text: string | undefined): string =>
  (text ?? '')
    .split(/[,，、\s]+/)
    .filter(part => part !== '')
    .join(',')
