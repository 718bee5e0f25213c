// A clock that is set back would make late whatever is due by it: deadlines, offers, ladders, sendings, ends of shelving, commands. So all of
// it is brought forward by as much, in one turn, whether the clock was set while this ran or while it was down. A clock that is set on makes
// things early, which wakes somebody too soon and loses nothing: that is left as it is.
import type { Order } from '#contracts/order.ts'
import type { Command } from '#contracts/command.ts'
import type { Desk, Turn } from './turn.ts'

/** What clocks correct by themselves; a deadline is late by no more. */
const IGNORED_MS = 2_000

export type ClockBack = {
  /** by how much the clock was set back since the last look; 0 = it was not */
  look(nowMs: number): number
  bringForward(turn: Turn, byMs: number): void
}

const earlier = (time: string, byMs: number): string => new Date(Date.parse(time) - byMs).toISOString()

const orderEarlier = (order: Order, byMs: number): Order => ({
  ...order,
  answerBy: earlier(order.answerBy, byMs),
  ...(order.clock !== undefined && {
    clock: {
      turnOutBy: earlier(order.clock.turnOutBy, byMs),
      onSceneBy: earlier(order.clock.onSceneBy, byMs),
      jointBy: earlier(order.clock.jointBy, byMs),
    },
  }),
})

export const openClockBack = (desk: Desk): ClockBack => {
  const { db } = desk
  const columns = [
    'UPDATE deadlines SET due_ms = due_ms - ?',
    'UPDATE tellings SET next_ms = next_ms - ? WHERE next_ms IS NOT NULL',
    'UPDATE outbox SET due_ms = due_ms - ? WHERE due_ms IS NOT NULL',
    `UPDATE alarms SET shelved_until_ms = shelved_until_ms - ?1,
       json = json_set(json, '$.shelvedUntil', strftime('%Y-%m-%dT%H:%M:%fZ', (shelved_until_ms - ?1) / 1000.0, 'unixepoch'))
     WHERE shelved_until_ms IS NOT NULL`,
  ].map(sql => db.prepare(sql))
  const openIncidents = db.prepare('SELECT id FROM incidents WHERE open = 1')
  const commands = db.prepare('SELECT json FROM commands WHERE next_ms IS NOT NULL')
  const moveCommand = db.prepare('UPDATE commands SET expires_ms = expires_ms - :by, next_ms = next_ms - :by, json = :json WHERE id = :id')
  // every act is in the trail: the newest tells what time it was
  const [newest] = desk.audit.list(1)
  let lastMs = newest === undefined ? -Infinity : Date.parse(newest.at)

  return {
    look(nowMs) {
      if (lastMs - nowMs > IGNORED_MS) return lastMs - nowMs
      lastMs = nowMs
      return 0
    },
    bringForward(turn, byMs) {
      for (const statement of columns) statement.run(byMs)
      desk.resources.heardEarlier(byMs)
      desk.heard.setBackAt(turn.nowMs)
      for (const row of openIncidents.all()) {
        const record = turn.incident(row['id'] as string)
        if (record === undefined) continue
        const { stateSince, dueAt } = record.incident
        turn.saveIncident({
          ...record,
          incident: {
            ...record.incident,
            ...(stateSince !== undefined && { stateSince: earlier(stateSince, byMs) }),
            ...(dueAt !== undefined && { dueAt: earlier(dueAt, byMs) }),
          },
        })
      }
      for (const order of desk.orders.open()) turn.saveOrder(orderEarlier(order, byMs))
      for (const row of commands.all()) {
        const command = JSON.parse(row['json'] as string) as Command
        const json = JSON.stringify({ ...command, expiresAt: earlier(command.expiresAt, byMs) })
        moveCommand.run({ by: byMs, json, id: command.id })
      }
      turn.afterCommit(() => {
        lastMs = turn.nowMs
      })
      desk.audit.append({ at: turn.now, actor: 'system', action: 'clock.set-back', subject: 'clock', detail: { byMs } })
      desk.log.warn({ byMs }, 'the clock was set back; what is due by it was brought forward by as much')
    },
  }
}
