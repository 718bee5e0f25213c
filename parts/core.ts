// The core: rules, dispatch and API; from a committed message to a row on the screen. Straight-line wiring in the order of the flow.
import { join } from 'node:path'
import type { Device } from '#contracts/device.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { RoomHealth, Trouble } from '#contracts/live.ts'
import type { Message } from '#contracts/message.ts'
import type { Reading } from '#contracts/reading.ts'
import type { AlarmPath } from '../alarm-path.ts'
import type { Registration } from '../ingest/registrations.ts'
import type { Settings } from '../settings.ts'
import type { Ticking } from '../ticking.ts'
import { makeDataDir, KEPT_CURSOR, RULES_CURSOR, type Core, type Others, type Parts } from './ports.ts'

/** Rules, dispatch, API: from a committed message to a row on the screen. */
export async function createCore(settings: Settings, parts: Parts, others: Others): Promise<Core> {
  const { createMeter, gaugeLag, mergedText } = await import('../processes/metrics.ts')
  const { watchRooms } = await import('../processes/rooms.ts')
  const { followPosition, openCursors, openReader, readPast } = await import('../journal/index.ts')
  const { openCredentials } = await import('../broker/credentials.ts')
  const { openClaims } = await import('../broker/claims.ts')
  const { createCatalogue, loadDecoders } = await import('../ingest/catalogue.ts')
  const { loadDistrict } = await import('../ingest/district.ts')
  const { openQuarantine } = await import('../ingest/quarantine.ts')
  const { brokenOf, passedOverId, passedOverOf } = await import('../ingest/held.ts')
  const { createRedrive } = await import('../ingest/redrive.ts')
  const { openRegistrations } = await import('../ingest/registrations.ts')
  const { HISTORY_ROOM, keepRules, startingRules, startParser } = await import('../rules/index.ts')
  const { openDispatchDesk } = await import('./dispatch-desk.ts')
  const { startCheckpoints } = await import('../dispatch/checkpoints.ts')
  const { createJustRead } = await import('./just-read.ts')
  const { registering } = await import('./registering.ts')
  const { openTelling } = await import('./telling.ts')
  const { openCommandDesk } = await import('./commands.ts')
  const { followPosture } = await import('./posture-rules.ts')
  const { openReportDesk } = await import('./reports.ts')
  const { openPhotoStore } = await import('./photos.ts')
  const { openAccounts } = await import('../dashboard/api/accounts.ts')
  const { startApi } = await import('../dashboard/api/index.ts')
  const { tallyOf } = await import('../dashboard/api/expected.ts')
  const { startAlarmPath } = await import('../alarm-path.ts')
  const { openFoldState } = await import('./fold-state.ts')
  const { openVideo } = await import('../ingest/cameras/video.ts')
  const { openCommandRequests } = await import('../dashboard/api/command-requests.ts')
  const { openRulesDesk, ruleFolders } = await import('../rules-desk.ts')
  const { startCanary } = await import('../canary.ts')
  const { canaryBy } = await import('./canary.ts')
  const { startHealthAlarms } = await import('../health-alarms.ts')
  const { watchAccounting } = await import('../accounting-watch.ts')
  const { timeAlone } = await import('./time-alone.ts')
  const { startTicking } = await import('../ticking.ts')

  await using stack = new AsyncDisposableStack()
  const { clock, log } = parts
  const dir = makeDataDir(settings)
  const { meter, snapshot } = createMeter()
  const reader = stack.adopt(openReader({ dir }), r => r.close())
  // who looks on begins at the oldest that is kept; for the alarms a message that was removed unread is damage, and is told
  const pathReader = stack.adopt(openReader({ dir, removedIsDamage: true }), r => r.close())
  const cursors = stack.adopt(openCursors({ dir }), c => c.close())
  const quarantine = stack.adopt(openQuarantine({ dir, clock, meter }), q => q.close())
  const credentials = stack.adopt(openCredentials({ dir, clock }), c => c.close())
  const claims = stack.adopt(openClaims<Claimable>({ dir, clock }), c => c.close())
  const registrations = stack.adopt(openRegistrations({ dir }), r => r.close())
  const accounts = stack.adopt(openAccounts({ dir, clock }), a => a.close())
  const admin = await accounts.ensureAdmin(settings.adminPassword)
  const telling = await openTelling(settings, { clock, log, meter, publish: (topic, payload) => others.edge.publish(topic, payload) })
  const dispatchDesk = await openDispatchDesk({ ...settings, file: join(dir, 'dispatch.db'), clock, log, meter, ...telling.outside })
  const dispatch = stack.adopt(dispatchDesk.dispatch, d => d.close())
  const checkpoints = startCheckpoints({ file: join(dir, 'dispatch.db'), log })
  stack.defer(checkpoints.close)
  const shown: { push(c: ReturnType<typeof dispatch.tick>): void } = { push: () => {} }
  const notify = stack.adopt(
    telling.start(dispatch, c => shown.push(c)),
    n => n.close(),
  )
  const decoders = await loadDecoders()
  const folders = ruleFolders(settings)
  const position = dispatch.position()
  const started = await startingRules({ dir: folders.dir, rows: dispatch.rows(HISTORY_ROOM), position, clock })
  if (started.problem !== null) log.error({ reason: started.problem }, 'the rules folder cannot be used; the last good set stays in force')
  const district = await loadDistrict(settings.districtDir, log)
  const state = await openFoldState({ dispatch, reader: pathReader, decoders, district, started, timeZone: settings.timeZone, log })
  const { catalogue, directory, fold, keeping, removed } = state
  dispatchDesk.use(directory)

  // what the feed shows is decoded apart from the alarm path, so that a reader of the feed can never touch its state
  const feedCatalogue = createCatalogue({ decoders, district, timeZone: settings.timeZone })
  const justRead = createJustRead({
    decode: feedCatalogue.decode,
    placed: reading => withPlace(reading, directory.get(reading.deviceId)),
  })
  const feed = {
    head: () => reader.head(),
    read: (after: number, max: number) =>
      readPast(reader, after, max, group => quarantine.get(passedOverId(group)) !== undefined).flatMap(justRead.said),
    recent: justRead.after,
    cursors,
  }
  const rooms = watchRooms([
    { rooms: ['broker', 'journal'], health: others.edge.health, metrics: others.edge.metrics },
    { rooms: ['ingest'], health: others.store.health, metrics: others.store.metrics },
    { rooms: ['processes'], health: others.supervisor.health, metrics: others.supervisor.metrics },
  ])
  stack.defer(rooms.close)
  const accounting = watchAccounting({
    account: others.store.account,
    reader,
    rulesPosition: () => path?.position() ?? position,
    gaps: directory.gaps,
    quarantine,
    dir,
    clock,
    meter,
  })
  stack.defer(accounting.close)
  const commands = await openCommandDesk({
    dispatch,
    device: directory.get,
    publish: (topic, payload) => others.edge.publish(topic, payload),
    withdraw: (topic, payload) => others.edge.withdraw(topic, payload),
    clock,
    log,
  })
  stack.defer(commands.close)
  telling.answer(commands)
  let path: AlarmPath | null = null
  const metrics = async () => {
    if (path !== null) gaugeLag(meter, RULES_CURSOR, path.status())
    return snapshot()
  }
  let ticking: Ticking | null = null
  const parser = stack.adopt(startParser(), p => p.close())
  const rules = stack.adopt(
    keepRules({
      ...folders,
      started,
      fold,
      between: async work => {
        if (path === null) throw new FengsuiError('room-unavailable', 'the alarm path has not started yet')
        return path.between(work)
      },
      parse: parser.parse,
      clock,
      log,
      meter,
      followed: ({ version, problem }) =>
        dispatch.record({
          actor: 'system',
          action: problem === null ? 'rules.follow' : 'rules.refuse',
          subject: version,
          detail: { dir: folders.dir, problem },
        }),
    }),
    r => r.close(),
  )
  const rulesDesk = stack.adopt(openRulesDesk({ rules, dataDir: dir, disabled: fold.disabled }), d => d.close())
  const postureRules = followPosture({ dispatch, rules: rulesDesk, overlay: dispatchDesk.plan.emergencyRules, log })
  const canary =
    settings.canaryMs === 0 || settings.mqttPort === 0
      ? null
      : startCanary({
          everyMs: settings.canaryMs,
          send: await canaryBy(settings, credentials.issue),
          keep: dispatch.keepCanary,
          clock,
          log,
          meter,
        })
  if (canary !== null) stack.defer(canary.close)
  const video = stack.adopt(openVideo({ dir, clock, log }), v => v.close())
  const rulesLine = (): RoomHealth => {
    const { ok, detail, troubles } = path?.status() ?? { ok: false, detail: 'starting', troubles: [] }
    const set = rules.status()
    const aside = fold.disabled().map(({ rule, reason }) => `; rule ${rule} broke and is put aside: ${reason}`)
    const all: Trouble[] = aside.length > 0 ? [...troubles, 'rule-off'] : troubles
    return { room: 'rules', ok: ok && set.ok && aside.length === 0, troubles: all, detail: `${set.detail}, ${detail}${aside.join('')}` }
  }
  const health = (): RoomHealth[] => [
    ...rooms.latest(),
    rulesLine(),
    accounting.line(),
    dispatchDesk.line(ticking?.problem() ?? postureRules.problem()),
    ...(telling.isSetUp ? [{ room: 'notify', ...notify.status() }] : []),
    ...(canary === null ? [] : [canary.line()]),
    { room: 'dashboard', ok: true, detail: `${directory.size()} devices known` },
  ]
  /** The edge looks for itself twice a second; told, it ends them now. */
  const ended = (deviceId: string, isSo: boolean): boolean => {
    if (isSo) {
      void others.edge
        .disconnect(deviceId)
        .catch((error: Error) => log.warn({ err: error, deviceId }, 'the edge could not be told that credentials have ended'))
    }
    return isSo
  }
  const api = stack.adopt(
    await startApi({
      host: settings.host,
      port: settings.httpPort,
      log,
      meter,
      clock,
      webDir: join(import.meta.dirname, '../dashboard/web/dist'),
      districtDir: settings.districtDir,
      accounts,
      dispatch,
      directory: {
        get: directory.get,
        all: directory.all,
        size: directory.size,
        register: device => {
          const known = directory.register(device)
          // one row a device: a correction of its name must not take its place from who reads the list
          registrations.put([withPlaceOf(device, known)])
          dispatchDesk.see([known])
          return known
        },
        registerAll: devices => {
          const known = devices.map(directory.register)
          registrations.put(devices.map((device, i) => withPlaceOf(device, known[i])))
          dispatchDesk.see(known)
          return known
        },
        registered: directory.registered,
        remove: deviceId => (registrations.remove(deviceId), directory.remove(deviceId)),
      },
      saveDirectory: () => {
        if (path === null) state.saveAt(position, [])
        else path.save()
      },
      credentials: {
        importMany: credentials.importMany,
        link: credentials.link,
        list: credentials.list,
        revoke: deviceId => ended(deviceId, credentials.revoke(deviceId)),
        suspend: deviceId => ended(deviceId, credentials.suspend(deviceId)),
        rotate: async (deviceId, keepOldMs) => {
          const made = await credentials.rotate(deviceId, keepOldMs)
          ended(deviceId, made !== null && keepOldMs === 0)
          return made
        },
      },
      claims,
      ...registering(district),
      quarantine,
      history: { query: query => others.store.query(query), aggregate: query => others.store.aggregate(query) },
      feed,
      incidents: dispatch,
      rules: rulesDesk,
      posture: postureRules,
      redrive: createRedrive({ quarantine, original: seq => readOne(reader, seq), append: others.edge.append }),
      commands: commands.desk,
      video,
      photos: await openPhotoStore(dir, settings, dispatch.observations.hasPhoto),
      reports: stack.adopt(
        openReportDesk({ file: join(dir, 'dispatch.db'), today: dispatch.reports.today, timeZone: settings.timeZone }),
        r => r.close(),
      ),
      accounting: accounting.report,
      timeZone: settings.timeZone,
      health,
      metricsText: async () => mergedText([await metrics(), ...(await rooms.metrics())]),
      flows: settings.flowsPort === 0 ? null : { url: `http://127.0.0.1:${settings.flowsPort}`, token: () => others.flowsSecret },
      flowsDesk: others.flows === undefined || settings.flowsPort === 0 ? null : others.flows.flows,
      commandRequests: stack.adopt(openCommandRequests({ dir }), c => c.close()),
    }),
    a => a.close(),
  )
  shown.push = api.push
  path = stack.adopt(
    startAlarmPath({
      reader: pathReader,
      catalogue: {
        decode(message) {
          telling.listen(message)
          canary?.see(message)
          const decoded = catalogue.decode(message)
          justRead.keep(message, decoded)
          return decoded
        },
      },
      directory,
      fold,
      keeping,
      dispatch,
      clock,
      log,
      meter,
      changed: changes => {
        dispatchDesk.see(changes.devices)
        api.push(changes)
        notify.wake()
      },
      failed: (message, error) => quarantine.put(brokenOf(message, error)),
      passedOver: (group, error) => quarantine.put(passedOverOf(group, error, clock.nowMs())),
    }),
    p => p.close(),
  )
  void postureRules.follow()
  const judged = path.position
  stack.adopt(followPosition({ cursors, consumer: RULES_CURSOR, position: judged, log }), f => f.close())
  stack.adopt(followPosition({ cursors, consumer: KEPT_CURSOR, position: dispatch.keptAt, log }), f => f.close())
  const healthAlarms = startHealthAlarms({ lines: health, desk: dispatch, changed: changes => api.push(changes), clock, log })
  stack.defer(healthAlarms.close)
  ticking = stack.adopt(
    startTicking({
      everyMs: TICK_MS,
      log,
      steps: timeAlone({
        clock,
        meter,
        registrations,
        directory,
        fold,
        video,
        removed,
        see: dispatchDesk.see,
        add: path.add,
        tallyOf,
        position: path.position,
        headAtStart: lastOf(reader),
        queue: (nowMs, isCatchingUp) => api.push({ ...dispatch.tick(nowMs, { isCatchingUp }), resources: dispatchDesk.changed() }),
        tell: telling.tick,
        command: commands.tick,
      }),
    }),
    t => t.close(),
  )

  // behind the word that all is ready, while the door is still opening: what the first message and the first fire would else wait for
  const prepared = setImmediate(() => {
    decoders.forEach(decoder => decoder.prepare?.())
    dispatchDesk.prepare()
  })
  stack.defer(() => clearImmediate(prepared))

  const running = stack.move()
  return {
    port: api.port,
    ...(admin.password === undefined ? {} : { adminPassword: admin.password }),
    wake: head => {
      path?.wake(head)
      api.wake()
    },
    flowsToken: () => accounts.issueToken('flows', ['feed', 'alarms:raise', 'commands:request', 'read']).token,
    audit: dispatch.record,
    metrics,
    close: () => running.disposeAsync(),
  }
}

type Claimable = Registration & { grants?: string[] }

/** One row a device: a correction of its name must not take its place from who reads the list. */
const withPlaceOf = (device: Registration, known: Device | undefined): Registration =>
  known?.place === undefined ? device : { ...device, place: known.place }

/** how soon a device announced on the command line is known, and a shelved alarm is back */
const TICK_MS = 250

/** 0 where nobody can say: nothing is waited for then. */
function lastOf(reader: { head(): number }): number {
  try {
    return reader.head()
  } catch {
    return 0
  }
}

/** undefined where it is damaged or was removed. */
function readOne(reader: { read(afterSeq: number, max: number): Message[] }, seq: number): Message | undefined {
  try {
    const [message] = reader.read(seq - 1, 1)
    // a reader begins at the oldest message where this one was removed
    return message?.seq === seq ? message : undefined
  } catch {
    return undefined
  }
}

function withPlace(reading: Reading, device: Device | undefined): Reading {
  if (!device) return reading
  const place = reading.place ?? device.place
  const position = reading.position ?? device.position
  if (place === reading.place && position === reading.position) return reading
  return { ...reading, ...(place ? { place } : {}), ...(position ? { position } : {}) }
}
