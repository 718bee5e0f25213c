// What became of a notification: the outbox row moves and the incident's timeline says so, in one transaction. The part of dispatch
// that notify.ts sees.
import type { NotificationEvent } from './notifiers/notifier.ts'
import type { Backlog, OutboxRow } from './outbox.ts'
import { runTurn, type Desk, type Turn } from './turn.ts'
import { notifiedWords } from './words.ts'

export type Deliveries = {
  due(channel: string, nowMs: number, limit: number): OutboxRow[]
  delivered(row: OutboxRow): void
  gaveUp(row: OutboxRow, reason: string): void
  later(row: OutboxRow, dueMs: number, reason: string): void
  backlog(channel: string): Backlog
}

const told = (turn: Turn, { channel, notification: n }: OutboxRow, what: 'notified' | 'not-notified', note?: string): void =>
  turn.tell(n.incident.id, {
    actor: 'system',
    what,
    text: notifiedWords(what === 'notified', channel, n.event satisfies NotificationEvent),
    ...(note !== undefined && { note }),
    detail: { channel, notification: n.id },
  })

export const openDeliveries = (desk: Desk): Deliveries => ({
  due: desk.outbox.due,
  delivered: row =>
    void runTurn(desk, turn => {
      if (desk.outbox.finish(row, 'delivered', turn.nowMs, null)) told(turn, row, 'notified')
    }),
  gaveUp: (row, reason) =>
    void runTurn(desk, turn => {
      if (desk.outbox.finish(row, 'gave-up', turn.nowMs, reason)) told(turn, row, 'not-notified', reason)
    }),
  later: desk.outbox.later,
  backlog: desk.outbox.backlog,
})
