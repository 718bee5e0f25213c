// fire-command: asks for a command to a device: a speaker, a camera, a drone, a valve. What needs a person waits for one: the server decides
// which commands a flow may give by itself. Nothing is sent while a flow is on trial.
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { FeedReading } from './feed.ts'
import { reasonOf, type Api } from './http.ts'
import { progress } from './one-progress.ts'
import { ownOf, type FlowMessage, type Red, type RedNode } from './red.ts'
import { serverOf } from './server-node.ts'

type Config = { id: string; server?: string; device?: string; command?: string; parameters?: string; reason?: string }
type Wanted = { deviceId: string; command: string; parameters?: Record<string, unknown>; reason: string; key: string; origin: string }
type Said = { device?: string; command?: string; parameters?: Record<string, unknown>; reason?: string; episode?: string }

const POST_MS_MAX = 10_000
const RETRY_MS_MIN = 250
const RETRY_MS_MAX = 5000
const OPEN_MAX = 200

class Refused extends Error {}

export default function (red: Red): void {
  const { hold } = progress(red)
  const own = ownOf(red)

  function FireCommand(this: RedNode, config: Config): void {
    red.nodes.createNode(this, config)
    const api = serverOf(red, config.server)
    const closing = new AbortController()
    let open = 0

    const give = async (message: FlowMessage): Promise<void> => {
      const wanted = wantedOf(message, config, own.revision())
      if (own.trial !== undefined) {
        own.trial.commanded(wanted)
        message['command'] = { ...wanted, status: 'trial' }
        return
      }
      message['command'] = { ...wanted, ...(await post(api, wanted, closing.signal)) }
    }
    this.on('input', (message, send, done) => {
      if (open >= OPEN_MAX) return done(new Error(red._('fire-command.too-many', { max: OPEN_MAX })))
      open++
      const letGo = hold()
      void give(message)
        .then(
          () => (this.status({ fill: 'green', shape: 'dot', text: '' }), send(message), done()),
          (error: Error) => {
            if (closing.signal.aborted) return
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
  red.nodes.registerType('fire-command', FireCommand)
}

/** @throws Error with what is missing */
export function wantedOf(message: FlowMessage, config: Config, revision: string): Wanted {
  const said = (message['command'] ?? {}) as Said
  const reading = message.payload as Partial<FeedReading> | undefined
  const alert = message.alert as { key?: string; idempotencyKey?: string } | undefined
  const deviceId = said.device ?? (config.device?.trim() || reading?.deviceId)
  const command = said.command ?? config.command?.trim()
  if (!deviceId) throw new Error('a command needs a device')
  if (!command) throw new Error('a command needs a name')
  const parameters = said.parameters ?? (config.parameters?.trim() ? (JSON.parse(config.parameters) as Record<string, unknown>) : undefined)
  const episode = said.episode ?? alert?.idempotencyKey ?? alert?.key ?? reading?.ts ?? ''
  if (episode === '') throw new Error('a command needs an episode, an alert or a reading: it makes a repeat harmless')
  return {
    deviceId,
    command,
    ...(parameters !== undefined && { parameters }),
    reason: (said.reason ?? config.reason ?? '').slice(0, 500),
    key: createHash('sha256')
      .update(JSON.stringify([config.id, deviceId, command, episode]))
      .digest('hex'),
    origin: `flow:${revision.slice(0, 12)}`,
  }
}

/** @throws Refused when trying again cannot help */
async function post(api: Api, wanted: Wanted, closing: AbortSignal): Promise<object> {
  const { deviceId, key, ...body } = wanted
  for (let retryMs = RETRY_MS_MIN; ; retryMs = Math.min(retryMs * 2, RETRY_MS_MAX)) {
    try {
      const answer = await api.ask('/api/v1/command-requests', {
        method: 'POST',
        headers: { 'idempotency-key': key },
        body: JSON.stringify({ deviceId, ...body }),
        timeoutMs: POST_MS_MAX,
        signal: closing,
      })
      if (answer.ok) return JSON.parse(answer.body) as object
      const { status } = answer
      if (status < 500 && status !== 429 && status !== 408) throw new Refused(`the command was refused: ${reasonOf(answer)}`)
    } catch (error) {
      if (closing.aborted || error instanceof Refused) throw error
    }
    await sleep(retryMs, undefined, { signal: closing })
  }
}
