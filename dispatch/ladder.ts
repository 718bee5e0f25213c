// Up the ladder: who has not heard within the time of a channel is told over the next one, until somebody has heard, somebody has the
// incident in hand, or the channels are at their end. It runs on what is on disk, so a restart goes on where the last one ended.
import type { Text } from '#contracts/alarm.ts'
import { isOpen } from './incident-states.ts'
import { addressed } from './telling.ts'
import type { Recipient } from './recipients.ts'
import type { Telling } from './tellings.ts'
import type { Turn } from './turn.ts'

/** of one tick; the next one follows a quarter of a second later */
const CLIMBED_MAX = 500

const climbedWords = (r: string, from: string, to: string): Text => ({
  zh: `${r} 未应答（${from}），改用 ${to}`,
  en: `${r} has not answered on ${from}; told over ${to}`,
})
const unheardWords = (r: string): Text => ({ zh: `${r}：所有渠道均无应答`, en: `${r} has answered on no channel` })

/**
 * Somebody has it: nobody need be woken any more. Who had it when it was sent up the chain has let its time pass: then somebody must have done
 * something since.
 */
const isInHand = (turn: Turn, { incidentId, createdMs, notification }: Telling): boolean => {
  const incident = turn.incident(incidentId)?.incident
  if (incident === undefined || !isOpen(incident.state)) return true
  if (incident.state === 'new') return false
  return notification.event !== 'escalated' || Date.parse(incident.stateSince ?? incident.queuedAt) > createdMs
}

const climb = (turn: Turn, telling: Telling, recipient: Recipient | undefined): void => {
  const { tellings, outbox } = turn.desk
  if (recipient === undefined || isInHand(turn, telling)) return tellings.end(telling, 'answered')
  const step = telling.step + 1
  const [before, next] = [recipient.ladder[telling.step], recipient.ladder[step]]
  const { name } = recipient
  if (next === undefined) {
    tellings.end(telling, 'unheard')
    turn.tell(telling.incidentId, {
      actor: 'system',
      what: 'unheard',
      text: unheardWords(name),
      detail: { recipient: name, notification: telling.id },
    })
    turn.afterCommit(meter => meter.count('fengsui_notifications_unheard_total'))
    return
  }
  tellings.climb(telling, step, turn.nowMs + next.waitS * 1000)
  outbox.write(addressed(telling.notification, name), { channel: next.channel, recipient: name, nowMs: turn.nowMs })
  const text = climbedWords(name, before?.channel ?? '-', next.channel)
  turn.tell(telling.incidentId, { actor: 'system', what: 'next-channel', text, detail: { recipient: name, channel: next.channel } })
}

export const climbLadders = (turn: Turn, recipients: ReadonlyMap<string, Recipient>): void => {
  const due = turn.desk.tellings.due(turn.nowMs, CLIMBED_MAX)
  for (const telling of due) climb(turn, telling, recipients.get(telling.recipient))
  if (due.length > 0) turn.desk.tellings.trim()
}
