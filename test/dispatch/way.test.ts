// The way of an alarm: whatever is known of it, its stages add up; who was told and heard is in it; what happened before it joined is not
// taken for its own time.
import { assert, integer, option, property, tuple } from 'fast-check'
import { expect, test } from 'vitest'
import type { Waterfall } from '#contracts/alarm.ts'
import { STAGES, stagesOf, totalMsOf } from '#contracts/waterfall.ts'
import { iso, MINUTE_MS, NIGHT_MS, openDesk, raise, send } from './desk.ts'

test('the times of the known stages add up to the whole, whatever is missing and whatever clock ran ahead', () => {
  const seed = Number(process.env['WAY_SEED'] ?? Math.floor(Math.random() * 2 ** 31))
  console.log(`way: WAY_SEED=${seed}`)
  const times = tuple(...STAGES.map(() => option(integer({ min: -3_600_000, max: 3_600_000 }), { nil: undefined })))
  assert(
    property(times, given => {
      const way = Object.fromEntries(
        STAGES.flatMap((stage, i) => (given[i] === undefined ? [] : [[`${stage}At`, iso(NIGHT_MS + (given[i] ?? 0))]])),
      ) as Waterfall
      const stages = stagesOf(way)
      expect(stages.map(s => s.stage)).toEqual(STAGES)
      const known = stages.flatMap(s => (s.status === 'known' ? [Date.parse(s.at ?? '')] : []))
      expect(totalMsOf(stages)).toBe(known.length < 2 ? undefined : (known.at(-1) ?? 0) - (known[0] ?? 0))
      for (const [i, s] of stages.entries()) expect(s.status === 'unknown').toBe(given[i] === undefined)
    }),
    { seed, numRuns: 500 },
  )
})

test('who was told and heard is a stage; an alarm that joins later says what had happened before', () => {
  const { dispatch, clock } = openDesk({ channels: ['hook'] })
  const place = { area: 'Gulou', building: 'b1' }
  const [incident] = send(dispatch, raise({ id: 'first', place })).incidents
  clock.add(3_000)
  const [row] = dispatch.outbox.due('hook', clock.nowMs(), 10)
  if (row === undefined || incident === undefined) throw new Error('nobody is told')
  dispatch.outbox.delivered(row)
  clock.add(5_000)
  dispatch.acknowledgeIncident(incident.id, { by: 'li' })
  clock.add(MINUTE_MS)
  send(dispatch, raise({ id: 'second', place, atMs: clock.nowMs() }))

  const stageOf = (id: string, stage: string) => dispatch.alarm(id)?.waterfall.stages?.find(s => s.stage === stage)
  expect(stageOf('first', 'notified')).toEqual({ stage: 'notified', status: 'known', at: iso(NIGHT_MS + 3_000), ms: 3_000 })
  expect(stageOf('first', 'acknowledged')).toMatchObject({ status: 'known', ms: 5_000 })
  expect(stageOf('second', 'notified')).toEqual({ stage: 'notified', status: 'earlier', at: iso(NIGHT_MS + 3_000) })
  expect(stageOf('second', 'acknowledged')).toEqual({ stage: 'acknowledged', status: 'unknown' })
  expect(dispatch.alarm('second')?.waterfall.totalMs).toBe(0)
  expect(dispatch.incident(incident.id)?.waterfall.totalMs).toBe(8_000)
  dispatch.close()
})
