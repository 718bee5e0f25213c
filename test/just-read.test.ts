// What the alarm path has just read, handed to the feed: the same as the journal says, at whatever place and in whatever bites; whoever is too far behind,
// or before a gap, reads the journal; what depends on what was read before is decoded by the feed's own catalogue.
import { expect, test } from 'vitest'
import type { Message } from '#contracts/message.ts'
import type { Reading } from '#contracts/reading.ts'
import { CLOCK_IDENTITY, CLOCK_TOPIC } from '#contracts/topic.ts'
import { createFeedSource, lineOf, type FeedEntry, type FeedParts } from '../dashboard/api/feed-source.ts'
import { createJustRead, type JustRead } from '../parts/just-read.ts'

const AT = Date.parse('2026-03-01T00:00:00Z')
const message = (seq: number, o: Partial<Message> = {}): Message => ({
  seq,
  receivedAtMs: AT + seq,
  committedAtMs: AT + seq,
  identity: 'gw',
  clientId: 'gw',
  topic: 'fire/v1/heat/d/telemetry',
  qos: 1,
  retain: false,
  dup: false,
  payload: Buffer.from(String(seq)),
  ...o,
})
const reading = (deviceId: string): Reading =>
  ({
    deviceId,
    kind: 'heat',
    ts: new Date(AT).toISOString(),
    receivedAt: new Date(AT).toISOString(),
    metrics: { temperature_c: 20 },
  }) as unknown as Reading
const tick = (seq: number): Message => message(seq, { topic: CLOCK_TOPIC, identity: CLOCK_IDENTITY })
const foreign = (seq: number): Message => message(seq, { topic: 'spBv1.0/g/NDATA/n' })

type Made = JustRead & { decoded: number[]; take(one: Message): void }
function made(o: { messagesMax?: number; bytesMax?: number } = {}): Made {
  const decoded: number[] = []
  const justRead = createJustRead({
    decode: ({ seq }) => (decoded.push(seq), { readings: [reading(`feed-${seq}`)] }),
    placed: one => ({ ...one, place: { building: 'b' } }),
    ...o,
  })
  // somebody follows
  justRead.after(0, 1)
  return { ...justRead, decoded, take: one => justRead.keep(one, { readings: [reading(`path-${one.seq}`), reading(`more-${one.seq}`)] }) }
}
const seqs = (found: { entries: FeedEntry[] } | undefined) => found && [...new Set(found.entries.map(entry => entry.seq))]

test('in whatever bites, what was read comes in order, placed and made once', () => {
  const recent = made()
  for (let seq = 5; seq <= 12; seq++) recent.take(message(seq))
  expect(seqs(recent.after(4, 3))).toEqual([5, 6, 7])
  expect(recent.after(7, 100)?.cursor).toBe(12)
  expect(recent.after(12, 100)).toBeUndefined()
  expect(recent.after(3, 100), 'the fourth was read before').toBeUndefined()
  const [first] = recent.after(4, 1)!.entries
  expect(first).toMatchObject({ seq: 5, reading: { deviceId: 'path-5', place: { building: 'b' } } })
  expect(recent.after(4, 1)!.entries[0]).toBe(first)
  recent.take(message(9))
  expect(recent.after(11, 100)?.cursor, 'read again: nothing new').toBe(12)
})

test('behind a gap it begins anew, and neither messages nor bytes go over their bound', () => {
  const recent = made({ messagesMax: 10, bytesMax: 100 })
  for (let seq = 1; seq <= 5; seq++) recent.take(message(seq))
  recent.take(message(8))
  expect([recent.after(4, 9), seqs(recent.after(7, 9))]).toEqual([undefined, [8]])
  for (let seq = 9; seq <= 60; seq++) {
    recent.take(message(seq))
    recent.after(seq, 1)
  }
  expect([recent.after(49, 99), seqs(recent.after(50, 99))]).toEqual([undefined, [51, 52, 53, 54, 55, 56, 57, 58, 59, 60]])
  recent.take(message(61, { payload: Buffer.alloc(95) }))
  expect([recent.after(57, 9), seqs(recent.after(58, 9))]).toEqual([undefined, [59, 60, 61]])
  recent.take(message(62, { payload: Buffer.alloc(101) }))
  expect(recent.after(61, 9), 'larger than all there is room for').toBeUndefined()
  recent.take(message(63))
  expect(seqs(recent.after(62, 9))).toEqual([63])
})

test('nothing is kept where nobody asks, and again from the first message after somebody did', () => {
  const recent = made({ messagesMax: 10 })
  for (let seq = 1; seq <= 9; seq++) recent.take(message(seq))
  expect(recent.after(8, 9)?.cursor, 'a follower that is slow').toBe(9)
  for (let seq = 10; seq <= 30; seq++) recent.take(message(seq))
  expect(recent.after(29, 9), 'one that went').toBeUndefined()
  for (let seq = 31; seq <= 33; seq++) recent.take(message(seq))
  expect([recent.after(29, 9), seqs(recent.after(30, 9))], 'one that came').toEqual([undefined, [31, 32, 33]])
})

test('a family that learns is decoded by the feed itself, once; the clock is a tick', () => {
  const recent = made()
  for (const one of [message(1), foreign(2), tick(3)]) recent.take(one)
  expect(recent.after(0, 9)!.entries).toMatchObject([
    { seq: 1, reading: { deviceId: 'path-1' } },
    { seq: 1, reading: { deviceId: 'more-1' } },
    { seq: 2, reading: { deviceId: 'feed-2' } },
    { seq: 3, tick: new Date(AT + 3).toISOString() },
  ])
  recent.after(0, 9)
  expect(recent.decoded).toEqual([2])
})

test('the feed is the same with it and without it, and from memory it looks at no disk', () => {
  const seed = Math.floor(Math.random() * 2 ** 31)
  let state = seed
  const random = (below: number): number => (state = (Math.imul(state, 1103515245) + 12345) >>> 0) % below
  const recent = made({ messagesMax: 20 })
  const journal: Message[] = []
  let looks = 0
  const cursors = {} as FeedParts['feed']['cursors']
  const said = (one: Message): FeedEntry[] => (one.topic === CLOCK_TOPIC ? recent.said(one) : entriesOf(one))
  const entriesOf = (one: Message): FeedEntry[] => {
    const lone = made()
    lone.take(one)
    return lone.after(one.seq - 1, 1)!.entries
  }
  const read = (after: number, max: number): FeedEntry[] => (looks++, journal.slice(after, after + max).flatMap(said))
  const head = (): number => (looks++, journal.length)
  const plain = createFeedSource({ feed: { head, read, cursors } })
  const quick = createFeedSource({ feed: { head, read, recent: recent.after, cursors } })
  const wanted = { reading: (one: Reading) => !one.deviceId.endsWith('7'), ticks: true }
  const heard = { plain: [] as string[], quick: [] as string[] }
  const at = { plain: 0, quick: 0 }
  const step = (who: 'plain' | 'quick', limit: number): void => {
    const batch = (who === 'plain' ? plain : quick).next(at[who], limit, wanted)
    expect(batch.head).toBeGreaterThanOrEqual(batch.cursor)
    at[who] = batch.cursor
    heard[who].push(
      ...batch.readings.map(entry => JSON.stringify([entry.seq, entry.reading])),
      ...batch.ticks.map(one => JSON.stringify(one)),
    )
  }
  try {
    for (let turn = 0; turn < 400; turn++) {
      for (let n = random(8); n > 0; n--) {
        const seq = journal.length + 1
        const kind = random(10)
        journal.push(kind === 0 ? tick(seq) : kind === 1 ? foreign(seq) : message(seq))
        if (random(50) > 0) recent.take(journal.at(-1)!)
      }
      step('plain', 1 + random(12))
      step('quick', 1 + random(12))
    }
    while (at.plain < journal.length) step('plain', 1)
    while (at.quick < journal.length) step('quick', 1)
    expect(heard.quick.toSorted(), `seed ${seed}`).toEqual(heard.plain.toSorted())
    const places = heard.quick.filter(text => text.startsWith('[')).map(text => (JSON.parse(text) as [number])[0])
    expect(places, `in order; seed ${seed}`).toEqual(places.toSorted((a, b) => a - b))
    for (let n = 0; n < 5; n++) {
      journal.push(message(journal.length + 1))
      recent.take(journal.at(-1)!)
    }
    looks = 0
    expect(quick.next(journal.length - 5, 500, { reading: () => true, ticks: true }).readings).toHaveLength(10)
    expect(looks).toBe(0)
  } finally {
    plain.close()
    quick.close()
  }
})

test('a line of the stream is the JSON that it was', () => {
  const entry = { seq: 7, reading: reading('d') }
  const ticks = [{ off: 8, at: 'x' }]
  expect(JSON.parse(lineOf({ cursor: 8, head: 9, readings: [entry], ticks }))).toEqual({
    cursor: 8,
    head: 9,
    readings: [{ off: 7, ...reading('d') }],
    ticks,
  })
})
