// fire-incident: tells a flow what happens to incidents (opened, merged, acknowledged, dispatched, escalated, cleared, closed), in order and at
// least once. It changes nothing about them.
import { consumerOf, isConsumer } from './consumer.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { reasonOf } from './http.ts'
import { progress } from './one-progress.ts'
import { ownOf, type Red, type RedNode } from './red.ts'
import { serverOf } from './server-node.ts'

type Config = { id: string; server?: string; consumer?: string; whats?: string; category?: string }
type IncidentEvent = { seq: number; incidentId: string; entry: { what: string }; incident: { category?: string } | null }
type Answer = { cursor: number; head: number; events: IncidentEvent[] }

const LATE_MS = 30_000
const WAIT_MS = 20_000
const LIMIT = 100
const RETRY_MS = 1000

export default function (red: Red): void {
  const track = progress(red)
  const own = ownOf(red)

  function FireIncident(this: RedNode, config: Config): void {
    red.nodes.createNode(this, config)
    const consumer = consumerOf(config, own.prefix)
    if (!isConsumer(consumer)) return this.error(red._('fire-incident.bad-consumer', { consumer }))
    // recorded readings make no incidents that people handle
    if (own.trial?.tap !== undefined) return
    const api = serverOf(red, config.server)
    const whats = new Set((config.whats ?? '').split(/[,，、\s]+/).filter(part => part !== ''))
    const wanted = (event: IncidentEvent): boolean =>
      (whats.size === 0 || whats.has(event.entry.what)) && (!config.category || event.incident?.category === config.category)
    const closing = new AbortController()

    const ask = async (ack: number | undefined): Promise<Answer> => {
      const query = new URLSearchParams({ limit: String(LIMIT), wait: String(ack === undefined ? 0 : WAIT_MS) })
      if (ack !== undefined) query.set('ack', String(ack))
      const path = `/api/v1/feed/${encodeURIComponent(consumer)}/incidents?${query.toString()}`
      const answer = await api.ask(path, { timeoutMs: WAIT_MS + LATE_MS, signal: closing.signal })
      if (!answer.ok) throw new Error(reasonOf(answer))
      return JSON.parse(answer.body) as Answer
    }
    const follow = async (): Promise<void> => {
      let ack: number | undefined
      while (!closing.signal.aborted) {
        try {
          const { events, cursor } = await ask(ack)
          for (const event of events.filter(wanted)) {
            const { outcome, drop } = track.track(() => this.send({ payload: event, topic: event.incidentId }), LATE_MS, consumer)
            closing.signal.addEventListener('abort', drop, { once: true })
            await outcome
            if (closing.signal.aborted) return
          }
          ack = cursor
          this.status({ fill: 'green', shape: 'dot', text: String(cursor) })
        } catch (error) {
          if (closing.signal.aborted) return
          ack = undefined
          this.status({ fill: 'red', shape: 'ring', text: (error instanceof Error ? error.message : String(error)).slice(0, 60) })
          await sleep(RETRY_MS, undefined, { signal: closing.signal }).catch(() => {})
        }
      }
    }
    const ended = own.ready.then(follow)
    this.on('close', done => {
      closing.abort()
      void ended.then(done)
    })
  }
  red.nodes.registerType('fire-incident', FireIncident)
}
