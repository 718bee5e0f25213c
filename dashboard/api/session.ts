// Logging in and out, and one's own password: POST, GET, PUT (its password) and DELETE /api/v1/session. The cookie is HttpOnly and SameSite=Strict; the same token may be
// sent as `Authorization: Bearer`. Guessing is slowed twice: by address (rate limit) and by user name and address (lock-out).
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Principal } from '#contracts/people.ts'
import { actorOf, callerOf, SESSION_COOKIE } from './auth.ts'
import { answers } from './errors.ts'
import { createLockout } from './lockout.ts'
import { object, ref, text, time, type App } from './schema.ts'

export type SessionParts = {
  accounts: {
    login(username: string, password: string): Promise<{ token: string; principal: Principal; expiresAt: string }>
    logout(token: string): boolean
    changePassword(username: string, o: { before: string; password: string; token: string }): Promise<void>
  }
  record: (o: { actor: string; action: string; subject: string; detail?: object }) => void
  /** the district's local time, which every page shows; an IANA name */
  timeZone: string
  clock: Clock
  log: Log
}

/** logins from one address a minute, right or wrong; an office behind one address has many desks */
const LOGINS_PER_MINUTE = 60

const credentials = object({ username: text({ minLength: 1, maxLength: 64 }), password: text({ minLength: 1, maxLength: 256 }) })
const session = object({ token: text(), expiresAt: time(), principal: ref('Principal') })

const isSecure = (request: FastifyRequest): boolean => request.protocol === 'https' || request.headers['x-forwarded-proto'] === 'https'

export function sessionRoutes(app: App, parts: SessionParts): void {
  const { accounts, clock, log, record, timeZone } = parts
  const lockout = createLockout({ clock })
  const cookie = (request: FastifyRequest) => ({ path: '/', httpOnly: true, sameSite: 'strict', secure: isSecure(request) }) as const

  function refuseWhileLocked(username: string, request: FastifyRequest, reply: FastifyReply): void {
    const waitS = lockout.waitS(username, request.ip)
    if (waitS === 0) return
    void reply.header('retry-after', waitS)
    throw new FengsuiError('too-many-requests', `too many wrong passwords; wait ${waitS} s`)
  }

  function noteFailure(username: string, request: FastifyRequest): void {
    // the name is not recorded: people type passwords into the wrong field
    log.warn({ requestId: request.id, address: request.ip }, 'a login was refused')
    if (lockout.failed(username, request.ip)) record({ actor: 'anonymous', action: 'session.lock', subject: request.ip })
  }

  const tried = <T>(username: string, request: FastifyRequest, reply: FastifyReply, work: () => Promise<T>): Promise<T> =>
    lockout.inTurn(username, request.ip, async () => {
      refuseWhileLocked(username, request, reply)
      try {
        return await work()
      } catch (error) {
        if (error instanceof FengsuiError && error.code === 'bad-credentials') noteFailure(username, request)
        throw error
      }
    })

  app.post('/api/v1/session', {
    config: { scope: 'public', rateLimit: { max: LOGINS_PER_MINUTE, timeWindow: '1 minute' } },
    bodyLimit: 4096,
    schema: { summary: 'Log in', tags: ['session'], body: credentials, response: answers({ 200: session }) },
    handler: async (request, reply) => {
      const { username, password } = request.body
      const opened = await tried(username, request, reply, () => accounts.login(username, password))
      lockout.succeeded(username, request.ip)
      record({ actor: actorOf(opened.principal), action: 'session.open', subject: request.ip })
      const maxAge = Math.floor((Date.parse(opened.expiresAt) - clock.nowMs()) / 1000)
      return reply.setCookie(SESSION_COOKIE, opened.token, { ...cookie(request), maxAge }).send(opened)
    },
  })

  app.get('/api/v1/session', {
    config: { scope: 'public' },
    schema: {
      summary: 'Who am I, and by which clock the district goes',
      tags: ['session'],
      response: answers({ 200: object({ principal: ref('Principal'), timeZone: text({ description: 'an IANA name' }) }) }),
    },
    handler: async request => ({ principal: callerOf(request), timeZone }),
  })

  app.put('/api/v1/session/password', {
    config: { scope: 'public', rateLimit: { max: LOGINS_PER_MINUTE, timeWindow: '1 minute' } },
    bodyLimit: 4096,
    schema: {
      summary: 'Another password of one’s own; all other sessions of the same person end',
      tags: ['session'],
      body: object({ before: text({ minLength: 1, maxLength: 256 }), password: text({ minLength: 10, maxLength: 256 }) }),
      response: answers({ 204: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      const caller = callerOf(request)
      const token = request.credential?.token
      if (caller.kind !== 'user' || token === undefined) throw new FengsuiError('forbidden', 'a token has no password')
      // counted as log-ins are: somebody at a desk that was left open must not try for long
      await tried(caller.name, request, reply, () => accounts.changePassword(caller.name, { ...request.body, token }))
      record({ actor: actorOf(caller), action: 'user.own-password', subject: caller.name })
      return reply.code(204).send()
    },
  })

  app.delete('/api/v1/session', {
    config: { scope: 'public' },
    schema: { summary: 'Log out', tags: ['session'], response: answers({ 204: { type: 'null' } }) },
    handler: async (request, reply) => {
      const caller = callerOf(request)
      const ended = request.credential !== null && accounts.logout(request.credential.token)
      if (ended) record({ actor: actorOf(caller), action: 'session.close', subject: request.ip })
      return reply.clearCookie(SESSION_COOKIE, cookie(request)).code(204).send()
    },
  })
}
