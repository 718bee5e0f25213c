// The canary: its times once it has gone the whole way, and what is said where it gets stuck: at the door, on the way, at the queue's database.
import { afterEach, expect, test, vi } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import type { Message } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { CANARY_ID, CANARY_TOPIC } from '#contracts/topic.ts'
import { LATE_MS, startCanary, type CanaryParts } from '../canary.ts'

afterEach(() => {
  vi.useRealTimers()
})
const EVERY_MS = 60_000
const message = (payload: string, o: Partial<Message> = {}): Message =>
  ({ topic: CANARY_TOPIC, identity: CANARY_ID, payload: Buffer.from(payload), ...o }) as Message

function fly(o: Partial<CanaryParts> = {}) {
  vi.useFakeTimers()
  const sent: string[] = []
  const kept: string[] = []
  const canary = startCanary({
    everyMs: EVERY_MS,
    send: async payload => void sent.push(payload),
    keep: at => void kept.push(at),
    clock: { nowMs: () => Date.now() },
    log: noLog,
    meter: noMeter,
    ...o,
  })
  return { canary, sent, kept, pass: (ms: number) => vi.advanceTimersByTimeAsync(ms) }
}

test('an acknowledgement that comes after the queue has it is told all the same', async () => {
  const door = Promise.withResolvers<void>()
  const { canary, pass } = fly({ send: () => door.promise })
  await pass(5_000)
  canary.see(message('{"n":1}'))
  await pass(3)
  expect(canary.line().detail).toContain('acknowledged after ?')
  door.resolve()
  await pass(0)
  expect(canary.line().detail).toContain('acknowledged after 3 ms')
  canary.close()
})

test('it goes once a minute, its times are told, and it is written where alarms are', async () => {
  const { canary, sent, kept, pass } = fly()
  expect(canary.line()).toMatchObject({ ok: true, detail: 'under way for the first time' })
  await pass(5_000)
  expect(sent).toEqual(['{"n":1}'])
  await pass(12)
  canary.see(message(sent[0]!))
  await pass(0)
  expect(kept).toHaveLength(1)
  expect(canary.line()).toMatchObject({
    ok: true,
    detail: expect.stringMatching(/acknowledged after 0 ms, read .* after 12 ms, in the queue/),
  })
  for (let minute = 2; minute < 100; minute += 1) {
    await pass(EVERY_MS)
    canary.see(message(sent.at(-1)!))
    await pass(0)
  }
  expect(canary.line().detail).toContain('of the last 60')
  canary.close()
})

test('what is not the canary in flight proves nothing: another identity, an older one, the same one again', async () => {
  const { canary, sent, kept, pass } = fly()
  await pass(5_000)
  canary.see(message(sent[0]!, { identity: 'anonymous' }))
  canary.see(message('{"n":0}'))
  await pass(EVERY_MS + LATE_MS)
  expect(canary.line()).toMatchObject({ ok: false, troubles: ['late'], detail: 'it did not arrive' })
  expect(kept).toEqual([])
  canary.see(message(sent[0]!))
  await pass(0)
  expect(kept).toEqual([])
  canary.see(message(sent.at(-1)!))
  canary.see(message(sent.at(-1)!))
  await pass(0)
  expect(kept).toHaveLength(1)
  expect(canary.line().ok).toBe(true)
  canary.close()
})

test('a clock that is set on by ten minutes makes nothing late', async () => {
  let aheadMs = 0
  const { canary, sent, pass } = fly({ clock: { nowMs: () => Date.now() + aheadMs } })
  await pass(5_000)
  canary.see(message(sent[0]!))
  await pass(1_000)
  aheadMs = 600_000
  expect(canary.line()).toMatchObject({ ok: true, detail: expect.stringContaining('; 1 s ago') })
  canary.close()
})

test('where it got stuck is said', async () => {
  const door = fly({ send: () => Promise.reject(new Error('ECONNREFUSED')) })
  await door.pass(EVERY_MS + LATE_MS + 5_000)
  expect(door.canary.line()).toMatchObject({ ok: false, detail: 'it did not arrive: the door does not take it: ECONNREFUSED' })
  door.canary.close()
  const queue = fly({
    keep: () => {
      throw new Error('disk full')
    },
  })
  await queue.pass(5_000)
  queue.canary.see(message(queue.sent[0]!))
  await queue.pass(EVERY_MS + LATE_MS)
  expect(queue.canary.line().detail).toContain('the queue does not take it: disk full')
  queue.canary.close()
})
