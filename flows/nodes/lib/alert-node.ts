// fire-alert: raises an alarm through the API. Tries until it is in the queue: the reading that caused it is not acknowledged before. The flow
// goes on meanwhile where nothing comes behind the node. Gives up at once only where trying again cannot help (a request the API calls wrong).
import { setTimeout as sleep } from 'node:timers/promises'
import { alarmRequest, type Alert, type AlarmRequest } from './alert.ts'
import type { FeedReading } from './feed.ts'
import { reasonOf, type Answer, type Api } from './http.ts'
import { progress } from './one-progress.ts'
import { ownOf, type FlowMessage, type Red, type RedNode } from './red.ts'
import { serverOf } from './server-node.ts'

type Config = { id: string; server?: string; rule?: string; kind?: string; severity?: string | number; zh?: string; en?: string }

const POST_MS_MAX = 10_000
const RETRY_MS_MIN = 250
const RETRY_MS_MAX = 15_000
/** Alerts being sent at once; one more is an error of its message. A flow waits long before, so this is a loop elsewhere. */
const OPEN_MAX = 1000
/** with as many on their way the flow waits for each */
const AHEAD_MAX = 200

class Refused extends Error {}
type Made = { id: string | undefined; status: 'created' | 'merged' }

export default function (red: Red): void {
  const { hold } = progress(red)
  const own = ownOf(red)

  function FireAlert(this: RedNode, config: Config): void {
    red.nodes.createNode(this, config)
    const api = serverOf(red, config.server)
    const closing = new AbortController()
    let open = 0
    let raised = 0
    /** the newest of each subject that is on its way: what is said about one subject arrives in the order in which it was said */
    const before = new Map<string, Promise<Made>>()

    const inTurn = async (wanted: AlarmRequest): Promise<Made> => {
      const { subject } = wanted
      const last = before.get(subject)
      const send = (): Promise<Made> => post(api, wanted, closing.signal, why => failing(this, why))
      const mine = last === undefined ? send() : last.then(send, send)
      before.set(subject, mine)
      try {
        return await mine
      } finally {
        if (before.get(subject) === mine) before.delete(subject)
      }
    }

    const raise = async (message: FlowMessage): Promise<void> => {
      const defaults = {
        rule: config.rule?.trim() || config.id,
        kind: config.kind || 'pre-alarm',
        severity: Number(config.severity) || 3,
        zh: config.zh ?? '',
        en: config.en ?? '',
        revision: own.revision(),
      }
      const wanted = alarmRequest((message.alert ?? {}) as Alert, message.payload as FeedReading | undefined, defaults)
      if (own.trial !== undefined) {
        own.trial.raised(wanted)
        message.alert = { ...wanted, id: wanted.idempotencyKey, status: 'created' }
      } else message.alert = { ...wanted, ...(await inTurn(wanted)) }
      this.status({ fill: 'green', shape: 'dot', text: String(++raised) })
    }

    this.on('input', (message, send, done) => {
      if (open >= OPEN_MAX) return done(new Error(red._('fire-alert.too-many', { max: OPEN_MAX })))
      open++
      const isLast = open < AHEAD_MAX && (this.wires ?? []).every(output => output.length === 0)
      const letGo = hold({ isLast })
      void raise(message)
        .then(
          () => (send(message), done()),
          (error: Error) => {
            if (closing.signal.aborted) return // not finished: the reading comes again
            this.status({ fill: 'red', shape: 'dot', text: error.message.slice(0, 60) })
            done(error)
          },
        )
        .finally(() => {
          open--
          if (!closing.signal.aborted) letGo()
        })
    })
    this.on('close', done => {
      closing.abort()
      done()
    })
  }
  red.nodes.registerType('fire-alert', FireAlert)
}

function failing(node: RedNode, why: string): void {
  node.status({ fill: 'yellow', shape: 'ring', text: why.slice(0, 60) })
  node.warn(why)
}

/** @throws Refused when the API says the request itself is wrong, AbortError when the node closes */
async function post(api: Api, wanted: AlarmRequest, closing: AbortSignal, failing: (why: string) => void): Promise<Made> {
  for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)) {
    let waitMs = retryMs * (0.5 + Math.random() / 2)
    try {
      const answer = await api.ask('/api/v1/alarms', {
        method: 'POST',
        headers: { 'idempotency-key': wanted.idempotencyKey },
        body: JSON.stringify({ ...wanted, rule: undefined }),
        timeoutMs: POST_MS_MAX,
        signal: closing,
      })
      if (answer.ok) return madeOf(answer)
      const why = reasonOf(answer)
      if (!worthRetrying(answer.status)) throw new Refused(`the alarm was refused: ${why}`)
      waitMs = Math.max(waitMs, Math.min(60, answer.retryAfterS) * 1000)
      failing(`the alarm is not in the queue yet: ${why}`)
    } catch (error) {
      if (closing.aborted || error instanceof Refused) throw error
      failing(`the alarm is not in the queue yet: ${error instanceof Error ? error.message : String(error)}`)
    }
    await sleep(waitMs, undefined, { signal: closing })
  }
}

/** 401 and 403 too: a token can be put right, and no alarm may be lost until it is. */
const worthRetrying = (status: number): boolean => status >= 500 || [401, 403, 404, 408, 425, 429].includes(status)

function madeOf({ status, body }: Answer): Made {
  try {
    return { id: (JSON.parse(body) as { alarm?: { id?: string } }).alarm?.id, status: status === 201 ? 'created' : 'merged' }
  } catch {
    return { id: undefined, status: status === 201 ? 'created' : 'merged' }
  }
}
