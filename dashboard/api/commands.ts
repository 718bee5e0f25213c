// Commands to devices over HTTP: asked for once under a key, by who may, and followed until the device has answered. What may be asked of
// which kind stands in contracts/command.ts; this checks the role and hands it on.
import type { FastifyRequest } from 'fastify'
import { COMMAND_STATES, COMMANDS, mayCommand, type Command } from '#contracts/command.ts'
import type { Device } from '#contracts/device.ts'
import { FengsuiError } from '#contracts/errors.ts'
import { actorOf, callerOf } from './auth.ts'
import { answers } from './errors.ts'
import { integer, list, object, oneOf, open, ref, text, time, type App } from './schema.ts'

export type CommandDesk = {
  /** @throws FengsuiError conflict where the device cannot be commanded from here */
  post(o: {
    device: Device
    command: string
    parameters?: Record<string, unknown>
    idempotencyKey?: string
    expiresInS?: number
    by: string
  }): { command: Command; created: boolean }
  of(deviceId: string, limit: number): Command[]
  get(id: string): Command | undefined
}
export type CommandParts = { directory: { get(deviceId: string): Device | undefined }; commands: CommandDesk }

const LISTED = 50
const LISTED_MAX = 200
const EXPIRES_S_MAX = 86_400
const tags = ['devices']
const byId = object({ id: text({ maxLength: 128 }) })
const parameters = open({ maxProperties: 64 })
const key = text({ minLength: 1, maxLength: 200 })

export const commandShape = {
  $id: 'Command',
  ...object(
    {
      id: text(),
      deviceId: text(),
      kind: text(),
      command: text(),
      state: oneOf(COMMAND_STATES),
      by: text(),
      at: time(),
      expiresAt: time(),
    },
    {
      parameters: open(),
      topics: list(text()),
      sentAt: time(),
      waitsAt: { type: ['string', 'null'], description: 'the gateway it waits at' },
      reason: text({ description: 'why it is queued again' }),
      answeredAt: time(),
      answer: open({ description: 'status, by, reason as the device said them' }),
      unanswered: { type: 'boolean', description: 'devices of this family never answer' },
    },
    { additionalProperties: true },
  ),
}

/** A service token may what an officer may. */
function checkRole(request: FastifyRequest, command: string): void {
  const caller = callerOf(request)
  const role = caller.role ?? 'officer'
  if (!Object.hasOwn(COMMANDS, command))
    throw new FengsuiError('invalid-request', `body.command must be one of ${Object.keys(COMMANDS).join(', ')}`)
  if (!mayCommand(role, command)) throw new FengsuiError('forbidden', `${command} is not for the role ${role}`)
}

function keyOf(request: FastifyRequest, inBody: string | undefined): string | undefined {
  const inHeader = request.headers['idempotency-key']
  if (typeof inHeader !== 'string') return inBody
  if (inBody !== undefined && inBody !== inHeader)
    throw new FengsuiError('invalid-request', 'body.idempotencyKey and the header Idempotency-Key differ')
  return inHeader
}

export function commandRoutes(app: App, { directory, commands }: CommandParts): void {
  app.addSchema(commandShape)
  function known(id: string): Device {
    const device = directory.get(id)
    if (device === undefined) throw new FengsuiError('not-found', `there is no device ${id}`)
    return device
  }

  app.post('/api/v1/devices/:id/commands', {
    config: { scope: 'devices:command' },
    schema: {
      summary: 'Command a device; the same idempotencyKey commands it once (202 taken, 200 known)',
      tags,
      params: byId,
      headers: { type: 'object', properties: { 'idempotency-key': key } },
      body: object(
        { command: text({ minLength: 1, maxLength: 64, pattern: '^[A-Za-z][A-Za-z0-9._-]*$' }) },
        {
          parameters,
          idempotencyKey: key,
          expiresInS: integer({ minimum: 1, maximum: EXPIRES_S_MAX, description: 'no use any more after so long; default 60' }),
        },
      ),
      response: answers({ 200: ref('Command'), 202: ref('Command') }),
    },
    handler: async (request, reply) => {
      const { idempotencyKey, ...given } = request.body
      checkRole(request, given.command)
      const device = known(request.params.id)
      const keyed = keyOf(request, idempotencyKey)
      const by = actorOf(callerOf(request))
      const { command, created } = commands.post({ ...given, device, by, ...(keyed !== undefined && { idempotencyKey: keyed }) })
      return reply.code(created ? 202 : 200).send(command)
    },
  })

  app.get('/api/v1/devices/:id/commands', {
    config: { scope: 'read' },
    schema: {
      summary: 'Commands to one device, newest first',
      tags,
      params: byId,
      querystring: object({}, { limit: integer({ minimum: 1, maximum: LISTED_MAX, default: LISTED }) }),
      response: answers({ 200: object({ commands: list(ref('Command')) }) }),
    },
    handler: async request => ({ commands: commands.of(known(request.params.id).deviceId, request.query.limit ?? LISTED) }),
  })

  app.get('/api/v1/devices/:id/commands/:command', {
    config: { scope: 'read' },
    schema: {
      summary: 'One command and how far it has come',
      tags,
      params: object({ id: text({ maxLength: 128 }), command: text({ maxLength: 64 }) }),
      response: answers({ 200: ref('Command') }),
    },
    handler: async request => {
      const { id, command } = request.params
      const found = commands.get(command)
      if (found?.deviceId !== id) throw new FengsuiError('not-found', `there is no command ${command} to ${id}`)
      return found
    },
  })
}
