// Tells a Feishu (飞书) group through its robot, signed: the HMAC goes into the body. The address carries the robot's token and is a
// secret as a whole. The robot says in `code` whether the message was taken.
import type { Clock } from '#contracts/clock.ts'
import { addressOf, codeWord, postJson } from './http.ts'
import { linesOf } from './lines.ts'
import type { Notifier, Outcome } from './notifier.ts'
import { checkedSecret, hmacBase64 } from './secret.ts'

export type FeishuOptions = { name?: string; url: string; secret: string; lang?: 'zh' | 'en'; timeoutMs?: number }

const SECRET_CHARACTERS_MIN = 16
/** 9499, 11232: too many messages (100 a minute, 5 a second) */
const LIMITED: ReadonlySet<unknown> = new Set([9499, 11232])
const PAUSE_MS = 10_000

export const judgeFeishu = ({ code }: Record<string, unknown>): Outcome => {
  if (code === 0) return { outcome: 'delivered' }
  return LIMITED.has(code) ? { outcome: 'retry', reason: codeWord(code), afterMs: PAUSE_MS } : { outcome: 'never', reason: codeWord(code) }
}

/** HMAC-SHA256 of nothing under "<s>\n<secret>", base64: the time and the secret are the key. */
export const feishuSign = (secret: string, timestampS: number): string => hmacBase64('sha256', `${timestampS}\n${secret}`, '')

/** @throws FengsuiError setting-invalid */
export const openFeishu = (o: FeishuOptions, { clock }: { clock: Clock }): Notifier => {
  const name = o.name ?? 'feishu'
  const address = addressOf(name, o.url)
  const secret = checkedSecret(name, o.secret, SECRET_CHARACTERS_MIN)
  return {
    name,
    async send(n, signal) {
      const nowMs = clock.nowMs()
      const timestampS = Math.floor(nowMs / 1000)
      return postJson({
        address,
        headers: { 'idempotency-key': n.id },
        body: JSON.stringify({
          timestamp: String(timestampS),
          sign: feishuSign(secret, timestampS),
          msg_type: 'text',
          content: { text: linesOf(n, o.lang ?? 'zh') },
        }),
        signal,
        nowMs,
        judge: judgeFeishu,
        ...(o.timeoutMs !== undefined && { timeoutMs: o.timeoutMs }),
      })
    },
  }
}
