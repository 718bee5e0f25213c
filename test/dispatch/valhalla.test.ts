// Ways by a Valhalla server: a real HTTP server that speaks its documented format answers, refuses, is slow, talks nonsense or is not there. The
// queue never waits for it, says where a time comes from, and says why where it had to reckon.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import type { Candidate } from '#contracts/resource.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDispatch } from '../../dispatch/index.ts'
import { DEFAULT_PLAN } from '../../dispatch/plan.ts'
import { byDistance } from '../../dispatch/travel/distance.ts'
import { byValhalla } from '../../dispatch/travel/valhalla.ts'
import { codeOf, NIGHT_MS, raise, send } from './desk.ts'
import { north, SCENE, stationDevice } from './stations.ts'

type Question = { sources: { lat: number; lon: number }[]; targets: { lat: number; lon: number }[]; costing: string }
type Server = { url: string; questions: Question[]; answer(is: (q: Question, response: ServerResponse) => void): void } & AsyncDisposable

const questionOf = async (request: IncomingMessage): Promise<Question> => {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return JSON.parse(text) as Question
}
/** As the documentation has it: rows by source, an object for each target; null where there is no way. */
const matrix = (q: Question, secondsOf: (lat: number) => number | null) => ({
  sources_to_targets: q.sources.map(({ lat }, from_index) => [
    { distance: secondsOf(lat) === null ? null : 1.5, time: secondsOf(lat), to_index: 0, from_index },
  ]),
  sources: q.sources,
  targets: q.targets,
  units: 'kilometers',
})
const serve = async (): Promise<Server> => {
  let is: (q: Question, response: ServerResponse) => void = (_q, response) => void response.end()
  const questions: Question[] = []
  const server = createServer((request, response) => {
    void questionOf(request).then(question => {
      if (request.method !== 'POST' || request.url !== '/sources_to_targets') response.statusCode = 404
      questions.push(question)
      is(question, response)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    questions,
    answer: given => void (is = given),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
const json = (response: ServerResponse, body: unknown, status = 200): void => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}

let ended: (() => void)[] = []
afterEach(() => {
  for (const end of ended) end()
  ended = []
})

/** s1, s2, s3 at 400, 900 and 1,500 m, an engine and a grid officer, and one fire. */
const world = (url: string, timeoutMs = 300) => {
  let now = NIGHT_MS
  const clock = { nowMs: () => now }
  const figures = DEFAULT_PLAN.travel
  const travel = byValhalla({ url, figures, otherwise: byDistance(figures), clock, log: noLog, timeoutMs })
  const devices = new Map([400, 900, 1500].map((metres, i) => [`s${i + 1}`, stationDevice(`s${i + 1}`, metres, now)]))
  const queue = openDispatch({ file: ':memory:', clock, log: noLog, meter: noMeter, travel, device: id => devices.get(id) })
  ended.push(queue.close)
  queue.adoptResources(devices.values(), [])
  const fire = () => send(queue, raise({ id: 'a1', severity: 1, position: SCENE, place: { building: 'B2' } })).incidents[0]?.id ?? ''
  const ranked = (id: string): Candidate[] => queue.candidates(id).filter(one => one.rank !== null)
  return { queue, fire, ranked, devices, later: (ms: number) => void (now += ms) }
}
/** Until the server was asked and its answer is there. */
const until = async (is: () => boolean): Promise<void> => {
  for (let i = 0; i < 6000 && !is(); i++) await delay(10)
  expect(is()).toBe(true)
}
const codesOf = (one: Candidate | undefined): string[] => (one?.reasons ?? []).map(reason => reason.code)

describe('ways by a Valhalla server', () => {
  it('are asked for in one question when the fire is new, and turn the ranking', async () => {
    await using server = await serve()
    // s1 is near and behind the river
    server.answer((q, response) =>
      json(
        response,
        matrix(q, lat => (Math.abs(lat - north(400).lat) < 1e-6 ? 900 : 120)),
      ),
    )
    const { fire, ranked } = world(server.url)
    const id = fire()
    expect(ranked(id).map(one => [one.resourceId, one.travel])).toEqual([
      ['s1', 'distance'],
      ['s2', 'distance'],
      ['s3', 'distance'],
    ])
    expect(codesOf(ranked(id)[0])).toContain('reckoned')
    await until(() => ranked(id)[0]?.travel === 'valhalla')
    expect(ranked(id).map(one => one.resourceId)).toEqual(['s2', 's3', 's1'])
    const { turnOutS, baseS, lowFactor, highFactor } = DEFAULT_PLAN.travel['e-vehicle']
    const likelyS = turnOutS + baseS + 120
    expect(ranked(id)[0]?.eta).toEqual({ lowS: Math.round(likelyS * lowFactor), likelyS, highS: Math.round(likelyS * highFactor) })
    expect(codesOf(ranked(id)[0])).not.toContain('reckoned')
    expect(server.questions).toHaveLength(1)
    expect(server.questions[0]).toMatchObject({ targets: [SCENE], costing: 'motor_scooter' })
    expect(server.questions[0]?.sources).toHaveLength(3)
  })

  it('asks each way of moving by its own costing, never for who flies, and an order keeps its time', async () => {
    await using server = await serve()
    server.answer((q, response) =>
      json(
        response,
        matrix(q, () => (q.costing === 'auto' ? 60 : 600)),
      ),
    )
    const { queue, fire, ranked, later } = world(server.url)
    queue.adoptResources([], [{ id: 'engine-1', kind: 'engine', name: { zh: '一号车', en: 'Engine 1' }, ...north(3000) }])
    queue.addResource({ id: 'officer', kind: 'grid-officer', position: north(500) }, 'li')
    queue.addResource({ id: 'drone', kind: 'drone', position: north(500) }, 'li')
    for (const one of ['engine-1', 'officer', 'drone']) queue.checkIn(one, { by: 'li' })
    const id = fire()
    await until(() => ranked(id).filter(one => one.travel === 'valhalla').length === 5)
    expect(server.questions.map(q => q.costing).toSorted()).toEqual(['auto', 'motor_scooter', 'pedestrian'])
    expect(ranked(id).find(one => one.resourceId === 'drone')?.travel).toBe('distance')
    expect(ranked(id)[0]?.resourceId).toBe('engine-1')
    const first = ranked(id)[0]
    const [order] = queue.dispatchIncident(id, { by: 'li' }).orders
    expect(order).toMatchObject({ resourceId: 'engine-1', eta: first?.eta, distanceM: first?.distanceM })
    // looked at again and again: asked once, and anew when it is old
    for (let i = 0; i < 20; i++) queue.incident(id)
    await delay(30)
    expect(server.questions).toHaveLength(3)
    later(6 * 60_000)
    queue.incident(id)
    await until(() => server.questions.length === 6)
  })

  it('says where there is no way', async () => {
    await using server = await serve()
    server.answer((q, response) =>
      json(
        response,
        matrix(q, lat => (lat === north(400).lat ? null : 100)),
      ),
    )
    const { fire, ranked } = world(server.url)
    const id = fire()
    await until(() => ranked(id).some(one => one.travel === 'valhalla'))
    const cut = ranked(id).find(one => one.resourceId === 's1')
    expect(cut?.travel).toBe('distance')
    expect(cut?.reasons.find(one => one.code === 'reckoned')?.text.en).toContain('knows no way')
  })

  const TROUBLES: [name: string, says: string, answer: (q: Question, response: ServerResponse) => void][] = [
    ['is slow', 'did not answer in time', () => {}],
    [
      'refuses',
      'refused the question',
      (_q, response) => json(response, { error_code: 154, error: 'Path distance exceeds the max distance limit', status_code: 400 }, 400),
    ],
    ['is down behind its proxy', 'refused the question', (_q, response) => json(response, 'bad gateway', 502)],
    ['sends elsewhere', 'refused the question', (_q, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end()],
    ['is no Valhalla', 'was not understood', (_q, response) => response.end('<html>')],
    ['answers too few', 'was not understood', (_q, response) => json(response, { sources_to_targets: [] })],
    [
      'answers words',
      'was not understood',
      (q, response) => json(response, { sources_to_targets: q.sources.map(() => [{ time: 'soon' }]) }),
    ],
    ['hangs up', 'cannot be reached', (_q, response) => void response.destroy()],
  ]
  it.each(TROUBLES)('goes on by distance and says why when it %s', async (_name, says, answer) => {
    await using server = await serve()
    server.answer(answer)
    const { queue, fire, ranked, later } = world(server.url)
    const before = performance.now()
    const id = fire()
    expect(performance.now() - before, 'raising does not wait for the server').toBeLessThan(300)
    await until(() => queue.travelTrouble() !== undefined)
    expect(queue.travelTrouble()).toContain(says)
    expect(ranked(id).map(one => one.travel)).toEqual(['distance', 'distance', 'distance'])
    const said = ranked(id)[0]?.reasons.find(one => one.code === 'reckoned')
    expect(said?.text.en).toContain(says)
    expect(said?.text.zh).toMatch(/路线服务器/)
    // left alone for a while, then asked again, and all is well
    const asked = server.questions.length
    queue.incident(id)
    await delay(20)
    expect(server.questions).toHaveLength(asked)
    server.answer((q, response) =>
      json(
        response,
        matrix(q, () => 100),
      ),
    )
    later(31_000)
    queue.incident(id)
    await until(() => ranked(id)[0]?.travel === 'valhalla')
    expect(queue.travelTrouble()).toBeUndefined()
  })

  it('goes on by distance where nothing listens', async () => {
    const server = await serve()
    await server[Symbol.asyncDispose]()
    const { queue, fire, ranked } = world(server.url)
    const id = fire()
    await until(() => queue.travelTrouble() !== undefined)
    expect(queue.travelTrouble()).toContain('cannot be reached (ECONNREFUSED)')
    expect(ranked(id)[0]?.travel).toBe('distance')
  })

  it('refuses an address that is none, at the start', () => {
    for (const url of ['ftp://127.0.0.1', 'http://li:geheim@127.0.0.1', 'roads'])
      expect(
        codeOf(() => world(url)),
        url,
      ).toBe('setting-invalid')
  })
})
