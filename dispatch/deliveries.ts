// What became of a notification: the outbox row moves, the recipient's ladder with it, and the incident's timeline says so, in one
// transaction. The part of dispatch that notify.ts and the acknowledgements of devices see.
import type { Text } from '#contracts/alarm.ts'
import type { Ack } from './acks.ts'
import { climbLadders } from './ladder.ts'
import { offerNext } from './offers.ts'
import { orderAddressOf, orderAnswerOf, type OrderAnswer } from './order-notices.ts'
import { moveOrder } from './orders.ts'
import type { Backlog, OutboxRow } from './outbox.ts'
import type { Recipient } from './recipients.ts'
import type { Telling } from './tellings.ts'
import { runTurn, type Changes, type Desk, type Turn } from './turn.ts'
import { notifiedWords } from './words.ts'

export type Deliveries = {
  due(channel: string, nowMs: number, limit: number): OutboxRow[]
  delivered(row: OutboxRow): void
  gaveUp(row: OutboxRow, reason: string): void
  later(row: OutboxRow, dueMs: number, reason: string): void
  backlog(channel: string): Backlog
  /** the recipient's address on the row's channel; null = nobody of that name, or not on that channel, is set up any more */
  addressOf(row: OutboxRow): { to?: string } | null
}

const told = (turn: Turn, { channel, recipient, notification: n }: OutboxRow, what: 'notified' | 'not-notified', note?: string): void =>
  turn.tell(n.incident.id, {
    actor: 'system',
    what,
    text: notifiedWords(what === 'notified', recipient === '' ? channel : `${recipient} (${channel})`, n.event),
    ...(note !== undefined && { note }),
    detail: { channel, notification: n.id, ...(recipient !== '' && { recipient }) },
  })

/** `F0312-7K3QX2.opened@captain` -> the notification and the recipient. */
export const partsOf = (id: string): { id: string; recipient: string } | null => {
  const at = id.indexOf('@')
  return at < 0 ? null : { id: id.slice(0, at), recipient: id.slice(at + 1) }
}

const tellingOf = (desk: Desk, id: string): Telling | undefined => {
  const parts = partsOf(id)
  return parts === null ? undefined : desk.tellings.get(parts.id, parts.recipient)
}

const heardWords = (who: string, status: Ack['status']): Text =>
  status === 'accepted'
    ? { zh: `${who} 已接受`, en: `${who} has accepted` }
    : status === 'refused'
      ? { zh: `${who} 无法前往`, en: `${who} has refused` }
      : { zh: `${who} 已听到`, en: `${who} has heard` }

/** What a person at the device says beyond "it is here". */
const hear = (turn: Turn, telling: Telling, ack: Ack): void => {
  const { tellings } = turn.desk
  const { status } = ack
  const isNews =
    status === 'accepted' || status === 'done'
      ? tellings.accepted(telling, turn.nowMs)
      : status === 'heard'
        ? tellings.heard(telling, turn.nowMs)
        : tellings.refused(telling, turn.nowMs)
  if (!isNews) return
  const said = status === 'done' ? 'accepted' : status
  if (said === 'refused') {
    tellings.hurry(telling, turn.nowMs)
  } else {
    tellings.first('heard', telling.incidentId, turn.nowMs)
    if (said === 'accepted') tellings.first('accepted', telling.incidentId, turn.nowMs)
  }
  turn.tell(telling.incidentId, {
    actor: `device:${ack.deviceId}`,
    what: said === 'accepted' ? 'recipient-accepted' : said,
    text: heardWords(telling.recipient, said),
    ...(ack.reason !== undefined && { note: ack.reason }),
    detail: { recipient: telling.recipient, notification: telling.id, ...(ack.by !== undefined && { by: ack.by }) },
  })
}

const NOTHING: Changes = { alarms: [], incidents: [], orders: [] }

/** What the crew says on its terminal, as if it had been said on their phone. */
const hearOrder = (turn: Turn, { order, deviceId, says, reason }: OrderAnswer): void => {
  const actor = `device:${deviceId}`
  if (says === 'accept') moveOrder(turn, order, 'accept', { actor, reason })
  else if (says === 'refuse') offerNext(turn, moveOrder(turn, order, 'refuse', { actor, reason: reason ?? 'refused on its terminal' }))
  else {
    turn.saveOrder({ ...order, heardAt: turn.now })
    const { zh, en } = order.resourceName
    const text = { zh: `${zh} 已听到任务`, en: `${en} has heard its order` }
    turn.tell(order.incidentId, { actor, what: 'order-heard', orderId: order.id, text, detail: { resourceId: order.resourceId } })
  }
}

export const openDeliveries = (desk: Desk, recipients: ReadonlyMap<string, Recipient>) => {
  const stepOf = ({ channel, recipient }: OutboxRow): number =>
    recipients.get(recipient)?.ladder.findIndex(step => step.channel === channel) ?? -1
  return {
    due: desk.outbox.due,
    delivered: row =>
      void runTurn(desk, turn => {
        if (!desk.outbox.finish(row, 'delivered', turn.nowMs, null)) return
        const telling = tellingOf(desk, row.notification.id)
        if (telling !== undefined) desk.tellings.delivered(telling.id, telling.recipient, turn.nowMs)
        // a crew that has its order is not who was first told of the fire
        if (row.notification.order === undefined) desk.tellings.first('notified', row.notification.incident.id, turn.nowMs)
        told(turn, row, 'notified')
      }),
    gaveUp: (row, reason) =>
      void runTurn(desk, turn => {
        if (!desk.outbox.finish(row, 'gave-up', turn.nowMs, reason)) return
        const telling = tellingOf(desk, row.notification.id)
        // the channel that failed is the one that is being tried: nobody waits for its time
        if (telling !== undefined && telling.step === stepOf(row)) desk.tellings.hurry(telling, turn.nowMs)
        told(turn, row, 'not-notified', reason)
      }),
    later: desk.outbox.later,
    backlog: desk.outbox.backlog,
    addressOf(row) {
      if (row.notification.order !== undefined) return orderAddressOf(desk, row)
      if (row.recipient === '') return {}
      const step = recipients.get(row.recipient)?.ladder[stepOf(row)]
      return step === undefined ? null : { ...(step.to !== undefined && { to: step.to }) }
    },
    /** Climbs every ladder whose time is up. */
    climb: (nowMs: number): boolean =>
      desk.tellings.due(nowMs, 1).length > 0 && (runTurn(desk, turn => climbLadders(turn, recipients)), true),
    /** Only from the device that was told; false where the answer belongs to no notification. */
    heard(ack: Ack): Changes | false {
      const answer = orderAnswerOf(desk, ack)
      if (answer !== undefined) return answer.says === 'nothing' ? NOTHING : runTurn(desk, turn => hearOrder(turn, answer)).changes
      const telling = tellingOf(desk, ack.id)
      const isTheirs = recipients.get(telling?.recipient ?? '')?.ladder.some(step => step.to === ack.deviceId) ?? false
      if (telling === undefined || !isTheirs) return false
      if (ack.status === 'received' || ack.status === 'failed') return NOTHING
      return runTurn(desk, turn => hear(turn, telling, ack)).changes
    },
  } satisfies Deliveries & Record<string, unknown>
}
