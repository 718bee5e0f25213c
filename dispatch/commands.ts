// Commands to devices: written down before they are sent, once under a key however often it is asked for, and followed until the device has
// answered or the time is over. Every step is one transaction and stands in the audit; who publishes is command-sender.ts.
import { randomUUID } from 'node:crypto'
import { commandsFor, type Command } from '#contracts/command.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { DeviceKind } from '#contracts/reading.ts'
import type { Ack } from './acks.ts'
import { actorOf, optional } from './checks.ts'
import { runTurn, type Desk, type Turn } from './turn.ts'

export const EXPIRES_S_DEFAULT = 60
export const EXPIRES_S_MAX = 24 * 3600
/** open ones of one device; more is no command any more */
export const OPEN_MAX = 50
export const COMMANDS_KEPT = 50_000
export const COMMANDS_LISTED_MAX = 200
const KEY_CHARACTERS_MAX = 200
const PARAMETERS_BYTES_MAX = 8 * 1024

export type Ordering = {
  deviceId: string
  kind: DeviceKind
  command: string
  parameters?: Record<string, unknown>
  idempotencyKey?: string
  expiresInS?: number
  /** as the audit names them: user:<name>, token:<name> */
  by: string
}

type Row = { json: string }
const toCommand = (row: unknown): Command => JSON.parse((row as Row).json) as Command
const iso = (ms: number): string => new Date(ms).toISOString()
const same = (a: unknown, b: unknown): boolean => JSON.stringify(a ?? null) === JSON.stringify(b ?? null)

export const openCommands = (desk: Desk) => {
  const { db } = desk
  const byKey = db.prepare('SELECT json FROM commands WHERE by_whom = ? AND key = ?')
  const byId = db.prepare('SELECT json FROM commands WHERE id = ?')
  const insert = db.prepare(
    `INSERT INTO commands (id, device_id, by_whom, key, state, expires_ms, next_ms, json)
     VALUES (:id, :device_id, :by, :key, 'queued', :expires, :next, :json)`,
  )
  const update = db.prepare('UPDATE commands SET state = :state, next_ms = :next, json = :json WHERE id = :id')
  const waiting = db.prepare(
    "SELECT json FROM commands WHERE state = 'queued' AND next_ms <= ? AND expires_ms > ? ORDER BY seq LIMIT ? + 0",
  )
  const over = db.prepare('SELECT json FROM commands WHERE next_ms IS NOT NULL AND expires_ms <= ? ORDER BY seq LIMIT 500')
  const underWay = db.prepare(
    "SELECT json FROM commands WHERE state = 'sent' AND next_ms IS NOT NULL AND expires_ms > ? ORDER BY seq LIMIT ? + 0",
  )
  const open = db.prepare('SELECT count(*) AS n FROM commands WHERE device_id = ? AND next_ms IS NOT NULL')
  const later = db.prepare("UPDATE commands SET next_ms = ? WHERE id = ? AND state = 'queued'")
  const list = db.prepare('SELECT json FROM commands WHERE device_id = ? ORDER BY seq DESC LIMIT ? + 0')
  const trim = db.prepare(`DELETE FROM commands WHERE next_ms IS NULL AND seq <= (SELECT max(seq) - ${COMMANDS_KEPT} FROM commands)`)

  const get = (id: string): Command | undefined => {
    const row = byId.get(id)
    return row === undefined ? undefined : toCommand(row)
  }
  const record = (turn: Turn, actor: string, c: Command, detail: Record<string, unknown> = {}): void =>
    turn.desk.audit.append({
      at: turn.now,
      actor,
      action: c.state !== 'queued' ? `command.${c.state}` : c.reason === undefined ? 'device.command' : 'command.queued-again',
      subject: c.deviceId,
      detail: { commandId: c.id, command: c.command, ...detail },
    })
  const move = (turn: Turn, c: Command, actor: string, nextMs: number | null, detail?: Record<string, unknown>): void => {
    update.run({ id: c.id, state: c.state, next: nextMs, json: JSON.stringify(c) })
    record(turn, actor, c, detail)
    turn.afterCommit(meter => meter.count('fengsui_commands_total', { state: c.state }))
  }

  const add = (turn: Turn, o: Ordering): { command: Command; created: boolean } => {
    const { actor: by } = actorOf(o.by)
    const key = optional('idempotencyKey', o.idempotencyKey, KEY_CHARACTERS_MAX) ?? null
    const before = key === null ? undefined : byKey.get(by, key)
    if (before !== undefined) {
      const known = toCommand(before)
      const isSame = known.deviceId === o.deviceId && known.command === o.command && same(known.parameters, o.parameters)
      if (isSame) return { command: known, created: false }
      throw new FengsuiError('conflict', `idempotencyKey ${key} was used for ${known.command} to ${known.deviceId}: take a new key`)
    }
    if (!commandsFor(o.kind).includes(o.command))
      throw new FengsuiError('invalid-request', `${o.command} is no command for a ${o.kind}; there are: ${commandsFor(o.kind).join(', ')}`)
    if (JSON.stringify(o.parameters ?? {}).length > PARAMETERS_BYTES_MAX)
      throw new FengsuiError('invalid-request', `parameters are longer than ${PARAMETERS_BYTES_MAX} characters`)
    const expiresInS = o.expiresInS ?? EXPIRES_S_DEFAULT
    if (!Number.isInteger(expiresInS) || expiresInS < 1 || expiresInS > EXPIRES_S_MAX)
      throw new FengsuiError('invalid-request', `expiresInS must be 1 to ${EXPIRES_S_MAX}`)
    if (Number(open.get(o.deviceId)?.['n']) >= OPEN_MAX)
      throw new FengsuiError('too-many-requests', `${OPEN_MAX} commands to ${o.deviceId} are open: wait until they have ended`)
    const expiresMs = turn.nowMs + expiresInS * 1000
    const command: Command = {
      id: randomUUID(),
      deviceId: o.deviceId,
      kind: o.kind,
      command: o.command,
      ...(o.parameters !== undefined && { parameters: o.parameters }),
      state: 'queued',
      by,
      at: turn.now,
      expiresAt: iso(expiresMs),
    }
    insert.run({ id: command.id, device_id: o.deviceId, by, key, expires: expiresMs, next: turn.nowMs, json: JSON.stringify(command) })
    record(turn, by, command)
    return { command, created: true }
  }

  return {
    /** @throws FengsuiError invalid-request, conflict, too-many-requests */
    add: (o: Ordering) => runTurn(desk, turn => add(turn, o)).result,
    get,
    of: (deviceId: string, limit: number): Command[] => list.all(deviceId, Math.min(limit, COMMANDS_LISTED_MAX)).map(toCommand),
    waiting: (nowMs: number, limit: number): Command[] => waiting.all(nowMs, nowMs, limit).map(toCommand),
    later: (id: string, nextMs: number): void => void later.run(nextMs, id),
    /** Sent, and not answered yet. */
    underWay: (nowMs: number, limit: number): Command[] => underWay.all(nowMs, limit).map(toCommand),
    /** Whoever had it to hand on will not any more: it is sent again, within the time it had. */
    again: (id: string, reason: string, afterMs: number): void =>
      void runTurn(desk, turn => {
        const c = get(id)
        if (c?.state !== 'sent') return
        const { sentAt: _, topics: _t, waitsAt: _w, ...rest } = c
        move(turn, { ...rest, state: 'queued', reason }, 'system', turn.nowMs + afterMs, { reason })
      }),
    /** The broker has it. `answers` false: nothing more will be known. */
    sent: (id: string, topics: string[], answers: boolean, waitsAt?: string | null): void =>
      void runTurn(desk, turn => {
        const c = get(id)
        if (c?.state !== 'queued') return
        const sent: Command = {
          ...c,
          state: 'sent',
          sentAt: turn.now,
          topics,
          ...(waitsAt !== undefined && { waitsAt }),
          ...(!answers && { unanswered: true as const }),
        }
        move(turn, sent, 'system', answers ? Date.parse(c.expiresAt) : null)
      }),
    /** From the device that was asked, also when it is late; false where it belongs to no command. */
    heard(ack: Ack): boolean {
      const c = get(ack.id)
      if (c === undefined || c.deviceId !== ack.deviceId) return false
      const { status, by, reason } = ack
      if (c.answer?.status === status) return true
      runTurn(desk, turn => {
        const answer = { status, ...(by !== undefined && { by }), ...(reason !== undefined && { reason }) }
        const answered: Command = { ...c, state: 'acknowledged', answeredAt: c.answeredAt ?? turn.now, answer }
        move(turn, answered, `device:${ack.deviceId}`, null, answer)
      })
      return true
    },
    /** Ends what was not answered, or not even sent, in its time; what that was. */
    end(nowMs: number): Command[] {
      if (over.get(nowMs) === undefined) return []
      return runTurn(desk, turn => {
        const all = over.all(nowMs).map((row): Command => {
          const c = toCommand(row)
          return { ...c, state: c.state === 'queued' ? 'expired' : 'timed-out' }
        })
        for (const ended of all) move(turn, ended, 'system', null)
        trim.run()
        return all
      }).result
    },
  }
}
export type Commands = ReturnType<typeof openCommands>
