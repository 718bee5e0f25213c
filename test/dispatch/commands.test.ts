// Commands to devices: each state and the way to it, on a virtual clock; once under a key; in the audit; nothing doubled by a restart.
import { describe, expect, it } from 'vitest'
import { noLog } from '#contracts/clock.ts'
import { COMMANDS, commandsFor, mayCommand, type Command } from '#contracts/command.ts'
import { createCommandSender, MOVED_MS } from '../../dispatch/command-sender.ts'
import { COMMANDS_KEPT, EXPIRES_S_DEFAULT, OPEN_MAX, type Ordering } from '../../dispatch/commands.ts'
import { encodeCommand } from '../../ingest/commands/index.ts'
import { codeOf, folder, openDesk, type TestDesk } from './desk.ts'

const order = (o: Partial<Ordering> = {}): Ordering => ({ deviceId: 'd1', kind: 'smoke', command: 'silence', by: 'user:li', ...o })
const bench = (o: { file?: string; clock?: TestDesk['clock']; family?: string } = {}) => {
  const d = openDesk(o)
  const published: string[] = []
  const withdrawn: string[] = []
  const broker = { up: true }
  const sender = createCommandSender({
    commands: d.dispatch.commands,
    encode: c => encodeCommand(o.family, c),
    publish: async (topic, payload) => {
      if (!broker.up) throw new Error('the edge is down')
      published.push(`${topic} ${(JSON.parse(payload) as { id: string }).id}`)
    },
    withdraw: async (topic, payload) => {
      if (!broker.up) throw new Error('the edge is down')
      withdrawn.push(`${topic} ${(JSON.parse(payload) as { id: string }).id}`)
    },
    clock: d.clock,
    log: noLog,
  })
  const state = (id: string): Command['state'] | undefined => d.dispatch.commands.get(id)?.state
  return { ...d, published, withdrawn, broker, sender, state }
}
/** The same with devices behind gateways. */
const moving = (via: { now: string | null | undefined }) => {
  const b = bench()
  const topics: string[] = []
  const sender = createCommandSender({
    commands: b.dispatch.commands,
    encode: c => ({
      ...(encodeCommand('native', c) as { messages: [{ topic: string; payload: string }]; answers: boolean }),
      waitsAt: via.now ?? null,
    }),
    viaOf: () => via.now,
    publish: async topic => void topics.push(topic),
    withdraw: async () => 0,
    clock: b.clock,
    log: noLog,
  })
  return { ...b, sender, topics }
}
const broke = (b: { broker: { up: boolean } }, up: boolean): void => void (b.broker.up = up)
const audited = (d: TestDesk): string[] =>
  d.dispatch
    .audit({ limit: 99 })
    .map(e => `${e.action} ${e.actor}`)
    .toReversed()

describe('the way of a command', () => {
  it('is written down, sent, and acknowledged', async () => {
    const b = bench()
    const { command, created } = b.dispatch.commands.add(order({ parameters: { seconds: 60 } }))
    expect([created, b.state(command.id), b.published]).toEqual([true, 'queued', []])
    await b.sender.pump()
    expect(b.published).toEqual([`fire/v1/smoke/d1/cmd ${command.id}`])
    expect(b.state(command.id)).toBe('sent')
    await b.sender.pump()
    expect(b.published, 'once').toHaveLength(1)
    expect(b.dispatch.commands.heard({ id: command.id, deviceId: 'd1', status: 'done', by: 'chen' })).toBe(true)
    expect(b.dispatch.commands.get(command.id)).toMatchObject({
      state: 'acknowledged',
      answer: { status: 'done', by: 'chen' },
      topics: ['fire/v1/smoke/d1/cmd'],
    })
    b.clock.add(3_600_000)
    await b.sender.pump()
    expect(b.state(command.id)).toBe('acknowledged')
    expect(audited(b)).toEqual(['device.command user:li', 'command.sent system', 'command.acknowledged device:d1'])
    expect(b.dispatch.verifyAudit().ok).toBe(true)
  })

  it('times out when nobody answers, and takes a late answer for what it is', async () => {
    const b = bench()
    const { id } = b.dispatch.commands.add(order()).command
    await b.sender.pump()
    b.clock.add(EXPIRES_S_DEFAULT * 1000 - 1)
    await b.sender.pump()
    expect(b.state(id)).toBe('sent')
    b.clock.add(1)
    await b.sender.pump()
    expect(b.state(id)).toBe('timed-out')
    b.dispatch.commands.heard({ id, deviceId: 'd1', status: 'done' })
    expect(b.state(id)).toBe('acknowledged')
  })

  it('is taken back from the broker when its time is over, and only then', async () => {
    const b = bench()
    const answered = b.dispatch.commands.add(order()).command.id
    const { id } = b.dispatch.commands.add(order()).command
    await b.sender.pump()
    b.dispatch.commands.heard({ id: answered, deviceId: 'd1', status: 'done' })
    broke(b, false)
    const neverSent = b.dispatch.commands.add(order()).command.id
    await b.sender.pump()
    broke(b, true)
    expect(b.withdrawn).toEqual([])
    b.clock.add(EXPIRES_S_DEFAULT * 1000)
    await b.sender.pump()
    expect([b.state(id), b.state(neverSent)]).toEqual(['timed-out', 'expired'])
    expect(b.withdrawn).toEqual([`fire/v1/smoke/d1/cmd ${id}`])
    await b.sender.pump()
    expect(b.withdrawn).toHaveLength(1)
  })

  it('is over also where the broker cannot take it back', async () => {
    const b = bench()
    const { id } = b.dispatch.commands.add(order()).command
    await b.sender.pump()
    broke(b, false)
    b.clock.add(EXPIRES_S_DEFAULT * 1000)
    await b.sender.pump()
    expect(b.state(id)).toBe('timed-out')
  })

  it('is sent again when its device was moved before it answered, within its time, and says why', async () => {
    const via: { now: string | null | undefined } = { now: 'gw-a' }
    const b = moving(via)
    const { id } = b.dispatch.commands.add(order({ expiresInS: 60 })).command
    const answered = b.dispatch.commands.add(order()).command.id
    await b.sender.pump()
    b.dispatch.commands.heard({ id: answered, deviceId: 'd1', status: 'done' })
    expect(b.dispatch.commands.get(id)).toMatchObject({ state: 'sent', waitsAt: 'gw-a' })
    via.now = undefined // not known any more: it waits for its time
    await b.sender.pump()
    expect(b.state(id)).toBe('sent')
    via.now = 'gw-b'
    await b.sender.pump()
    expect(b.dispatch.commands.get(id)).toMatchObject({ state: 'queued', reason: 'moved from gw-a to gw-b' })
    expect(b.topics, 'not before the door knows of the move').toHaveLength(2)
    b.clock.add(MOVED_MS)
    await b.sender.pump()
    expect(b.topics).toHaveLength(3)
    expect(b.dispatch.commands.get(id)).toMatchObject({ state: 'sent', waitsAt: 'gw-b', reason: 'moved from gw-a to gw-b' })
    await b.sender.pump()
    via.now = null
    await b.sender.pump()
    expect(b.dispatch.commands.get(id)).toMatchObject({ state: 'queued', reason: 'moved from gw-b to no gateway' })
    b.clock.add(60_000)
    await b.sender.pump()
    expect(b.dispatch.commands.get(id)).toMatchObject({ state: 'expired', reason: 'moved from gw-b to no gateway' })
    expect(b.state(answered)).toBe('acknowledged')
    expect(b.topics).toHaveLength(3)
    expect(audited(b).filter(line => line.startsWith('command.queued-again'))).toHaveLength(2)
  })

  it('expires when it cannot be sent in time, and is sent when the broker is back in time', async () => {
    const b = bench()
    b.broker.up = false
    const late = b.dispatch.commands.add(order({ expiresInS: 5 })).command.id
    const patient = b.dispatch.commands.add(order({ expiresInS: 600 })).command.id
    for (let s = 0; s < 6; s += 1) {
      await b.sender.pump()
      b.clock.add(1000)
    }
    b.broker.up = true
    await b.sender.pump()
    expect([b.state(late), b.state(patient)]).toEqual(['expired', 'sent'])
    expect(b.published).toEqual([`fire/v1/smoke/d1/cmd ${patient}`])
  })

  it('goes on after a restart: what was queued is sent, what was sent is not sent again', async () => {
    using dir = folder()
    const first = bench({ file: dir.file })
    const sent = first.dispatch.commands.add(order()).command.id
    await first.sender.pump()
    const queued = first.dispatch.commands.add(order()).command.id
    first.dispatch.close()
    const b = bench({ file: dir.file, clock: first.clock })
    await b.sender.pump()
    expect(b.published).toEqual([`fire/v1/smoke/d1/cmd ${queued}`])
    expect(b.dispatch.commands.heard({ id: sent, deviceId: 'd1', status: 'received' })).toBe(true)
    b.dispatch.close()
  })

  it('hears only the device that was asked', async () => {
    const b = bench()
    const { id } = b.dispatch.commands.add(order()).command
    await b.sender.pump()
    expect(b.dispatch.commands.heard({ id, deviceId: 'd2', status: 'done' })).toBe(false)
    expect(b.dispatch.commands.heard({ id: 'nothing', deviceId: 'd1', status: 'done' })).toBe(false)
    expect(b.state(id)).toBe('sent')
  })
})

describe('asked for once', () => {
  it('under a key of the caller', () => {
    const b = bench()
    const first = b.dispatch.commands.add(order({ idempotencyKey: 'k', parameters: { a: 1 } }))
    const again = b.dispatch.commands.add(order({ idempotencyKey: 'k', parameters: { a: 1 } }))
    expect([again.created, again.command.id]).toEqual([false, first.command.id])
    expect(b.dispatch.commands.add(order({ idempotencyKey: 'k', by: 'user:wang' })).created, "another's key").toBe(true)
    expect(codeOf(() => b.dispatch.commands.add(order({ idempotencyKey: 'k', parameters: { a: 2 } })))).toBe('conflict')
    expect(b.dispatch.commands.of('d1', 99)).toHaveLength(2)
  })
})

describe('what is refused', () => {
  it.each([
    ['a command that is none for the kind', { command: 'take-off' }, 'invalid-request'],
    ['a command that is none at all', { command: 'format' }, 'invalid-request'],
    ['a life of nothing', { expiresInS: 0 }, 'invalid-request'],
    ['a life of years', { expiresInS: 10_000_000 }, 'invalid-request'],
    ['parameters without end', { parameters: { a: 'x'.repeat(9000) } }, 'invalid-request'],
  ])('%s', (_what, o, code) => {
    const b = bench()
    expect(codeOf(() => b.dispatch.commands.add(order(o)))).toBe(code)
    expect(b.dispatch.commands.of('d1', 9)).toEqual([])
    expect(b.dispatch.audit({ limit: 9 })).toEqual([])
  })

  it('more than a device can have open', () => {
    const b = bench()
    for (let i = 0; i < OPEN_MAX; i += 1) b.dispatch.commands.add(order())
    expect(codeOf(() => b.dispatch.commands.add(order()))).toBe('too-many-requests')
    expect(b.dispatch.commands.add(order({ deviceId: 'd2' })).created).toBe(true)
    expect(COMMANDS_KEPT).toBeGreaterThan(OPEN_MAX)
  })

  it('a family that nobody can put into words', () =>
    expect(encodeCommand('meokon', { ...order(), id: 'x', at: '', expiresAt: '' })).toMatchObject({
      problem: expect.stringContaining('meokon') as string,
    }))
})

describe('the list of what may be sent', () => {
  it('has somebody for every command, and no pilot among the engineers', () => {
    for (const [name, { roles }] of Object.entries(COMMANDS)) expect(roles, name).toContain('admin')
    expect(commandsFor('drone')).toEqual(expect.arrayContaining(['take-off', 'return-home']))
    expect(commandsFor('smoke')).not.toContain('take-off')
    expect([mayCommand('engineer', 'take-off'), mayCommand('officer', 'take-off'), mayCommand('officer', 'reboot')]).toEqual([
      false,
      true,
      false,
    ])
    for (const role of ['viewer', 'station'] as const) expect(Object.keys(COMMANDS).filter(name => mayCommand(role, name))).toEqual([])
  })
})
