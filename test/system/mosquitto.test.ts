// Other people's clients at our door: mosquitto_pub and mosquitto_sub, of whose mistakes we know nothing.
import { spawn, type ChildProcess } from 'node:child_process'
import { expect, test } from 'vitest'
import { lay, textOf, until, type Table } from '../broker/table.ts'

const text = (topic: string, payload: string): string[] => ['-t', topic, '-m', payload]

/** Runs mosquitto_pub to its end; the exit status. Not spawnSync: the broker lives in this process. */
async function publish(table: Table, who: string, args: string[]): Promise<number | null> {
  const { username, password } = table.login(who)
  const child = spawn('mosquitto_pub', ['-h', '127.0.0.1', '-p', String(table.broker.port), '-u', username, '-P', password, ...args])
  return new Promise(resolve => child.once('exit', resolve))
}

test('mosquitto_pub delivers at every QoS, and is told when it may not', async () => {
  await using table = await lay()
  await table.issue('d1')
  for (const qos of ['0', '1', '2'])
    expect(await publish(table, 'd1', ['-q', qos, ...text('fire/v1/smoke/d1/telemetry', `qos ${qos}`)])).toBe(0)
  await until(
    () => table.journal.messages.length,
    n => n === 3,
  )
  expect(table.journal.messages.map(m => [m.qos, textOf(m)])).toEqual([
    [0, 'qos 0'],
    [1, 'qos 1'],
    [2, 'qos 2'],
  ])
  expect(await publish(table, 'd1', ['-q', '1', '-P', 'wrong', ...text('fire/v1/smoke/d1/event', 'x')])).not.toBe(0)
  expect(await publish(table, 'd1', ['-q', '1', '-V', 'mqttv5', ...text('fire/v1/smoke/d1/event', 'x')])).not.toBe(0)
  expect(table.refusals.map(r => r.code)).toEqual(['bad-credentials', 'protocol-version'])
  expect(table.journal.messages).toHaveLength(3)
})

test('a command waits for a device that is away', async () => {
  await using table = await lay()
  await table.issue('d1')
  const { username, password } = table.login('d1')
  const args = ['-h', '127.0.0.1', '-p', String(table.broker.port), '-u', username, '-P', password, '-i', 'c', '-c', '-q', '1']
  const listen = (more: string[]): ChildProcess => spawn('mosquitto_sub', [...args, '-t', 'fire/v1/smoke/d1/cmd', ...more])
  const first = listen(['-E']) // subscribes and leaves
  await new Promise(resolve => first.once('exit', resolve))
  await table.broker.publish('fire/v1/smoke/d1/cmd', 'silence')
  const second = listen(['-C', '1', '-W', '20'])
  let got = ''
  second.stdout?.on('data', chunk => (got += String(chunk)))
  expect(await new Promise(resolve => second.once('exit', resolve))).toBe(0)
  expect(got.trim()).toBe('silence')
})
