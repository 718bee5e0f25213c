// What flows ask devices to do. Commands that only look, speak or light are sent at once; all others wait until a person confirms them. A request
// is known by its key: asking again changes nothing. Never decides whether a command makes sense.
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Clock } from '#contracts/clock.ts'
import { COMMANDS, mayCommand } from '#contracts/command.ts'
import { REQUEST_STATES, type CommandRequest } from '#contracts/command-request.ts'
import type { Device } from '#contracts/device.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { DEVICE_ID } from '#contracts/topic.ts'
import type { Audit } from './audit.ts'
import { callerOf, nameOf } from './auth.ts'
import { emptyBody } from './alarms.ts'
import { answers } from './errors.ts'
import type { CommandDesk } from './commands.ts'
import type { DeviceParts } from './devices.ts'
import { integer, list, object, oneOf, open, text, time, type App } from './schema.ts'

/** They only look, speak or light, and an officer may give each of them: a flow may no more than he. */
export const SAFE_COMMANDS = ['locate', 'snapshot', 'stream-start', 'look-at', 'preset', 'announce'] as const
/** waiting requests; beyond it new ones are refused, so that a looping flow cannot bury the one that matters */
const WAITING_MAX = 200
const LISTED_MAX = 500
/** decided ones beyond it are forgotten, oldest first: their keys ask anew; what was sent stands in the audit and with the commands */
const DECIDED_KEPT = 10_000

type Row = CommandRequest
export type CommandRequests = {
  get(id: string): Row | undefined
  put(row: Row): void
  list(limit: number, state?: Row['state']): Row[]
  waiting(): number
  close(): void
}
export type CommandRequestParts = {
  commandRequests: CommandRequests
  directory: Pick<DeviceParts['directory'], 'get'>
  commands: Pick<CommandDesk, 'post'>
  audit: Audit
  clock: Clock
}

export function openCommandRequests({ dir, decidedKept = DECIDED_KEPT }: { dir: string; decidedKept?: number }): CommandRequests {
  const db = new DatabaseSync(join(dir, 'commands.db'))
  db.exec(`PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
    CREATE TABLE IF NOT EXISTS requests (id TEXT PRIMARY KEY, at TEXT NOT NULL, state TEXT NOT NULL, json TEXT NOT NULL) STRICT`)
  const one = db.prepare('SELECT json FROM requests WHERE id = ?')
  const put = db.prepare(
    'INSERT INTO requests VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, json = excluded.json',
  )
  const newest = db.prepare('SELECT json FROM requests ORDER BY at DESC, id LIMIT ?')
  const newestOf = db.prepare('SELECT json FROM requests WHERE state = ? ORDER BY at DESC, id LIMIT ?')
  const waiting = db.prepare("SELECT count(*) AS n FROM requests WHERE state = 'waiting'")
  const trim = db.prepare(
    `DELETE FROM requests WHERE id IN (SELECT id FROM requests WHERE state <> 'waiting' ORDER BY at DESC, id LIMIT -1 OFFSET ?)`,
  )
  const rowOf = (row: Record<string, unknown>): Row => JSON.parse(String(row['json'])) as Row
  return {
    get: id => {
      const row = one.get(id)
      return row === undefined ? undefined : rowOf(row)
    },
    put(row) {
      put.run(row.id, row.at, row.state, JSON.stringify(row))
      if (row.state !== 'waiting') trim.run(decidedKept)
    },
    list: (limit, state) => (state === undefined ? newest.all(limit) : newestOf.all(state, limit)).map(rowOf),
    waiting: () => Number(waiting.get()?.['n'] ?? 0),
    close: () => db.close(),
  }
}

const tags = ['devices']
const shown = object(
  { id: text(), deviceId: text(), command: text(), reason: text(), origin: text(), state: oneOf(REQUEST_STATES), at: time() },
  {},
  { additionalProperties: true },
)

/** Before anything is written down: a request that could never be sent is no request. */
function checkAllowed(device: Device | undefined, deviceId: string, command: string): void {
  if (device === undefined) throw new FengsuiError('not-found', `there is no device ${deviceId}`)
  const allowed = Object.hasOwn(COMMANDS, command) ? COMMANDS[command] : undefined
  if (allowed === undefined) throw new FengsuiError('invalid-request', `body.command must be one of ${Object.keys(COMMANDS).join(', ')}`)
  if (allowed.kinds !== 'any' && !allowed.kinds.includes(device.kind))
    throw new FengsuiError('invalid-request', `${command} is not for devices of the kind ${device.kind}`)
}

export function commandRequestRoutes(app: App, parts: CommandRequestParts): void {
  const { commandRequests, directory, audit, clock } = parts

  function send(row: Row, by: string): Row {
    const device = directory.get(row.deviceId)
    if (device === undefined) throw new FengsuiError('not-found', `there is no device ${row.deviceId}`)
    const { id, command, parameters } = row
    parts.commands.post({ device, command, ...(parameters !== null && { parameters }), idempotencyKey: `request:${id}`, by })
    const sent: Row = { ...row, state: 'sent', decidedBy: by }
    commandRequests.put(sent)
    return sent
  }

  app.post('/api/v1/command-requests', {
    config: { scope: 'commands:request' },
    schema: {
      summary: 'A flow asks for a command; the same Idempotency-Key asks once',
      tags,
      headers: { type: 'object', required: ['idempotency-key'], properties: { 'idempotency-key': text({ minLength: 1, maxLength: 200 }) } },
      body: object(
        {
          deviceId: text({ pattern: DEVICE_ID.source }),
          command: text({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z][A-Za-z0-9._-]*$' }),
        },
        {
          parameters: open({ maxProperties: 64 }),
          reason: text({ maxLength: 500 }),
          origin: text({ pattern: '^flow:[A-Za-z0-9._-]{1,100}$' }),
        },
      ),
      response: answers({ 200: shown, 202: shown }),
    },
    handler: async (request, reply) => {
      const { deviceId, command, parameters, reason = '', origin = 'flow:unknown' } = request.body
      const id = createHash('sha256').update(String(request.headers['idempotency-key'])).digest('hex').slice(0, 32)
      const known = commandRequests.get(id)
      if (known !== undefined) return known
      checkAllowed(directory.get(deviceId), deviceId, command)
      const isSafe = (SAFE_COMMANDS as readonly string[]).includes(command)
      if (!isSafe && commandRequests.waiting() >= WAITING_MAX)
        throw new FengsuiError('too-many-requests', `${WAITING_MAX} commands wait for a person already`)
      const at = new Date(clock.nowMs()).toISOString()
      const row: Row = {
        id,
        deviceId,
        command,
        parameters: (parameters as Record<string, unknown> | undefined) ?? null,
        reason,
        origin,
        state: 'waiting',
        at,
        decidedBy: null,
      }
      commandRequests.put(row)
      audit(request, 'command.request', deviceId, { id, command, reason, origin, isSafe })
      return reply.code(202).send(isSafe ? send(row, origin) : row)
    },
  })

  app.get('/api/v1/command-requests', {
    config: { scope: 'read' },
    schema: {
      summary: 'What flows asked for, newest first',
      tags,
      querystring: object({}, { state: oneOf(REQUEST_STATES), limit: integer({ minimum: 1, maximum: LISTED_MAX, default: 100 }) }),
      response: answers({ 200: object({ requests: list(shown) }) }),
    },
    handler: async request => ({ requests: commandRequests.list(request.query.limit ?? 100, request.query.state) }),
  })

  for (const verb of ['confirm', 'refuse'] as const) {
    app.post(
      `/api/v1/command-requests/:id/${verb}`,
      {
        config: { scope: 'alarms:handle' },
        preValidation: emptyBody,
        schema: {
          summary: verb === 'confirm' ? 'Send it' : 'Do not send it',
          tags,
          params: object({ id: text({ maxLength: 64 }) }),
          body: object({}),
          response: answers({ 200: shown }),
        },
      },
      async request => {
        const row = commandRequests.get(request.params.id)
        if (row === undefined) throw new FengsuiError('not-found', `there is no request ${request.params.id}`)
        if (row.state !== 'waiting') throw new FengsuiError('conflict', `it is ${row.state} already, by ${row.decidedBy ?? 'nobody'}`)
        const caller = callerOf(request)
        // a request of a flow lends nobody a right that he does not have
        if (verb === 'confirm' && !mayCommand(caller.role ?? 'officer', row.command))
          throw new FengsuiError('forbidden', `${row.command} is not for the role ${caller.role ?? 'officer'}`)
        const by = nameOf(caller)
        audit(request, `command.${verb}`, row.deviceId, { id: row.id, command: row.command })
        if (verb === 'confirm') return send(row, by)
        const refused: Row = { ...row, state: 'refused', decidedBy: by }
        commandRequests.put(refused)
        return refused
      },
    )
  }
}
