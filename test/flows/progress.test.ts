// When a reading counts as finished, on Node-RED's own hooks: passing on, building new messages, errors, holding, dropping.
import { createRequire } from 'node:module'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createProgress, type Progress } from '../../flows/nodes/lib/progress.ts'

type Hooks = {
  add(name: string, handler: (event: never) => void): void
  trigger(name: string, event: object, done: () => void): void
  clear(): void
}
const require = createRequire(import.meta.url)
const { hooks } = createRequire(require.resolve('node-red'))('@node-red/util') as { hooks: Hooks }

let progress: Progress
beforeEach(() => void (progress = createProgress((name, handler) => hooks.add(name, handler))))
afterEach(() => hooks.clear())

const deliver = (msg: object, id: string, node: object = {}) => hooks.trigger('preDeliver', { msg, destination: { id, node } }, () => {})
const received = (msg: object, id: string, node: object) => hooks.trigger('postReceive', { msg, destination: { id, node } }, () => {})
const complete = (msg: object, id: string) => hooks.trigger('onComplete', { msg, node: { id } }, () => {})
const soon = () => new Promise(resolve => setTimeout(resolve, 5))
async function stateOf(outcome: Promise<string>): Promise<string> {
  return Promise.race([outcome, soon().then(() => 'open')])
}

test('a reading that reaches nobody is done', async () => {
  expect(await progress.track(() => {}, 1000).outcome).toBe('done')
})

test('done when every node it reached is done, also where a node passes on the same message before it is done itself', async () => {
  const msg = {}
  const finish: (() => void)[] = []
  const { outcome } = progress.track(() => {
    deliver(msg, 'a')
    setImmediate(() => {
      deliver(msg, 'b') // a sends the message on ...
      complete(msg, 'a') // ... and is done, b is not
      setImmediate(() => finish.push(() => complete(msg, 'b')))
    })
  }, 60_000)
  while (finish.length === 0) await soon() // a loaded machine takes its time between two turns
  expect(await stateOf(outcome)).toBe('open')
  finish[0]!()
  expect(await outcome).toBe('done')
})

test('follows new messages, and an error into its Catch node', async () => {
  const msg = {}
  let finish = () => {}
  const { outcome } = progress.track(() => {
    deliver(msg, 'a')
    setTimeout(() => {
      complete(msg, 'a') // with an error; the Catch node sends a message of its own right after
      const caught = {}
      deliver(caught, 'after-catch')
      finish = () => complete(caught, 'after-catch')
    }, 1)
  }, 1000)
  await soon()
  expect(await stateOf(outcome)).toBe('open')
  finish()
  expect(await outcome).toBe('done')
})

test('a node that knows no done() is done when its handler returns', async () => {
  const msg = {}
  const old = { _expectedDoneCount: 0 }
  const { outcome } = progress.track(() => {
    deliver(msg, 'subflow', old)
    setImmediate(() => received(msg, 'subflow', old))
  }, 1000)
  expect(await outcome).toBe('done')
})

test('readings do not mix', async () => {
  const [one, two] = [{}, {}]
  const first = progress.track(() => deliver(one, 'a'), 1000)
  const second = progress.track(() => {
    deliver(two, 'a')
    setImmediate(() => complete(two, 'a'))
  }, 1000)
  expect(await second.outcome).toBe('done')
  expect(await stateOf(first.outcome)).toBe('open')
  first.drop()
  expect(await first.outcome).toBe('dropped')
})

test('late after the time limit, but not while a node holds it', async () => {
  expect(await progress.track(() => deliver({}, 'never'), 20).outcome).toBe('late')
  let letGo = () => {}
  const msg = {}
  const { outcome } = progress.track(() => {
    deliver(msg, 'alert')
    letGo = progress.hold()
  }, 20)
  await new Promise(resolve => setTimeout(resolve, 60))
  expect(await stateOf(outcome)).toBe('open')
  complete(msg, 'alert')
  expect(await stateOf(outcome)).toBe('open')
  letGo()
  expect(await outcome).toBe('done')
})

test('the flow may go on while only what leaves it is on its way, and not while anything else is open', async () => {
  const [alert, other] = [{}, {}]
  let letGo = () => {}
  const { outcome, passed } = progress.track(() => {
    deliver(alert, 'alert')
    deliver(other, 'slow')
    letGo = progress.hold({ isLast: true })
  }, 60_000)
  const gone = passed.then(() => 'passed')
  expect(await stateOf(gone)).toBe('open')
  complete(other, 'slow')
  expect(await gone).toBe('passed')
  expect(await stateOf(outcome)).toBe('open')
  complete(alert, 'alert')
  letGo()
  expect(await outcome).toBe('done')
})

test('a node that something comes behind holds the flow too', async () => {
  const msg = {}
  let letGo = () => {}
  const { passed } = progress.track(() => {
    deliver(msg, 'alert')
    letGo = progress.hold()
  }, 60_000)
  const gone = passed.then(() => 'passed')
  expect(await stateOf(gone)).toBe('open')
  complete(msg, 'alert')
  letGo()
  expect(await gone).toBe('passed')
})

test('messages of others pass: every hook takes exactly one parameter', () => {
  let passed = 0
  for (const hook of ['preDeliver', 'onComplete', 'postReceive']) {
    hooks.trigger(hook, { msg: {}, destination: { id: 'x', node: {} }, node: { id: 'x' } }, () => passed++)
  }
  expect(passed).toBe(3)
})
