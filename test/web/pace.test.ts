// The queue first, then the map: what is asked of the map waits for the frame of the row, is gathered, and rests in proportion to what it cost.
import { expect, test } from 'vitest'
import { createPace, EVERY_MS } from '../../dashboard/web/src/map/pace.ts'

/** A page whose frames come when the test says so. */
const openPage = () => {
  const page = {
    atMs: 1_000,
    frames: [] as (() => void)[],
    timers: [] as { dueMs: number; done: () => void }[],
    drawn: [] as string[],
    frame() {
      for (const done of page.frames.splice(0)) done()
    },
    wait(ms: number) {
      page.atMs += ms
      for (const one of page.timers.splice(0)) {
        if (one.dueMs <= page.atMs) one.done()
        else page.timers.push(one)
      }
    },
  }
  const pace = createPace({
    nowMs: () => page.atMs,
    afterFrame: done => void page.frames.push(done),
    later: (done, ms) => {
      const timer = { dueMs: page.atMs + ms, done }
      page.timers.push(timer)
      return timer
    },
    cancel: timer => void (page.timers = page.timers.filter(one => one !== timer)),
  })
  const ask = (kind: string, word: string): void => pace.ask(kind, () => void page.drawn.push(word))
  return { page, pace, ask }
}

test('nothing is drawn before the frame that shows the row, and of one kind only the newest', () => {
  const { page, ask } = openPage()
  ask('incidents', 'one')
  ask('incidents', 'two')
  ask('forces', 'engines')
  page.wait(0)
  expect(page.drawn).toEqual([])
  page.frame()
  expect(page.drawn).toEqual(['two', 'engines'])
})

test('at most so often, and once more for what came meanwhile', () => {
  const { page, ask } = openPage()
  for (let at = 0; at < 1_000; at += 20) {
    ask('incidents', String(at))
    page.wait(20)
    page.frame()
  }
  page.wait(EVERY_MS)
  page.frame()
  expect(page.drawn.length).toBeGreaterThanOrEqual(4)
  expect(page.drawn.length).toBeLessThanOrEqual(1_000 / EVERY_MS + 2)
  expect(page.drawn.at(-1)).toBe('980')
})

test('a map whose frames are slow takes a third of the time, and never waits longer than what a device says may be late', () => {
  const { page, ask } = openPage()
  const drawnWithin = (costMs: number, spanMs: number): number => {
    page.drawn.length = 0
    for (let ms = 0; ms < spanMs;) {
      const before = page.drawn.length
      ask('devices', 'tick')
      page.wait(10)
      page.frame()
      ms += 10
      if (page.drawn.length === before) continue
      page.wait(costMs)
      page.frame()
      ms += costMs
    }
    return page.drawn.length
  }
  expect(drawnWithin(200, 10_000)).toBeLessThanOrEqual(18)
  expect(drawnWithin(5_000, 40_000)).toBeGreaterThanOrEqual(7)
})

test('what somebody chose is drawn at once, and nothing after the end', () => {
  const { page, pace, ask } = openPage()
  ask('incidents', 'chosen')
  pace.now()
  expect(page.drawn).toEqual(['chosen'])
  ask('forces', 'too late')
  pace.stop()
  page.wait(5_000)
  page.frame()
  expect(page.drawn).toEqual(['chosen'])
})
