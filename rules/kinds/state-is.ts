// A word in the device's state that is one of the listed ones, such as a micro fire station whose readiness is "not-ready".
import type { Reading } from '#contracts/reading.ts'
import { defineKind, nothing } from '../kind.ts'
import { latched, type Latch } from '../latch.ts'

export type StateIsParameters = { state: string; in: (string | number | boolean)[] }

const wordOf = (p: StateIsParameters, reading: Reading): string | number | boolean | undefined => {
  const word = reading.state?.[p.state]
  return typeof word === 'string' || typeof word === 'number' || typeof word === 'boolean' ? word : undefined
}

export const stateIs = defineKind<StateIsParameters, Latch>({
  name: 'state-is',
  admits: 'live',
  parameters: {
    type: 'object',
    required: ['state', 'in'],
    additionalProperties: false,
    properties: {
      state: { type: 'string', minLength: 1, maxLength: 64 },
      in: { type: 'array', minItems: 1, maxItems: 20, items: { type: ['string', 'number', 'boolean'] } },
    },
  },
  stateBytesMax: 200,
  shuffled: 'same-subjects',
  wants: (p, reading) => wordOf(p, reading) !== undefined,
  step: (p, state, o) => {
    const word = wordOf(p, o.reading)
    if (word === undefined) return nothing(state)
    return latched(state, o, [{ name: 'is', on: p.in.includes(word), what: `state.${p.state}`, value: word }])
  },
})
