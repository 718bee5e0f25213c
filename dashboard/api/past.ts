// Time travel: the desk's queue at an instant that has passed, and the strip of alarms that leads there. Reads only; the answer for
// an instant never changes, so a debriefing sees what the desk saw.
import { FengsuiError } from '#contracts/errors.ts'
import type { Incident } from '#contracts/incident.ts'
import type { QueueAlarm } from '#contracts/live.ts'
import type { Clock } from '#contracts/clock.ts'
import { answers } from './errors.ts'
import { integer, list, object, ref, time, type App } from './schema.ts'

export type PastDesk = { since?: string; incidents: Incident[]; alarms: QueueAlarm[] }
export type StripBar = { t: number; counts: [number, number, number, number] }
export type PastParts = {
  past: { deskAt(atMs: number): PastDesk; strip(o: { fromMs: number; toMs: number; stepMs: number }): StripBar[] }
  clock: Clock
}

const BARS_MAX = 1500
const tags = ['desk']

export function pastRoutes(app: App, { past, clock }: PastParts): void {
  app.get('/api/v1/desk/at', {
    config: { scope: 'read' },
    schema: {
      summary: 'The queue as it stood at an instant: open incidents and their alarms',
      tags,
      querystring: object({ time: time({ description: 'not in the future' }) }),
      response: answers({
        200: object(
          { at: time(), incidents: list(ref('Incident')), alarms: list(ref('QueueAlarm')) },
          { since: time({ description: 'from when on the past is known; absent = nothing yet' }) },
        ),
      }),
    },
    handler: async request => {
      const atMs = Date.parse(request.query.time)
      if (atMs > clock.nowMs()) throw new FengsuiError('invalid-request', `querystring.time lies in the future: the past is shown here`)
      return { at: new Date(atMs).toISOString(), ...past.deskAt(atMs) }
    },
  })

  app.get('/api/v1/desk/strip', {
    config: { scope: 'read' },
    schema: {
      summary: 'How many alarms of each level came in, bar by bar; bars without one are left out',
      tags,
      querystring: object(
        { from: time(), to: time() },
        { step: integer({ minimum: 1, maximum: 86_400, default: 60, description: 'seconds' }) },
      ),
      response: answers({
        200: object({
          bars: list(
            object({ t: integer({ description: 'ms since 1970' }), counts: list(integer(), { description: 'of level I to IV' }) }),
          ),
        }),
      }),
    },
    handler: async request => {
      const { from, to, step = 60 } = request.query
      const [fromMs, toMs, stepMs] = [Date.parse(from), Date.parse(to), step * 1000]
      const count = (toMs - fromMs) / stepMs
      if (!(count > 0 && count <= BARS_MAX))
        throw new FengsuiError('invalid-request', `querystring.from to querystring.to must hold 1 to ${BARS_MAX} bars of ${step} s`)
      return { bars: past.strip({ fromMs, toMs, stepMs }) }
    },
  })
}
