// /flows: the way to Node-RED's editor, its WebSocket included, for those who may. The browser's session ends here: Node-RED
// never sees our cookie or token, only a pass for this one request (flows-token.ts). It needs no second login, because the
// editor takes an answered /settings for a session, and its comms socket is opened with the same pass.
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Role } from '#contracts/people.ts'
import type { Audit } from './audit.ts'
import { callerOf, isReading, mayDo, requireScope } from './auth.ts'
import { signFlowsPass } from './flows-token.ts'
import type { App } from './schema.ts'

export type FlowsParts = { flows: { url: string; token(): string } | null; audit: Audit; clock: Clock }

const PREFIX = '/flows'
const PASS_S = 60

/** The editor is somebody else's page: inline scripts and eval are how Node-RED loads its nodes. */
export const FLOWS_CSP =
  "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; " +
  "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; object-src 'none'; base-uri 'self'; frame-ancestors 'self'"

const DOWN = `<!doctype html><html lang="zh-CN"><meta charset="utf-8"><title>503</title>
<h1>流程编辑器正在重启</h1><p>报警不受影响。请稍后重试。</p>
<h1 lang="en">The flow editor is restarting</h1><p lang="en">Alarms are not affected. Try again in a moment; <a href="/readyz">/readyz</a> says more.</p></html>`

const wantsPage = (request: FastifyRequest): boolean => request.headers.accept?.includes('text/html') ?? false

/** Tokens have no role: they get the least role whose scopes are theirs. */
const roleOf = (request: FastifyRequest): Role =>
  callerOf(request).role ?? (mayDo(request.principal, 'flows:write') ? 'engineer' : 'officer')

export async function flowsProxy(app: App, { flows, audit, clock }: FlowsParts): Promise<void> {
  if (flows === null) {
    const off = async () => {
      throw new FengsuiError('not-found', 'flows are switched off (FENGSUI_FLOWS_PORT is 0)')
    }
    app.get(PREFIX, { schema: { hide: true } }, off)
    app.get(`${PREFIX}/*`, { schema: { hide: true } }, off)
    return
  }

  const { default: httpProxy } = await import('@fastify/http-proxy')
  const passFor = (request: FastifyRequest): string => {
    const pass = { name: callerOf(request).name, role: roleOf(request), exp: Math.floor(clock.nowMs() / 1000) + PASS_S }
    return `Bearer ${signFlowsPass(pass, flows.token())}`
  }

  async function admit(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    if (request.principal === null && wantsPage(request)) {
      await reply.redirect('/?next=/flows/')
      return
    }
    requireScope(request, isReading(request) ? 'flows:read' : 'flows:write')
    if (!isReading(request))
      audit(request, 'flows.write', request.url.split('?', 1)[0]?.slice(0, 200) ?? PREFIX, { method: request.method })
    void reply.header('content-security-policy', FLOWS_CSP)
  }

  const toSocket = { headers: {}, rewriteRequestHeaders: (_none: object, request: FastifyRequest) => ({ authorization: passFor(request) }) }
  await app.register(async scope => {
    scope.addHook('preHandler', admit)
    await scope.register(httpProxy, {
      upstream: new URL(flows.url).origin,
      prefix: PREFIX,
      rewritePrefix: PREFIX,
      websocket: true,
      wsClientOptions: toSocket,
      replyOptions: {
        rewriteRequestHeaders: (request, headers) => ({
          ...without(headers, 'cookie'),
          authorization: passFor(request as FastifyRequest),
        }),
        rewriteHeaders: headers => without(headers, 'set-cookie'),
        onError: reply => answerDown(reply as FastifyReply),
      },
    })
  })
}

const without = <H extends object>(headers: H, name: string): H =>
  Object.fromEntries(Object.entries(headers).filter(([key]) => key !== name)) as H

function answerDown(reply: FastifyReply): void {
  void reply.header('retry-after', 5)
  if (wantsPage(reply.request)) void reply.code(503).type('text/html; charset=utf-8').send(DOWN)
  else void reply.send(new FengsuiError('room-unavailable', 'the flow editor does not answer'))
}
