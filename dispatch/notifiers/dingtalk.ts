// Tells a DingTalk (钉钉) group through its robot, signed: time and HMAC-SHA256 go into the address, which carries the robot's token
// and is a secret as a whole. The robot answers 200 to everything and says in `errcode` whether the message was taken.
import type { Clock } from '#contracts/clock.ts'
import { addressOf, codeWord, postJson } from './http.ts'
import { linesOf } from './lines.ts'
import type { Notifier, Outcome } from './notifier.ts'
import { checkedSecret, hmacBase64 } from './secret.ts'

export type DingtalkOptions = { name?: string; url: string; secret: string; lang?: 'zh' | 'en'; timeoutMs?: number }

const SECRET_CHARACTERS_MIN = 16
/** -1: busy; 130101, 410100, 660026: more than 20 messages a minute, refused for a while */
const LIMITED: ReadonlySet<unknown> = new Set([130101, 410100, 660026])
const PAUSE_MS = 60_000

export const judgeDingtalk = ({ errcode }: Record<string, unknown>): Outcome => {
  if (errcode === 0) return { outcome: 'delivered' }
  if (errcode === -1) return { outcome: 'retry', reason: codeWord(errcode) }
  return LIMITED.has(errcode)
    ? { outcome: 'retry', reason: codeWord(errcode), afterMs: PAUSE_MS }
    : { outcome: 'never', reason: codeWord(errcode) }
}

/** HMAC-SHA256 of "<ms>\n<secret>" under the secret, base64; the robot believes it for an hour. */
export const dingtalkSign = (secret: string, timestampMs: number): string => hmacBase64('sha256', secret, `${timestampMs}\n${secret}`)

/** @throws FengsuiError setting-invalid */
export const openDingtalk = (o: DingtalkOptions, { clock }: { clock: Clock }): Notifier => {
  const name = o.name ?? 'dingtalk'
  const base = addressOf(name, o.url)
  const secret = checkedSecret(name, o.secret, SECRET_CHARACTERS_MIN)
  return {
    name,
    async send(n, signal) {
      const nowMs = clock.nowMs()
      const address = new URL(base)
      address.searchParams.set('timestamp', String(nowMs))
      address.searchParams.set('sign', dingtalkSign(secret, nowMs))
      return postJson({
        address,
        headers: { 'idempotency-key': n.id },
        body: JSON.stringify({ msgtype: 'text', text: { content: linesOf(n, o.lang ?? 'zh') } }),
        signal,
        nowMs,
        judge: judgeDingtalk,
        ...(o.timeoutMs !== undefined && { timeoutMs: o.timeoutMs }),
      })
    },
  }
}
