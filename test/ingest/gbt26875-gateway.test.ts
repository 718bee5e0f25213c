// The GB/T 26875.3 centre, spoken to by a simulated transmitter: nothing is acknowledged before it is safe, whatever pieces the bytes come
// in, and what it orders is carried out.
import { createSocket } from 'node:dgram'
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import * as fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { loadDecoders } from '../../ingest/catalogue.ts'
import { decoder } from '../../ingest/decoders/gbt26875.ts'
import { DEFAULT_TIME_ZONE, openZone } from '#contracts/zone.ts'
import { encodeFrame, framesIn } from '../../ingest/gbt26875/frame.ts'
import { startGateway, type Gateway, type GatewayOptions } from '../../ingest/gbt26875/gateway.ts'
import { initialise } from '../../ingest/gbt26875/orders.ts'
import { FrameStream, INCOMPLETE_MS } from '../../ingest/gbt26875/stream.ts'
import { createIntake, type Refusal } from '../../ingest/intake.ts'
import { createLanes } from '../../ingest/lanes.ts'
import { createMemory } from '../../ingest/memory.ts'
import { Transmitter, type TransmitterOptions } from '../../simulators/transmitter.ts'
import { until } from '../system/running.ts'

const laneOf = createLanes(await loadDecoders())
const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})

type Disk = { messages: (InboundMessage & { lane: string })[]; refused: Refusal[]; commit(m: InboundMessage): Promise<void> }
const disk = (): Disk => ({ messages: [], refused: [], commit: async () => {} })

async function centre(to: Disk, more: Partial<GatewayOptions> = {}): Promise<Gateway> {
  const append = async (m: InboundMessage) => {
    await to.commit(m)
    to.messages.push({ ...m, lane: laneOf(m.topic)(m.payload, 0, m.payload.length) })
  }
  const intake = createIntake({
    append,
    refused: r => to.refused.push(r),
    clock: systemClock,
    meter: noMeter,
    maxPayloadBytes: 65_536,
    ratePerS: 0,
  })
  const gateway = await startGateway({ host: '127.0.0.1', port: 0, intake, clock: systemClock, log: noLog, meter: noMeter, ...more })
  opened.push(gateway)
  return gateway
}
async function transmitter(gateway: Gateway, more: Partial<TransmitterOptions> = {}): Promise<Transmitter> {
  const one = await Transmitter.connect({ host: '127.0.0.1', port: gateway.port, address: 5001, answerMs: 500, ...more })
  opened.push(one)
  return one
}
const BEIJING = openZone(DEFAULT_TIME_ZONE)
const FIRE = { type: 40, zone: 3, position: 17, status: 0x0002, text: 'corridor', atMs: Date.now() }

const stream = Buffer.concat(
  readdirSync(join(import.meta.dirname, '../fixtures/gbt26875'))
    .filter(file => file.endsWith('.bin'))
    .map(file => readFileSync(join(import.meta.dirname, '../fixtures/gbt26875', file))),
)

test('a stream cut at any points gives the same frames', () => {
  const seen = (pieces: readonly Uint8Array[]) => {
    const reader = new FrameStream()
    return pieces
      .flatMap(piece => reader.push(piece, 0))
      .map(one => `${'frame' in one ? 'frame' : 'damaged'} ${Buffer.from(one.bytes).toString('hex')}`)
  }
  const noise = Buffer.from('@@@\0\u0001#@', 'latin1')
  const whole = Buffer.concat([noise, stream, noise, Buffer.from('@'), stream, Buffer.from('@@')])
  const want = seen([whole])
  expect(want.filter(one => one.startsWith('frame')).length).toBeGreaterThan(8)
  expect(want.filter(one => one.startsWith('damaged')).length).toBeGreaterThan(0)
  const cuts = fc.array(fc.nat(whole.length), { minLength: 1, maxLength: 40 })
  fc.assert(
    fc.property(cuts, at => {
      const edges = [0, ...at.toSorted((a, b) => a - b), whole.length]
      expect(seen(edges.slice(1).map((end, i) => whole.subarray(edges[i], end)))).toEqual(want)
    }),
    // twenty cuts each: 10,000 places
    { numRuns: 500 },
  )
  for (let at = 0; at <= whole.length; at++) {
    if (seen([whole.subarray(0, at), whole.subarray(at)]).length !== want.length) throw new Error(`cut at ${at}`)
  }
  expect(seen([...whole].map(byte => Uint8Array.of(byte)))).toEqual(want)
})

test('a header with a wrong length does not hold back the frame behind it for longer than its time', () => {
  const broken = Buffer.from(
    encodeFrame({ seq: 1, version: '1.0', sentMs: 0, zone: BEIJING, source: '1', target: '2', command: 2, data: Buffer.alloc(20) }),
  )
  broken.writeUInt16LE(1_000, 24)
  const good = encodeFrame({ seq: 2, version: '1.0', sentMs: 0, zone: BEIJING, source: '1', target: '2', command: 2 })
  const reader = new FrameStream()
  expect(reader.push(Buffer.concat([broken, good]), 1_000)).toEqual([])
  expect(reader.expire(1_000 + INCOMPLETE_MS)).toEqual([])
  const late = reader.expire(1_001 + INCOMPLETE_MS)
  expect(late.map(one => 'frame' in one && one.frame.seq)).toEqual([2])
  expect(reader.isWaiting).toBe(false)
})

test('clocks are set to the time of the district, and read as that: Beijing unless another is named', async () => {
  const zone = openZone('America/New_York')
  const to = disk()
  const device = await transmitter(await centre(to, { zone }), { zone })
  // half an hour ago: it differs from arrival by more than a clock may, and by less than a zone does
  await device.components([{ ...FIRE, atMs: Date.now() - 1_800_000 }])
  await until(() => device.clockSetAtMs > 0, 60_000, 'the clock')
  expect(Math.abs(device.clockSetAtMs - Date.now())).toBeLessThan(3_000)
  const message = { ...to.messages.find(m => m.payload[27] === 2)!, retain: false }
  const [local] = decoder.decode(message, createMemory(), zone).readings
  expect(local?.tsSource).toBe('device')
  expect(Math.abs(Date.parse(local?.ts ?? '') - (Date.now() - 1_800_000))).toBeLessThan(5_000)
  const [elsewhere] = decoder.decode(message, createMemory()).readings
  expect(Math.abs(Date.parse(elsewhere?.ts ?? '') - Date.parse(local?.ts ?? '')), 'read as Beijing time').toBeGreaterThan(600_000)
})

test('what is made here is read here, and its time is Beijing time', () => {
  const sentMs = Date.parse('2026-01-01T00:00:05Z')
  const bytes = encodeFrame({
    seq: 65_535,
    version: '16.1',
    sentMs,
    zone: BEIJING,
    source: '281474976710655',
    target: '7',
    command: 3,
    data: Buffer.from([1, 2]),
  })
  const [frame] = framesIn(bytes).frames
  expect(frame).toMatchObject({
    seq: 65_535,
    version: '16.1',
    sentWallMs: Date.parse('2026-01-01T08:00:05Z'),
    source: '281474976710655',
    target: '7',
    command: 3,
  })
})

test('acknowledged when it is on disk, not before; a fire goes in the quick lane, a heartbeat does not', async () => {
  const to = disk()
  let release = (): void => {}
  const gate = new Promise<void>(resolve => (release = resolve))
  to.commit = () => gate
  const device = await transmitter(await centre(to), { pieceBytes: 7, answerMs: 10_000 })
  let answer: string | null = null
  const sent = device.components([FIRE]).then(outcome => (answer = outcome))
  await delay(150)
  expect(answer).toBeNull()
  release()
  await sent
  expect(answer).toBe('acknowledged')
  expect(await device.heartbeat()).toBe('acknowledged')
  expect(to.messages.map(m => [m.topic, m.identity, m.lane])).toEqual([
    ['in/gbt26875/5001', 'gb:5001', 'alarm'],
    ['in/gbt26875/5001', 'gb:5001', 'bulk'],
  ])
  const { readings } = decoder.decode({ ...to.messages[0]!, retain: false }, createMemory())
  expect(readings[0]).toMatchObject({ deviceId: 'gb:5001/1/3.17', kind: 'smoke', alarms: { fire: true, smoke: true } })
})

test('a fire does not wait for what was sent before it and is not on disk', async () => {
  const to = disk()
  let release = (): void => {}
  const gate = new Promise<void>(resolve => (release = resolve))
  to.commit = m => (laneOf(m.topic)(m.payload, 0, m.payload.length) === 'alarm' ? Promise.resolve() : gate)
  const device = await transmitter(await centre(to), { answerMs: 10_000 })
  const slow = device.heartbeat()
  expect(await device.components([FIRE])).toBe('acknowledged')
  release()
  expect(await slow).toBe('acknowledged')
})

test('what the journal refuses is not acknowledged; it is sent again and then is', async () => {
  const to = disk()
  let tries = 0
  to.commit = async () => {
    if (++tries === 1) throw new FengsuiError('journal-unavailable', 'the disk is full')
  }
  const device = await transmitter(await centre(to), { answerMs: 200 })
  expect(await device.components([FIRE])).toBe('acknowledged')
  expect(tries).toBe(2)
  expect(to.messages).toHaveLength(1)
  expect(to.refused.map(r => r.code)).toEqual(['journal-unavailable'])
})

test('a frame sent again because the acknowledgement was lost is marked, a heartbeat never', async () => {
  const to = disk()
  const nowMs = Date.now()
  const device = await transmitter(await centre(to), { answerMs: 100, nowMs: () => nowMs })
  device.loseAcks = 1
  expect(await device.components([FIRE])).toBe('acknowledged')
  device.loseAcks = 1
  expect(await device.heartbeat()).toBe('acknowledged')
  expect(to.messages.map(m => m.dup)).toEqual([false, true, false, false])
})

test('a wrong sum is answered with a nak and shown to people, garbage is passed over', async () => {
  const to = disk()
  const gateway = await centre(to)
  const socket = connect(gateway.port, '127.0.0.1')
  const heard: Buffer[] = []
  socket.on('data', (chunk: Buffer) => heard.push(chunk))
  opened.push({ close: () => socket.destroy() })
  const good = encodeFrame({ seq: 9, version: '1.0', sentMs: Date.now(), zone: BEIJING, source: '77', target: '1', command: 2 })
  const bad = Buffer.from(good)
  bad[bad.length - 3] = (bad[bad.length - 3] ?? 0) ^ 1
  socket.write(Buffer.concat([Buffer.from('GET / HTTP/1.1\r\n@'), bad, Buffer.from('@@@'), good]))
  await until(() => framesIn(Buffer.concat(heard)).frames.length >= 3, 60_000, 'answers')
  const answers = framesIn(Buffer.concat(heard)).frames
  expect(answers.slice(0, 2).map(f => [f.command, f.seq, f.source, f.target])).toEqual([
    [6, 9, '1', '77'],
    [3, 9, '1', '77'],
  ])
  expect(answers[2]).toMatchObject({ command: 1, data: expect.objectContaining({ 0: 90 }) as unknown })
  expect(to.refused).toMatchObject([{ code: 'decoder-failed', identity: 'gb:77', reason: expect.stringContaining('checksum') as unknown }])
})

test('the clock is set at the first word; a duty check is answered, or missed and told', async () => {
  const to = disk()
  const gateway = await centre(to)
  const ordered: number[] = []
  const device = await transmitter(gateway, { ordered: type => ordered.push(type) })
  await device.heartbeat()
  await until(() => device.clockSetAtMs > 0, 60_000, 'the clock')
  expect(Math.abs(device.clockSetAtMs - Date.now())).toBeLessThan(3_000)
  expect(await gateway.dutyCheck('5001', 5)).toBe('acknowledged')
  await until(() => to.messages.some(m => m.payload[27] === 24), 60_000, 'the answer')
  const answer = decoder.decode({ ...to.messages.at(-1)!, retain: false }, createMemory()).readings[0]
  expect(answer).toMatchObject({ deviceId: 'gb:5001', state: { dutyCheckAnswered: true }, alarms: { supervisory: false } })

  const idle = await transmitter(gateway, { address: 5002, isOnDuty: false })
  await idle.heartbeat()
  expect(await gateway.dutyCheck('5002', 0.002)).toBe('acknowledged')
  await until(() => to.messages.some(m => m.payload[0] === 0x7b), 60_000, 'the miss')
  const missed = decoder.decode({ ...to.messages.at(-1)!, retain: false }, createMemory()).readings[0]
  expect(missed).toMatchObject({ deviceId: 'gb:5002', alarms: { supervisory: true }, state: { dutyCheckAnswered: false } })
  expect(await gateway.order('5002', initialise())).toBe('acknowledged')
  await expect(gateway.order('5003', initialise())).rejects.toMatchObject({ code: 'not-found' })
  expect(ordered).toEqual([90, 91])
})

test('one that has gone is told, one that comes back at once is not', async () => {
  const to = disk()
  const gateway = await centre(to, { goneAfterMs: 150 })
  const first = await transmitter(gateway)
  await first.heartbeat()
  first.close()
  const back = await transmitter(gateway)
  await back.heartbeat()
  await delay(300)
  expect(to.messages.filter(m => m.payload[0] === 0x7b)).toEqual([])
  back.close()
  await until(() => to.messages.some(m => m.payload[0] === 0x7b), 60_000, 'the note')
  const gone = decoder.decode({ ...to.messages.at(-1)!, retain: false }, createMemory()).readings[0]
  expect(gone).toMatchObject({ deviceId: 'gb:5001', online: false })
  expect(gateway.connected()).toBe(0)
})

test('where only registered ones may speak, others get a nak and reach nothing', async () => {
  const to = disk()
  const gateway = await centre(to, { isKnown: id => id === 'gb:5001' })
  expect(await (await transmitter(gateway, { address: 6001 })).components([FIRE])).toBe('refused')
  expect(to.messages).toEqual([])
  expect(to.refused).toMatchObject([{ code: 'not-your-topic', identity: 'gb:6001' }])
  expect(await (await transmitter(gateway)).components([FIRE])).toBe('acknowledged')
})

test('over UDP: acknowledged when on disk to where it came from, a repeat is marked, orders go the same way, silence is told', async () => {
  const to = disk()
  const gateway = await centre(to, { idleMs: 400, goneAfterMs: 50 })
  const socket = createSocket('udp4')
  opened.push(socket)
  const got: { command: number; seq: number }[] = []
  const frames = (bytes: Uint8Array) => new FrameStream().push(bytes, 0).flatMap(one => ('frame' in one ? [one.frame] : []))
  socket.on('message', bytes => void got.push(...frames(bytes)))
  const data = readFileSync(join(import.meta.dirname, '../fixtures/gbt26875/heartbeat.bin'))
  const fire = frames(stream).find(({ data: [type] }) => type === 2)!
  const say = (seq: number, of: { command: number; data: Uint8Array }) =>
    encodeFrame({ seq, version: '1.0', sentMs: Date.now(), zone: BEIJING, source: '7001', target: '2', ...of })
  const first = say(5, { command: 2, data: fire.data })
  for (const bytes of [first, first, data.subarray(0, 9), say(6, { command: 2, data: Buffer.alloc(0) })])
    await new Promise(resolve => socket.send(bytes, gateway.port, '127.0.0.1', resolve))
  await until(() => got.filter(({ command }) => command === 3).length >= 3, 60_000, 'three acknowledgements')
  expect(
    got
      .filter(({ command }) => command === 3)
      .map(({ seq }) => seq)
      .toSorted(),
  ).toEqual([5, 5, 6])
  expect(got.some(({ command }) => command === 1)).toBe(true) // its clock is set
  expect(to.messages.map(m => [m.topic, m.dup])).toEqual([
    ['in/gbt26875/7001', false],
    ['in/gbt26875/7001', true],
    ['in/gbt26875/7001', false],
  ])
  expect(gateway.connected()).toBe(1)
  await until(() => to.messages.some(m => Buffer.from(m.payload).includes('disconnected')), 60_000, 'it has gone')
  expect(gateway.connected()).toBe(0)
})
