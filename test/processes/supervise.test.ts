// The supervisor with real processes: one that hangs is replaced, one that does not read costs no memory, both are not called up.
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { createLink, createOutlet } from '../../processes/link.ts'
import { createSupervisor } from '../../processes/supervise.ts'
import { until } from '../ingest/readings.ts'

const entry = join(import.meta.dirname, 'child.ts')
const isUp = (supervisor: ReturnType<typeof createSupervisor>) => supervisor.states()[0]?.up === true

test('a process that hangs is killed, started again, and given its configuration again', async () => {
  const supervisor = createSupervisor({ entry, log: noLog, lookEveryMs: 300 })
  expect(await supervisor.start('child', { port: 7 })).toEqual({ port: 7 })
  const pid = await supervisor.link.request('child', 'pid')
  supervisor.link.notify('child', 'hang')
  await until(() => !isUp(supervisor))
  await until(() => isUp(supervisor) && supervisor.states()[0]?.restarts === 1)
  expect(await supervisor.link.request('child', 'pid')).not.toBe(pid)
  await supervisor.stop()
})

test('a process that answers is left alone', async () => {
  const supervisor = createSupervisor({ entry, log: noLog, lookEveryMs: 500 })
  await supervisor.start('child', {})
  await new Promise(resolve => setTimeout(resolve, 2500))
  expect(supervisor.states()[0]).toMatchObject({ up: true, restarts: 0 })
  await supervisor.stop()
})

test('of the notices for a process that does not read, the newest are kept', async () => {
  const supervisor = createSupervisor({ entry, log: noLog })
  await supervisor.start('child', {})
  const pid = Number(await supervisor.link.request('child', 'pid'))
  process.kill(pid, 'SIGSTOP')
  const sent = 20_000
  for (let n = 1; n <= sent; n++) {
    supervisor.link.notify('child', 'count', n)
    if (n % 10 === 0) await nextTurn()
  }
  process.kill(pid, 'SIGCONT')
  type Seen = { notices: number; newest: number }
  const seen = (): Promise<Seen> => supervisor.link.request('child', 'seen') as Promise<Seen>
  await until(async () => (await seen()).newest === sent)
  // what the kernel's buffer took before it was full, and the newest
  expect((await seen()).notices).toBeLessThan(sent / 2)
  await supervisor.stop()
})

test('a request beyond the bound is an answer, not a throw into the face of a timer', async () => {
  const link = createLink('self', () => {})
  const open = Array.from({ length: 10_000 }, () => link.request('other', 'slow', [], 200))
  const beyond = link.request('other', 'slow', [], 200)
  await expect(beyond).rejects.toMatchObject({ code: 'room-unavailable' })
  const ended = await Promise.allSettled(open)
  expect(new Set(ended.map(o => o.status))).toEqual(new Set(['rejected']))
})

test('a notice to one process does not take the place of the same notice to another', () => {
  const sent: string[] = []
  const leaving: (() => void)[] = []
  const outlet = createOutlet((packet, left) => {
    if (packet.kind === 'notice') sent.push(`${packet.to} ${String(packet.params)}`)
    leaving.push(left)
  })
  for (const head of [1, 2, 3])
    for (const to of ['core', 'store']) outlet({ kind: 'notice', from: 'edge', to, method: 'committed', params: head })
  while (leaving.length > 0) leaving.shift()!()
  expect(sent).toEqual(['core 1', 'store 3', 'core 3'])
})

test('a process that ended before it was set to work does not hold up the end', async () => {
  const supervisor = createSupervisor({ entry, log: noLog })
  supervisor.prepare('child')
  const prepared = supervisor.states()[0]?.pid
  process.kill(prepared!, 'SIGKILL')
  await until(() => supervisor.states()[0]?.pid !== undefined && !isAlive(prepared!))
  await supervisor.stop()
})

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
