// Actors and acts of the audit trail in words; what has none is shown as it was written.
import { t, term } from '../i18n.ts'

/** `user:chen` -> 'chen'; a rule, a flow, a token, a device is said to be one. */
export const actorWords = (actor: string): string => {
  const [kind = '', ...rest] = actor.split(':')
  const name = rest.join(':')
  if (kind === 'user') return name
  if (name === '') return term('source', kind)
  return t('audit.actor', { kind: term('source', kind), name })
}

/** `incident.acknowledged` -> 'Incident · acknowledged' */
export const actWords = (action: string): string => {
  const own = term('audit-act', action)
  if (own !== action) return own
  const [noun = '', ...rest] = action.split('.')
  const verb = rest.join('.')
  if (verb.startsWith('order-')) {
    const state = term('order', verb.slice(6))
    if (state !== verb.slice(6)) return `${t('order.title')} · ${state}`
  }
  return verb === '' ? action : `${term('audit-of', noun)} · ${term('timeline', verb)}`
}
