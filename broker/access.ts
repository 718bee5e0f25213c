// Who may publish and subscribe where. Pure: an identity and a topic in, a reason or null out. Decided at PUBLISH and at
// SUBSCRIBE only - never at forwarding, where a refusal makes Aedes lose other messages of the same session.
import { NATIVE_PREFIX, parseNativeTopic, topicMatches } from '#contracts/topic.ts'
import { textProblem, topicProblem } from './text-rules.ts'

export type Identity = { username: string; grants: readonly string[]; mayPublishFor(deviceId: string): boolean }

/** The one identity of all who come without a user name, where the operator has allowed that. No device may be called so. */
export const ANONYMOUS: Identity = { username: 'anonymous', grants: ['#'], mayPublishFor: () => true }

const RESERVED = /^\$(?:SYS|share|queue|fengsui)(?:\/|$)/

/** Why this identity may not publish there; null = it may. */
export function publishProblem(identity: Identity, topic: string): { code: 'protocol-error' | 'not-your-topic'; reason: string } | null {
  const grammar = topicProblem(topic, false)
  if (grammar !== null) return { code: 'protocol-error', reason: grammar }
  const wrong = textProblem(topic)
  if (wrong !== null) return { code: 'protocol-error', reason: `not a topic: ${wrong}` }
  const reason = foreignTopic(identity, topic)
  return reason === null ? null : { code: 'not-your-topic', reason }
}

function foreignTopic(identity: Identity, topic: string): string | null {
  if (RESERVED.test(topic)) return `${topic} is the broker's own`
  if (identity === ANONYMOUS || identity.grants.some(grant => topicMatches(grant, topic))) return null
  const native = parseNativeTopic(topic)
  if (native === null)
    return topic.startsWith(NATIVE_PREFIX)
      ? `${topic} is not ${NATIVE_PREFIX}{kind}/{deviceId}/{channel}`
      : `no prefix granted to ${identity.username} covers ${topic}`
  if (native.channel === 'cmd') return 'commands are published by the system, not by devices'
  return identity.mayPublishFor(native.deviceId) ? null : `${native.deviceId} is neither ${identity.username} nor registered via it`
}

/** Why this identity may not subscribe to that; null = it may. */
export function subscribeProblem(identity: Identity, filter: string): string | null {
  const wrong = textProblem(filter)
  if (wrong !== null) return `not a filter: ${wrong}`
  if (RESERVED.test(filter)) return `${filter.split('/')[0]} subscriptions are not offered`
  if (identity === ANONYMOUS || identity.grants.some(grant => covers(grant, filter))) return null
  const [fire, version, , deviceId, channel, ...rest] = filter.split('/')
  if (fire !== 'fire' || version !== 'v1' || deviceId === undefined || channel !== 'cmd' || rest.length > 0)
    return `${filter} is neither a cmd topic nor under a granted prefix`
  return identity.mayPublishFor(deviceId) ? null : `${deviceId} is neither ${identity.username} nor registered via it`
}

/** Is every topic that `filter` matches also matched by `grant`? */
export function covers(grant: string, filter: string): boolean {
  if (grant.startsWith('$') !== filter.startsWith('$')) return false
  const have = grant.split('/')
  const want = filter.split('/')
  for (const [i, level] of have.entries()) {
    if (level === '#') return true
    const asked = want[i]
    if (asked === undefined || asked === '#') return false
    if (level !== '+' && level !== asked) return false
  }
  return have.length === want.length
}

/** What is wrong with a filter that is to be granted; null = nothing. */
export function grantProblem(grant: string): string | null {
  const levels = grant.split('/')
  const misplaced = levels.some(
    (level, i) => (level !== '#' && level !== '+' && /[#+]/.test(level)) || (level === '#' && i < levels.length - 1),
  )
  if (misplaced) return '# stands for the whole last level, + for one whole level'
  return textProblem(grant) ?? (RESERVED.test(grant) ? "it is the broker's own" : null)
}
