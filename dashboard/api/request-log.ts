// One line a request: id, method, route pattern, status, time, who. Never a URL's query, a body, a cookie or a header.
import type { Log } from '#contracts/clock.ts'
import type { Meter } from '#contracts/metrics.ts'
import { actorOf, isReading } from './auth.ts'
import type { App } from './schema.ts'

export function addRequestLog(app: App, { log, meter }: { log: Log; meter: Meter }): void {
  app.addHook('onResponse', async (request, reply) => {
    const { statusCode: status } = reply
    meter.count('fengsui_http_requests_total', { method: METHODS.has(request.method) ? request.method : 'other', status: String(status) })
    const line = {
      requestId: request.id,
      method: request.method,
      route: request.routeOptions.url ?? 'none',
      status,
      ms: Math.round(reply.elapsedTime),
      ...(request.principal === null ? {} : { by: actorOf(request.principal) }),
    }
    if (status >= 500) log.warn(line, 'http request')
    else if (isReading(request)) log.debug(line, 'http request')
    else log.info(line, 'http request')
  })
}

/** labels are bounded sets */
const METHODS = new Set(['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'])
