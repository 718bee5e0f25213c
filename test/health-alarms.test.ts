// Troubles of the system become alarms: after their time, once, over by themselves, not doubled by a restart, apart from any fire.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import type { RoomHealth, Trouble } from '#contracts/live.ts'
import { CONDITIONS, OVER_AFTER_MS, refilling, startHealthAlarms } from '../health-alarms.ts'
import { folder, openDesk, raise as signal, send, type TestDesk } from './dispatch/desk.ts'

const WELL: RoomHealth[] = ['journal', 'ingest', 'rules', 'dispatch', 'accounting', 'canary'].map(room => ({
  room,
  ok: true,
  detail: 'well',
}))
const ill = (room: string, troubles: Trouble[] = [], detail = 'broken'): RoomHealth[] =>
  WELL.map(line => (line.room === room ? { room, ok: false, detail, troubles } : line))

function watch(desk: TestDesk) {
  let lines = WELL
  const errors: string[] = []
  const log = { ...noLog, error: (_fields: object, message: string) => void errors.push(message) }
  const alarms = startHealthAlarms({ lines: () => lines, desk: desk.dispatch, changed: () => {}, clock: desk.clock, log })
  alarms.close() // looked at by hand, second by second
  return {
    errors,
    /** the lines stand for so long */
    pass(now: RoomHealth[], seconds: number) {
      lines = now
      for (let s = 0; s < seconds; s++) {
        alarms.look()
        desk.clock.add(1000)
      }
    },
  }
}
const listed = ({ dispatch }: TestDesk) => dispatch.alarms({ limit: 50 }).map(({ subject, state, severity }) => [subject, state, severity])

describe.each<[string, RoomHealth[]]>([
  ['journal', ill('journal')],
  ['disk-reserve', ill('journal', ['disk-reserve'])],
  ['door-silent', ill('journal', ['silent'])],
  ['rules-late', ill('rules', ['late'])],
  ['rule-off', ill('rules', ['rule-off'])],
  ['store-silent', ill('ingest', ['silent'])],
  ['store-failing', ill('ingest', ['failing'])],
  ['store-set-aside', ill('ingest', ['set-aside'])],
  ['passed-over', ill('rules', ['passed-over'])],
  ['tail-lost', [{ ...ill('journal', ['tail-lost'])[0]!, ok: true }]],
  ['dispatch-stuck', ill('dispatch', ['stuck'])],
  ['canary', ill('canary', ['late'])],
  ['unbalanced', ill('accounting', ['unbalanced'])],
])('%s', (name, lines) => {
  const condition = CONDITIONS.find(one => one.name === name)!

  test('is raised once, when it has stood for its time, and is over by itself', () => {
    const desk = openDesk()
    const { pass } = watch(desk)
    pass(WELL, 30)
    if (condition.afterMs > 0) {
      pass(lines, condition.afterMs / 1000)
      expect(listed(desk)).toEqual([])
    }
    pass(lines, 200)
    expect(listed(desk)).toEqual([[`system:${name}`, 'UNACK', condition.severity]])
    const [alarm] = desk.dispatch.alarms({ limit: 1 })
    expect(alarm).toMatchObject({ kind: 'health', text: { en: `${condition.text.en} (broken)`, zh: `${condition.text.zh}（broken）` } })
    expect(desk.dispatch.incidents({ limit: 5 })).toMatchObject([{ category: 'technical', alarmIds: [alarm!.id] }])
    pass(WELL, OVER_AFTER_MS / 1000 + 1)
    expect(listed(desk)).toEqual([[`system:${name}`, 'RTNUN', condition.severity]])
    pass(lines, 200)
    expect(listed(desk)).toHaveLength(2)
    desk.dispatch.close()
  })
})

test('a condition that comes and goes within its time raises nothing; one that is gone for a moment is not over', () => {
  const desk = openDesk()
  const { pass } = watch(desk)
  for (let i = 0; i < 5; i++) {
    pass(ill('ingest', ['failing']), 50)
    pass(WELL, 1)
  }
  expect(listed(desk)).toEqual([])
  pass(ill('journal'), 20)
  for (let i = 0; i < 5; i++) {
    pass(WELL, 3)
    pass(ill('journal'), 3)
  }
  expect(listed(desk)).toEqual([['system:journal', 'UNACK', 2]])
  desk.dispatch.close()
})

test('a restart neither doubles an alarm that stands nor leaves one behind that does not', () => {
  using dir = folder()
  const first = openDesk({ file: dir.file })
  watch(first).pass(ill('journal'), 20)
  first.dispatch.close()
  const second = openDesk({ file: dir.file, clock: first.clock })
  const again = watch(second)
  again.pass(ill('journal'), 60)
  expect(listed(second)).toEqual([['system:journal', 'UNACK', 2]])
  second.dispatch.close()
  const third = openDesk({ file: dir.file, clock: first.clock })
  watch(third).pass(WELL, 20)
  expect(listed(third)).toEqual([['system:journal', 'RTNUN', 2]])
  third.dispatch.close()
})

test('what a silent room would say is unknown: its alarm stays as it was', () => {
  const desk = openDesk()
  const { pass } = watch(desk)
  pass(ill('ingest', ['failing']), 70)
  pass(ill('ingest', ['silent']), 40)
  expect(listed(desk)).toEqual([['system:store-failing', 'UNACK', 3]])
  pass(ill('ingest', ['silent']), 30)
  expect(listed(desk)).toContainEqual(['system:store-silent', 'UNACK', 3])
  pass(
    WELL.filter(({ room }) => room !== 'ingest'),
    30,
  )
  expect(listed(desk).map(([, state]) => state)).toEqual(['UNACK', 'UNACK'])
  pass(WELL, 20)
  expect(listed(desk).map(([, state]) => state)).toEqual(['RTNUN', 'RTNUN'])
  desk.dispatch.close()
})

test('stands beside a fire, never in it; an acknowledged one is closed by its end', () => {
  const desk = openDesk()
  const { pass } = watch(desk)
  send(desk.dispatch, signal({ id: 'smoke', deviceId: 'smoke-1', place: { building: 'b2' } }))
  pass(ill('journal'), 20)
  pass(ill('accounting', ['unbalanced']), 60)
  const incidents = desk.dispatch.incidents({ limit: 9 })
  expect(incidents.map(({ category, alarmIds }) => [category, alarmIds.length]).sort()).toEqual([
    ['fire', 1],
    ['technical', 1],
    ['technical', 1],
  ])
  const standing = desk.dispatch.alarms({ states: ['UNACK'], limit: 9 }).find(({ subject }) => subject === 'system:unbalanced')!
  desk.dispatch.acknowledgeAlarm(standing.id, { by: 'li' })
  pass(WELL, 20)
  expect(desk.dispatch.alarm(standing.id)?.state).toBe('NORM')
  desk.dispatch.close()
})

test('a queue that cannot be written is asked again, and said once', () => {
  const desk = openDesk()
  const { pass, errors } = watch({
    ...desk,
    dispatch: new Proxy(desk.dispatch, {
      get: (target, name) =>
        name === 'raiseSelf' && desk.clock.nowMs() < failsUntilMs
          ? () => {
              throw new Error('disk full')
            }
          : Reflect.get(target, name),
    }),
  })
  const failsUntilMs = desk.clock.nowMs() + 30_000
  pass(ill('journal'), 20)
  expect(listed(desk)).toEqual([])
  expect(errors).toHaveLength(1)
  pass(ill('journal'), 20)
  expect(listed(desk)).toEqual([['system:journal', 'UNACK', 2]])
  desk.dispatch.close()
})

test('a store that was begun anew says so until it holds what the journal held', () => {
  const fresh = refilling('set aside')
  expect([fresh(5, 9), fresh(8, 12), fresh(9, 20), fresh(9, 30)]).toEqual([['set-aside'], ['set-aside'], [], []])
  expect(refilling('set aside')(9, 9)).toEqual(['set-aside'])
  expect(refilling(undefined)(0, 9)).toEqual([])
})

test('the page lists every condition with its time and level', () => {
  const page = readFileSync(join(import.meta.dirname, '../docs/accounting.md'), 'utf8')
  const rows = [...page.matchAll(/^\| `([a-z-]+)` \| (\d+) s \| (I+V?) \|/gm)].map(([, name, after, level]) => [
    name,
    Number(after) * 1000,
    level,
  ])
  expect(rows).toEqual(CONDITIONS.map(({ name, afterMs, severity }) => [name, afterMs, ['', 'I', 'II', 'III', 'IV'][severity]]))
})
