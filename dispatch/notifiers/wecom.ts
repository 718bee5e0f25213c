// Tells a WeCom (企业微信) group through its robot. The address carries the robot's key and is a secret as a whole; the robot answers
// 200 to everything and says in `errcode` whether the message was taken.
import type { Clock } from '#contracts/clock.ts'
import { addressOf, codeWord, postJson } from './http.ts'
import { linesOf } from './lines.ts'
import type { Notifier, Outcome } from './notifier.ts'

export type WecomOptions = { name?: string; url: string; lang?: 'zh' | 'en'; timeoutMs?: number }

/** -1: busy; 45009, 45033: more than 20 messages a minute, or too many at once */
const PASSING: ReadonlySet<unknown> = new Set([-1, 45009, 45033])
const PAUSE_MS = 60_000

export const judgeWecom = ({ errcode }: Record<string, unknown>): Outcome => {
  if (errcode === 0) return { outcome: 'delivered' }
  if (errcode === -1) return { outcome: 'retry', reason: codeWord(errcode) }
  return PASSING.has(errcode)
    ? { outcome: 'retry', reason: codeWord(errcode), afterMs: PAUSE_MS }
    : { outcome: 'never', reason: codeWord(errcode) }
}

/** @throws FengsuiError setting-invalid */
export const openWecom = (o: WecomOptions, { clock }: { clock: Clock }): Notifier => {
  const name = o.name ?? 'wecom'
  const address = addressOf(name, o.url)
  return {
    name,
    // the robot knows no key to tell a repeat by: the incident's number and the event stand in the words
    send: async (n, signal) =>
      postJson({
        address,
        headers: { 'idempotency-key': n.id },
        body: JSON.stringify({ msgtype: 'text', text: { content: linesOf(n, o.lang ?? 'zh') } }),
        signal,
        nowMs: clock.nowMs(),
        judge: judgeWecom,
        ...(o.timeoutMs !== undefined && { timeoutMs: o.timeoutMs }),
      }),
  }
}
