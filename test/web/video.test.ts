// Pictures out of the server's multipart answer, however its bytes are cut.
import { expect, test } from 'vitest'
import { createPartReader } from '../../dashboard/web/src/video/part-reader.ts'

const part = (n: number, length: number): Uint8Array => {
  const head = new TextEncoder().encode(
    `--fengsui-picture\r\ncontent-type: image/jpeg\r\ncontent-length: ${length}\r\nx-picture-at: ${1000 + n}\r\n\r\n`,
  )
  const bytes = new Uint8Array(head.length + length + 2).fill(n)
  bytes.set(head)
  bytes.set([13, 10], head.length + length)
  return bytes
}
const joined = (all: readonly Uint8Array[]): Uint8Array => new Uint8Array(all.flatMap(one => [...one]))

test('every picture with its time, in pieces of any size', () => {
  // 13 10 13 10 within a picture is no end of a head
  const whole = joined([part(1, 300), part(13, 5), part(10, 0), part(2, 4_000)])
  for (const size of [1, 7, 301, 5_000]) {
    const read = createPartReader()
    const found = []
    for (let at = 0; at < whole.length; at += size) found.push(...read(whole.subarray(at, at + size)))
    expect(found.map(one => [one.atMs, one.type, one.bytes.length, one.bytes[0]])).toEqual([
      [1001, 'image/jpeg', 300, 1],
      [1013, 'image/jpeg', 5, 13],
      [1010, 'image/jpeg', 0, undefined],
      [1002, 'image/jpeg', 4_000, 2],
    ])
  }
})

test('what is no such stream is not kept without end', () => {
  expect(() => createPartReader()(new Uint8Array(2_000))).toThrow(/not a stream/)
  expect(() => createPartReader()(part(1, 99_999_999).subarray(0, 200))).toThrow(/not a stream/)
})
