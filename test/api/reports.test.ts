// The daily report over the real API: one day of known incidents whose every figure was worked out by hand, in the district's time zone,
// as JSON, as CSV and as a page; the same from the thread that the running system counts in.
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Alarm, AlarmKind, AlarmSignal } from '#contracts/alarm.ts'
import { readReport, type DailyReport } from '../../dispatch/report.ts'
import { openReportDesk, written } from '../../parts/reports.ts'
import { clear, folder, iso, raise } from '../dispatch/desk.ts'
import { openWorld, SCENE, type World } from '../dispatch/stations.ts'
import { startRoom, type Room } from './room.ts'

const DAY = '2026-03-12'
/** local midnight in Nanjing */
const MIDNIGHT_MS = Date.parse('2026-03-11T16:00:00.000Z')
const at = (h: number, m = 0, s = 0): number => MIDNIGHT_MS + ((h * 60 + m) * 60 + s) * 1000
const EVIL = '=HYPERLINK("http://x"),<script>alert(1)</script>'

let position = 0
const commit = (world: World, signal: AlarmSignal, brokerAt?: string) => {
  position += 1
  return world.dispatch.commit({ position, signals: [{ signal, trace: brokerAt === undefined ? {} : { brokerAt } }], rows: [] })
}
const setClock = (world: World, ms: number): void => world.clock.add(ms - world.clock.nowMs())

/** Sensed, received and queued at these instants; answers the incident. */
const fire = (world: World, id: string, sensedMs: number, o: { receivedS: number; queuedS: number; building: string }): string => {
  setClock(world, sensedMs + o.queuedS * 1000)
  const place = { area: 'Gulou', building: o.building }
  const { incidents } = commit(
    world,
    raise({ id, place, position: SCENE, atMs: sensedMs, severity: 1 }),
    iso(sensedMs + o.receivedS * 1000),
  )
  return incidents[0]?.id ?? ''
}
const technical = (world: World, id: string, kind: AlarmKind, deviceId: string, ms: number): void => {
  setClock(world, ms)
  commit(world, raise({ id, kind, deviceId, atMs: ms, severity: 4, latching: false }))
}

/** D1: the day before. A: real, all the way. B: false. C: at 23:59:55, nobody took it. N: after midnight. */
function liveThrough(world: World): { a: string; b: string; c: string } {
  const { dispatch } = world
  technical(world, 'standing', 'fault', 'pump-1', at(-26))
  fire(world, 'yesterday', at(-0.5), { receivedS: 1, queuedS: 1, building: 'b0' })
  commit(world, clear('yesterday', at(-0.5)))

  const a = fire(world, 'a', at(10), { receivedS: 1, queuedS: 2, building: 'b1' })
  world.speak('s1')
  setClock(world, at(10, 0, 12))
  dispatch.acknowledgeIncident(a, { by: 'li' })
  setClock(world, at(10, 0, 32))
  dispatch.dispatchIncident(a, { by: 'li', resourceIds: ['s1'] })
  for (const [act, second] of [
    ['acceptOrder', 52],
    ['enRouteOrder', 92],
    ['onSceneOrder', 242],
    ['completeOrder', 842],
  ] as const) {
    setClock(world, at(10, 0, second))
    dispatch[act](`${a}-1`, { by: 'crew' })
  }
  setClock(world, at(10, 20, 2))
  dispatch.closeIncident(a, { by: 'li', cause: 'cooking oil', falseAlarm: false })

  const b = fire(world, 'b', at(11), { receivedS: 4, queuedS: 5, building: 'b2' })
  setClock(world, at(11, 1, 25))
  dispatch.acknowledgeIncident(b, { by: 'li' })
  setClock(world, at(11, 5, 5))
  dispatch.closeIncident(b, { by: 'li', cause: EVIL, falseAlarm: true })

  for (const [i, m] of [0, 2, 9].entries()) {
    technical(world, `chatter-${i}`, 'tamper', 'panel-7', at(13, m))
    setClock(world, at(13, m, 30))
    commit(world, clear(`chatter-${i}`, at(13, m, 30)))
  }
  for (let i = 0; i < 12; i += 1) technical(world, `flood-${i}`, 'device-offline', `lost-${i}`, at(15, 0, i))

  setClock(world, at(16))
  dispatch.raise({
    idempotencyKey: 'exercise',
    origin: 'user:li',
    kind: 'fire-alarm',
    subject: 'school',
    place: { area: 'Gulou', building: 'school' },
    text: { zh: '演练', en: 'drill' },
    drill: true,
    by: 'li',
  })
  const c = fire(world, 'c', at(23, 59, 50), { receivedS: 3, queuedS: 5, building: 'b3' })
  fire(world, 'n', at(24, 0, 20), { receivedS: 1, queuedS: 10, building: 'b4' })
  setClock(world, at(32))
  commit(world, clear('standing', at(32)))
  setClock(world, at(34))
  return { a, b, c }
}

let room: Room
let world: World
let ids: { a: string; b: string; c: string }
const dir = folder()
beforeAll(async () => {
  world = openWorld({ file: dir.file, startMs: at(-48) })
  // the fire of that helper is two days before and closed: it is in no figure
  const [before] = world.dispatch.incidents({ limit: 10 })
  if (before !== undefined) world.dispatch.closeIncident(before.id, { by: 'li', cause: 'test', falseAlarm: false })
  position = world.dispatch.position()
  ids = liveThrough(world)
  const { reports } = world.dispatch
  room = await startRoom({
    roles: ['viewer', 'station'],
    parts: {
      dispatch: world.dispatch,
      clock: world.clock,
      reports: { today: reports.today, daily: async (date, nowMs) => written(reports.daily(date, nowMs)) },
    },
  })
})
afterAll(async () => {
  await room?.[Symbol.asyncDispose]()
  world.dispatch.close()
  dir[Symbol.dispose]()
})

const get = (query: string, headers: Record<string, string> = {}) => room.ask(`/api/v1/reports/daily${query}`, { as: 'viewer', headers })
const reportOf = async (query: string): Promise<DailyReport> => (await get(query)).body as unknown as DailyReport

test('the day of known incidents has the figures that were worked out by hand', async () => {
  const report = await reportOf(`?date=${DAY}`)
  expect(report).toMatchObject({ date: DAY, from: iso(MIDNIGHT_MS), to: iso(at(24)), asOf: iso(at(34)), complete: true })
  expect(report.incidents.map(i => i.id)).toEqual([ids.a, ids.b, ids.c])
  expect(report.incidents[0]?.intervals).toEqual({
    received: 1,
    queued: 1,
    notified: null,
    heard: 10,
    acknowledged: 10,
    dispatched: 20,
    accepted: 20,
    'turn-out': 40,
    travel: 150,
    response: 240,
    controlled: 600,
    closed: 1200,
  })
  expect(report.incidents[1]).toMatchObject({ site: 'Gulou b2', falseAlarm: true, clearedToday: true, times: { dispatched: null } })
  expect(report.incidents[2]).toMatchObject({ falseAlarm: null, cause: null, times: { acknowledged: null, received: iso(at(23, 59, 53)) } })
  expect(report.totals).toEqual({
    alarms: 18,
    alarmsByKind: { 'device-offline': 12, 'fire-alarm': 3, tamper: 3 },
    incidents: 3,
    byLevel: [3, 0, 0, 0],
    confirmed: 0,
    closed: 2,
    falseAlarms: 1,
    verdictUnknown: 1,
    falseAlarmRate: 0.5,
    clearedTodayRate: 0.6667,
    technical: 15,
    observations: 0,
    unheard: 0,
  })
  expect(report.drills).toEqual({ incidents: 1, alarms: 1 })
})

test('percentiles are of what is known, and what nobody answered counts as late', async () => {
  const phases = new Map((await reportOf(`?date=${DAY}`)).phases.map(p => [p.phase, p]))
  expect(phases.get('received')).toMatchObject({ n: 3, p50S: 3, p90S: 4, limitS: 10, onTime: 3, onTimeRate: 1 })
  expect(phases.get('acknowledged')).toMatchObject({ n: 2, running: 1, overdue: 1, p50S: 10, p90S: 80, onTime: 1, onTimeRate: 0.3333 })
  expect(phases.get('travel')).toMatchObject({ n: 1, p50S: 150, p90S: 150, onTime: 1, onTimeRate: 1 })
  // C is still open and has nobody on scene; B was closed without: it is neither on time nor late
  expect(phases.get('response')).toMatchObject({ n: 1, running: 1, overdue: 1, p50S: 240, onTimeRate: 0.5 })
  expect(phases.get('notified')).toEqual({
    phase: 'notified',
    n: 0,
    running: 0,
    overdue: 0,
    p50S: null,
    p90S: null,
    limitS: null,
    onTime: null,
    onTimeRate: null,
  })
})

test('false, standing and chattering alarms and the flood are listed', async () => {
  const report = await reportOf(`?date=${DAY}`)
  expect(report.falseAlarms).toEqual({ bySite: [{ site: 'Gulou b2', n: 1, overLimit: false }], byCause: [{ cause: EVIL, n: 1 }] })
  // it had stood since 22:00 two days before; that it ended the morning after does not take it off that day
  expect(report.standing).toMatchObject([{ alarmId: 'standing', device: 'pump-1', since: iso(at(-26)), hours: 50 }])
  expect(report.chattering).toEqual([{ device: 'panel-7', kind: 'tamper', activations: 3, mostIn10Min: 3 }])
  expect(report.flood).toEqual({
    minutes: 10,
    share: 0.0069,
    mostIn10Min: 12,
    spans: [{ from: iso(at(15)), to: iso(at(15, 10)) }],
  })
  const after = await reportOf('?date=2026-03-13')
  expect(after).toMatchObject({ complete: false, totals: { incidents: 1 } })
  // the pump ended at 08:00; of what stands at 10:00, only the detector of A has stood for a day
  expect(after.standing).toMatchObject([{ alarmId: 'a', hours: 24 }])
})

test('the day is the district’s: elsewhere the same records are other days', async () => {
  const report = readReport({ file: dir.file, date: DAY, nowMs: at(34), timeZone: 'UTC' })
  expect(report.incidents.map(i => i.title.en.split('· ')[1])).toEqual(['b1, Gulou', 'b2, Gulou', 'b3, Gulou', 'b4, Gulou'])
  const newYork = readReport({ file: dir.file, date: '2026-03-11', nowMs: at(34), timeZone: 'America/New_York' })
  expect(newYork.totals.incidents, 'from 12:00 to 12:00 in Nanjing: A and B only, and the fire before midnight').toBe(3)
  expect((await reportOf('')).date, 'today, where nothing is asked for').toBe('2026-03-13')
})

test('the thread that the running system counts in says the same', async () => {
  const desk = openReportDesk({ file: dir.file, today: world.dispatch.reports.today, timeZone: 'Asia/Shanghai' })
  expect((await desk.daily(DAY, at(34))).figures).toEqual(await reportOf(`?date=${DAY}`))
  await expect(desk.daily('2026-13-01', at(34))).rejects.toMatchObject({ code: 'invalid-request' })
  await desk.close()
})

test('an empty day has no figures made up', async () => {
  const report = await reportOf('?date=2025-01-01')
  expect(report).toMatchObject({ incidents: [], standing: [], chattering: [], flood: { minutes: 0, share: 0, mostIn10Min: 0 } })
  expect(report.totals).toMatchObject({ incidents: 0, falseAlarmRate: null, clearedTodayRate: null })
  expect(report.phases.every(p => p.n === 0 && p.p50S === null && p.p90S === null && p.onTimeRate === null)).toBe(true)
  const page = await get('?date=2025-01-01&format=html&lang=en')
  expect(page.text).not.toMatch(/NaN|undefined|null|Infinity/)
})

test('a date that is none, or has not begun, is refused; nobody reads it without leave', async () => {
  for (const date of ['2026-02-30', '2026-13-01', 'today', '2026-3-1', '2026-03-12T00:00:00Z']) {
    const answer = await get(`?date=${date}`)
    expect([date, answer.status, answer.body.code]).toEqual([date, 400, 'invalid-request'])
  }
  const future = await get('?date=2026-03-14')
  expect([future.status, future.body.message]).toEqual([400, expect.stringContaining('has not begun')])
  expect((await get(`?date=${DAY}&format=pdf`)).status).toBe(400)
  expect((await room.ask('/api/v1/reports/daily', { as: null })).status).toBe(401)
  room.issue('flow', ['feed'])
  expect((await room.ask('/api/v1/reports/daily', { as: 'flow' })).status).toBe(403)
  expect((await room.ask('/api/v1/reports/daily', { as: 'station' })).status).toBe(200)
})

test('as CSV: a sheet each, nothing in it is a formula, what is not known is empty', async () => {
  const csv = await get(`?date=${DAY}&lang=en`, { accept: 'text/csv' })
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  expect(csv.headers.get('content-disposition')).toBe('attachment; filename="fengsui-2026-03-12-incidents.csv"')
  const lines = csv.text.split('\r\n')
  expect(lines[0]).toContain('Number,Level,Kind,What,Site,State,Alarms,False alarm,Cause,Sensed,Received,Queued')
  expect(lines[1]).toContain(`${ids.a},I,Fire alarm,`)
  expect(lines[1]).toContain('cooking oil,2026-03-12 10:00:00,2026-03-12 10:00:01,2026-03-12 10:00:02,,')
  expect(lines[2]).toContain(`"'${EVIL.replaceAll('"', '""')}"`)
  const intervals = (await get(`?date=${DAY}&format=csv&sheet=intervals`)).text.split('\r\n')
  expect(intervals[1]).toBe(`${ids.a},1,1,,10,10,20,20,40,150,240,600,1200`)
  expect(intervals[3]).toBe(`${ids.c},3,2,,,,,,,,,,`)
  const phases = (await get(`?date=${DAY}&format=csv&sheet=phases`)).text
  expect(phases).toContain('入列到接警,2,1,1,10,80,60,33.3 %')
})

test('as a page: in both languages, a browser gets it by itself, nothing in it runs', async () => {
  const page = await get(`?date=${DAY}`, { accept: 'text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8' })
  expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(page.text).toContain('<html lang="zh-CN">')
  expect(page.text).toContain('消防警情日报 2026-03-12')
  expect(page.text).not.toContain('<script')
  expect(page.text).toContain('&lt;script&gt;')
  const english = (await get(`?date=${DAY}&format=html&lang=en`, { accept: 'application/json' })).text
  expect(english).toContain('Daily fire report 2026-03-12')
  expect(english).toContain('<td class="n late">80</td>')
  expect((await get(`?date=${DAY}`, { accept: '*/*' })).headers.get('content-type')).toContain('json')
})

test('the way of an alarm goes on to the crew on scene, and its stages add up to the whole', async () => {
  const alarm = (await room.ask('/api/v1/alarms/a', { as: 'viewer' })).body as unknown as Alarm
  const known = { status: 'known' }
  expect(alarm.waterfall.stages).toEqual([
    { stage: 'sensor', ...known, at: iso(at(10)), ms: 0 },
    { stage: 'broker', ...known, at: iso(at(10, 0, 1)), ms: 1_000 },
    { stage: 'disk', status: 'unknown' },
    { stage: 'rule', status: 'unknown' },
    { stage: 'alarm', ...known, at: iso(at(10, 0, 2)), ms: 1_000 },
    { stage: 'incident', ...known, at: iso(at(10, 0, 2)), ms: 0 },
    { stage: 'notified', status: 'unknown' },
    { stage: 'heard', status: 'unknown' },
    { stage: 'acknowledged', ...known, at: iso(at(10, 0, 12)), ms: 10_000 },
    { stage: 'dispatched', ...known, at: iso(at(10, 0, 32)), ms: 20_000 },
    { stage: 'accepted', ...known, at: iso(at(10, 0, 52)), ms: 20_000 },
    { stage: 'enRoute', ...known, at: iso(at(10, 0, 92)), ms: 40_000 },
    { stage: 'onScene', ...known, at: iso(at(10, 0, 242)), ms: 150_000 },
  ])
  expect(alarm.waterfall.totalMs).toBe(242_000)
  const incident = (await room.ask(`/api/v1/incidents/${ids.a}`, { as: 'viewer' })).body
  expect(incident).toMatchObject({ waterfall: alarm.waterfall })
  expect(incident.alarms[0]?.waterfall.stages, 'lists stay light').toBeUndefined()
})
