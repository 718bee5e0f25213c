// Work in a thread of its own: its answer, its error, and its limits of number, time and memory; afterwards there is room again.
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { boundedThread, type BoundedThreadOptions } from '../../processes/bounded-thread.ts'

let dir = ''
let file = ''
const WORK = `import { parentPort, workerData as w } from 'node:worker_threads'
if (w.fails) parentPort.postMessage({ error: { code: 'invalid-request', message: 'so it is' } })
else if (w.throws) throw new Error('broken')
else if (w.ends) process.exit(0)
else if (w.eats) { const kept = []; for (;;) kept.push(new Array(10_000).fill(kept.length)) }
else if (w.waits) setInterval(() => {}, 1000)
else parentPort.postMessage({ ok: { twice: w.n * 2 } })
`
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'bounded-'))
  file = join(dir, 'work.mjs')
  await writeFile(file, WORK)
})
afterEach(() => rm(dir, { recursive: true, force: true }))
const threads = (o: Partial<BoundedThreadOptions> = {}) =>
  boundedThread<object, { twice: number }>({ file, what: 'a sum', atOnceMax: 2, msMax: 60_000, heapMib: 32, ...o })

test('an answer, an error, an end', async () => {
  const { run } = threads()
  expect(await run({ n: 21 })).toEqual({ twice: 42 })
  await expect(run({ fails: true })).rejects.toMatchObject({ code: 'invalid-request', message: 'so it is' })
  await expect(run({ throws: true })).rejects.toThrow('broken')
  await expect(run({ ends: true })).rejects.toMatchObject({ code: 'room-unavailable' })
})

test('no more at once than there are places, and places are given back', async () => {
  const { run, close } = threads()
  const waiting = [run({ waits: true }), run({ waits: true })].map(work => work.catch((error: { code?: string }) => error.code))
  await expect(run({ n: 1 })).rejects.toMatchObject({ code: 'too-many-requests' })
  await close()
  expect(await Promise.all(waiting)).toEqual(['room-unavailable', 'room-unavailable'])
  expect(await run({ n: 1 })).toEqual({ twice: 2 })
})

test('too long and too large are ended, and say so', async () => {
  await expect(threads({ msMax: 300 }).run({ waits: true })).rejects.toMatchObject({
    code: 'work-too-large',
    message: expect.stringContaining('0.3 s'),
  })
  await expect(threads().run({ eats: true })).rejects.toMatchObject({ code: 'work-too-large', message: expect.stringContaining('32 MiB') })
})
