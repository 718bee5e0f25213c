// Tells another system over HTTP: one signed JSON POST a notification, with the outbox row's id as Idempotency-Key, so that the
// receiver knows who sent it, when, and whether it has it already. docs/notify.md shows the payload and how to check the signature.
import { createHmac } from 'node:crypto'
import type { Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { addressOf, postJson } from './http.ts'
import type { Notifier } from './notifier.ts'

export const SECRET_CHARACTERS_MIN = 16

export type WebhookOptions = {
  name?: string
  /** http: or https:, without user name and password */
  url: string
  /** shared with the receiver, at least 16 characters */
  secret: string
  /** until the answer's head is there; 10 s */
  timeoutMs?: number
}

/** Hex HMAC-SHA256 over `<unix seconds>.<body>`. */
export const signatureOf = (secret: string, timestampS: number, body: string): string =>
  createHmac('sha256', secret).update(`${timestampS}.${body}`).digest('hex')

/** @throws FengsuiError setting-invalid */
export const openWebhook = (o: WebhookOptions, { clock }: { clock: Clock }): Notifier => {
  const name = o.name ?? 'webhook'
  const address = addressOf(name, o.url)
  if (o.secret.length < SECRET_CHARACTERS_MIN)
    throw new FengsuiError('setting-invalid', `the ${name} secret has fewer than ${SECRET_CHARACTERS_MIN} characters`)
  const timeout = o.timeoutMs === undefined ? {} : { timeoutMs: o.timeoutMs }
  return {
    name,
    async send(n, signal) {
      const body = JSON.stringify(n)
      const nowMs = clock.nowMs()
      const timestampS = Math.floor(nowMs / 1000)
      const headers = {
        'idempotency-key': n.id,
        'fengsui-signature': `t=${timestampS},v1=${signatureOf(o.secret, timestampS, body)}`,
      }
      return postJson({ address, headers, body, signal, nowMs, ...timeout })
    },
  }
}
