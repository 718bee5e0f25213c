// The fingerprint behind the recognition of repeats: a function of sender, kind and bytes, and of every one of them.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { fingerprint, senderOf } from '../../ingest/fingerprint.ts'
import { createRepeats } from '../../ingest/repeats.ts'
import { message, reading } from './readings.ts'

const of = (sender: string, kind: number, bytes: Uint8Array): string => {
  const { a, b } = fingerprint(senderOf(sender), kind, bytes)
  return `${a} ${b}`
}

test('the same wherever the bytes lie in memory, another for one bit, one byte more, another sender, another kind', () => {
  const around = fc.uint8Array({ maxLength: 9 })
  fc.assert(
    fc.property(fc.string(), fc.uint8Array({ maxLength: 80 }), around, fc.nat(), (sender, bytes, before, bit) => {
      const print = of(sender, 1, bytes)
      expect(of(sender, 1, Uint8Array.from([...before, ...bytes]).subarray(before.length))).toBe(print)
      const others = [of(sender, 2, bytes), of(`${sender}x`, 1, bytes), of(sender, 1, Uint8Array.from([...bytes, 0]))]
      const flipped = Uint8Array.from(bytes)
      const at = Math.floor(bit / 8) % Math.max(1, bytes.length)
      flipped[at] = (flipped[at] ?? 0) ^ (1 << (bit % 8))
      if (bytes.length > 0) others.push(of(sender, 1, flipped))
      for (const other of others) expect(other).not.toBe(print)
    }),
  )
})

test('half a fingerprint meets as often as chance has it', () => {
  const [halfA, halfB] = [new Set<number>(), new Set<number>()]
  const COUNT = 100_000
  for (let n = 0; n < COUNT; n++) {
    const bytes = Buffer.from(`{"v":1,"deviceId":"d${n % 7}","ts":${1_767_225_600_000 + n},"seq":${n}}`)
    const { a, b } = fingerprint(senderOf(`fire/v1/smoke/d${n % 7}/telemetry`), 1, bytes)
    halfA.add(a)
    halfB.add(b)
  }
  // n^2 / 2 / 2^32 = 1.2 are expected; 20 would be one in 10^17
  expect(COUNT - halfA.size).toBeLessThan(20)
  expect(COUNT - halfB.size).toBeLessThan(20)
})

test('a message id counts where it is plain, 8 to 64 characters long, and stands behind its name', () => {
  const isKnownById = (id: (n: number) => string): boolean => {
    const repeats = createRepeats()
    const first = { ...reading({ tsSource: 'server' }), msgId: 'some-id' }
    const look = (n: number) => repeats.isRepeat(message(n, 't', `{"n":${n},"msgId":7,${id(n)}}`), { readings: [first] })
    return !look(1) && look(2)
  }
  const ofLength = (length: number) => () => `"msgId" :\t"${'x'.repeat(length)}"`
  expect([7, 8, 64, 65].map(length => isKnownById(ofLength(length)))).toEqual([false, true, true, false])
  expect(isKnownById(() => String.raw`"msgId":"with\"quote"`)).toBe(false)
  expect(isKnownById(() => '"other":"identity-1"')).toBe(false)
  expect(isKnownById(n => `"msgId":"identity-${n}"`)).toBe(false)
  expect(isKnownById(() => '"msgId":"unended-id')).toBe(false)
})
