// Wrong passwords: who has to wait and how long, that the right one is not kept out by others, and that little is remembered.
import { expect, test } from 'vitest'
import { LoginThrottle } from '../../broker/throttle.ts'
import { lay } from './table.ts'

function throttleAt() {
  const clock = { at: 1e12, nowMs: (): number => clock.at }
  return { clock, throttle: new LoginThrottle(clock) }
}

test('ten mistakes are free, then the wait doubles up to a minute, and the right password ends it', () => {
  const { clock, throttle } = throttleAt()
  const waits: number[] = []
  for (let i = 0; i < 18; i++) {
    throttle.wrong('d1', '10.0.0.1')
    waits.push(throttle.waitMs('d1', '10.0.0.1') / 1000)
    clock.at += 1000 * waits[i]!
  }
  expect(waits).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60])
  throttle.right('d1', '10.0.0.1')
  throttle.wrong('d1', '10.0.0.1')
  expect(throttle.waitMs('d1', '10.0.0.1')).toBe(0)
})

test('mistakes of one address do not keep the same name out at another, nor who was right there before', () => {
  const { throttle } = throttleAt()
  throttle.right('good', '10.0.0.1 5000')
  for (let i = 0; i < 300; i++) throttle.wrong(`guess${i}`, `10.0.0.1 ${i}`)
  expect(throttle.waitMs('new', '10.0.0.1 7')).toBeGreaterThan(0)
  expect(throttle.waitMs('good', '10.0.0.1 6000')).toBe(0)
  expect(throttle.waitMs('new', '10.0.0.2')).toBe(0)
})

test('one name guessed at from many addresses runs dry too, and fills again', () => {
  const { clock, throttle } = throttleAt()
  for (let i = 0; i < 250; i++) throttle.wrong('d1', `10.0.${i}.1`)
  expect(throttle.waitMs('d1', '10.9.9.9')).toBeGreaterThan(0)
  clock.at += 60_000
  expect(throttle.waitMs('d1', '10.9.9.9')).toBe(0)
})

test('what is remembered is bounded, and a clock that is set back locks nobody out for good', () => {
  const { clock, throttle } = throttleAt()
  for (let i = 0; i < 50_000; i++) throttle.wrong(`d${i}`, `a${i}`)
  expect(throttle.remembered).toBeLessThanOrEqual(20_000)
  expect(throttle.remembered).toBeGreaterThan(18_000)
  for (let i = 0; i < 30; i++) throttle.wrong('x', 'b')
  clock.at -= 1e9
  expect(throttle.waitMs('x', 'b')).toBeLessThanOrEqual(60_000)
})

test('at the door: CONNACK 4 while it is looked at, CONNACK 3 while it is not, and neither tells if the password was right', async () => {
  await using table = await lay()
  await table.issue('d1')
  const codes: unknown[] = []
  const tryWith = (password: string) =>
    table.client('d1', { password }).then(
      () => codes.push(0),
      (error: { code: number }) => codes.push(error.code),
    )
  for (let i = 0; i < 11; i++) await tryWith('wrong')
  await tryWith(table.login('d1').password)
  expect(codes).toEqual([4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 3, 3])
  expect(table.refusals.at(-1)).toMatchObject({ code: 'too-many-requests', reason: expect.stringContaining('wrong passwords') })
})
