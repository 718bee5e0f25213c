// Folding in a flood: nothing is lost, level I and unanswered level II stand alone, and what is selected stays in sight.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Incident } from '#contracts/incident.ts'
import { FOLD_FROM, fold } from '../../dashboard/web/src/queue/fold.ts'
import { arrange, isSticky } from '../../dashboard/web/src/queue/order.ts'
import { anyIncidents, at, incident } from './incidents.ts'

const byId = (list: Incident[]): Map<string, Incident> => new Map(list.map(one => [one.id, one]))
const none: ReadonlySet<string> = new Set()
const fault = (id: string, building: string, o: Partial<Incident> = {}): Incident =>
  incident(id, { severity: 4, category: 'technical', kind: 'fault', place: { area: 'Chengxi', building }, ...o })

describe('fold', () => {
  test('rows of one building and cause stand behind their first, which says how many and how new', () => {
    const list = [
      fault('a', '2', { queuedAt: at(1) }),
      fault('b', '2', { queuedAt: at(2) }),
      fault('c', '2', { queuedAt: at(9) }),
      fault('d', '3', { queuedAt: at(3) }),
      fault('e', '2', { kind: 'tamper', queuedAt: at(4) }),
    ]
    const { ids, folds } = fold(arrange([], list, false), byId(list), { keep: null, opened: none })
    expect(ids).toEqual(['a', 'd', 'e'])
    expect(folds.get('a')).toMatchObject({ others: ['b', 'c'], newestAt: at(9), open: false })
    const key = folds.get('a')?.key ?? ''
    expect(fold(arrange([], list, false), byId(list), { keep: null, opened: new Set([key]) }).ids).toHaveLength(5)
    expect(fold(arrange([], list, false), byId(list), { keep: 'b', opened: none }).ids).toContain('b')
  })
  test('the laws hold for any queue', () => {
    fc.assert(
      fc.property(anyIncidents, fc.option(fc.integer({ min: 1, max: 40 }).map(n => `i-${n}`)), (list, keep) => {
        const known = byId(list)
        const all = arrange([], list, false)
        const { ids, folds } = fold(all, known, { keep, opened: none })
        const behind = [...folds.values()].flatMap(one => [...one.others])
        expect(new Set([...ids, ...behind]), 'nothing is left out').toEqual(new Set(all))
        expect(
          ids.filter(id => all.includes(id)),
          'in the order of the queue',
        ).toEqual(all.filter(id => ids.includes(id)))
        for (const id of behind) {
          const one = known.get(id) as Incident
          expect(one.severity > 1 && !isSticky(one)).toBe(true)
        }
        if (keep !== null && all.includes(keep)) expect(ids).toContain(keep)
        for (const one of folds.values()) expect(one.others.length + 1).toBeGreaterThanOrEqual(FOLD_FROM)
      }),
    )
  })
})
