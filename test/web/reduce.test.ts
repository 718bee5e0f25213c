// The fold over the live socket: what it keeps, what it refuses to guess, and that a lost message never goes unnoticed.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LiveMessage } from '#contracts/live.ts'
import { EMPTY_DESK, needsAnswer, receive, type Desk, type Outcome } from '../../dashboard/web/src/live/reduce.ts'
import { alarm, anyIncident, delta, heartbeat, incident, kpis, snapshot } from './incidents.ts'

const fold = (messages: LiveMessage[], from: Desk = EMPTY_DESK): Desk =>
  messages.reduce((desk, message) => receive(desk, message).desk, from)
const applied = (outcome: Outcome) => {
  if (outcome.type !== 'applied') throw new Error(`expected applied, got ${outcome.type}`)
  return outcome
}

describe('the first snapshot', () => {
  test('nothing is known before it, and nothing is made up', () => {
    expect(receive(EMPTY_DESK, delta(1, { incidents: [incident('a')] }))).toMatchObject({ type: 'ignored', why: 'no-snapshot' })
    expect(receive(EMPTY_DESK, heartbeat(5)).desk.kpis).toBeNull()
  })
  test('takes open incidents and their alarms, and says which need an answer', () => {
    const message = snapshot({
      incidents: [incident('a'), incident('b', { state: 'acknowledged' }), incident('c', { state: 'closed' })],
      alarms: [alarm('x', 'a'), alarm('y', 'c')],
    })
    const { desk, arrived } = applied(receive(EMPTY_DESK, message))
    expect([...desk.incidents.keys()]).toEqual(['a', 'b'])
    expect([...desk.alarms.keys()]).toEqual(['x'])
    expect(arrived.map(one => one.id)).toEqual(['a'])
    expect(desk).toMatchObject({ seq: 10, epoch: 'e1' })
  })
})

describe('deltas', () => {
  const desk = fold([snapshot({ incidents: [incident('a')], alarms: [alarm('x', 'a')] })])

  test('the next in sequence is applied', () => {
    const next = applied(receive(desk, delta(11, { incidents: [incident('b', { severity: 2 })], alarms: [alarm('y', 'b')] })))
    expect(next.desk.seq).toBe(11)
    expect([...next.desk.incidents.keys()]).toEqual(['a', 'b'])
    expect(next.arrived.map(one => one.id)).toEqual(['b'])
  })
  test('one seen already is ignored', () => {
    expect(receive(desk, delta(10, { removed: { incidents: ['a'] } }))).toEqual({ type: 'ignored', desk, why: 'duplicate' })
  })
  test('a hole stops the fold and says how many are missing', () => {
    expect(receive(desk, delta(14, { incidents: [incident('b')] }))).toEqual({ type: 'gap', desk, missed: 3 })
  })
  test('a closed incident leaves with its alarms, others stay', () => {
    const grown = fold([delta(11, { incidents: [incident('b')], alarms: [alarm('y', 'b')] })], desk)
    const next = fold([delta(12, { incidents: [incident('a', { state: 'closed' })], alarms: [alarm('x', 'a')] })], grown)
    expect([...next.incidents.keys()]).toEqual(['b'])
    expect([...next.alarms.keys()]).toEqual(['y'])
  })
  test('an answered incident that gets a new alarm, or becomes graver, arrives again', () => {
    const answered = fold([delta(11, { incidents: [incident('a', { state: 'acknowledged', severity: 3 })] })], desk)
    const again = incident('a', { state: 'acknowledged', severity: 3, unacknowledgedAlarms: 1 })
    expect(needsAnswer(again)).toBe(true)
    expect(applied(receive(answered, delta(12, { incidents: [again] }))).arrived).toEqual([again])
    const calm = fold([delta(11, { incidents: [incident('a', { severity: 3 })] })], desk)
    expect(applied(receive(calm, delta(12, { incidents: [incident('a', { severity: 1 })] }))).arrived).toHaveLength(1)
    expect(applied(receive(calm, delta(12, { incidents: [incident('a', { severity: 3 })] }))).arrived).toHaveLength(0)
  })
})

describe('heartbeats', () => {
  const desk = fold([snapshot()])
  test('carry the numbers and the rooms', () => {
    const next = receive(
      desk,
      heartbeat(10, { kpis: kpis({ unacknowledged: 4 }), rooms: [{ room: 'flows', ok: false, detail: 'restarting' }] }),
    )
    expect(next.desk.kpis?.unacknowledged).toBe(4)
    expect(next.desk.rooms).toEqual([{ room: 'flows', ok: false, detail: 'restarting' }])
  })
  test('one that is ahead of us uncovers a lost tail', () => {
    expect(receive(desk, heartbeat(12))).toEqual({ type: 'gap', desk, missed: 2 })
  })
})

test('law: with any messages lost, resyncing from where the fold stopped ends where an undisturbed desk ends', () => {
  const change = fc.array(anyIncident, { minLength: 1, maxLength: 3 })
  fc.assert(
    fc.property(
      fc.array(change, { minLength: 1, maxLength: 12 }),
      fc.array(fc.boolean(), { minLength: 12, maxLength: 12 }),
      (changes, lost) => {
        const stream = changes.map((incidents, n) => delta(11 + n, { incidents }))
        const whole = fold([snapshot(), ...stream])
        let desk = fold([snapshot()])
        let noticed = 0
        for (const [n, message] of stream.entries()) {
          if (lost[n] === true) continue
          const outcome = receive(desk, message)
          desk = outcome.desk
          if (outcome.type !== 'gap') continue
          noticed += outcome.missed
          // What the server does with ?since=: everything after it, in order.
          const since = desk.seq
          desk = fold(
            stream.filter(one => one.seq > since && one.seq <= message.seq),
            desk,
          )
        }
        const end = receive(desk, heartbeat(10 + stream.length))
        if (end.type === 'gap') {
          noticed += end.missed
          const since = desk.seq
          desk = fold(
            stream.filter(one => one.seq > since),
            desk,
          )
        }
        expect(noticed).toBe(stream.filter((_, n) => lost[n] === true).length)
        expect(new Map(desk.incidents)).toEqual(new Map(whole.incidents))
        expect(desk.seq).toBe(whole.seq)
      },
    ),
  )
})

describe('maps that nobody has seen are changed in place', () => {
  const story = fc.array(
    fc.record({ incidents: fc.array(anyIncident, { maxLength: 4 }), alarms: fc.array(fc.nat(5), { maxLength: 3 }), shown: fc.boolean() }),
    { maxLength: 20 },
  )
  test('the outcome is the same as with copies, and what was seen stays as it was seen', () => {
    fc.assert(
      fc.property(story, steps => {
        let copied = fold([snapshot()])
        let folded = copied
        let seen = copied
        const pictures: { desk: Desk; as: string }[] = []
        const written = (desk: Desk): string => JSON.stringify([[...desk.incidents], [...desk.alarms]])
        for (const [at, { incidents, alarms, shown }] of steps.entries()) {
          const message = delta(11 + at, { incidents, alarms: alarms.map(n => alarm(`a${n}`, incidents[0]?.id ?? 'none')) })
          copied = receive(copied, message).desk
          folded = receive(folded, message, seen).desk
          expect(written(folded)).toBe(written(copied))
          if (!shown) continue
          seen = folded
          pictures.push({ desk: seen, as: written(seen) })
        }
        for (const { desk, as } of pictures) expect(written(desk)).toBe(as)
      }),
    )
  })
})
