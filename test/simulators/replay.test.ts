// Recordings: read strictly, moved in time, and published to a real broker in order with every message acknowledged.
import { spawn } from 'node:child_process'
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { mergeRecordings, parseLine, readRecording, type Recorded } from '../../simulators/recording.ts'
import { survey } from '../../simulators/replayer.ts'
import { shiftedPayload, shiftFor } from '../../simulators/shift.ts'
import { startTestBroker } from './setup.ts'

const dir = mkdtempSync(join(tmpdir(), 'fengsui-replay-'))
const START_MS = Date.UTC(2026, 0, 5, 14, 40)
const line = (atMs: number, topic: string, payload: unknown, more: object = {}) =>
  JSON.stringify({ receivedAt: new Date(START_MS + atMs).toISOString(), topic, qos: 1, retain: false, payload, ...more })
const reading = (deviceId: string, atMs: number) =>
  line(atMs, `fire/v1/smoke/${deviceId}/telemetry`, { v: 1, deviceId, kind: 'smoke', ts: START_MS + atMs, smoke: { temperatureC: 21 } })
const file = (name: string, lines: string[]) => {
  const path = join(dir, name)
  writeFileSync(path, name.endsWith('.gz') ? gzipSync(lines.join('\n')) : lines.join('\n'))
  return path
}
const collect = async <T>(from: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = []
  for await (const item of from) all.push(item)
  return all
}
function replay(args: string[]): Promise<{ code: number | null; out: string; err: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(import.meta.dirname, '../../simulators/replay.ts'), ...args])
    let out = ''
    let err = ''
    child.stdout.on('data', chunk => (out += String(chunk)))
    child.stderr.on('data', chunk => (err += String(chunk)))
    child.on('error', reject)
    child.on('close', code => resolve({ code, out, err }))
  })
}

describe('reading', () => {
  test.each([
    ['not JSON', '{"receivedAt":', /line 2: not JSON/],
    ['no time', line(0, 'a/b', 1).replace('2026', 'once'), /receivedAt/],
    ['a wildcard', line(0, 'a/#', 1), /topic/],
    ['a wrong QoS', line(0, 'a/b', 1, { qos: 3 }), /qos/],
    ['both payloads', line(0, 'a/b', 1, { payloadBase64: 'AA==' }), /exactly one/],
    ['no payload', line(0, 'a/b', undefined), /exactly one/],
  ])('%s is refused with file and line', async (_what, bad, reason) => {
    const path = file('bad.jsonl', [reading('d1', 0), bad, reading('d1', 2)])
    await expect(collect(readRecording(path))).rejects.toThrow(reason)
    await expect(collect(readRecording(path))).rejects.toThrow(`${path} line 2`)
  })
  test('a file that is not there, or is no gzip, is named', async () => {
    await expect(collect(readRecording(join(dir, 'none.jsonl')))).rejects.toThrow(/none\.jsonl.*ENOENT/)
    const path = join(dir, 'plain.jsonl.gz')
    writeFileSync(path, 'this is not gzip')
    await expect(collect(readRecording(path))).rejects.toThrow(/plain\.jsonl\.gz/)
  })
  test('a torn gzip is an error, never a shorter recording', async () => {
    const whole = gzipSync(Array.from({ length: 2000 }, (_, i) => reading(`d${i}`, i)).join('\n'))
    const path = join(dir, 'torn.jsonl.gz')
    writeFileSync(path, whole.subarray(0, Math.floor(whole.length * 0.7)))
    await expect(collect(readRecording(path))).rejects.toThrow(/torn\.jsonl\.gz/)
  })
  test('two homes begin together, whatever their dates, and keep their own order', async () => {
    const a = file('a.jsonl.gz', [reading('a', 0), reading('a', 1000), reading('a', 5000)])
    const b = file('b.jsonl', [reading('b', 86_400_000), reading('b', 86_400_500), reading('b', 86_400_400)])
    const merged = await collect(mergeRecordings([a, b]))
    expect(merged.map(m => [m.topic.split('/')[3], m.offsetMs])).toEqual([
      ['a', 0],
      ['b', 0],
      ['b', 500],
      ['b', 500],
      ['a', 1000],
      ['a', 5000],
    ])
  })
  test('a survey counts to the limit and learns devices and foreign prefixes', async () => {
    const about = line(
      0,
      'fire/v1/smoke/a/about',
      { v: 1, deviceId: 'a', kind: 'smoke', place: { building: 'h', room: '1' } },
      { retain: true },
    )
    const path = file('survey.jsonl', [about, reading('a', 10), line(20, 'zigbee2mqtt/kitchen', { smoke: false }), reading('c', 30)])
    const found = await survey([path], 3)
    expect(found.messages).toBe(3)
    expect(found.offsetEndMs).toBe(20)
    expect([...found.devices]).toEqual([['a', { kind: 'smoke', about: expect.objectContaining({ place: { building: 'h', room: '1' } }) }]])
    expect([...found.foreign]).toEqual(['zigbee2mqtt'])
  })
})

describe('moving times', () => {
  const recorded = (text: string): Recorded => parseLine(text, 'here')
  const tsOf = (m: Recorded, shiftMs: number) => (JSON.parse(String(shiftedPayload(m, shiftMs))) as { ts: unknown }).ts
  const native = (ts: unknown) => recorded(line(0, 'fire/v1/smoke/a/telemetry', { v: 1, ts }))

  test('numbers stay numbers, texts stay RFC 3339, both by the same shift', () => {
    expect(tsOf(native(START_MS), 5000)).toBe(START_MS + 5000)
    expect(tsOf(native('2026-01-05T22:40:00.250+08:00'), 5000)).toBe('2026-01-05T14:40:05.250Z')
  })
  test('what is no time, other families and raw bytes stay as they were', () => {
    expect(tsOf(native('yesterday'), 5000)).toBe('yesterday')
    expect(shiftedPayload(recorded(line(0, 'frigate/events', { ts: START_MS })), 5000)).toBe(JSON.stringify({ ts: START_MS }))
    const raw = recorded(line(0, 'fire/v1/smoke/a/telemetry', undefined, { payloadBase64: 'AAEC' }))
    expect([...(shiftedPayload(raw, 5000) as Uint8Array)]).toEqual([0, 1, 2])
  })
  test.each([
    [1, 60_000],
    [10, 6000],
    [0, 0],
  ])('at speed %i the last message carries the time at which it is sent', (speed, lastsMs) => {
    const nowMs = Date.UTC(2026, 5, 1)
    const shiftMs = shiftFor({ fileStartMs: START_MS, offsetEndMs: 60_000, speed, nowMs })
    expect(START_MS + 60_000 + shiftMs).toBe(nowMs + lastsMs)
  })
})

describe('the command', () => {
  const messages = Array.from({ length: 600 }, (_, i) => reading(`d${i % 7}`, i * 10))
  const recording = file('whole.jsonl.gz', [
    line(0, 'fire/v1/smoke/d0/about', { v: 1, deviceId: 'd0', kind: 'smoke' }, { retain: true }),
    ...messages,
  ])

  test('publishes every message in order with its QoS and retain, times moved, and ends with 0', async () => {
    const broker = await startTestBroker()
    const { code, out, err } = await replay([recording, '--speed', '0', '--url', `mqtt://127.0.0.1:${broker.port}`])
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out).toContain('601 of 601 messages acknowledged')
    expect(broker.heard).toHaveLength(601)
    expect(broker.heard[0]).toMatchObject({ topic: 'fire/v1/smoke/d0/about', retain: true, qos: 1 })
    const ts = broker.heard.slice(1).map(h => (JSON.parse(String(h.payload)) as { ts: number }).ts)
    expect(ts).toEqual(ts.toSorted((a, b) => a - b))
    expect(Math.abs(ts.at(-1)! - Date.now())).toBeLessThan(30_000)
    await broker.stop()
  })
  test('keeps the recorded pace divided by speed', async () => {
    const broker = await startTestBroker()
    const startedMs = Date.now()
    const { code } = await replay([recording, '--speed', '4', '--url', `mqtt://127.0.0.1:${broker.port}`])
    expect(code).toBe(0)
    expect(Date.now() - startedMs).toBeGreaterThan(1450)
    await broker.stop()
  })
  test('limits, and signs in with the user it is given', async () => {
    const broker = await startTestBroker({ accept: (u, p) => u === 'me' && p === 'secret word' })
    const url = `mqtt://127.0.0.1:${broker.port}`
    expect(
      await replay([recording, '--limit', '5', '--speed', '0', '--url', url, '--user', 'me', '--password', 'secret word']),
    ).toMatchObject({ code: 0 })
    expect(broker.heard).toHaveLength(5)
    const refused = await replay([recording, '--speed', '0', '--url', url, '--user', 'me', '--password', 'wrong word'])
    expect(refused.code).toBe(2)
    expect(refused.err).toMatch(/refused user 'me'/)
    expect(refused.err + refused.out).not.toContain('wrong word')
    await broker.stop()
  })
  test('bad usage and bad files end with 2 and say what is wrong', async () => {
    const bad = file('bad-command.jsonl', [reading('a', 0), 'oops'])
    const cases: [string[], RegExp][] = [
      [[], /which recording/],
      [[recording, '--speed', 'fast'], /--speed fast/],
      [[recording, '--sped', '1'], /--sped/],
      [[recording, '--url', 'ftp://x'], /--url/],
      [[bad], /bad-command\.jsonl line 2/],
    ]
    for (const [args, reason] of cases) {
      const { code, err } = await replay(args)
      expect(code, args.join(' ')).toBe(2)
      expect(err).toMatch(reason)
    }
  })
})
