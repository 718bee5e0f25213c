// What the journal's writer tells the core: over their socket while somebody listens there, the other way while nobody does, and never more
// than where things stand.
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { noLog, type Log } from '#contracts/clock.ts'
import { bellPath, listenForBell, openBell } from '../../processes/bell.ts'

let dir: string
let path: string
const closing: { close(): void }[] = []
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'bell-'))
  path = bellPath(dir)!
})
afterEach(() => {
  for (const one of closing.splice(0)) one.close()
  rmSync(dir, { recursive: true, force: true })
})

async function listen(log: Log = noLog): Promise<{ heard: number[]; close(): void }> {
  const heard: number[] = []
  const bell = await listenForBell({ path, heard: head => heard.push(head), log })
  closing.push(bell)
  return { heard, close: bell.close }
}
function ringer(): { ring(head: number): void; otherwise: number[] } {
  const otherwise: number[] = []
  const bell = openBell({ path, otherwise: head => otherwise.push(head) })
  closing.push(bell)
  return { ring: bell.ring, otherwise }
}
const until = (isSo: () => boolean) => expect.poll(isSo, { timeout: 60_000, interval: 5 }).toBe(true)
/** rings 1, 2, ... until the core's side has heard one */
async function ringUntilHeard(ring: (head: number) => void, heard: readonly number[], from: number): Promise<number> {
  let head = from
  await until(() => {
    ring(head++)
    return heard.length > 0
  })
  return head
}

/** rings until the word no longer goes the other way */
async function ringUntilOver({ ring, otherwise }: ReturnType<typeof ringer>): Promise<void> {
  await until(() => {
    const before = otherwise.length
    ring(0)
    return otherwise.length === before
  })
}

test('the other way until somebody listens, then over the socket, and the other way again when he is gone; a new listener is found', async () => {
  // what a core that was killed has left
  writeFileSync(path, '')
  const bell = ringer()
  bell.ring(1)
  expect(bell.otherwise).toEqual([1])
  const first = await listen()
  expect(statSync(path).mode & 0o777).toBe(0o600)
  const next = await ringUntilHeard(bell.ring, first.heard, 2)
  const before = bell.otherwise.length
  bell.ring(next)
  bell.ring(next + 1)
  await until(() => first.heard.at(-1) === next + 1)
  expect(bell.otherwise).toHaveLength(before)

  first.close()
  await until(() => {
    bell.ring(100)
    return bell.otherwise.at(-1) === 100
  })
  const second = await listen()
  await ringUntilHeard(bell.ring, second.heard, 101)
  expect(second.heard.every(head => head > 100)).toBe(true)
})

test('a word in two pieces is heard whole, and of many at once the newest', async () => {
  const { heard } = await listen()
  const socket = connect(path)
  closing.push({ close: () => socket.destroy() })
  const words = Buffer.alloc(24)
  for (const [i, head] of [7, 8, 9].entries()) words.writeDoubleLE(head, i * 8)
  socket.write(words.subarray(0, 20))
  await until(() => heard.length > 0)
  expect(heard).toEqual([8])
  socket.write(words.subarray(20))
  await until(() => heard.length > 1)
  expect(heard).toEqual([8, 9])
})

test('for a listener that does not read only the newest word waits', async () => {
  const words = 200_000
  const got: Socket[] = []
  const server = createServer({ pauseOnConnect: true }, socket => got.push(socket)).listen(path)
  closing.push(server)
  const bell = ringer()
  await until(() => got.length === 1)
  await ringUntilOver(bell)
  for (let head = 1; head <= words; head++) bell.ring(head)
  let bytes = Buffer.alloc(0)
  got[0]!.on('data', (chunk: Buffer) => (bytes = Buffer.concat([bytes, chunk]))).resume()
  await until(() => bytes.length >= 8 && bytes.length % 8 === 0 && bytes.readDoubleLE(bytes.length - 8) === words)
  expect(bytes.length).toBeLessThan((words * 8) / 2)
  got[0]!.destroy()
})

test('where no socket can be, it says so once and the word goes the other way', async () => {
  rmSync(dir, { recursive: true })
  const warned: unknown[] = []
  const { heard } = await listen({ ...noLog, warn: (...said: unknown[]) => void warned.push(said) })
  expect(warned).toHaveLength(1)
  const bell = ringer()
  bell.ring(3)
  expect([heard, bell.otherwise, existsSync(path)]).toEqual([[], [3], false])
  expect(bellPath(`/${'long/'.repeat(30)}`)).toBeUndefined()
})
