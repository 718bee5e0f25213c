// GET /api/v1/live: lets a desk in to the live view. Who may: cookie, `Authorization: Bearer`, or (for browsers without the
// cookie) the sub-protocol `bearer.<token>` beside `fengsui.v1`; never a token in the URL, which proxies write to their logs.
import { FengsuiError } from '#contracts/errors.ts'
import type { Principal } from '#contracts/people.ts'
import { actorOf, mayDo, requireScope } from './auth.ts'
import { answers } from './errors.ts'
import { CLIENTS_MAX, CLOSE, type Live } from './live.ts'
import { integer, object, open, text, type App } from './schema.ts'

const ADDRESS = '/api/v1/live'

export type LiveRouteParts = { live: Live; accounts: { principal(token: string): Principal | null } }

export function liveRoute(app: App, { live, accounts }: LiveRouteParts): void {
  app.addHook('onRequest', async request => {
    if (request.ws && request.routeOptions.url !== ADDRESS)
      throw new FengsuiError('not-found', `there is no WebSocket here; it is at ${ADDRESS}`)
  })
  app.route({
    method: 'GET',
    url: ADDRESS,
    // the handlers look themselves: a browser sees the code of a closed socket, but not the status of a refused upgrade
    config: { scope: 'public' },
    schema: {
      summary: 'WebSocket: snapshot, then deltas without gaps, a heartbeat every second',
      tags: ['live'],
      querystring: object(
        {},
        {
          since: integer({ minimum: 0, description: 'the last seq seen: what was missed is sent instead of a snapshot' }),
          epoch: text({ maxLength: 64, description: 'the epoch that seq belongs to' }),
        },
      ),
      response: answers({ 101: open({ description: 'messages as in contracts/live.ts' }) }),
    },
    handler: async request => {
      requireScope(request, 'read')
      throw new FengsuiError('invalid-request', 'open this address as a WebSocket')
    },
    wsHandler: (socket, request) => {
      const { credential, principal } = request
      const { since, epoch } = request.query as { since?: number; epoch?: string }
      if (principal === null || credential === null) return socket.close(CLOSE.session, 'log in first')
      if (!mayDo(principal, 'read')) return socket.close(CLOSE.forbidden, 'this needs the scope read')
      const who = actorOf(principal)
      // one account must not keep all others from their desks
      if (!live.makeRoom(who)) return socket.close(CLOSE.later, `${CLIENTS_MAX} desks are connected already`)
      live.attach(socket, {
        who,
        ...(since === undefined ? {} : { since }),
        ...(epoch === undefined ? {} : { epoch }),
        mayStay: () => mayDo(accounts.principal(credential.token), 'read'),
      })
    },
  })
}
