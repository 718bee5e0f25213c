// fire-rule in the real Node-RED: it judges as the engine does, stores what it remembers with the place in the feed, and goes on from there
// after a kill in mid-window.
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { reading, startRoom, until, type Node, type Room } from './room.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })
const RULES = `- id: hot-cabinet
  version: 1
  kind: threshold
  scope: { kinds: [heat] }
  alarm: { kind: heat, severity: 2, latching: true }
  text: { zh: 机柜过热, en: Cabinet too hot }
  parameters: { metric: temperature_c, direction: above, threshold: 60, clearAt: 50, onDelayS: 10, onReadings: 3, offDelayS: 10, maxGapS: 600 }
`
const tab = (rules = RULES): Node[] => [
  { id: 'tab', type: 'tab', label: 'rule' },
  { id: 'read', type: 'fire-reading', z: 'tab', consumer: 'rule', kinds: 'heat', ticks: true, x: 1, y: 1, wires: [['rule']] },
  { id: 'rule', type: 'fire-rule', z: 'tab', rules, x: 2, y: 1, wires: [['raise'], [], []] },
  { id: 'raise', type: 'fire-alert', z: 'tab', x: 3, y: 1, wires: [[]] },
]
const hot = (off: number, temperature: number) => reading(off, { deviceId: 'cab-1', kind: 'heat', metrics: { temperature_c: temperature } })

let room: Room
beforeAll(async () => {
  room = await startRoom()
})
afterAll(() => room?.[Symbol.asyncDispose]())
const done = (off: number) =>
  until(
    () => (room.api.cursors.get('rule') ?? 0) >= off,
    30_000,
    () => `${off} acknowledged, ${room.api.cursors.get('rule')}: ${JSON.stringify(room.log.slice(-4))}`,
  )

test('raises once what the engine raises, with the evidence of the window', async () => {
  expect((await room.deploy(tab())).status).toBe(200)
  for (const off of [1, 6, 12, 13]) room.api.readings.push(hot(off, 65))
  await until(
    () => room.api.alarms.size === 1,
    30_000,
    () => `an alarm: ${JSON.stringify(room.log.slice(-4))}`,
  )
  await done(13)
  const [alarm] = [...room.api.alarms.values()]
  expect(alarm).toMatchObject({ kind: 'heat', severity: 2, subject: 'cab-1', deviceId: 'cab-1', text: { zh: '机柜过热' } })
  expect(alarm!.origin).toMatch(/^flow:[0-9a-f]{12}$/)
  expect(alarm!.evidence.map(e => e.seq)).toEqual([12, 1])
  expect([...room.api.rows.get('rule')!.keys()].some(key => key.startsWith('rule '))).toBe(true)
})

test('killed in mid-window it goes on where it was: one alarm, neither lost nor doubled', async () => {
  room.api.readings.push(reading(20, { deviceId: 'cab-2', kind: 'heat', metrics: { temperature_c: 70 } }))
  room.api.readings.push(reading(26, { deviceId: 'cab-2', kind: 'heat', metrics: { temperature_c: 70 } }))
  await done(26)
  process.kill(room.flows.pid()!, 'SIGKILL')
  room.api.readings.push(reading(32, { deviceId: 'cab-2', kind: 'heat', metrics: { temperature_c: 70 } }), hot(33, 66))
  await until(
    () => room.api.alarms.size === 2,
    60_000,
    () => `the second alarm: ${JSON.stringify(room.log.slice(-4))}`,
  )
  await done(33)
  const second = [...room.api.alarms.values()][1]
  expect(second!.evidence.map(e => e.seq)).toEqual([32, 20])
  expect(room.api.alarms.size).toBe(2)
})

test('a rule with a mistake says which line, and the editor’s check says the same', async () => {
  const wrong = RULES.replace('threshold: 60', 'threshhold: 60')
  const answer = await fetch(`${room.flows.url}/flows/fengsui/rule-check`, {
    method: 'POST',
    headers: { ...room.as('engineer'), 'Content-Type': 'application/json' },
    body: JSON.stringify({ rules: wrong }),
  })
  expect(await answer.json()).toMatchObject({ ok: false, problem: expect.stringContaining('rules.yaml:7') })
  const schema = await (await room.get('/fengsui/rule-schema')).text()
  expect(schema).toContain('rate-of-rise')
})
