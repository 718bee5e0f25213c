// Copy this file to add a rule kind: kinds/<name>.ts, listed in kinds/index.ts, described in docs/rules.md.
// This one is not listed. It raises when a counter of the device jumps, and shows every part a kind has.
import { evidenceOf } from '../evidence.ts'
import { defineKind, nothing } from '../kind.ts'

/** Every name ends in its unit; the schema below says the same and is what a rule file is checked against. */
type Parameters = { metric: string; jumpCount: number }

/** As small as can be, JSON only: it is written to disk with the journal position after every batch. */
type State = { last: number; open?: 1 }

export const blueprint = defineKind<Parameters, State>({
  name: 'blueprint',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['metric', 'jumpCount'],
    additionalProperties: false,
    properties: { metric: { type: 'string' }, jumpCount: { type: 'number', exclusiveMinimum: 0 } },
  },
  stateBytesMax: 60,
  shuffled: 'may-miss',
  byShape: true,
  wants: (p, reading) => reading.metrics[p.metric] !== undefined,
  step(p, state, o) {
    const value = o.reading.metrics[p.metric]
    // late readings never move state backwards
    if (value === undefined || o.late) return nothing(state)
    const jumped = state !== undefined && value - state.last >= p.jumpCount
    const evidence = [evidenceOf(o, { what: p.metric, value, threshold: p.jumpCount })]
    // never change `state`: make a new one
    if (jumped) return { state: { last: value, open: 1 }, findings: [{ type: state.open === 1 ? 'hold' : 'raise', atMs: o.tMs, evidence }] }
    if (state?.open === 1) return { state: { last: value }, findings: [{ type: 'clear', atMs: o.tMs, evidence }] }
    return nothing({ last: value })
  },
})
