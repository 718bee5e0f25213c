// fire-alert: raises an alarm through the API. Tries until it is in the queue: the reading that caused it stays open meanwhile, so the
// feed does not go on past it. Gives up at once only where trying again cannot help (a request the API calls wrong).
import { setTimeout as sleep } from 'node:timers/promises'
import { alarmRequest, type Alert, type AlarmRequest } from './alert.ts'
import { reasonOf, type FeedReading } from './feed.ts'
import { progress } from './one-progress.ts'
import { ownOf, type FlowMessage, type Red, type RedNode } from './red.ts'
import { serverOf, type Request } from './server-node.ts'

type Config = { id: string; server?: string; rule?: string; kind?: string; severity?: string | number; zh?: string; en?: string }

const POST_MS_MAX = 10_000
const RETRY_MS_MIN = 250
const RETRY_MS_MAX = 15_000
/** Alerts being sent at once; one more is an error of its message. The feed keeps to 500 readings, so this is a loop elsewhere. */
const OPEN_MAX = 1000

class Refused extends Error {}

export default function (red: Red): void {
  const { hold } = progress(red)
  const own = ownOf(red)

  function FireAlert(this: RedNode, config: Config): void {
    red.nodes.createNode(this, config)
    const request = serverOf(red, config.server)
    const closing = new AbortController()
    let open = 0
    let raised = 0

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
      } else message.alert = { ...wanted, ...(await post(request, wanted, closing.signal, why => failing(this, why))) }
      this.status({ fill: 'green', shape: 'dot', text: String(++raised) })
    }

    this.on('input', (message, send, done) => {
      if (open >= OPEN_MAX) return done(new Error(red._('fire-alert.too-many', { max: OPEN_MAX })))
      open++
      const letGo = hold()
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
async function post(
  request: Request,
  wanted: AlarmRequest,
  closing: AbortSignal,
  failing: (why: string) => void,
): Promise<{ id: string | undefined; status: 'created' | 'merged' }> {
  for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)) {
    let waitMs = retryMs * (0.5 + Math.random() / 2)
    try {
      const response = await request('/api/v1/alarms', {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', 'Idempotency-Key': wanted.idempotencyKey },
        body: JSON.stringify({ ...wanted, rule: undefined }),
        signal: AbortSignal.any([closing, AbortSignal.timeout(POST_MS_MAX)]),
      })
      if (response.ok) return await answerOf(response)
      const why = `${response.status} ${await reasonOf(response)}`
      if (!worthRetrying(response.status)) throw new Refused(`the alarm was refused: ${why}`)
      waitMs = Math.max(waitMs, Math.min(60, Number(response.headers.get('retry-after')) || 0) * 1000)
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

async function answerOf(response: Response): Promise<{ id: string | undefined; status: 'created' | 'merged' }> {
  const body = (await response.json().catch(() => ({}))) as { alarm?: { id?: string } }
  return { id: body.alarm?.id, status: response.status === 201 ? 'created' : 'merged' }
}
