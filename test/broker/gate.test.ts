// The room that all clients share: given back to those who wait in the order they came, and never on one another's stack.
import { expect, test } from 'vitest'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Gate } from '../../broker/gate.ts'

test('ten thousand who each make room as soon as they have it are woken one after the other', async () => {
  const gate = new Gate(1)
  const woken: number[] = []
  gate.enter(1)
  for (let n = 0; n < 10_000; n++)
    gate.wait({
      roomForAll() {
        woken.push(n)
        gate.enter(1)
        gate.leave(1)
      },
    })
  gate.leave(1)
  expect(woken).toEqual([])
  await nextTurn()
  expect(woken).toEqual(Array.from({ length: 10_000 }, (_, n) => n))
})

test('who is woken and fills it up leaves the others waiting until there is room again', async () => {
  const gate = new Gate(10)
  const woken: string[] = []
  const waiter = (name: string, bytes: number) => ({ roomForAll: () => (woken.push(name), gate.enter(bytes)) })
  gate.enter(10)
  gate.wait(waiter('a', 10))
  gate.wait(waiter('b', 10))
  const gone = waiter('gone', 1)
  gate.wait(gone)
  gate.forget(gone)
  gate.leave(10)
  await nextTurn()
  expect(woken).toEqual(['a'])
  gate.leave(10)
  await nextTurn()
  expect(woken).toEqual(['a', 'b'])
})
