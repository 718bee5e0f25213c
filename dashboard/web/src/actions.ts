// What an officer does to an incident: refused while the link is not alive, shown at once (acknowledge), taken back with
// a message when the server says no. A second officer is told who was first and when. Nothing is ever queued for later.
import type { EscalationLevel, Incident, IncidentDetail } from '#contracts/incident.ts'
import { ApiError, type Api } from './api.ts'
import { clockTime } from './format.ts'
import { t, type Key } from './i18n.ts'

export type Toast = { id: number; tone: 'good' | 'bad'; text: string }

export type ActionDeps = {
  api: Api
  mayAct: () => boolean
  /** the desk shows the past: only acknowledging, which is always of now, goes on */
  isPast: () => boolean
  /** incidents shown as acknowledged before the server has said so */
  setPending: (incidentId: string, pending: boolean) => void
  toast: (tone: Toast['tone'], text: string) => void
  refreshed: (incident: Incident) => void
}

export type Actions = {
  acknowledge(incident: Incident): Promise<boolean>
  note(incidentId: string, note: string): Promise<boolean>
  /** `seen`: the step it is shown at: two who press at once send it up once */
  escalate(incidentId: string, seen: EscalationLevel): Promise<boolean>
  close(incidentId: string, o: { cause: string; falseAlarm: boolean; feedback?: string }): Promise<boolean>
  /** each of the alarms, until the same time; ends at the first that is refused */
  shelve(alarmIds: readonly string[], o: { reason: string; until: string }): Promise<boolean>
  unshelve(alarmIds: readonly string[]): Promise<boolean>
  /** POST to any other address, under the same rules */
  send(path: string, body: object, done: Key): Promise<boolean>
}

export const why = (error: unknown): string => {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error)
  if (error.code === 'no-answer') return t('error.no-answer')
  const message = error.code === 'forbidden' ? t('error.forbidden') : error.message
  return error.requestId === '' ? message : `${message} (${error.requestId})`
}

export const createActions = (o: ActionDeps): Actions => {
  /** True when something may be sent now; else why not is said. */
  const ready = (alsoInPast: boolean): boolean => {
    const refusal = !o.mayAct() ? t('action.refused-offline') : o.isPast() && !alsoInPast ? t('travel.read-only') : null
    if (refusal !== null) o.toast('bad', refusal)
    return refusal === null
  }
  const attempt = async (send: () => Promise<unknown>, done: Key, failed: (error: unknown) => Promise<void> | void): Promise<boolean> => {
    try {
      await send()
      o.toast('good', t(done))
      return true
    } catch (error) {
      await failed(error)
      return false
    }
  }
  const say = (error: unknown): void => o.toast('bad', t('action.failed', { why: why(error) }))
  const command = async (incidentId: string, verb: string, body: object, done: Key): Promise<boolean> => {
    if (!ready(verb === 'acknowledge')) return false
    const path = `incidents/${encodeURIComponent(incidentId)}/${verb}`
    return attempt(
      () => o.api.post(path, body),
      done,
      error => refused(incidentId, error),
    )
  }
  /** On a conflict the truth is read again, and the person who was first is named. */
  const refused = async (incidentId: string, error: unknown): Promise<void> => {
    if (!(error instanceof ApiError) || error.code !== 'conflict') return say(error)
    const now = await o.api.get<IncidentDetail>(`incidents/${encodeURIComponent(incidentId)}`).catch(() => null)
    if (now !== null) o.refreshed(now)
    if (now?.acknowledgedBy === undefined || now.acknowledgedAt === undefined) return o.toast('bad', error.message)
    o.toast('bad', t('action.was-first', { who: now.acknowledgedBy.replace(/^user:/, ''), at: clockTime(now.acknowledgedAt) }))
  }
  const eachAlarm = async (alarmIds: readonly string[], verb: string, body: object, done: Key): Promise<boolean> => {
    if (!ready(false)) return false
    const all = async (): Promise<void> => {
      for (const id of alarmIds) await o.api.post(`alarms/${encodeURIComponent(id)}/${verb}`, body)
    }
    return attempt(all, done, say)
  }
  return {
    async acknowledge(incident) {
      if (o.mayAct()) o.setPending(incident.id, true)
      const accepted = await command(incident.id, 'acknowledge', {}, 'action.acknowledged')
      if (!accepted) o.setPending(incident.id, false)
      return accepted
    },
    note: (incidentId, note) => command(incidentId, 'note', { note }, 'action.noted'),
    escalate: (incidentId, seen) => command(incidentId, 'escalate', { seen }, 'action.escalated'),
    close: (incidentId, body) => command(incidentId, 'close', body, 'action.closed'),
    shelve: (alarmIds, body) => eachAlarm(alarmIds, 'shelve', body, 'action.shelved'),
    unshelve: alarmIds => eachAlarm(alarmIds, 'unshelve', {}, 'action.unshelved'),
    send: async (path, body, done) => ready(false) && attempt(() => o.api.post(path, body), done, say),
  }
}
