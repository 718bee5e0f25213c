// What flows ask of devices: what only looks goes at once, the rest when a person who may has confirmed it, each once; nobody is lent a right.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { COMMANDS, mayCommand } from '#contracts/command.ts'
import { openCommandRequests, SAFE_COMMANDS } from '../../dashboard/api/command-requests.ts'
import { startRoom, type Room } from './room.ts'

let room: Room
beforeAll(async () => {
  room = await startRoom({ roles: ['admin', 'officer'] })
  room.directory.register({ deviceId: 'cam-1', kind: 'camera' })
  room.directory.register({ deviceId: 'gas-1', kind: 'gas' })
  room.issue('flows', ['commands:request', 'read'])
})
afterAll(() => room[Symbol.asyncDispose]())

const ask = (key: string, json: object) =>
  room.ask('/api/v1/command-requests', {
    method: 'POST',
    json: { origin: 'flow:abc', ...json },
    as: 'flows',
    headers: { 'idempotency-key': key },
  })
const decide = (id: string, verb: 'confirm' | 'refuse', as = 'officer') =>
  room.ask(`/api/v1/command-requests/${id}/${verb}`, { method: 'POST', json: {}, as })
const written = async () => (JSON.parse((await room.ask('/api/v1/command-requests')).text) as { requests: unknown[] }).requests
const sentTo = (id: string): string[] =>
  room.published.filter(p => p.topic.includes(`/${id}/`)).map(p => JSON.parse(p.payload).command as string)

test('what only looks is sent at once, and once however often it is asked', async () => {
  const first = await ask('k1', { deviceId: 'cam-1', command: 'snapshot' })
  expect(first).toMatchObject({ status: 202, body: { state: 'sent' } })
  expect(await ask('k1', { deviceId: 'cam-1', command: 'snapshot' })).toMatchObject({ status: 200, body: { id: first.body.id } })
  await expect.poll(() => sentTo('cam-1')).toEqual(['snapshot'])
})

test('what acts waits; it is sent when confirmed, once, and never when refused', async () => {
  const { body } = await ask('k2', { deviceId: 'gas-1', command: 'close-valve', reason: 'two detectors' })
  expect(body.state).toBe('waiting')
  const other = await ask('k3', { deviceId: 'gas-1', command: 'silence' })
  expect(sentTo('gas-1')).toEqual([])
  const waiting = JSON.parse((await room.ask('/api/v1/command-requests?state=waiting')).text) as { requests: { id: string }[] }
  expect(waiting.requests.map(one => one.id).toSorted()).toEqual([body.id, other.body.id].toSorted())
  expect(await decide(body.id, 'confirm')).toMatchObject({ status: 200, body: { state: 'sent', decidedBy: 'officer' } })
  expect(await decide(body.id, 'confirm')).toMatchObject({ status: 409, body: { message: expect.stringContaining('officer') } })
  expect(await decide(other.body.id, 'refuse')).toMatchObject({ status: 200, body: { state: 'refused' } })
  await expect.poll(() => sentTo('gas-1')).toEqual(['close-valve'])
})

test('an officer cannot confirm what his role may not command; it goes on waiting for who may', async () => {
  const { body } = await ask('k4', { deviceId: 'gas-1', command: 'reboot' })
  expect(await decide(body.id, 'confirm')).toMatchObject({ status: 403, body: { code: 'forbidden' } })
  expect(sentTo('gas-1')).not.toContain('reboot')
  expect(await decide(body.id, 'confirm', 'admin')).toMatchObject({ status: 200, body: { state: 'sent' } })
  await expect.poll(() => sentTo('gas-1')).toContain('reboot')
})

test('what is sent without being confirmed is what an officer may give', () => {
  for (const command of SAFE_COMMANDS) {
    expect(COMMANDS).toHaveProperty(command)
    expect({ command, may: mayCommand('officer', command) }).toEqual({ command, may: true })
  }
})

test.each([
  ['an unknown device', { deviceId: 'nobody', command: 'snapshot' }, 404],
  ['an unknown command', { deviceId: 'cam-1', command: 'toString' }, 400],
  ['a command of another kind of device', { deviceId: 'cam-1', command: 'close-valve' }, 400],
])('%s is refused and nothing is written down', async (_, json, status) => {
  const before = (await written()).length
  expect(await ask(`bad-${status}-${json.command}`, json)).toMatchObject({ status })
  expect(await written()).toHaveLength(before)
})

test('decided ones are kept to a bound, those that wait always', () => {
  const dir = mkdtempSync(join(tmpdir(), 'requests-'))
  const requests = openCommandRequests({ dir, decidedKept: 3 })
  const row = (n: number, state: 'waiting' | 'sent') => {
    const at = new Date(1_700_000_000_000 + n).toISOString()
    return { id: `r${n}`, deviceId: 'd', command: 'snapshot', parameters: null, reason: '', origin: 'flow:a', state, at, decidedBy: null }
  }
  requests.put(row(0, 'waiting'))
  for (let n = 1; n <= 6; n++) requests.put(row(n, 'sent'))
  expect(requests.list(100).map(r => r.id)).toEqual(['r6', 'r5', 'r4', 'r0'])
  requests.close()
  rmSync(dir, { recursive: true })
})
