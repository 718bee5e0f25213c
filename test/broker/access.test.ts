// Who may do what at the door: through real sockets, and the rules of topics and filters by themselves.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { topicMatches } from '#contracts/topic.ts'
import { covers, grantProblem, publishProblem, subscribeProblem } from '../../broker/access.ts'
import { aMoment, closed, connectFrame, lay, publishFrame, received, textOf, until } from './table.ts'

describe('coming in', () => {
  test('a wrong password, an unknown name and no name are refused alike', async () => {
    await using table = await lay()
    await table.issue('d1')
    await expect(table.client('d1', { password: 'wrong' })).rejects.toMatchObject({ code: 4 })
    await expect(table.client(null, { username: 'd2', password: 'x' })).rejects.toMatchObject({ code: 4 })
    await expect(table.client(null, { username: 'a/b', password: 'x' })).rejects.toMatchObject({ code: 4 })
    await expect(table.client(null)).rejects.toMatchObject({ code: 4 })
    expect(table.refusals.map(r => r.code)).toEqual(Array.from({ length: 4 }, () => 'bad-credentials'))
    expect(JSON.stringify(table.refusals)).not.toContain('wrong"')
  })

  test('an empty ClientId needs a clean session', async () => {
    await using table = await lay()
    await table.issue('d1')
    const { username, password } = table.login('d1')
    const first = table.socket()
    const got = received(first)
    const frame = connectFrame({ clientId: '', username, password })
    frame[9] = (frame[9] ?? 0) & ~2 // no library sends this: the clean session flag taken away
    first.write(frame)
    await closed(first)
    expect(got.bytes()).toEqual(Buffer.from([0x20, 2, 0, 2]))
    expect(table.refusals).toMatchObject([{ code: 'client-id-refused', identity: 'd1' }])
    const second = table.socket()
    const secondGot = received(second)
    second.write(connectFrame({ clientId: '', username, password }))
    await until(() => secondGot.bytes().length)
    expect(secondGot.bytes()).toEqual(Buffer.from([0x20, 2, 0, 0]))
  })

  test('the ClientIds of re-driven messages are nobody’s', async () => {
    await using table = await lay()
    await table.issue('d1')
    const socket = table.socket()
    const got = received(socket)
    socket.write(connectFrame({ clientId: 'redrive:q-1#1', ...table.login('d1') }))
    await closed(socket)
    expect(got.bytes()).toEqual(Buffer.from([0x20, 2, 0, 2]))
    expect(table.refusals).toMatchObject([{ code: 'client-id-refused', identity: 'd1' }])
  })

  test('one device holds its share of connections: the oldest makes room; a gateway’s share is larger', async () => {
    await using table = await lay({ limits: { connectionsOfIdentity: 2, connectionsOfGateway: 3 } })
    await table.issue('d1')
    await table.issue('gw', { grants: ['zigbee2mqtt/#'] })
    const [first, second] = [await table.client('d1'), await table.client('d1')]
    const ended = closed(first)
    const third = await table.client('d1')
    await ended
    expect([second.connected, third.connected]).toEqual([true, true])
    expect(table.refusals).toMatchObject([{ code: 'too-many-connections', identity: 'd1' }])
    for (let i = 0; i < 3; i++) await table.client('gw')
    expect(table.broker.connections()).toBe(5)
    // one that has gone makes room by itself
    second.end(true)
    await until(
      () => table.broker.connections(),
      n => n === 4,
    )
    await table.client('d1')
    expect(table.refusals).toHaveLength(1)
  })

  test('persistent sessions begun one after the other end those of the same identity, not those of others', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'fengsui-begun-'))
    const limits = { sessions: 4, sessionsBegunOfIdentity: 2 }
    {
      await using table = await lay({ dir, limits })
      await table.issue('tablet')
      await table.issue('d1')
      const tablet = await table.client('tablet', { clientId: 'station', clean: false })
      await tablet.subscribeAsync('fire/v1/micro-station/tablet/cmd', { qos: 1 })
      await tablet.endAsync()
      await table.broker.publish('fire/v1/micro-station/tablet/cmd', 'an order')
      for (let i = 0; i < 8; i++) await (await table.client('d1', { clientId: `made up ${i}`, clean: false })).endAsync()
    }
    await using table = await lay({ dir, limits })
    await table.issue('tablet')
    const back = table.socket()
    const got = received(back)
    back.write(connectFrame({ clientId: 'station', clean: false, ...table.login('tablet') }))
    await until(() => got.bytes().length)
    await aMoment()
    expect([...got.bytes().subarray(0, 4)]).toEqual([0x20, 2, 1, 0])
    expect(got.bytes().toString('latin1')).toContain('an order')
    rmSync(dir, { recursive: true })
  })

  test('another identity with the same ClientId takes nothing over; the same identity does', async () => {
    await using table = await lay()
    await table.issue('d1')
    await table.issue('d2')
    const mine = await table.client('d1', { clientId: 'shared', clean: false })
    const ended = closed(mine)
    await mine.subscribeAsync('fire/v1/smoke/d1/cmd', { qos: 1 })
    const theirs = await table.client('d2', { clientId: 'shared', clean: false })
    await expect(table.client(null, { username: 'd1', password: 'guess', clientId: 'shared' })).rejects.toThrow()
    await aMoment()
    expect([mine.connected, theirs.connected, table.broker.connections()]).toEqual([true, true, 2])
    await table.client('d1', { clientId: 'shared', clean: false })
    await ended
    expect([theirs.connected, table.broker.connections()]).toEqual([true, 2])
  })

  test('a will on a foreign topic is refused before it can ever be sent', async () => {
    await using table = await lay()
    await table.issue('d1')
    const will = { topic: 'fire/v1/smoke/d2/status', payload: Buffer.from('gone'), qos: 1 as const, retain: false }
    await expect(table.client('d1', { will })).rejects.toMatchObject({ code: 5 })
    expect(table.refusals).toMatchObject([{ code: 'not-your-topic', reason: expect.stringContaining('last will'), topic: will.topic }])
    await aMoment()
    expect(table.journal.messages).toEqual([])
  })

  test('an identity can be put out while it is in', async () => {
    await using table = await lay()
    await table.issue('d1')
    await table.issue('d2')
    const [out, stays] = [await table.client('d1'), await table.client('d2')]
    expect(table.credentials.revoke('d1')).toBe(true)
    const ended = closed(out)
    table.broker.disconnect('d1')
    await ended
    await expect(table.client('d1')).rejects.toMatchObject({ code: 4 })
    expect(stays.connected).toBe(true)
  })
})

describe('publishing', () => {
  test("a foreign device's topic: refused with one record, however much came with it", async () => {
    await using table = await lay()
    await table.issue('d1')
    const { username, password } = table.login('d1')
    const socket = table.socket()
    const frames = Array.from({ length: 5 }, (_, i) =>
      publishFrame({ topic: 'fire/v1/smoke/d2/event', payload: 'x'.repeat(9000), messageId: i + 1 }),
    )
    socket.write(Buffer.concat([connectFrame({ clientId: 'c', username, password }), ...frames]))
    await closed(socket)
    expect(table.refusals).toMatchObject([{ code: 'not-your-topic', identity: 'd1', clientId: 'c', topic: 'fire/v1/smoke/d2/event' }])
    expect(table.refusals[0]?.payload?.byteLength).toBe(4096)
    expect(table.journal.messages).toEqual([])
  })

  test('a gateway speaks for its devices, also for one registered after it connected', async () => {
    await using table = await lay()
    await table.issue('gw')
    await table.issue('d1', { via: 'gw' })
    const gateway = await table.client('gw')
    await gateway.publishAsync('fire/v1/smoke/d1/telemetry', 'x', { qos: 1 })
    table.credentials.link('d2', 'gw')
    await gateway.publishAsync('fire/v1/heat/d2/event', 'y', { qos: 1 })
    expect(table.journal.messages.map(m => [m.identity, m.topic])).toEqual([
      ['gw', 'fire/v1/smoke/d1/telemetry'],
      ['gw', 'fire/v1/heat/d2/event'],
    ])
    const ended = closed(gateway)
    gateway.publish('fire/v1/smoke/d3/telemetry', 'z', { qos: 1 })
    await ended
    expect(table.refusals).toMatchObject([{ code: 'not-your-topic', identity: 'gw' }])
  })

  test('a granted prefix', async () => {
    await using table = await lay()
    await table.issue('z2m', { grants: ['zigbee2mqtt/#'] })
    const client = await table.client('z2m')
    await client.subscribeAsync('zigbee2mqtt/+/set', { qos: 1 })
    await client.publishAsync('zigbee2mqtt/kitchen', '{"smoke":false}', { qos: 1 })
    expect(table.journal.messages).toMatchObject([{ identity: 'z2m', topic: 'zigbee2mqtt/kitchen' }])
    const ended = closed(client)
    client.publish('frigate/events', 'x', { qos: 1 })
    await ended
    expect(table.refusals).toMatchObject([{ code: 'not-your-topic', topic: 'frigate/events' }])
  })

  test('control characters, wildcards, packet identifier 0: not MQTT, not journalled', async () => {
    await using table = await lay({ anonymous: true })
    const frames = [
      publishFrame({ topic: 'a\u0000b', payload: 'x' }),
      publishFrame({ topic: 'a/b', payload: 'x', messageId: 1 }).fill(0, 7, 9),
    ]
    for (const frame of frames) {
      const socket = table.socket()
      socket.write(Buffer.concat([connectFrame({ clientId: 'c' }), frame]))
      await closed(socket)
    }
    expect(table.refusals.map(r => r.code)).toEqual(['protocol-error', 'protocol-error'])
    expect(table.journal.messages).toEqual([])
  })
})

describe('subscribing', () => {
  test('SUBACK 0x80 for what is not yours, and the connection goes on', async () => {
    await using table = await lay()
    await table.issue('gw', { grants: ['zigbee2mqtt/#'] })
    await table.issue('d1', { via: 'gw' })
    const client = await table.client('gw')
    const filters = [
      'fire/v1/smoke/gw/cmd',
      'fire/v1/+/d1/cmd',
      'zigbee2mqtt/+',
      '#',
      'fire/v1/smoke/d2/cmd',
      '$share/g/zigbee2mqtt/#',
      '$SYS/#',
      'fire/v1/smoke/gw/telemetry',
    ]
    const granted: number[] = []
    client.on('packetreceive', packet => packet.cmd === 'suback' && granted.push(...packet.granted.map(Number)))
    await client.subscribeAsync(filters, { qos: 1 }).catch(() => {})
    expect(granted).toEqual([1, 1, 1, 128, 128, 128, 128, 128])
    expect(client.connected).toBe(true)
    expect(table.refusals.map(r => [r.code, r.topic])).toEqual(filters.slice(3).map(f => ['not-your-subscription', f]))
  })

  test('a client has only so many filters; one it has may be asked for again', async () => {
    await using table = await lay({ anonymous: true, limits: { subscriptionsOfClient: 2 } })
    const client = await table.client(null)
    const granted: number[] = []
    client.on('packetreceive', packet => packet.cmd === 'suback' && granted.push(...packet.granted.map(Number)))
    for (const filter of ['a', 'b', 'c', 'a']) await client.subscribeAsync(filter, { qos: 1 }).catch(() => {})
    await client.unsubscribeAsync('a')
    await client.subscribeAsync('c', { qos: 1 })
    expect(granted).toEqual([1, 1, 128, 1, 1])
    expect(table.refusals).toMatchObject([{ code: 'not-your-subscription', reason: expect.stringContaining('bound is 2') }])
  })

  test('a refused filter in the same packet as an allowed one leaves nothing for the next session', async () => {
    await using table = await lay()
    await table.issue('d1')
    await table.issue('other', { grants: ['secret/#'] })
    const session = { clientId: 'c', clean: false }
    const first = await table.client('d1', session)
    await first.subscribeAsync(['secret/#', 'fire/v1/smoke/d1/cmd', 'secret/plan'], { qos: 1 }).catch(() => {})
    await first.endAsync()
    const other = await table.client('other')
    await other.publishAsync('secret/plan', 'not for d1', { qos: 1 })
    await table.broker.publish('fire/v1/smoke/d1/cmd', 'for d1')
    const seen: string[] = []
    const { username, password } = table.login('d1')
    const socket = table.socket() // with a bare socket nothing that arrives before a listener stands can be missed
    const got = received(socket)
    socket.write(connectFrame({ ...session, username, password }))
    await until(() => got.bytes().toString('latin1').includes('for d1') && seen)
    await aMoment()
    expect(got.bytes().toString('latin1')).not.toContain('not for d1')
  })
})

describe('anonymous devices', () => {
  test('may do everything but $-topics, and no identity is theirs', async () => {
    await using table = await lay({ anonymous: true })
    await table.issue('d1')
    const client = await table.client(null, { clientId: 'c' })
    const seen: string[] = []
    client.on('message', topic => seen.push(topic))
    await client.subscribeAsync('#', { qos: 1 })
    await client.publishAsync('any/thing', 'x', { qos: 1 })
    await client.publishAsync('fire/v1/smoke/d1/telemetry', 'x', { qos: 1 })
    await until(
      () => seen.length,
      n => n === 2,
    )
    expect(table.journal.messages.map(m => m.identity)).toEqual(['anonymous', 'anonymous'])
    await expect(table.client('d1', { password: 'wrong' })).rejects.toMatchObject({ code: 4 })
    await expect(table.credentials.issue({ deviceId: 'anonymous' })).rejects.toMatchObject({ code: 'invalid-request' })
    const ended = closed(client)
    client.publish('$SYS/x/new/clients', 'anonymous/c', { qos: 1 })
    await ended
    expect(table.refusals.at(-1)).toMatchObject({ code: 'not-your-topic', identity: 'anonymous' })
  })
})

describe('the rules by themselves', () => {
  const device = { username: 'd1', grants: [], mayPublishFor: (id: string) => id === 'd1' }

  test('a device has five channels to speak on and one to listen to', () => {
    for (const channel of ['telemetry', 'event', 'status', 'about', 'ack'])
      expect(publishProblem(device, `fire/v1/smoke/d1/${channel}`)).toBeNull()
    for (const topic of [
      'fire/v1/smoke/d1/cmd',
      'fire/v1/nonsense/d1/event',
      'fire/v1/smoke/d1',
      'fire/v1/smoke/d1/event/x',
      'x',
      '$SYS/x',
      '$share/g/x',
    ])
      expect(publishProblem(device, topic)?.code).toBe('not-your-topic')
    for (const topic of ['', 'a/+', 'a/#', 'a\u0000', `a/${'x'.repeat(2000)}`])
      expect(publishProblem(device, topic)?.code).toBe('protocol-error')
    expect(subscribeProblem(device, 'fire/v1/+/d1/cmd')).toBeNull()
    for (const filter of ['fire/v1/+/+/cmd', 'fire/v1/smoke/d1/#', 'fire/v1/smoke/d1/+', '+/v1/smoke/d1/cmd', 'fire/v1/smoke/d1/cmd/x'])
      expect(subscribeProblem(device, filter)).not.toBeNull()
  })

  const level = fc.constantFrom('a', 'b', '')
  const topic = fc.array(level, { minLength: 1, maxLength: 4 }).map(levels => levels.join('/'))
  const filter = fc
    .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
    .map(([levels, open]) => [...levels, ...(open ? ['#'] : [])].join('/'))

  test('what a grant covers, it matches', () => {
    fc.assert(
      fc.property(filter, filter, topic, (grant, asked, t) => {
        if (covers(grant, asked) && topicMatches(asked, t)) expect(topicMatches(grant, t)).toBe(true)
      }),
      { numRuns: 5000 },
    )
    expect([covers('a/#', 'a'), covers('a/#', 'a/+/b'), covers('a/+', 'a/b'), covers('#', 'x/#')]).toEqual([true, true, true, true])
    expect([covers('a/+', 'a/#'), covers('a/b', 'a/+'), covers('#', '$SYS/#'), covers('a/+', 'a')]).toEqual([false, false, false, false])
  })

  test('what cannot be granted', () => {
    for (const grant of ['', 'a#', '#/a', 'a/b+/c', '$SYS/#', '$share/g/#', 'a\u0000']) expect(grantProblem(grant), grant).not.toBeNull()
    for (const grant of ['#', 'a/#', 'a/+/b', 'zigbee2mqtt/#', '$oc/devices/#']) expect(grantProblem(grant), grant).toBeNull()
  })
})

test('a clock that is set back keeps nobody in: who was taken from a gateway is refused there all the same', async () => {
  let aheadMs = 3_600_000
  const clock = { nowMs: () => Date.now() + aheadMs }
  await using table = await lay({ clock })
  await table.issue('gw')
  await table.issue('d1', { via: 'gw' })
  const client = await table.client('gw')
  const topic = 'fire/v1/smoke/d1/telemetry'
  await client.publishAsync(topic, 'via', { qos: 1 })
  aheadMs = 0
  table.credentials.revoke('d1')
  client.publish(topic, 'not any more', { qos: 1 })
  await closed(client)
  expect(table.journal.messages.map(textOf)).toEqual(['via'])
})
