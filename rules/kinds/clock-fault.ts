// A device whose clock lies: its own time was not believed, so its readings stand under the server's. Technical: the reading counts all
// the same, but when something happened there is known no better than when it arrived.
import { evidenceOf } from '../evidence.ts'
import { defineKind, nothing, type Observation, type Step } from '../kind.ts'
import { msOf } from '#contracts/instant.ts'

export type ClockFaultParameters = {
  /** so many unbelieved times in a row raise, so many believed ones clear */
  readings: number
}

type State = { n: number; open?: 1 }

function step(p: ClockFaultParameters, before: State | undefined, o: Observation): Step<State> {
  const { reading } = o
  const lies = reading.deviceTs !== undefined && reading.tsSource === 'server'
  const tells = reading.tsSource === 'device'
  // a device that states no time says nothing about its clock
  if (!lies && !tells) return nothing(before)
  if (before === undefined && !lies) return nothing<State>(undefined)
  const isOpen = before?.open === 1
  if (lies === isOpen) return nothing<State>(isOpen ? { n: 0, open: 1 } : undefined)
  const n = (before?.n ?? 0) + 1
  if (n < p.readings) return nothing<State>({ n, ...(isOpen && { open: 1 as const }) })
  if (isOpen) return { state: undefined, findings: [{ type: 'clear', atMs: o.tMs, evidence: [] }] }
  const offS = Math.round((msOf(reading.deviceTs ?? '') - o.receivedMs) / 1000)
  const note = Number.isFinite(offS) ? `${Math.abs(offS)} s ${offS < 0 ? 'behind' : 'ahead of'} the server` : 'not a time'
  const evidence = [evidenceOf(o, { what: 'deviceTs', value: reading.deviceTs ?? '', note })]
  return { state: { n: 0, open: 1 }, findings: [{ type: 'raise', atMs: o.tMs, evidence }] }
}

export const clockFault = defineKind<ClockFaultParameters, State>({
  name: 'clock-fault',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['readings'],
    additionalProperties: false,
    properties: { readings: { type: 'integer', minimum: 2, maximum: 1_000 } },
  },
  stateBytesMax: 40,
  shuffled: 'may-miss',
  byShape: true,
  wants: (_, reading) => reading.deviceTs !== undefined || reading.tsSource === 'device',
  step,
  // a clock that was never wrong
  rest: {
    size: () => 0,
    settle: (_, state) => state === undefined,
    state: () => undefined,
    calm: (_p, _n, _at, { reading }) => reading.deviceTs === undefined || reading.tsSource !== 'server',
  },
})
