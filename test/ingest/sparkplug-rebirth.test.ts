// Edge nodes asked for their births: when, how often at most, and by a real client over our own broker. Over a bridge: bridges.test.ts.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '#contracts/clock.ts'
import { noMeter } from '#contracts/metrics.ts'
import { readPayload } from '../../ingest/sparkplug-b/payload.ts'
import { ASK_AGAIN_MAX_MS, ASK_AGAIN_MS, ASKED_PER_S, createRebirths, REORDER_MS } from '../../ingest/sparkplug-b/rebirth.ts'
import { answerOver, hostOver } from '../../parts/answering.ts'
import { lay, until } from '../broker/table.ts'
import { int, number, payload, yes, type Given } from './sparkplug-payload.ts'

const LEVEL: Given = { name: 'Level', alias: 7, type: 3, value: int(3) }
const birth = (bdSeq = 0, ...more: Given[]) => payload(0, { name: 'bdSeq', type: 8, value: number(11, bdSeq) }, LEVEL, ...more)
const data = (seq: number, alias = 7) => payload(seq, { alias, value: int(4) })

describe('when a node is asked', () => {
  beforeEach(() => vi.useFakeTimers({ now: Date.parse('2026-01-01T00:00:00Z') }))
  afterEach(() => vi.useRealTimers())

  function listening() {
    const sent: string[] = []
    const rebirths = createRebirths({ clock: systemClock, send: topic => sent.push(topic) })
    const hear = (topic: string, bytes: Uint8Array) => rebirths.heard(`spBv1.0/${topic}`, bytes)
    return { hear, sent, rebirths }
  }
  const N = 'spBv1.0/G/NCMD/N'

  test('data before any birth, once; births and orderly data ask nothing', () => {
    const { hear, sent } = listening()
    hear('G/NDATA/N', data(3))
    hear('G/NDATA/N', data(4))
    expect(sent).toEqual([N])
    hear('G/NBIRTH/N', birth())
    hear('G/DBIRTH/N/d', payload(1, { name: 'Fire Alarm', alias: 9, type: 11, value: number(14, 0) }))
    for (let seq = 2; seq < 600; seq++) hear('G/DDATA/N/d', payload(seq % 256, { alias: 9, value: yes }))
    hear('G/NCMD/N', payload(undefined, { name: 'Node Control/Rebirth', value: yes }))
    hear('STATE/x', Buffer.from('{"online":true}'))
    hear('G/NDATA/N', Buffer.from([1, 2, 3]))
    vi.advanceTimersByTime(ASK_AGAIN_MAX_MS)
    expect(sent).toEqual([N])
  })

  test('a device that was not born, an alias that no birth explains, data after the death of its session', () => {
    for (const wrong of [
      (hear: ReturnType<typeof listening>['hear']) => hear('G/DDATA/N/d', data(1)),
      (hear: ReturnType<typeof listening>['hear']) => hear('G/NDATA/N', data(1, 8)),
      (hear: ReturnType<typeof listening>['hear']) => {
        hear('G/NDEATH/N', payload(undefined, { name: 'bdSeq', type: 8, value: number(11, 4) }))
        hear('G/NDATA/N', data(1))
      },
    ]) {
      const { hear, sent } = listening()
      hear('G/NBIRTH/N', birth(4))
      expect(sent).toEqual([])
      wrong(hear)
      expect(sent).toEqual([N])
    }
    const { hear, sent } = listening()
    hear('G/NBIRTH/N', birth(4))
    hear('G/NDEATH/N', payload(undefined, { name: 'bdSeq', type: 8, value: number(11, 3) }))
    hear('G/NDATA/N', data(1))
    expect(sent, 'the will of an older session is not a death').toEqual([])
  })

  test('what is missing may come late; what does not, is asked for', () => {
    const { hear, sent } = listening()
    hear('G/NBIRTH/N', birth())
    hear('G/NDATA/N', data(3))
    hear('G/NDATA/N', data(3))
    hear('G/NDATA/N', data(2))
    hear('G/NDATA/N', data(1))
    hear('G/NDATA/N', data(4))
    vi.advanceTimersByTime(REORDER_MS * 2)
    expect(sent).toEqual([])
    hear('G/NDATA/N', data(6))
    vi.advanceTimersByTime(REORDER_MS - 1)
    expect(sent).toEqual([])
    vi.advanceTimersByTime(1)
    expect(sent).toEqual([N])
    vi.advanceTimersByTime(ASK_AGAIN_MAX_MS)
    expect(sent, 'nothing more was heard: it is not asked again').toEqual([N])
  })

  test('a node that is born by itself meanwhile, or dies, is not asked', () => {
    const death = payload(undefined, { name: 'bdSeq', type: 8, value: number(11, 0) })
    for (const [topic, bytes] of Object.entries({ 'G/NBIRTH/N': birth(1), 'G/NDEATH/N': death })) {
      const { hear, sent } = listening()
      hear('G/NBIRTH/N', birth())
      hear('G/NDATA/N', data(9))
      hear(topic, bytes)
      vi.advanceTimersByTime(ASK_AGAIN_MAX_MS)
      expect(sent).toEqual([])
    }
  })

  test('a node whose births never explain its data is asked less and less often', () => {
    const { hear, sent } = listening()
    const times: number[] = []
    const startMs = Date.now()
    for (let s = 0; s < 6 * 3600; s += 5) {
      const before = sent.length
      hear('G/NDATA/N', data(1, 99))
      vi.advanceTimersByTime(5000)
      if (sent.length > before) {
        times.push(Math.round((Date.now() - startMs) / 1000))
        hear('G/NBIRTH/N', birth())
      }
    }
    expect(times.length).toBeLessThan(17)
    const gaps = times.slice(1).map((t, i) => t - (times[i] ?? 0))
    expect(gaps.slice(0, 4).map(gap => Math.round(gap / 10) * 10)).toEqual([ASK_AGAIN_MS, 20_000, 40_000, 80_000].map(ms => ms / 1000))
    expect(gaps.at(-1)).toBeGreaterThanOrEqual(ASK_AGAIN_MAX_MS / 1000)
    // one that has needed nothing for an hour is asked at once again, and soon after
    hear('G/NBIRTH/N', birth())
    vi.advanceTimersByTime(2 * ASK_AGAIN_MAX_MS)
    const asked = sent.length
    hear('G/NDATA/N', data(1, 99))
    vi.advanceTimersByTime(ASK_AGAIN_MS)
    hear('G/NDATA/N', data(2, 99))
    expect(sent.length - asked).toBe(2)
  })

  test('a whole plant is asked at a bounded rate, and every node is', () => {
    const { hear, sent } = listening()
    for (let n = 0; n < 3 * ASKED_PER_S; n++) hear(`G/NDATA/n${n}`, data(1))
    expect(sent).toHaveLength(ASKED_PER_S)
    vi.advanceTimersByTime(4_000)
    expect(new Set(sent).size).toBe(3 * ASKED_PER_S)
  })
})

test('a real client as edge node: asked over our own broker, in the words of the specification, and told that its primary host is there', async () => {
  await using table = await lay()
  const answers = await answerOver(table.broker, systemClock, noMeter)
  const gone = await hostOver(table.broker, 'fengsui', systemClock)
  await table.issue('plc', { grants: ['spBv1.0/G/+/N/#', 'spBv1.0/STATE/fengsui'] })
  const node = await table.client('plc')
  const heard: { topic: string; payload: Buffer; qos: number; retain: boolean }[] = []
  node.on('message', (topic, bytes, { qos, retain }) => {
    heard.push({ topic, payload: bytes, qos, retain })
    if (topic !== 'spBv1.0/G/NCMD/N') return
    node.publish('spBv1.0/G/NBIRTH/N', Buffer.from(birth(1)))
    node.publish('spBv1.0/G/NDATA/N', Buffer.from(data(1)))
  })
  await node.subscribeAsync({ 'spBv1.0/G/NCMD/N/#': { qos: 1 }, 'spBv1.0/STATE/fengsui': { qos: 1 } })
  await until(() => heard.length === 1)
  expect(heard[0]).toMatchObject({ topic: 'spBv1.0/STATE/fengsui', retain: true })
  expect(JSON.parse(String(heard[0]?.payload))).toEqual({ online: true, timestamp: expect.any(Number) })

  node.publish('spBv1.0/G/NDATA/N', Buffer.from(data(5)))
  await until(() => table.journal.messages.length === 3)
  const [, asked] = heard
  expect(asked).toMatchObject({ topic: 'spBv1.0/G/NCMD/N', qos: 0, retain: false })
  const { seq, timestampMs, metrics } = readPayload(asked?.payload ?? Buffer.alloc(0)) ?? { metrics: [] }
  expect(seq).toBeUndefined()
  expect(Math.abs((timestampMs ?? 0) - Date.now())).toBeLessThan(60_000)
  expect(metrics).toMatchObject([{ name: 'Node Control/Rebirth', datatype: 11, value: true }])

  // somebody says in our name that we are gone
  node.publish('spBv1.0/STATE/fengsui', '{"online":false,"timestamp":1}')
  const states = () => heard.filter(({ topic }) => topic.includes('STATE')).map(m => JSON.parse(String(m.payload)).online as boolean)
  await until(() => states().length === 3)
  expect(states()).toEqual([true, false, true])
  await gone()
  await until(() => states().length === 4)
  expect(states().at(-1)).toBe(false)
  expect(heard.filter(({ topic }) => topic.includes('NCMD'))).toHaveLength(1)
  answers.close()
})
