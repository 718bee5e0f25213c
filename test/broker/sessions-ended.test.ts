// A persistent session is of whoever held the credentials when it was made. Taken away, replaced at once or registered anew: the next holder of the
// same device id and the same ClientId finds nothing of it. Over MQTT, with the file as it is on disk.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import mqtt, { type MqttClient } from 'mqtt'
import { afterEach, expect, test } from 'vitest'
import { openCredentials, type Credentials } from '../../broker/index.ts'
import { aMoment, closed, lay, until, type Table } from './table.ts'

const ends: (() => void)[] = []
afterEach(() => {
  for (const end of ends.splice(0).toReversed()) end()
})
function folder(): { dir: string; credentials: Credentials } {
  const dir = mkdtempSync(join(tmpdir(), 'fengsui-ended-'))
  const credentials = openCredentials({ dir })
  ends.push(
    () => rmSync(dir, { recursive: true, force: true }),
    () => credentials.close(),
  )
  return { dir, credentials }
}

type Came = { client: MqttClient; hadSession: boolean; heard: string[] }
/** As the device `d1` with the ClientId `panel` and a persistent session; from the first packet on it writes down what it is sent. */
async function come(table: Table, password: string): Promise<Came> {
  const client = mqtt.connect(`mqtt://127.0.0.1:${table.broker.port}`, {
    protocolVersion: 4,
    reconnectPeriod: 0,
    username: 'd1',
    password,
    clientId: 'panel',
    clean: false,
  })
  ends.push(() => client.end(true))
  const heard: string[] = []
  client.on('message', (_, payload) => heard.push(payload.toString()))
  const { sessionPresent } = await new Promise<{ sessionPresent: boolean }>((resolve, reject) => {
    client.once('connect', resolve)
    client.once('error', reject)
  })
  return { client, hadSession: sessionPresent, heard }
}

const COMMAND = 'fire/v1/smoke/d1/cmd'
/** A device with a subscription and a command that waits for it; it is away. Gives its password. */
async function leavesSomething(table: Table, credentials: Credentials): Promise<string> {
  const { password } = await credentials.issue({ deviceId: 'd1' })
  const { client } = await come(table, password)
  await client.subscribeAsync(COMMAND, { qos: 1 })
  client.publish('fire/v1/smoke/d1/event', 'half done', { qos: 2 })
  await until(() => table.journal.messages.length)
  client.end(true)
  await closed(client)
  await table.broker.publish(COMMAND, 'unlock the door')
  return password
}

const rowsOf = (dir: string): number[] => {
  const db = new DatabaseSync(join(dir, 'sessions.db'), { readOnly: true })
  const counts = ['sessions', 'subscriptions', 'queued', 'half_done'].map(t =>
    Number(db.prepare(`SELECT count(*) AS n FROM ${t}`).get()?.['n']),
  )
  db.close()
  return counts
}

async function findsNothing(table: Table, credentials: Credentials): Promise<void> {
  const { password } = await credentials.issue({ deviceId: 'd1' })
  const next = await come(table, password)
  expect(next.hadSession).toBe(false)
  await table.broker.publish(COMMAND, 'after')
  await aMoment()
  expect(next.heard).toEqual([])
  await next.client.subscribeAsync(COMMAND, { qos: 1 }) // and its own session is a whole one
  await table.broker.publish(COMMAND, 'its own')
  await until(() => next.heard.length)
  expect(next.heard).toEqual(['its own'])
}

test('while nothing is taken away the session goes on, with what waited: also over another password with time to change', async () => {
  const { dir, credentials } = folder()
  await using table = await lay({ dir, credentials })
  const password = await leavesSomething(table, credentials)
  const rotated = await credentials.rotate('d1', 60_000)
  table.broker.disconnect('d1')
  for (const each of [password, rotated?.password ?? '']) {
    const back = await come(table, each)
    expect(back.hadSession).toBe(true)
    if (each === password) await until(() => back.heard.includes('unlock the door'))
    back.client.end(true)
    await closed(back.client)
  }
})

for (const how of ['revoke', 'suspend'] as const)
  test(`${how}: the session of who is away ends with it, on disk too`, async () => {
    const { dir, credentials } = folder()
    await using table = await lay({ dir, credentials })
    await leavesSomething(table, credentials)
    expect(rowsOf(dir).slice(0, 3)).toEqual([1, 1, 1])
    expect(credentials[how]('d1')).toBe(true)
    table.broker.disconnect('d1')
    await until(
      () => rowsOf(dir),
      rows => rows.every(n => n === 0),
    )
    await table.broker.publish(COMMAND, 'to nobody')
    expect(rowsOf(dir)).toEqual([0, 0, 0, 0])
    await findsNothing(table, credentials)
  })

test('who comes before the door was told is not given it either, and is not put out when it is told', async () => {
  const { dir, credentials } = folder()
  await using table = await lay({ dir, credentials })
  await leavesSomething(table, credentials)
  credentials.revoke('d1')
  await findsNothing(table, credentials)
  expect(table.broker.connections()).toBe(1)
  table.broker.disconnect('d1')
  await aMoment()
  expect([table.broker.connections(), rowsOf(dir).slice(0, 2)]).toEqual([1, [1, 1]])
})

test('another password at once, or other grants: what the earlier holder subscribed to is not gone on with', async () => {
  const { dir, credentials } = folder()
  await using table = await lay({ dir, credentials })
  const { password } = await credentials.issue({ deviceId: 'd1', grants: ['secret/#'] })
  const first = await come(table, password)
  await first.client.subscribeAsync('secret/#', { qos: 1 })
  await table.broker.publish('secret/1', 'still his')
  await until(() => first.heard.length)
  await credentials.issue({ deviceId: 'd1' })
  table.broker.disconnect('d1')
  await closed(first.client)
  await table.broker.publish('secret/1', 'no longer his')
  await findsNothing(table, credentials)
})

test('taken away while the door was shut', async () => {
  const { dir, credentials } = folder()
  const before = await lay({ dir, credentials })
  await leavesSomething(before, credentials)
  await before.broker.close()
  expect(rowsOf(dir).slice(0, 3)).toEqual([1, 1, 1])
  credentials.revoke('d1')
  await using table = await lay({ dir, credentials })
  await table.broker.publish(COMMAND, 'to nobody')
  expect(rowsOf(dir)).toEqual([0, 0, 0, 0])
  await findsNothing(table, credentials)
})

test('a file of sessions from before generations is read as it was', async () => {
  const { dir, credentials } = folder()
  const { password } = await credentials.issue({ deviceId: 'd1' })
  const db = new DatabaseSync(join(dir, 'sessions.db'))
  db.exec(`CREATE TABLE sessions (id TEXT PRIMARY KEY) STRICT, WITHOUT ROWID; INSERT INTO sessions VALUES ('d1/panel')`)
  db.close()
  await using table = await lay({ dir, credentials })
  expect((await come(table, password)).hadSession).toBe(true)
})
