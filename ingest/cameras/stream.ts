// One camera or recorder whose events are read as an endless HTTP answer: Hikvision's alertStream, Dahua's eventManager. Logs in, reads part
// by part into the journal, begins again with back-off when it ends or falls silent. Of heartbeats one a minute is kept: the camera is heard.
import { readFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { systemClock, type Clock, type Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { createBackoff } from '../bridges/backoff.ts'
import type { CameraStream } from '../bridges/config.ts'
import type { Intake } from '../intake.ts'
import { ask } from './ask.ts'
import { Parts, type Part } from './parts.ts'

export type StreamOptions = {
  config: CameraStream
  intake: Intake
  log: Log
  clock?: Clock
  random?(): number
  retryMs?: number
  silenceMs?: number
}
export type Stream = { name: string; status(): { ok: boolean; detail: string }; close(): Promise<void> }

/** Both are asked for or send a sign of life far more often. */
const SILENCE_MS = 90_000
const ANSWER_MS = 15_000
const HEARTBEAT_S = 5
/** they come every 5 to 30 s */
const ALIVE_MS = 60_000

export function startStream(o: StreamOptions): Stream {
  const { config, intake, log, clock = systemClock, random = Math.random, retryMs, silenceMs = SILENCE_MS } = o
  const { name } = config
  const ask = asker(config)
  const backoff = createBackoff({ random, ...(retryMs !== undefined && { firstMs: retryMs }) })
  const ended = new AbortController()
  let state = { ok: false, detail: 'connecting' }
  let wake: (() => void) | null = null
  let aliveAtMs = -Infinity

  async function take({ body }: Part): Promise<void> {
    if (body.length === 0) return
    if (isSignOfLife(body)) {
      const nowMs = clock.nowMs()
      if (Math.abs(nowMs - aliveAtMs) < ALIVE_MS) return
      aliveAtMs = nowMs
    }
    const arrival = { entrance: 'camera', source: `camera:${name}`, clientId: `camera:${name}`, topic: `in/cameras/${name}` } as const
    // there is no acknowledgement: what the journal cannot take now is told as refused, and the next event is read
    await intake.take({ ...arrival, payload: body, isPatient: true }).catch(() => {})
  }

  async function readOnce(): Promise<void> {
    const answer = await ask(ended.signal)
    const boundary = /boundary="?([^";\s]{1,128})/i.exec(answer.headers['content-type'] ?? '')?.[1]
    if (boundary === undefined) {
      answer.destroy()
      throw new Error(`the answer is ${answer.headers['content-type'] ?? 'of no type'}, not multipart`)
    }
    answer.setTimeout(silenceMs, () => answer.destroy(new Error(`silent for ${silenceMs / 1000} s`)))
    state = { ok: true, detail: 'connected' }
    log.info({ camera: name }, 'the event stream of a camera is read')
    const parts = new Parts(boundary)
    for await (const chunk of answer) {
      backoff.succeeded()
      for (const part of parts.push(chunk as Buffer)) await take(part)
    }
    throw new Error('the stream ended')
  }

  async function readOn(): Promise<void> {
    while (!ended.signal.aborted) {
      const error = await readOnce().then(
        () => null,
        (failure: Error) => failure,
      )
      if (ended.signal.aborted) return
      const waitMs = backoff.nextMs()
      if (state.ok) log.warn({ camera: name, reason: error?.message, againInMs: waitMs }, 'the event stream of a camera is lost')
      state = { ok: false, detail: `${(error?.message ?? 'ended').slice(0, 200)}; tried again` }
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, waitMs)
        wake = () => (clearTimeout(timer), resolve())
      })
    }
  }
  const running = readOn()
  return {
    name,
    status: () => state,
    async close() {
      ended.abort()
      wake?.()
      await running
    },
  }
}

const isSignOfLife = (body: Buffer): boolean => {
  if (body.length > 4_096) return false
  const text = body.toString('latin1')
  return (
    /^\s*(?:Heartbeat|Code=Heartbeat)/i.test(text) ||
    (/<eventType>\s*(?:videoloss|heartBeat)\s*</i.test(text) && !/<eventState>\s*active\s*</i.test(text))
  )
}

function pathOf({ vendor, codes = ['All'] }: CameraStream): string {
  return vendor === 'hikvision'
    ? '/ISAPI/Event/notification/alertStream'
    : `/cgi-bin/eventManager.cgi?action=attach&codes=[${codes.join(',')}]&heartbeat=${HEARTBEAT_S}`
}

/** A certificate is read here, so that a missing file stops the start. */
function asker(config: CameraStream): (signal: AbortSignal) => Promise<IncomingMessage> {
  const { url, username, password = '', ca, name } = config
  const base = new URL(url)
  const address = new URL((base.pathname === '/' ? '' : base.pathname.replace(/\/$/, '')) + pathOf(config), base)
  let certificate: Buffer | undefined
  try {
    if (ca !== undefined) certificate = readFileSync(ca)
  } catch (error) {
    throw new FengsuiError('setting-invalid', `FENGSUI_BRIDGES_FILE: ca of ${name}: ${(error as Error).message}`)
  }
  const login = username === undefined ? {} : { login: { username, password } }
  return signal => ask({ url: address, ...login, ...(certificate !== undefined && { ca: certificate }), answerMs: ANSWER_MS, signal })
}
