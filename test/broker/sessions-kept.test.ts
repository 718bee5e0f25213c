// What outlives the door: persistent sessions with filters, queue and half-done QoS 2, and retained messages - over a close and
// over a death without one. test/system/sessions.test.ts does it with kill -9; here every kind of state has its turn.
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, expect, test } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { SessionFile } from '../../broker/session-file.ts'
import {
  connack,
  connect,
  DISCONNECT,
  peerAs,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  rawPeer,
  suback,
  subscribe,
  unsuback,
  unsubscribe,
} from './raw-peer.ts'
import { lay, until, type Table } from './table.ts'

const dirs: string[] = []
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true, force: true })
})
function folder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-sessions-'))
  dirs.push(dir)
  return dir
}
const PERSISTENT = { flags: 0 }
const BACK = { flags: 0, present: 1 }
const open = (dir: string): Promise<Table> => lay({ anonymous: true, dir })
/** The state as it is on disk this moment, as if the process had been killed now. */
function asKilled(dir: string): string {
  const copy = folder()
  cpSync(dir, copy, { recursive: true })
  return copy
}

async function withState(dir: string): Promise<Table> {
  const table = await open(dir)
  const away = await peerAs(table, 'away', PERSISTENT)
  away.send(subscribe(1, ['a/#', 2], ['never', 1], ['gone', 1]), unsubscribe(2, 'gone'))
  await away.get(suback(1, 2, 1, 1), unsuback(2))
  const sender = await peerAs(table, 'sender')
  sender.send(publish(0x34, 'a/1', 'released', 1), publish(0x32, 'a/2', 'sent', 2), publish(0x32, 'a/3', 'done', 3))
  await away.get(publish(0x34, 'a/1', 'released', 1), publish(0x32, 'a/2', 'sent', 2), publish(0x32, 'a/3', 'done', 3))
  away.send(puback(3), pubrec(1))
  await away.get(pubrel(1))
  away.send(publish(0x34, 'half', 'half done', 77))
  await away.get(pubrec(77))
  await away.dies()
  sender.send(
    publish(0x32, 'a/4', 'queued', 4),
    publish(0x33, 'r', 'retained', 5),
    publish(0x33, 'r2', 'taken back', 6),
    publish(0x33, 'r2', '', 7),
  )
  await sender.take(4 + 3 * 4 + 4 + 4)
  sender.send(pubrel(1), DISCONNECT)
  const clean = await peerAs(table, 'clean', PERSISTENT)
  clean.send(subscribe(1, ['a/#', 1]), DISCONNECT)
  await clean.take(5)
  await peerAs(table, 'clean') // and its session is over
  await (await peerAs(table, 'bare', PERSISTENT)).dies()
  return table
}

async function isAsItWas(table: Table): Promise<void> {
  const away = await peerAs(table, 'away', BACK)
  await away.get(pubrel(1), publish(0x3a, 'a/2', 'sent', 2), publish(0x32, 'a/4', 'queued', 3))
  away.send(pubcomp(1), puback(2), puback(3), publish(0x3c, 'half', 'half done', 77))
  await away.get(pubrec(77))
  expect(table.journal.messages).toEqual([]) // it was journalled before, and is not again
  away.send(pubrel(77))
  await away.get(pubcomp(77))
  const sender = await peerAs(table, 'sender')
  sender.send(publish(0x32, 'a/5', 'new', 1), publish(0x32, 'gone', 'no', 2))
  await away.get(publish(0x32, 'a/5', 'new', 4))
  await away.rests()
  sender.send(subscribe(3, ['r', 1], ['r2', 1]))
  await sender.get(puback(1), puback(2), suback(3, 1, 1), publish(0x33, 'r', 'retained', 1))
  await sender.rests()
  await peerAs(table, 'clean', PERSISTENT)
  await peerAs(table, 'bare', BACK)
}

test('over a restart in order', async () => {
  const dir = folder()
  await (await withState(dir))[Symbol.asyncDispose]()
  await using table = await open(dir)
  await isAsItWas(table)
})

test('over the death of the process at once after the last acknowledgement', async () => {
  await using before = await withState(folder())
  expect(before.journal.messages.length).toBeGreaterThan(0)
  const dir = folder()
  await using other = await withState(dir)
  expect(other.broker.connections()).toBeGreaterThan(0)
  await using table = await open(asKilled(dir))
  await isAsItWas(table)
})

test('what was acknowledged, sent or not, does not come back', async () => {
  const dir = folder()
  await using table = await open(dir)
  const away = await peerAs(table, 'away', PERSISTENT)
  away.send(subscribe(1, ['a', 2]))
  await away.get(suback(1, 2))
  const sender = await peerAs(table, 'sender')
  for (let id = 1; id <= 50; id++) sender.send(publish(0x32, 'a', 'm', id))
  for (let id = 1; id <= 50; id++) {
    await away.get(publish(0x32, 'a', 'm', id))
    away.send(puback(id))
  }
  await away.rests()
  await using again = await open(asKilled(dir))
  const back = await peerAs(again, 'away', BACK)
  await back.rests()
})

test('commands for a device that is away wait for it over a restart', async () => {
  const dir = folder()
  const first = await lay({ dir })
  await first.issue('d1')
  const login = { flags: 0xc0, rest: [0, 2, 0x64, 0x31, 0, 24, ...Buffer.from(first.login('d1').password)] }
  expect(first.login('d1').password).toHaveLength(24)
  const device = await peerAs(first, 'c', login)
  device.send(subscribe(1, ['fire/v1/smoke/d1/cmd', 1]), DISCONNECT)
  await device.get(suback(1, 1))
  await device.ends()
  await first.broker.publish('fire/v1/smoke/d1/cmd', 'mute')
  const copy = asKilled(dir)
  await first[Symbol.asyncDispose]()
  await using second = await lay({ dir: copy, anonymous: true })
  const back = rawPeer(second)
  // the same identity: whoever else comes with that ClientId has another session
  back.send(connect({ id: 'c', ...PERSISTENT }))
  await back.get(connack(0, 0))
  await second.credentials.importMany([{ deviceId: 'd1', password: first.login('d1').password }])
  const own = await peerAs(second, 'c', { ...login, present: 1 })
  await own.get(publish(0x32, 'fire/v1/smoke/d1/cmd', 'mute', 1))
})

test('clients with clean sessions cost the disk nothing', async () => {
  const file = new SessionFile({ dir: folder(), log: noLog })
  file.restore()
  file.end('nobody/known')
  file.noneHalfDone('nobody/known')
  file.queued(file.nextRow(), 'x', { cmd: 'publish' })
  expect(file.isDirty).toBe(true)
  file.unqueued(1)
  expect(file.isDirty).toBe(false)
  file.close()
})

test('a disk that refuses is told once, tried again, and what it missed is written then', async () => {
  const told: unknown[] = []
  const dir = folder()
  const file = new SessionFile({ dir, log: { ...noLog, error: (...what: unknown[]) => void told.push(what) } })
  file.restore()
  const other = new DatabaseSync(join(dir, 'sessions.db'))
  other.exec('BEGIN IMMEDIATE')
  file.session('a/b')
  file.queued(file.nextRow(), 'a/b', { cmd: 'publish', topic: 't', payload: Buffer.from('m'), qos: 1 })
  for (let i = 0; i < 3; i++) file.commit()
  expect(told).toHaveLength(1)
  expect(file.problem).toContain('sessions cannot be written')
  other.exec('ROLLBACK')
  await until(() => (file.commit(), file.problem === null))
  expect(file.isDirty).toBe(false)
  file.close()
  const again = new SessionFile({ dir, log: noLog })
  expect(again.restore()).toMatchObject({ sessions: ['a/b'], queued: [{ id: 'a/b', packet: { topic: 't', qos: 1 } }] })
  again.close()
  again.commit() // after its end it does nothing
})
