// Which changes of an incident people outside are told of, and in what words. Pure: from the incident before and after a turn, so
// that whatever made the change, it is told, once. Technical incidents are never told: they wait for office hours.
import type { Text } from '#contracts/alarm.ts'
import type { Handover } from '#contracts/handover.ts'
import type { EscalationLevel, Incident } from '#contracts/incident.ts'
import { isOpen } from './incident-states.ts'
import type { Notification, NotificationEvent, NotifiedIncident } from './notifiers/notifier.ts'
import { LEVEL_NAMES } from './words.ts'

/** In the order in which they are sent. A confirmation says that the level is I; that is not told twice. */
export const eventsOf = (before: Incident | undefined, after: Incident): NotificationEvent[] => {
  if (after.category !== 'fire') return []
  const confirmed = before?.confirmedAt === undefined && after.confirmedAt !== undefined
  // one that was opened and merged in one turn never stood in the queue
  const handed = after.handoverAt !== undefined && before?.handoverAt !== after.handoverAt ? (['handover'] as const) : []
  if (before === undefined) return after.state === 'merged' ? [] : ['opened', ...(confirmed ? (['confirmed'] as const) : []), ...handed]
  const events: NotificationEvent[] = []
  if (before.state === 'closed' && isOpen(after.state)) events.push('re-opened')
  if (confirmed) events.push('confirmed')
  else if (after.severity < before.severity) events.push('severity')
  events.push(...handed)
  // by itself or by hand: the next one up the chain has it now
  if (isOpen(after.state) && after.escalation !== before.escalation && before.state !== 'closed') events.push('escalated')
  if (isOpen(before.state) && after.state === 'closed') events.push('closed')
  if (isOpen(before.state) && after.state === 'merged') events.push('merged')
  return events
}

/** Derived, so that a replay of the journal into an empty database announces under the same ids. What can happen again carries its time. */
const idOf = (event: NotificationEvent, incident: Incident, nowMs: number): string => {
  if (event === 'severity') return `${incident.id}.severity-${incident.severity}`
  if (event === 'escalated') return `${incident.id}.escalated-${incident.escalation ?? 'grid'}-${nowMs}`
  return event === 'closed' || event === 're-opened' || event === 'handover'
    ? `${incident.id}.${event}-${nowMs}`
    : `${incident.id}.${event}`
}

const LEVELS: Record<EscalationLevel, string> = { grid: '网格', community: '社区', street: '街道', district: '区', city: '市' }

const WORDS: Record<NotificationEvent, (i: Incident) => Text> = {
  opened: i => ({ zh: `新警情（${LEVEL_NAMES[i.severity]} 级）`, en: `New incident, level ${LEVEL_NAMES[i.severity]}` }),
  confirmed: () => ({ zh: '火灾已确认（I 级）', en: 'Fire confirmed, level I' }),
  severity: i => ({ zh: `升为 ${LEVEL_NAMES[i.severity]} 级`, en: `Level rose to ${LEVEL_NAMES[i.severity]}` }),
  closed: i => (i.falseAlarm === true ? { zh: '警情结束（误报）', en: 'Closed, false alarm' } : { zh: '警情结束', en: 'Closed' }),
  're-opened': () => ({ zh: '警情重开', en: 'Re-opened' }),
  escalated: i => ({ zh: `超时未处置，上报至${LEVELS[i.escalation ?? 'grid']}`, en: `Escalated to ${i.escalation ?? 'grid'}` }),
  handover: () => ({ zh: '119 移交', en: 'Hand-over to 119' }),
  merged: i => ({ zh: `已并入 ${i.mergedInto ?? ''}`, en: `Merged into ${i.mergedInto ?? ''}` }),
}

export const outward = (incident: Incident): NotifiedIncident => {
  const { category: _c, alarmIds: _a, deviceIds: _d, acknowledgedBy: _ack, closedBy: _by, controlledBy: _con, ...more } = incident
  // when what is due inside is nobody's outside
  const { stateSince: _since, dueAt: _due, missedAt: _missed, handoverAt: _handed, signs: _signs, ...rest } = more
  return rest
}

export type Handovers = { latest(incidentId: string): Handover | undefined }

export const announcements = (before: Incident | undefined, after: Incident, nowMs: number, handovers?: Handovers): Notification[] =>
  eventsOf(before, after).map(event => {
    const words = WORDS[event](after)
    const handover = event === 'handover' ? handovers?.latest(after.id) : undefined
    return {
      id: handover === undefined ? idOf(event, after, nowMs) : `${after.id}.handover-${handover.id.split('-').at(-1) ?? '1'}`,
      event,
      at: new Date(nowMs).toISOString(),
      text: { zh: `${words.zh}：${after.title.zh}`, en: `${words.en}: ${after.title.en}` },
      incident: outward(after),
      ...(handover !== undefined && { handover }),
    }
  })
