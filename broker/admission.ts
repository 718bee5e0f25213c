// May this PUBLISH pass? The steps in the order they are asked: the first that has something to say decides. Pure questions:
// nothing is taken or counted here, since who must wait is asked again. Never decodes a payload.
import type { Allowance } from './allowance.ts'
import type { Gate } from './gate.ts'
import type { Limits } from './limits.ts'
import type { Problem, Session } from './sessions.ts'

/** Why the socket is not read for a moment. */
export type Wait = 'rate' | 'client' | 'all'
export type Verdict = Wait | Problem | null

/** What the steps look at. */
export type Attempt = {
  readonly session: Session
  /** what the topic was found to be, remembered for a few seconds (routes.ts) */
  readonly topicProblem: Problem | null
  readonly payloadBytes: number
  readonly maxPayloadBytes: number
  readonly allowance: Allowance
  readonly nowMs: number
  /** PUBLISHes of this connection that are not on disk, or not with their subscribers, yet */
  readonly inFlight: number
  readonly inFlightBytes: number
  readonly gate: Pick<Gate, 'full'>
  readonly limits: Limits
}

type Step = { name: string; decide(a: Attempt): Verdict }

export const STEPS: readonly Step[] = [
  { name: 'identity: whose ClientId this is was settled at CONNECT (entry.ts)', decide: identity },
  { name: 'topic: may this identity publish there', decide: topic },
  { name: 'size: is the payload small enough', decide: size },
  { name: 'rate: has this connection sent too much of late', decide: rate },
  { name: 'own room: how much of this connection waits for the disk', decide: ownRoom },
  { name: 'room of all: how much of everybody waits for the disk', decide: roomOfAll },
]

export function admit(attempt: Attempt): Verdict {
  for (const step of STEPS) {
    const verdict = step.decide(attempt)
    if (verdict !== null) return verdict
  }
  return null
}

function identity({ session }: Attempt): Verdict {
  return session.identity === null ? { code: 'protocol-error', reason: 'a PUBLISH before CONNACK [MQTT-3.1.4-5]' } : null
}

function topic({ topicProblem }: Attempt): Verdict {
  return topicProblem
}

function size({ payloadBytes, maxPayloadBytes }: Attempt): Verdict {
  if (payloadBytes <= maxPayloadBytes) return null
  return { code: 'payload-too-large', reason: `a payload of ${payloadBytes} bytes; the bound is ${maxPayloadBytes}` }
}

function rate({ allowance, nowMs }: Attempt): Verdict {
  return allowance.hasOne(nowMs) ? null : 'rate'
}

function ownRoom({ inFlight, inFlightBytes, limits }: Attempt): Verdict {
  return inFlight < limits.inFlightOfClient && inFlightBytes < limits.inFlightBytesOfClient ? null : 'client'
}

function roomOfAll({ gate }: Attempt): Verdict {
  return gate.full ? 'all' : null
}
