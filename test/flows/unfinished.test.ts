// What of the feed may be acknowledged while alarms of it are still on their way: never past the first that is, with the memory of that place.
import { expect, test } from 'vitest'
import type { Outcome, Tracked } from '../../flows/nodes/lib/progress.ts'
import { unfinished } from '../../flows/nodes/lib/unfinished.ts'

function tracked(): Tracked & { finish(how: Outcome): Promise<void> } {
  const { promise: outcome, resolve } = Promise.withResolvers<Outcome>()
  const finish = async (how: Outcome): Promise<void> => {
    resolve(how)
    await outcome
    await Promise.resolve()
  }
  return { outcome, passed: Promise.resolve(), isDone: false, drop: () => resolve('dropped'), finish }
}
const nothing = () => {}

test('an alarm on its way holds back what came after it, and each place goes with what was remembered there', async () => {
  const pushed: [number, string, number][] = []
  const open = unfinished((cursor, rows, readings) => pushed.push([cursor, rows.map(([key]) => key).join(), readings]))
  const alarm = tracked()
  const late: Outcome[] = []
  const first = open.begin(10, 3)
  await first.wait(alarm, how => late.push(how))
  first.end([['after-10', '1']])
  open.begin(20, 2).end([['after-20', '2']])
  const third = open.begin(30, 1)
  const other = tracked()
  await third.wait(other, nothing)
  third.end([['after-30', '3']])
  expect(pushed).toEqual([])
  await other.finish('done')
  expect(pushed).toEqual([])
  await alarm.finish('late')
  expect(late).toEqual(['late'])
  expect(pushed).toEqual([
    [10, 'after-10', 3],
    [20, 'after-20', 2],
    [30, 'after-30', 1],
  ])
})

test('what is finished before its line has gone through the flow waits for the rest of the line', async () => {
  const pushed: number[] = []
  const open = unfinished(cursor => void pushed.push(cursor))
  const line = open.begin(10, 2)
  const one = tracked()
  await line.wait(one, nothing)
  await one.finish('done')
  expect(pushed).toEqual([])
  line.end([])
  expect(pushed).toEqual([10])
})

test('a deploy acknowledges nothing of what is open', async () => {
  const pushed: number[] = []
  const open = unfinished(cursor => void pushed.push(cursor))
  const line = open.begin(10, 1)
  const one = tracked()
  await line.wait(one, nothing)
  line.end([])
  open.drop()
  await one.outcome
  await Promise.resolve()
  expect(pushed).toEqual([])
})
