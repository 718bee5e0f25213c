// One sending, with an end: whatever a notifier does (throw, hang, ignore its signal), there is an outcome within the time.
import type { Notification, Notifier, Outcome } from './notifiers/notifier.ts'

/** a notifier has time-outs of its own; this one is for a notifier that forgot them */
export const SENDING_MS_MAX = 30_000

type Sending = { to?: string; withinMs?: number }

export const sendWithin = async (notifier: Notifier, n: Notification, stop: AbortSignal, o: Sending = {}): Promise<Outcome> => {
  const ends = AbortSignal.any([stop, AbortSignal.timeout(o.withinMs ?? SENDING_MS_MAX)])
  const ended = Promise.withResolvers<Outcome>()
  const end = (): void => ended.resolve({ outcome: 'retry', reason: stop.aborted ? 'stopped while sending' : 'no answer in time' })
  ends.addEventListener('abort', end, { once: true })
  if (ends.aborted) end()
  try {
    return await Promise.race([notifier.send(n, ends, o.to), ended.promise])
  } catch (error) {
    // its message may carry an address or a secret
    return { outcome: 'retry', reason: `the notifier broke: ${error instanceof Error ? error.name : typeof error}` }
  } finally {
    ends.removeEventListener('abort', end)
  }
}
