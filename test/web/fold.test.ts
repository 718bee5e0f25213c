// Folding in a flood: nothing is lost, level I and unanswered level II stand alone, and what is selected stays in sight.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Incident } from '#contracts/incident.ts'
import { FOLD_FROM, fold, FOLDED_BY, ROWS_IN_FLOOD } from '../../dashboard/web/src/queue/fold.ts'
import { isOpen } from '../../dashboard/web/src/live/reduce.ts'
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
  test('where buildings leave too many rows, those of one street, then of one cause, then of one level stand together', () => {
    const many = (n: number, o: (i: number) => Partial<Incident>): Incident[] =>
      Array.from({ length: n }, (_, i) => fault(`x${String(i).padStart(3, '0')}`, String(i), { queuedAt: at(i), ...o(i) }))
    const rows = (list: Incident[], from?: 'area') =>
      fold(arrange([], list, false), byId(list), { keep: null, opened: none, ...(from && { from }) })
    expect(rows(many(10, () => ({})))).toMatchObject({ by: 'building', ids: { length: 10 } })
    expect(rows(many(11, () => ({})))).toMatchObject({ by: 'area', ids: { length: 1 } })
    expect(rows(many(200, i => ({ place: { area: String(i % 20), building: String(i) } })))).toMatchObject({
      by: 'kind',
      ids: { length: 1 },
    })
    const kinds = ['fault', 'tamper', 'low-battery', 'water-leak', 'pressure-low', 'level-low'] as const
    const mixed = many(300, i => ({ kind: kinds[i % 6] ?? 'fault', severity: i % 2 === 0 ? 3 : 4, place: { area: String(i % 20) } }))
    expect(rows([...mixed, ...many(5, i => ({ id: `f${i}`, confirmedAt: at(i) }))])).toMatchObject({ by: 'level', ids: { length: 7 } })
    // one that has begun to fold by street goes on so
    expect(
      rows(
        many(9, () => ({})),
        'area',
      ),
    ).toMatchObject({ by: 'area', ids: { length: 1 } })
    expect(FOLDED_BY[0]).toBe('building')
  })
  test('a single detector of level I stands alone until there is a crowd of them; a confirmed fire or a call always does', () => {
    const single = (n: number): Incident[] => Array.from({ length: n }, (_, i) => incident(`s${i}`, { place: { building: String(i) } }))
    const shown = (list: Incident[]): string[] => fold(arrange([], list, false), byId(list), { keep: null, opened: none }).ids
    expect(shown(single(ROWS_IN_FLOOD))).toHaveLength(ROWS_IN_FLOOD)
    const fire = incident('fire', { confirmedAt: at(1) })
    const call = incident('call', { kind: 'manual-call' })
    const crowd = shown([...single(ROWS_IN_FLOOD + 20), fire, call])
    expect(crowd).toHaveLength(3)
    expect(crowd).toContain('call')
    expect(crowd[0]).toBe('fire')
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
        const grave = list.filter(one => isOpen(one) && (one.severity === 1 || isSticky(one)) && one.confirmedAt === undefined)
        for (const id of behind) {
          const one = known.get(id) as Incident
          expect([one.confirmedAt, one.helpAskedAt, one.kind === 'manual-call'], 'known to be a fire, or said by a person').toEqual([
            undefined,
            undefined,
            false,
          ])
          if (one.severity === 1 || isSticky(one)) expect(grave.length, 'folded only in a crowd').toBeGreaterThan(ROWS_IN_FLOOD)
        }
        if (keep !== null && all.includes(keep)) expect(ids).toContain(keep)
        for (const one of folds.values()) expect(one.others.length + 1).toBeGreaterThanOrEqual(FOLD_FROM)
      }),
    )
  })
})
