// Copy this file to notifiers/<name>.ts to add a way to tell people, list it in notifiers/index.ts, and run
// test/dispatch/notifier-conformance.ts over it. This one is not listed. It writes one line into a chat room through a robot.
import type { Clock } from '#contracts/clock.ts'
import { addressOf, postJson } from './http.ts'
import type { Notifier } from './notifier.ts'

/** The address carries the robot's token: it is a secret as a whole. */
export type BlueprintOptions = { url: string; timeoutMs?: number }

/** @throws FengsuiError setting-invalid: what the operator set is checked here, once, in words that do not repeat a secret */
export const openBlueprint = (o: BlueprintOptions, { clock }: { clock: Clock }): Notifier => {
  const address = addressOf('blueprint', o.url)
  const timeout = o.timeoutMs === undefined ? {} : { timeoutMs: o.timeoutMs }
  return {
    // outbox rows carry this name: it never changes
    name: 'blueprint',
    // no retries, no memory, no log: one attempt and how it went; dispatch/notify.ts does the rest
    async send(n, signal) {
      const headers = { 'idempotency-key': n.id }
      return postJson({ address, headers, body: JSON.stringify({ text: n.text.zh }), signal, nowMs: clock.nowMs(), ...timeout })
    },
  }
}
