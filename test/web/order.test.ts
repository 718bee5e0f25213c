// The laws of the queue: what is on top, what may never be hidden, and that nothing moves under an officer's hand.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Incident } from '#contracts/incident.ts'
import { isOpen, needsAnswer } from '../../dashboard/web/src/live/reduce.ts'
import { arrange, compare, drawn, flashes, isSticky, passes, type Filter } from '../../dashboard/web/src/queue/order.ts'
import { anyIncidents, at, incident } from './incidents.ts'

const byId = (incidents: Incident[]): Map<string, Incident> => new Map(incidents.map(one => [one.id, one]))
const anyFilter: fc.Arbitrary<Filter> = fc.record({
  which: fc.constantFrom('all' as const, 'unacknowledged' as const, 'fire' as const, 'technical' as const),
  words: fc.constantFrom('', '1405', 'no such place', 'i-1', '  '),
})

test('unacknowledged first, then level, then oldest', () => {
  const list = [
    incident('old-iv', { severity: 4, queuedAt: at(0) }),
    incident('acked-i', { severity: 1, state: 'acknowledged' }),
    incident('new-ii', { severity: 2, queuedAt: at(9_000) }),
    incident('older-ii', { severity: 2, queuedAt: at(5_000) }),
    incident('added-iii', { severity: 3, state: 'acknowledged', unacknowledgedAlarms: 1 }),
  ]
  expect(arrange([], list, false)).toEqual(['older-ii', 'new-ii', 'added-iii', 'old-iv', 'acked-i'])
})

describe('laws', () => {
  test('exactly the open incidents are listed, held or not, whatever was there before', () => {
    fc.assert(
      fc.property(anyIncidents, fc.array(fc.integer({ min: 1, max: 45 }).map(n => `i-${n}`)), fc.boolean(), (list, before, held) => {
        const ids = arrange([...new Set(before)], list, held)
        expect(new Set(ids)).toEqual(new Set(list.filter(isOpen).map(one => one.id)))
        expect(ids.length).toBe(new Set(ids).size)
      }),
    )
  })
  test('left alone, the list is in order', () => {
    fc.assert(
      fc.property(anyIncidents, list => {
        const known = byId(list)
        const sorted = arrange([], list, false).map(id => known.get(id) as Incident)
        for (const [n, one] of sorted.entries()) if (n > 0) expect(compare(sorted[n - 1] as Incident, one)).toBeLessThan(0)
      }),
    )
  })
  test('while held, rows that stay keep their order, whatever happens to them', () => {
    fc.assert(
      fc.property(anyIncidents, anyIncidents, (before, after) => {
        const was = arrange([], before, false)
        const is = arrange(was, after, true)
        const stayed = new Set(was.filter(id => is.includes(id)))
        expect(is.filter(id => stayed.has(id))).toEqual(was.filter(id => stayed.has(id)))
      }),
    )
  })
  test('while held, a new level I that asks stands above every row that does not', () => {
    fc.assert(
      fc.property(anyIncidents, list => {
        const was = arrange([], list, false)
        const is = arrange(was, [...list, incident('new', { severity: 1, queuedAt: at(0) })], true)
        const known = byId(list)
        const above = is.slice(0, is.indexOf('new')).map(id => known.get(id) as Incident)
        for (const one of above) expect(needsAnswer(one)).toBe(true)
      }),
    )
  })
  test('no filter hides an unanswered level I or II, and no bound an unanswered level I', () => {
    fc.assert(
      fc.property(anyIncidents, anyFilter, fc.integer({ min: 0, max: 5 }), (list, filter, limit) => {
        const known = byId(list)
        const ids = arrange([], list, false).filter(id => passes(known.get(id) as Incident, filter))
        for (const one of list.filter(isSticky)) expect(ids).toContain(one.id)
        const shown = new Set(drawn(ids, known, limit))
        const gravest = list.filter(one => isSticky(one) && one.severity === 1)
        for (const one of gravest) expect(shown.has(one.id)).toBe(true)
        expect(shown.size).toBeLessThanOrEqual(Math.max(limit, 0) + gravest.length)
      }),
    )
  })
})

test('only what waits for people flashes: unanswered, level I to III', () => {
  const asking = ([1, 2, 3, 4] as const).map(severity => incident('a', { severity }))
  expect(asking.map(flashes)).toEqual([true, true, true, false])
  expect(flashes(incident('a', { state: 'acknowledged' }))).toBe(false)
})

describe('filter', () => {
  const technical = incident('i-9', { category: 'technical', severity: 4, state: 'acknowledged', deviceIds: ['gw-77'] })
  test('by category, by state, by words in place, id and device', () => {
    expect(passes(technical, { which: 'technical', words: '' })).toBe(true)
    expect(passes(technical, { which: 'fire', words: '' })).toBe(false)
    expect(passes(technical, { which: 'unacknowledged', words: '' })).toBe(false)
    expect(passes(technical, { which: 'all', words: 'chengxi 1405' })).toBe(true)
    expect(passes(technical, { which: 'all', words: 'GW-77' })).toBe(true)
    expect(passes(technical, { which: 'all', words: '1405 elsewhere' })).toBe(false)
  })
})
