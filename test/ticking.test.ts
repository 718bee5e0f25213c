// What time alone changes: a step that fails holds up no other, and is said until it works again.
import { expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { SHIPPED_PLAN } from '../dispatch/plan.ts'
import { openDispatchDesk } from '../parts/dispatch-desk.ts'
import { startTicking } from '../ticking.ts'

test('a step that fails holds up no other, is logged once, and is said until it works again', () => {
  let isBroken = true
  let done = 0
  const logged: string[] = []
  const ticking = startTicking({
    everyMs: 1_000_000,
    log: { ...noLog, error: (_, message) => void logged.push(message) },
    steps: [
      {
        what: 'registered devices',
        work: () => {
          if (isBroken) throw new Error('no such table')
        },
      },
      { what: 'deadlines', work: () => void (done += 1) },
    ],
  })
  ticking.look()
  ticking.look()
  expect(done).toBe(2)
  expect(logged).toEqual(['registered devices could not be followed; it is tried again'])
  expect(ticking.problem()).toBe('registered devices could not be followed: no such table')
  isBroken = false
  ticking.look()
  expect(ticking.problem()).toBeNull()
  ticking.close()
})

test('the line of a queue that cannot be read says so, and does not break who asks', async () => {
  const desk = await openDispatchDesk({
    file: ':memory:',
    clock: systemClock,
    log: noLog,
    meter: noMeter,
    districtDir: '/nonexistent',
    dispatchPlan: SHIPPED_PLAN,
    valhallaUrl: null,
  })
  expect(desk.line(null).ok).toBe(true)
  desk.dispatch.close()
  expect(desk.line(null)).toMatchObject({ room: 'dispatch', ok: false, detail: expect.stringContaining('cannot be read') })
})
