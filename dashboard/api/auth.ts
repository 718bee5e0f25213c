// Who is asking, and may they: session cookie or bearer token, a scope per route, same origin for what a cookie carries.
// A route under /api/v1 without a declared scope stops the start: nothing is open by forgetting.
import type { FastifyRequest } from 'fastify'
import { FengsuiError } from '#contracts/errors.ts'
import type { Principal, Scope } from '#contracts/people.ts'
import type { App } from './schema.ts'

export const SESSION_COOKIE = 'fengsui_session'
/** A browser that cannot send headers with a WebSocket may offer `bearer.<token>` beside this protocol. */
export const LIVE_PROTOCOL = 'fengsui.v1'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** what the caller must be allowed; 'public' = anybody, or the handler looks itself */
    scope?: Scope | 'public'
  }
  interface FastifyRequest {
    principal: Principal | null
    /** how the caller proved who they are; the token itself, never to be logged */
    credential: { from: 'cookie' | 'bearer'; token: string } | null
  }
}

export type Accounts = { principal(token: string): Principal | null }

/** `user:chen`, `token:flows`: how people and services stand in the audit and on alarms. */
export const actorOf = (principal: Principal): string => `${principal.kind}:${principal.name}`

/** How dispatch takes the name of who acts: a person plainly, a token marked as one. */
export const nameOf = (principal: Principal): string => (principal.kind === 'user' ? principal.name : actorOf(principal))

/** The caller of a route that has a scope. */
export function callerOf(request: FastifyRequest): Principal {
  if (request.principal === null) throw new FengsuiError('unauthenticated', 'this needs a session or a token')
  return request.principal
}

export const mayDo = (principal: Principal | null, scope: Scope): boolean => principal?.scopes.includes(scope) ?? false

export function requireScope(request: FastifyRequest, scope: Scope): void {
  const caller = callerOf(request)
  if (!mayDo(caller, scope))
    throw new FengsuiError('forbidden', `this needs the scope ${scope}; ${caller.role ?? 'this token'} does not have it`)
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS'])
export const isReading = (request: FastifyRequest): boolean => READING.has(request.method)

function credentialOf(request: FastifyRequest): FastifyRequest['credential'] {
  const [scheme, token] = request.headers.authorization?.split(' ', 2) ?? []
  if (scheme?.toLowerCase() === 'bearer' && token) return { from: 'bearer', token }
  const offered = isUpgrade(request)
    ? /(?:^|,)\s*bearer\.([\w-]{20,100})\s*(?:,|$)/.exec(request.headers['sec-websocket-protocol'] ?? '')
    : null
  if (offered?.[1]) return { from: 'bearer', token: offered[1] }
  const cookie = request.cookies[SESSION_COOKIE]
  return cookie ? { from: 'cookie', token: cookie } : null
}

const isUpgrade = (request: FastifyRequest): boolean => request.headers.upgrade?.toLowerCase() === 'websocket'

/** What the browser says of where the request comes from; 'silent' = not a browser, or a very old one. */
export function originOf(request: FastifyRequest): 'same' | 'other' | 'silent' {
  const site = request.headers['sec-fetch-site']
  const { origin } = request.headers
  if (origin !== undefined) return URL.canParse(origin) && new URL(origin).host === request.host ? 'same' : 'other'
  if (site === undefined) return 'silent'
  return site === 'same-origin' ? 'same' : 'other'
}

/** Cross-site request forgery: a cookie travels by itself, so what changes something must come from our own page. */
function checkOrigin(request: FastifyRequest): void {
  const changes = !isReading(request) || isUpgrade(request)
  if (!changes || request.credential?.from === 'bearer') return
  const origin = originOf(request)
  const proven = origin === 'same' || (origin === 'silent' && (request.credential === null || isUpgrade(request)))
  if (!proven) throw new FengsuiError('forbidden', 'a request with a session cookie must come from our own page (Origin or Sec-Fetch-Site)')
}

export function addAuth(app: App, o: { accounts: Accounts }): void {
  app.decorateRequest('principal', null)
  app.decorateRequest('credential', null)
  app.addHook('onRoute', route => {
    if (route.url.startsWith('/api/v1/') && route.config?.scope === undefined) {
      throw new FengsuiError('internal', `route ${route.url} declares no scope`)
    }
  })
  app.addHook('onRequest', async request => {
    request.credential = credentialOf(request)
    request.principal = request.credential === null ? null : o.accounts.principal(request.credential.token)
    if (request.is404) return
    checkOrigin(request)
    const { scope } = request.routeOptions.config
    if (scope !== undefined && scope !== 'public') requireScope(request, scope)
  })
}
