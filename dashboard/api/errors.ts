// Every error that leaves the API has one shape: {code, message, hint, requestId}, status from contracts/errors.ts.
// Never a stack, never a value that was sent; what is unexpected is logged under the requestId and answered as `internal`.
import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { ErrorObject } from 'ajv'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '#contracts/clock.ts'
import { ERROR_CODES, FengsuiError, type ErrorCode } from '#contracts/errors.ts'
import { describeViolation, object, oneOf, ref, text, type App } from './schema.ts'

export type ErrorBody = { code: ErrorCode; message: string; hint: string; requestId: string }

export const errorSchema = {
  $id: 'Error',
  ...object({
    code: oneOf(Object.keys(ERROR_CODES), { description: 'stable; docs/errors.md explains each' }),
    message: text({ description: 'what was wrong with this request' }),
    hint: text({ description: 'what to do about it' }),
    requestId: text({ description: 'also in the header x-request-id and in the log' }),
  }),
}

/** The response schemas of a route: what it answers when it worked, and the error shape for everything else. */
export const answers = (worked: Record<number, object>): Record<string, object> => ({ ...worked, '4xx': ref('Error'), '5xx': ref('Error') })

type Unknown = { code?: string; statusCode?: number; message?: string; validation?: ErrorObject[]; validationContext?: string }

/** What Fastify and its plug-ins throw, in our own words; null = nobody foresaw it. */
function translate(error: Unknown): FengsuiError | null {
  if (error instanceof FengsuiError) return error
  if (error.validation)
    return new FengsuiError('invalid-request', describeViolation(error.validation, error.validationContext ?? 'request'))
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return new FengsuiError('payload-too-large', 'the body is larger than this route takes')
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return new FengsuiError('invalid-request', 'the body must be sent as content-type application/json')
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return new FengsuiError('invalid-request', 'the content-type promises JSON, but the body is empty')
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return new FengsuiError('invalid-request', 'the body is not valid JSON')
    case 'FST_FILES_LIMIT':
    case 'FST_FIELDS_LIMIT':
    case 'FST_PARTS_LIMIT':
      return new FengsuiError('invalid-request', 'the form has more fields or files than this route takes')
    case 'FST_ERR_BAD_URL':
      return new FengsuiError('invalid-request', 'the URL cannot be decoded')
  }
  if (error.statusCode === 404) return new FengsuiError('not-found', 'there is nothing at this address')
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new FengsuiError('invalid-request', 'the request cannot be read')
  }
  return null
}

const bodyOf = (error: FengsuiError, requestId: string): ErrorBody => ({
  code: error.code,
  message: error.message,
  hint: error.hint,
  requestId,
})

/** Answers any error in the one shape; what was not foreseen is logged with its stack. */
export function answerError(error: unknown, request: FastifyRequest, reply: FastifyReply, log: Log): FastifyReply {
  const known = translate(error as Unknown)
  if (known === null || known.code === 'internal') log.error({ err: error, requestId: request.id }, 'a request failed')
  const answer = known === null || known.code === 'internal' ? new FengsuiError('internal', 'something broke on our side') : known
  void reply
    .code(answer.status)
    .header('cache-control', 'no-store')
    .header('x-request-id', request.id)
    .type('application/json; charset=utf-8')
  return reply.send(JSON.stringify(bodyOf(answer, request.id)))
}

/** Bytes that are not HTTP at all never reach a route: answered on the bare socket. */
export function answerClientError(error: { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const tooLarge = error.code === 'HPE_HEADER_OVERFLOW'
  const answer = new FengsuiError('invalid-request', tooLarge ? 'the headers are too large' : 'this is not HTTP/1.1')
  const body = JSON.stringify(bodyOf(answer, randomUUID()))
  socket.end(
    `HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  )
}

export function addErrors(app: App, o: { log: Log; isPage(request: FastifyRequest): boolean }): void {
  app.addSchema(errorSchema)
  app.setErrorHandler((error, request, reply) => answerError(error, request, reply, o.log))
  app.setNotFoundHandler((request, reply) => {
    // an address inside the page is the page; `sendFile` is there only when the page was built
    if (o.isPage(request) && 'sendFile' in reply) return reply.sendFile('index.html')
    const path = request.url.split('?', 1)[0]?.slice(0, 200)
    return answerError(new FengsuiError('not-found', `${request.method} ${path} does not exist`), request, reply, o.log)
  })
}
