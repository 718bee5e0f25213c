// A device that moves to another gateway: its commands go there and nowhere else, whether the gateway before is connected, away, or comes back.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt from 'mqtt'
import { expect, test } from 'vitest'
import { openCredentials } from '../../broker/credentials.ts'
import { watchCredentials } from '../../parts/edge.ts'
import { aMoment, lay, until, type Table } from './table.ts'

const CMD = 'fire/v1/smoke/d1/cmd'
const OTHER = 'fire/v1/smoke/d2/cmd'

async function moving(): Promise<Table> {
  const table = await lay()
  await table.issue('gw-a')
  await table.issue('gw-b')
  for (const deviceId of ['d1', 'd2']) table.credentials.link(deviceId, 'gw-a')
  return table
}
/** As the edge does it, when it sees what any process wrote. */
function move(table: Table, how: () => void): string[] {
  const { upTo } = table.credentials.leftSince(null)
  how()
  const { gateways } = table.credentials.leftSince(upTo)
  for (const identity of gateways.map(gateway => table.credentials.identity(gateway)))
    if (identity !== undefined) table.broker.recheck(identity)
  return gateways
}

test('the gateway before loses the live subscription, and only that one', async () => {
  await using table = await moving()
  const [a, b] = [await table.client('gw-a'), await table.client('gw-b')]
  const heard: string[] = []
  a.on('message', topic => heard.push(`a ${topic}`))
  b.on('message', topic => heard.push(`b ${topic}`))
  await a.subscribeAsync([CMD, OTHER, 'fire/v1/+/d1/cmd', 'fire/v1/gateway/gw-a/cmd'], { qos: 1 })
  await table.broker.publish(OTHER, 'before')
  await until(
    () => heard,
    all => all.includes(`a ${OTHER}`),
  )
  expect(move(table, () => table.credentials.link('d1', 'gw-b'))).toEqual(['gw-a'])
  await b.subscribeAsync(CMD, { qos: 1 })
  heard.length = 0
  for (const topic of [CMD, OTHER, 'fire/v1/gateway/gw-a/cmd']) await table.broker.publish(topic, 'after')
  await until(
    () => heard,
    all => all.length >= 3,
  )
  await aMoment()
  expect(heard.sort()).toEqual([`a ${OTHER}`, 'a fire/v1/gateway/gw-a/cmd', `b ${CMD}`].sort())
  expect(table.refusals.map(({ code, topic }) => [code, topic])).toEqual([
    ['not-your-subscription', CMD],
    ['not-your-subscription', 'fire/v1/+/d1/cmd'],
  ])
  // its connection goes on, in order
  await a.publishAsync('fire/v1/smoke/d2/telemetry', '{}', { qos: 1 })
  await a.subscribeAsync('fire/v1/heat/d2/cmd', { qos: 1 })
  await a.publishAsync('fire/v1/smoke/d2/telemetry', '{}', { qos: 2 })
  expect(table.journal.messages).toHaveLength(2)
})

test('a session of it that waits gets nothing of what is sent after the move, nor of what waited before', async () => {
  await using table = await moving()
  const options = { clientId: 'a', clean: false }
  const first = await table.client('gw-a', options)
  await first.subscribeAsync([CMD, OTHER], { qos: 1 })
  await first.endAsync()
  await table.broker.publish(CMD, 'sent before')
  move(table, () => table.credentials.link('d1', 'gw-b'))
  await table.broker.publish(CMD, 'not any more')
  await table.broker.publish(OTHER, 'still its own')
  const again = mqtt.connect(`mqtt://127.0.0.1:${table.broker.port}`, { ...table.login('gw-a'), ...options, reconnectPeriod: 0 })
  const heard: string[] = []
  again.on('message', topic => heard.push(topic))
  await until(
    () => heard,
    all => all.length > 0,
  )
  await table.broker.publish(CMD, 'nor now')
  await aMoment()
  expect(heard).toEqual([OTHER])
  again.end(true)
})

test('what moved while the door was closed is taken from sessions that waited', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-moved-'))
  const options = { clientId: 'a', clean: false }
  const credentials = openCredentials({ dir })
  {
    await using table = await lay({ dir, credentials })
    const { password } = await credentials.issue({ deviceId: 'gw-a' })
    for (const deviceId of ['d1', 'd2']) credentials.link(deviceId, 'gw-a')
    const first = await table.client(null, { ...options, username: 'gw-a', password })
    await first.subscribeAsync([CMD, OTHER], { qos: 1 })
    await first.endAsync()
    await table.broker.publish(CMD, 'sent before')
  }
  credentials.link('d1', 'gw-b')
  {
    await using table = await lay({ dir, credentials })
    table.broker.recheckWaiting(credentials.identity)
    await table.broker.publish(CMD, 'not any more')
    await table.broker.publish(OTHER, 'still its own')
    const { password } = await credentials.issue({ deviceId: 'gw-a' })
    const again = mqtt.connect(`mqtt://127.0.0.1:${table.broker.port}`, { username: 'gw-a', password, ...options, reconnectPeriod: 0 })
    const heard: string[] = []
    again.on('message', topic => heard.push(topic))
    await until(
      () => heard,
      all => all.length > 0,
    )
    await aMoment()
    expect(heard).toEqual([OTHER])
    again.end(true)
  }
  credentials.close()
  rmSync(dir, { recursive: true, force: true })
})

test('it is noted when a device moves or is revoked, not when it is linked again to the same', async () => {
  await using table = await moving()
  expect(move(table, () => table.credentials.link('d1', 'gw-a'))).toEqual([])
  expect(move(table, () => table.credentials.revoke('d2'))).toEqual(['gw-a'])
  await table.issue('d3', { via: 'gw-b' })
  const { upTo } = table.credentials.leftSince(null)
  await table.issue('d3', { via: 'gw-a' })
  expect(table.credentials.leftSince(upTo).gateways).toEqual(['gw-b'])
})

test('the edge looks for it by itself', async () => {
  await using table = await moving()
  const rechecked: string[] = []
  const broker = {
    disconnect: () => {},
    recheckWaiting: () => {},
    recheck: ({ username }: { username: string }) => void rechecked.push(username),
  }
  const stop = watchCredentials(table.credentials, broker)
  table.credentials.link('d1', 'gw-b')
  await until(
    () => rechecked,
    all => all.length > 0,
  )
  stop()
  expect(rechecked).toEqual(['gw-a'])
})

test('what is over is taken out of a session that waits: the one message, the oldest of equal ones, and nothing of who is connected', async () => {
  await using table = await moving()
  const options = { clientId: 'a', clean: false }
  const first = await table.client('gw-a', options)
  await first.subscribeAsync([CMD, OTHER], { qos: 1 })
  const there: string[] = []
  first.on('message', (_topic, payload) => there.push(String(payload)))
  await table.broker.publish(CMD, 'in hand')
  expect(table.broker.withdraw(CMD, 'in hand')).toBe(0)
  await until(
    () => there,
    all => all.length === 1,
  )
  await first.endAsync()
  for (const [topic, payload] of [
    [CMD, 'over'],
    [CMD, 'goes on'],
    [OTHER, 'over'],
    [CMD, 'over'],
  ] as const)
    await table.broker.publish(topic, payload)
  expect([table.broker.withdraw(CMD, 'over'), table.broker.withdraw(CMD, 'never sent')]).toEqual([1, 0])
  const again = mqtt.connect(`mqtt://127.0.0.1:${table.broker.port}`, { ...table.login('gw-a'), ...options, reconnectPeriod: 0 })
  const heard: string[] = []
  again.on('message', (topic, payload) => heard.push(`${topic} ${String(payload)}`))
  await until(
    () => heard,
    all => all.length >= 3,
  )
  await aMoment()
  expect(heard).toEqual([`${CMD} goes on`, `${OTHER} over`, `${CMD} over`])
  await again.endAsync()
})
