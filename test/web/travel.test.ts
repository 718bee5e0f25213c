// Time travel in the page: the picture is the server's of that instant, what is live goes on underneath, and only acknowledging works.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Api } from '../../dashboard/web/src/api.ts'
import { learn } from '../../dashboard/web/src/i18n.ts'
import type { SocketHandlers } from '../../dashboard/web/src/live/socket.ts'
import { createStore, type Store } from '../../dashboard/web/src/store.ts'
import { MOMENT_MS, createTravel, type Travel } from '../../dashboard/web/src/travel/travel.ts'
import { at, delta, incident, snapshot, T0 } from './incidents.ts'

await learn('zh-CN')
let store: Store
let travel: Travel
let live: SocketHandlers
let asked: string[]
let posted: string[]
let answer: (path: string) => Promise<unknown>

beforeEach(() => {
  vi.useFakeTimers({ now: T0 + 3_600_000 })
  asked = []
  posted = []
  answer = async path => ({ at: path, since: at(0), incidents: [incident('then', { state: 'acknowledged' })], alarms: [] })
  const send = async <T>(path: string) => {
    posted.push(path)
    return undefined as T
  }
  const api: Api = {
    get: async <T>(path: string) => {
      asked.push(path)
      return (await answer(path)) as T
    },
    post: send,
    put: send,
    patch: send,
    delete: async () => {},
  }
  const openSocket = (_path: string, handlers: SocketHandlers) => {
    live = handlers
    return { close() {} }
  }
  store = createStore({ api, openSocket, nowMs: () => Date.now(), random: () => 0 })
  store.start()
  live.opened()
  live.heard(JSON.stringify(snapshot({ serverTime: at(3_600_000), incidents: [incident('now')] })))
  travel = createTravel(store)
})
afterEach(() => {
  store.stop()
  vi.useRealTimers()
})
const settled = () => vi.advanceTimersByTimeAsync(1)

describe('going back', () => {
  test('shows the desk of that instant, and the live one again', async () => {
    travel.go(T0 + 60_000)
    await settled()
    expect(asked).toEqual([`desk/at?time=${encodeURIComponent(at(60_000))}`])
    expect([...store.incidents.value.keys()]).toEqual(['then'])
    expect([...store.liveIncidents.value.keys()]).toEqual(['now'])
    travel.live()
    expect([...store.incidents.value.keys()]).toEqual(['now'])
  })
  test('while the slider is pulled only the newest wish is asked for after the one under way', async () => {
    for (let i = 1; i <= 20; i++) travel.go(T0 + i * 1000)
    await settled()
    expect(asked).toHaveLength(2)
    expect(store.past.value?.atMs).toBe(T0 + 20_000)
  })
  test('never asks for the future', async () => {
    travel.go(Date.now() + 99_000)
    await settled()
    expect(Date.parse(decodeURIComponent(asked[0]?.split('=')[1] ?? ''))).toBeLessThan(Date.now())
  })
  test('an answer that comes after the way back does not bring the past back', async () => {
    let release: (value: unknown) => void = () => {}
    answer = () => new Promise(resolve => (release = resolve))
    travel.go(T0)
    travel.live()
    release({ at: at(0), incidents: [], alarms: [] })
    await settled()
    expect(store.past.value).toBeNull()
  })
  test('what cannot be had is said, and the desk is live again', async () => {
    answer = () => Promise.reject(new Error('gone'))
    travel.go(T0)
    await settled()
    expect(store.past.value).toBeNull()
    expect(travel.atMs.value).toBeNull()
    expect(store.toasts.value.at(-1)).toMatchObject({ tone: 'bad', text: expect.stringContaining('gone') as string })
  })
})

test('only acknowledging goes out while the past is shown, and a new alarm is still heard of', async () => {
  travel.go(T0)
  await settled()
  expect(await store.actions.close('now', { cause: 'x', falseAlarm: false })).toBe(false)
  expect(await store.actions.escalate('now', 'grid')).toBe(false)
  expect(posted).toEqual([])
  const arrived: string[] = []
  store.onArrival.handle = list => arrived.push(...list.map(one => one.id))
  live.heard(JSON.stringify(delta(11, { incidents: [incident('fire')] })))
  expect(arrived).toEqual(['fire'])
  expect(store.liveIncidents.value.has('fire')).toBe(true)
  expect(store.incidents.value.has('fire')).toBe(false)
  expect(await store.actions.acknowledge(incident('fire'))).toBe(true)
  expect(posted).toEqual(['incidents/fire/acknowledge'])
})

test('the film of an incident goes through its moments and stops at the last', async () => {
  const timeline = [0, 5_000, 90_000].map(ms => ({ at: at(ms), actor: 'system', what: 'opened' }))
  answer = async path => (path.startsWith('incidents/') ? { ...incident('a'), timeline } : { at: path, incidents: [], alarms: [] })
  await travel.play('a')
  await settled()
  expect(travel.film.value).toMatchObject({ at: 0, playing: true })
  expect(store.selectedId.value).toBe('a')
  await vi.advanceTimersByTimeAsync(MOMENT_MS)
  expect(store.past.value?.atMs).toBe(T0 + 5_000)
  travel.step(-1)
  await settled()
  expect(travel.film.value).toMatchObject({ at: 0, playing: false })
  await travel.play('a')
  await vi.advanceTimersByTimeAsync(3 * MOMENT_MS)
  expect(travel.film.value).toMatchObject({ at: 2, playing: false })
  expect(store.past.value?.atMs).toBe(T0 + 90_000)
})
