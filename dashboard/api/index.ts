// The HTTP API, the live socket and the page, on one port. Keeps no business rules: it checks who is asking and whether the
// request is well formed, hands it to the room that decides, and writes down who did it.
import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import cookie from '@fastify/cookie'
import rateLimit from '@fastify/rate-limit'
import websocket from '@fastify/websocket'
import fastify from 'fastify'
import type { Clock, Log } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Kpis, RoomHealth } from '#contracts/live.ts'
import { DEFAULT_TIME_ZONE } from '#contracts/zone.ts'
import { ROWS_PROTOCOL } from '#contracts/live-rows.ts'
import type { Meter } from '#contracts/metrics.ts'
import type { Posture } from '#contracts/posture.ts'
import { accountingRoutes, type AccountingParts } from './accounting.ts'
import type { Accounts } from './accounts.ts'
import { alarmRoutes, type AlarmDesk } from './alarms.ts'
import { createAudit, createAuditMany, type Record as RecordAudit } from './audit.ts'
import { addAuth, LIVE_PROTOCOL } from './auth.ts'
import { basemapRoute } from './basemap.ts'
import { capRoutes, type CapParts } from './cap.ts'
import { createCensus } from './census.ts'
import { boundConnections } from './connections.ts'
import { commandRoutes, type CommandDesk } from './commands.ts'
import { deskRoutes, type DeskParts } from './desk.ts'
import { deviceListRoute } from './device-list.ts'
import { deviceRoutes, type DeviceParts } from './devices.ts'
import { deviceSecretRoutes, type DeviceSecretParts } from './device-secrets.ts'
import { enrolmentRoutes, type EnrolmentParts } from './enrolment.ts'
import { expectedRoute, type ExpectedParts } from './expected.ts'
import { addErrors, answerClientError, answerError } from './errors.ts'
import { feedRoutes, type FeedParts, type IncidentFeedParts } from './feed.ts'
import { commandRequestRoutes, type CommandRequestParts } from './command-requests.ts'
import { flowsRoutes, type FlowsDeskParts } from './flows.ts'
import { flowsProxy, type FlowsParts } from './flows-proxy.ts'
import { handoverRoutes, type HandoverDesk } from './handover.ts'
import { healthRoutes } from './health.ts'
import { historyRoutes, type HistoryParts } from './history.ts'
import { incidentRoutes, type IncidentDesk } from './incidents.ts'
import { createLive, type Changed } from './live.ts'
import { liveRoute } from './live-route.ts'
import { addOpenApi } from './openapi.ts'
import { orderRoutes, type OrderDesk } from './orders.ts'
import { addHeaders, isPageAddress, page } from './page.ts'
import { postureRoutes, type PostureDesk } from './posture.ts'
import { quarantineRoutes, type QuarantineParts } from './quarantine.ts'
import { reportRoutes, type ReportParts } from './reports.ts'
import { pastRoutes, type PastParts } from './past.ts'
import { observationRoutes, type ObservationParts } from './observations.ts'
import { openQueue } from './queue.ts'
import { rulesRoutes, type RulesParts } from './rules.ts'
import { addRequestLog } from './request-log.ts'
import { resourceRoutes, type ResourceDesk } from './resources.ts'
import { validatorCompiler, type App, type SchemaTypes } from './schema.ts'
import { sessionRoutes } from './session.ts'
import { addShapes } from './shapes.ts'
import { userRoutes, type UserParts } from './users.ts'
import { videoRoutes, type VideoParts } from './video.ts'

export type ApiParts = {
  host: string
  port: number
  /** until the head of a request is there; default 10 s */
  headMs?: number
  log: Log
  meter: Meter
  clock: Clock
  webDir: string
  districtDir: string
  accounts: Pick<Accounts, 'login' | 'logout' | 'principal' | 'changePassword'> & UserParts['accounts']
  dispatch: AlarmDesk &
    IncidentDesk &
    PastParts['past'] &
    OrderDesk &
    ResourceDesk &
    CapParts &
    HandoverDesk &
    PostureDesk &
    Pick<ObservationParts, 'observations'> & {
      kpis(nowMs: number): Omit<Kpis, 'devicesTotal' | 'devicesOnline' | 'devicesStale' | 'devicesUnknown'>
      searchAudit: DeskParts['searchAudit']
      record: RecordAudit
      recordMany(acts: Parameters<RecordAudit>[0][]): void
    }
  directory: DeviceParts['directory'] & EnrolmentParts['directory'] & ExpectedParts['directory']
  credentials: DeviceParts['credentials'] & EnrolmentParts['credentials'] & DeviceSecretParts['credentials']
  claims: EnrolmentParts['claims']
  readSheet: EnrolmentParts['readSheet']
  quarantine: QuarantineParts['quarantine']
  history: HistoryParts['history']
  feed: FeedParts['feed']
  incidents: IncidentFeedParts['incidents']
  rules?: RulesParts['rules']
  flows: FlowsParts['flows']
  flowsDesk: FlowsDeskParts['flowsDesk']
  saveDirectory(): void
  positionOf: DeviceParts['positionOf']
  /** what follows the posture besides dispatch */
  posture?: { now(): Posture; follow(): Promise<void> }
  /** the district's local time, for what is printed and for every page; an IANA name */
  timeZone?: string
  redrive: QuarantineParts['redrive']
  commands: CommandDesk
  video: VideoParts['video']
  photos: ObservationParts['photos']
  reports: ReportParts['reports']
  commandRequests: CommandRequestParts['commandRequests']
  accounting: AccountingParts['accounting']
  health: () => RoomHealth[]
  metricsText: () => Promise<string>
}

export type Api = {
  port: number
  /** to every live socket; alarms and incidents at once, device rows at most four times a second */
  push: (c: Changed) => void
  /** the journal's head moved: answers who waits on the feed at once instead of within 50 ms */
  wake: () => void
  close(): Promise<void>
}

const BODY_MAX = 256 * 1024
const HEAD_MS = 10_000

/** Starts listening. @throws FengsuiError port-in-use */
export async function startApi(parts: ApiParts): Promise<Api> {
  const { log, meter, clock, dispatch, directory, accounts, timeZone = DEFAULT_TIME_ZONE, headMs = HEAD_MS } = parts
  const app: App = fastify({
    bodyLimit: BODY_MAX,
    requestTimeout: 30_000,
    keepAliveTimeout: 72_000,
    forceCloseConnections: true,
    // who sends the head of a request byte by byte holds a socket for this long, not for a minute
    http: { headersTimeout: headMs, connectionsCheckingInterval: headMs / 2 },
    requestIdHeader: false,
    genReqId: () => randomUUID(),
    exposeHeadRoutes: false,
    routerOptions: { maxParamLength: 600 },
    frameworkErrors: (error, request, reply) => void answerError(error, request, reply, log),
    clientErrorHandler: answerClientError,
  }).withTypeProvider<SchemaTypes>()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(() => data => JSON.stringify(data))

  boundConnections(app.server)
  const upgrades = dispatchUpgrades(app, parts.flows !== null)
  await app.register(cookie)
  await app.register(rateLimit, {
    global: false,
    cache: 10_000,
    errorResponseBuilder: (_request, { after }) =>
      new FengsuiError('too-many-requests', `too many requests from this address; wait ${after}`),
  })
  await app.register(websocket, {
    options: liveOptions(upgrades.live),
    errorHandler: (err, socket, request) => {
      log.warn({ err, requestId: request.id }, 'a live socket failed')
      socket.terminate()
    },
    preClose: done => done(),
  })
  addErrors(app, { log, isPage: isPageAddress })
  addHeaders(app)
  addRequestLog(app, { log, meter })
  addAuth(app, { accounts })
  addShapes(app)
  await addOpenApi(app)

  const census = createCensus({ directory, clock })
  const kpis = (): Kpis => ({ ...dispatch.kpis(clock.nowMs()), ...census.counts() })
  const posture = (): Posture => parts.posture?.now() ?? dispatch.posture()
  const live = createLive({
    open: () => openQueue(posture(), dispatch),
    devices: () => directory.all(),
    census,
    kpis,
    rooms: parts.health,
    clock,
    meter,
  })
  const audit = createAudit(dispatch)
  const auditMany = createAuditMany(dispatch)
  const changed = live.push

  sessionRoutes(app, { accounts, record: dispatch.record, clock, log, timeZone })
  userRoutes(app, { accounts, audit })
  deviceRoutes(app, { ...parts, changed, audit, auditMany })
  deviceSecretRoutes(app, { ...parts, audit })
  enrolmentRoutes(app, { ...parts, changed, audit, auditMany, record: dispatch.record })
  expectedRoute(app, parts)
  deviceListRoute(app, parts)
  commandRoutes(app, parts)
  videoRoutes(app, { ...parts, desk: dispatch, audit })
  historyRoutes(app, parts)
  alarmRoutes(app, { desk: dispatch, changed })
  incidentRoutes(app, { desk: dispatch, changed })
  orderRoutes(app, { desk: dispatch, changed })
  resourceRoutes(app, { desk: dispatch, changed })
  handoverRoutes(app, { desk: dispatch, changed, timeZone })
  postureRoutes(app, { desk: dispatch, changed, now: posture, follow: parts.posture?.follow })
  quarantineRoutes(app, { quarantine: parts.quarantine, redrive: parts.redrive, audit })
  accountingRoutes(app, parts)
  basemapRoute(app, parts)
  deskRoutes(app, { kpis, searchAudit: dispatch.searchAudit, districtDir: parts.districtDir })
  pastRoutes(app, { past: dispatch, clock })
  reportRoutes(app, parts)
  if (parts.rules !== undefined) rulesRoutes(app, { rules: parts.rules, audit })
  capRoutes(app, dispatch)
  await observationRoutes(app, { observations: dispatch.observations, photos: parts.photos, changed })
  flowsRoutes(app, { flowsDesk: parts.flowsDesk, audit, ...(parts.rules !== undefined && { rules: parts.rules }) })
  commandRequestRoutes(app, { ...parts, audit })
  liveRoute(app, { live, accounts })
  healthRoutes(app, parts)
  const feed = feedRoutes(app, parts)
  await flowsProxy(app, { flows: parts.flows, audit, clock })
  await page(app, parts)

  await listen(app, parts)
  return {
    port: (app.server.address() as AddressInfo).port,
    push: live.push,
    wake: feed.wake,
    async close() {
      feed.close()
      await live.close()
      upgrades.destroy()
      await app.close()
    },
  }
}

/** A snapshot shrinks to a tenth for a desk on a thin line; each is compressed by itself, so that no memory is kept for a client. */
const liveOptions = (server: Server) => ({
  server,
  maxPayload: 1024,
  handleProtocols: (offered: Set<string>) => [ROWS_PROTOCOL, LIVE_PROTOCOL].find(name => offered.has(name)) ?? (false as const),
  perMessageDeflate: {
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    concurrencyLimit: 2,
    zlibDeflateOptions: { level: 1 },
  },
})

async function listen(app: App, { host, port }: { host: string; port: number }): Promise<void> {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    await app.close()
    const code = (cause as NodeJS.ErrnoException).code
    if (code === 'EADDRINUSE' || code === 'EACCES')
      throw new FengsuiError('port-in-use', `the API cannot listen on ${host}:${port}: ${code}`, { cause })
    throw cause
  }
}

/**
 * WebSockets have two owners: /flows (the proxy listens by itself) and everything else (the live socket). Each plug-in would take
 * every upgrade, so the live one is given an emitter of its own: a server that never listens. Node leaves such a socket without anybody who
 * hears its errors, and an error that nobody hears ends the process: one reset from the network must not.
 */
function dispatchUpgrades(app: App, hasFlows: boolean): { live: Server; destroy(): void } {
  const live = process.getBuiltinModule('node:http').createServer()
  const sockets = new Set<Duplex>()
  app.server.on('upgrade', (request, socket, head) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
    socket.on('error', () => socket.destroy())
    if (!hasFlows || !/^\/flows([/?]|$)/.test(request.url ?? '')) live.emit('upgrade', request, socket, head)
  })
  return {
    live,
    destroy: () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}
