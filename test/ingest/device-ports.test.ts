// Ports of devices that speak for themselves: DC-09 panels over TCP, MEOKON terminals over TCP and UDP, MAVLink over UDP.
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { noLog, systemClock } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { InboundMessage } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { readPanelKeys } from '../../ingest/alarm-panel-dc09/keys.ts'
import { encodeLine } from '../../ingest/alarm-panel-dc09/line.ts'
import { startReceiver as startPanels } from '../../ingest/alarm-panel-dc09/receiver.ts'
import { createCatalogue, loadDecoders } from '../../ingest/catalogue.ts'
import { createIntake, type Refusal } from '../../ingest/intake.ts'
import { startListener } from '../../ingest/mavlink/listener.ts'
import { framesIn } from '../../ingest/meokon/frame.ts'
import { startReceiver as startTerminals } from '../../ingest/meokon/receiver.ts'
import { createRegister } from '../../ingest/register.ts'
import { until } from '../system/running.ts'

const opened: { close(): unknown }[] = []
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one.close()
})
const decoders = await loadDecoders()
const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures', name))

function door(commit: () => Promise<void> = async () => {}) {
  const messages: InboundMessage[] = []
  const refused: Refusal[] = []
  const append = async (m: InboundMessage) => {
    await commit()
    messages.push(m)
  }
  const intake = createIntake({
    append,
    refused: r => refused.push(r),
    clock: systemClock,
    meter: noMeter,
    maxPayloadBytes: 65_536,
    ratePerS: 0,
  })
  const catalogue = createCatalogue({ decoders })
  const decode = () => messages.flatMap(m => catalogue.decode(m).readings)
  return { messages, refused, decode, common: { host: '127.0.0.1', port: 0, intake, clock: systemClock, log: noLog, meter: noMeter } }
}
async function dial(port: number) {
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  socket.on('data', (chunk: Buffer) => (heard += chunk.toString('latin1')))
  await new Promise(resolve => socket.once('connect', resolve))
  opened.push({ close: () => socket.destroy() })
  return { socket, heard: () => heard }
}

describe('DC-09', () => {
  const FIRE = encodeLine('"ADM-CID"0017R1L2#1234[#1234|1110 00 007]_00:00:05,01-01-2026')

  test('a line is acknowledged when it is on disk, in any pieces, several in one', async () => {
    let isFull = true
    const { messages, refused, decode, common } = door(async () => {
      if (isFull) throw new FengsuiError('journal-unavailable', 'full')
    })
    const receiver = await startPanels(common)
    opened.push(receiver)
    const { socket, heard } = await dial(receiver.port)
    socket.write(FIRE)
    await until(() => refused.length === 1, 60_000, 'the refusal')
    await delay(30)
    expect(heard()).toBe('')
    isFull = false
    for (const byte of FIRE) {
      socket.write(Buffer.of(byte))
      await delay(0)
    }
    socket.write(Buffer.concat([FIRE, encodeLine('"NULL"0000L0#1234[]'), Buffer.from('\n12')]))
    await until(() => messages.length === 3, 60_000, 'three lines')
    await until(() => heard().split('\r').length === 4, 60_000, 'three answers')
    const ack = encodeLine('"ACK"0017R1L2#1234[]').toString('latin1')
    expect(heard()).toBe(`${ack}${ack}${encodeLine('"ACK"0000L0#1234[]').toString('latin1')}`)
    expect(messages.map(m => [m.topic, m.identity])).toEqual(Array.from({ length: 3 }, () => ['in/alarm-panel-dc09/1234', 'dc09:1234']))
    expect(decode()[0]).toMatchObject({ deviceId: 'dc09:1234/007', alarms: { fire: true } })
  })

  test('a damaged line gets a NAK with the time, an encrypted one DUH; neither is lost without a word', async () => {
    const { messages, refused, common } = door()
    const receiver = await startPanels({ ...common, clock: { nowMs: () => Date.parse('2026-01-02T03:04:05Z') } })
    opened.push(receiver)
    const { socket, heard } = await dial(receiver.port)
    const bad = Buffer.from(FIRE)
    bad[bad.length - 4] = (bad[bad.length - 4] ?? 0) ^ 1
    socket.write(Buffer.concat([bad, encodeLine('"*ADM-CID"0018R1L2#1234[9BAF3C]')]))
    await until(() => heard().split('\r').length === 3, 60_000, 'two answers')
    expect(heard()).toContain('"NAK"0000R0L0A0[]_03:04:05,01-02-2026')
    expect(heard()).toContain('"DUH"0018R1L2#1234[]')
    expect(refused.map(r => r.code)).toEqual(['decoder-failed', 'bad-credentials'])
    expect(messages).toEqual([])
  })

  describe('encrypted', () => {
    const NOW_MS = Date.parse('2026-01-01T00:00:05Z')
    const KEYS = {
      '1234': '000102030405060708090a0b0c0d0e0f',
      ABC: '000102030405060708090a0b0c0d0e0f1011121314151617',
      '77': '000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    }
    /** By the format, not by what is tested: pad, bar, data and time in whole blocks, no IV. */
    function sealed(account: string, text: string, key: string, token = '*ADM-CID'): Buffer {
      const bytes = Buffer.from(key, 'hex')
      const pad = Buffer.alloc(16 - ((text.length + 1) % 16), 0xfe)
      const cipher = createCipheriv(`aes-${bytes.length * 8}-cbc`, bytes, Buffer.alloc(16)).setAutoPadding(false)
      const hex = Buffer.concat([cipher.update(Buffer.concat([pad, Buffer.from(`|${text}`, 'latin1')])), cipher.final()]).toString('hex')
      return encodeLine(`"${token}"0042R1L2#${account}[${hex.toUpperCase()}`)
    }
    function openedAnswer(heard: string, key: string): string {
      const hex = /"\*ACK"0042R1L2#\w+\[([0-9A-F]+)\r$/.exec(heard)?.[1] ?? ''
      const bytes = Buffer.from(key, 'hex')
      const cipher = createDecipheriv(`aes-${bytes.length * 8}-cbc`, bytes, Buffer.alloc(16)).setAutoPadding(false)
      return Buffer.concat([cipher.update(Buffer.from(hex, 'hex')), cipher.final()]).toString('latin1')
    }
    async function panels(more: { account: string; hex?: string; text?: string; anyTime?: boolean }[] = []) {
      const dir = mkdtempSync(join(tmpdir(), 'dc09-'))
      opened.push({ close: () => rmSync(dir, { recursive: true }) })
      const file = join(dir, 'keys.json')
      writeFileSync(file, JSON.stringify({ keys: [...Object.entries(KEYS).map(([account, hex]) => ({ account, hex })), ...more] }))
      const all = door()
      const receiver = await startPanels({ ...all.common, clock: { nowMs: () => NOW_MS }, keyOf: readPanelKeys(file) })
      opened.push(receiver)
      const line = await dial(receiver.port)
      const asked = async (bytes: Buffer): Promise<string> => {
        const before = line.heard().length
        line.socket.write(bytes)
        await until(() => line.heard().length > before && line.heard().endsWith('\r'), 60_000, 'an answer')
        return line.heard().slice(before)
      }
      return { ...all, asked }
    }

    test('with 128, 192 and 256 bits: read, journalled in the clear, and acknowledged encrypted with the time', async () => {
      const { messages, decode, asked } = await panels()
      for (const [account, key] of Object.entries(KEYS)) {
        const answer = await asked(sealed(account, `#${account}|1110 00 007]_00:00:01,01-01-2026`, key))
        expect(openedAnswer(answer, key)).toMatch(/^[^|[\]]{1,16}\|\]_00:00:05,01-01-2026$/)
      }
      const first = messages.find(m => m.identity === 'dc09:1234')
      expect(Buffer.from(first?.payload ?? []).toString('latin1')).toBe(
        encodeLine('"ADM-CID"0042R1L2#1234[#1234|1110 00 007]_00:00:01,01-01-2026').toString('latin1'),
      )
      const fires = decode().filter(r => r.alarms.fire === true)
      expect(fires.map(r => r.deviceId).toSorted()).toEqual(['dc09:1234/007', 'dc09:77/007', 'dc09:ABC/007'])
    })

    test('a NULL and SIA codes with text; a message that fills its blocks has a whole block of pad', async () => {
      const { decode, asked } = await panels()
      await asked(sealed('1234', ']_00:00:01,01-01-2026', KEYS[1234], '*NULL'))
      const full = '#1234|Nri1/FA015][Icaf\u00e9 4, west stairs 2nd]_00:00:01,01-01-2026'
      expect((full.length + 1) % 16).toBe(0)
      await asked(sealed('1234', full, KEYS[1234], '*SIA-DCS'))
      expect(decode()).toMatchObject([
        { deviceId: 'dc09:1234', online: true },
        { deviceId: 'dc09:1234/015', alarms: { fire: true } },
      ])
    })

    test('a time that is not now is answered with the time, so an old line cannot be sent again', async () => {
      const { messages, refused, asked } = await panels([{ account: 'F00', text: 'sixteen letters!', anyTime: true }])
      const at = (time: string) => sealed('1234', `#1234|1110 00 007]${time}`, KEYS[1234])
      for (const time of ['_23:59:24,12-31-2025', '_00:00:26,01-01-2026', ''])
        expect(await asked(at(time))).toContain('"NAK"0000R0L0A0[]_00:00:05,01-01-2026')
      expect(refused.map(r => [r.code, r.identity])).toEqual(Array.from({ length: 3 }, () => ['clock-implausible', 'dc09:1234']))
      expect(messages).toEqual([])
      for (const time of ['_23:59:25,12-31-2025', '_00:00:25,01-01-2026']) expect(await asked(at(time))).toContain('"*ACK"')
      // told not to hold this panel's clock against ours
      const old = sealed('F00', '#F00|1110 00 007]_00:00:01,01-01-2001', Buffer.from('sixteen letters!').toString('hex'))
      expect(await asked(old)).toContain('"*ACK"')
      expect(messages).toHaveLength(3)
    })

    test('another key, damaged blocks, no key, and no encryption where there is a key: DUH, and nothing gets in', async () => {
      const { messages, refused, asked } = await panels()
      const text = '#1234|1110 00 007]_00:00:01,01-01-2026'
      const DUH = '"DUH"0042R1L2#1234[]'
      expect(await asked(sealed('1234', text, KEYS[77]))).toContain(DUH)
      expect(await asked(encodeLine('"*ADM-CID"0042R1L2#1234[00112233445566778899AABBCCDDEEFF00'))).toContain(DUH)
      expect(await asked(encodeLine('"*ADM-CID"0042R1L2#1234['))).toContain(DUH)
      expect(await asked(sealed('9999', text, KEYS[77]))).toContain('"DUH"0042R1L2#9999[]')
      expect(await asked(encodeLine('"ADM-CID"0042R1L2#1234[#1234|1110 00 007]'))).toContain(DUH)
      expect(refused.map(r => r.code)).toEqual(Array.from({ length: 5 }, () => 'bad-credentials'))
      expect(JSON.stringify(refused)).not.toContain(KEYS[77])
      expect(messages).toEqual([])
      // one without a key of its own may speak in the clear
      expect(await asked(encodeLine('"ADM-CID"0042R1L2#9999[#9999|1110 00 007]'))).toContain('"ACK"')
    })

    test('one key for all; what is wrong in the file is named, never what stands there', async () => {
      const { asked } = await panels([{ account: '*', text: 'sixteen letters!' }])
      const line = sealed('5150', '#5150|1110 00 007]_00:00:01,01-01-2026', Buffer.from('sixteen letters!').toString('hex'))
      expect(await asked(line)).toContain('"*ACK"0042R1L2#5150[')
      const dir = mkdtempSync(join(tmpdir(), 'dc09-'))
      opened.push({ close: () => rmSync(dir, { recursive: true }) })
      const file = join(dir, 'keys.json')
      for (const keys of [[{ account: '1', hex: 'secret' }], [{ account: '1' }], [{ account: 'x', text: 'sixteen letters!' }], []]) {
        writeFileSync(file, JSON.stringify({ keys }))
        expect(() => readPanelKeys(file)).toThrow(/FENGSUI_DC09_KEYS_FILE/)
        expect(() => readPanelKeys(file)).not.toThrow(/secret|sixteen/)
      }
    })
  })

  test('bytes without end are not kept', async () => {
    const { common } = door()
    const receiver = await startPanels(common)
    opened.push(receiver)
    const { socket, heard } = await dial(receiver.port)
    for (let i = 0; i < 20; i++) socket.write(Buffer.alloc(50_000, 0x20))
    socket.write(FIRE)
    await until(() => heard().includes('"ACK"'), 60_000, 'the line behind them')
  })
})

describe('MEOKON', () => {
  const frame = fixture('meokon/hydrant-bytes.bin')
  test('frames over TCP in pieces, over UDP in datagrams', async () => {
    const { messages, refused, decode, common } = door()
    const receiver = await startTerminals(common)
    opened.push(receiver)
    const { socket } = await dial(receiver.port)
    let answered = Buffer.alloc(0)
    socket.on('data', bytes => (answered = Buffer.concat([answered, Buffer.from(bytes)])))
    for (const byte of Buffer.concat([Buffer.from([0xa5, 0x00]), frame, frame])) {
      socket.write(Buffer.of(byte))
    }
    await until(() => messages.length === 2 && answered.length === 54, 60_000, 'two frames, and their answers')
    // A5 5A FF, 27 bytes, the terminal's id, the time, nothing more, sum, 55 AA
    const clockS = answered.readUInt32BE(17)
    const want = `a55aff001b${frame.toString('hex', 5, 17)}${clockS.toString(16).padStart(8, '0')}0000`
    expect(answered.toString('hex', 0, 23)).toBe(want)
    expect(Math.abs(clockS - Date.now() / 1000)).toBeLessThan(10)
    expect(framesIn(answered.subarray(27), true).frames).toHaveLength(0) // shorter than any upload
    const udp = createSocket('udp4')
    const heard: Buffer[] = []
    udp.on('message', bytes => heard.push(bytes))
    opened.push({ close: () => udp.close() })
    udp.send(frame, receiver.port, '127.0.0.1')
    udp.send(Buffer.from('no frame'), receiver.port, '127.0.0.1')
    await until(() => messages.length === 3 && refused.length === 1, 60_000, 'the datagrams')
    expect(messages.every(m => Buffer.compare(m.payload, frame) === 0)).toBe(true)
    await until(() => heard.length === 1, 60_000, 'an answer by datagram')
    expect(heard[0]?.toString('hex', 0, 17)).toBe(want.slice(0, 34))
    expect(decode().every(r => r.deviceId.startsWith('meokon:'))).toBe(true)
    expect(refused[0]?.code).toBe('decoder-failed')
  })
  test('what is not on disk, and who is not registered, gets no answer', async () => {
    const full = door(async () => {
      throw new FengsuiError('journal-unavailable', 'the disk is full')
    })
    const strange = door()
    const refusing = await startTerminals(full.common)
    const closed = await startTerminals({ ...strange.common, isKnown: () => false })
    opened.push(refusing, closed)
    for (const receiver of [refusing, closed]) {
      const { socket } = await dial(receiver.port)
      let bytes = 0
      socket.on('data', data => (bytes += data.length))
      socket.write(frame)
      await until(() => full.refused.length + strange.refused.length >= (receiver === refusing ? 1 : 2), 60_000, 'it is refused')
      await delay(20)
      expect(bytes).toBe(0)
    }
    expect([full.refused[0]?.code, strange.refused[0]?.code]).toEqual(['journal-unavailable', 'not-your-topic'])
  })
})

describe('MAVLink', () => {
  test('once a second the newest of each kind, bad news at once', async () => {
    const { messages, decode, common } = door()
    const listener = await startListener({ ...common, everyMs: 200 })
    opened.push(listener)
    const udp = createSocket('udp4')
    opened.push({ close: () => udp.close() })
    const position = fixture('mavlink/position-two-packets.bin')
    for (let i = 0; i < 50; i++) udp.send(position, listener.port, '127.0.0.1')
    await until(() => messages.length === 1, 60_000, 'the first second')
    expect(decode()[0]).toMatchObject({ kind: 'drone', position: expect.anything() as unknown })
    // what is no packet stays out
    expect(messages[0]!.payload.length).toBeLessThan(position.length)
    expect(listener.vehicles()).toBe(1)
    await delay(250)
    expect(messages).toHaveLength(1)
    udp.send(Buffer.alloc(300, 0xfd), listener.port, '127.0.0.1')
    await delay(50)
    expect(messages).toHaveLength(1)
  })
})

test('a vehicle in a critical state is told at once', async () => {
  const { messages, decode, common } = door()
  const listener = await startListener({ ...common, everyMs: 60_000 })
  opened.push(listener)
  const udp = createSocket('udp4')
  opened.push({ close: () => udp.close() })
  for (let i = 0; i < 5; i++) udp.send(fixture('mavlink/heartbeat-critical.bin'), listener.port, '127.0.0.1')
  await until(() => messages.length > 0, 60_000, 'the heartbeat')
  await delay(50)
  expect(messages).toHaveLength(1)
  expect(decode()[0]?.alarms.fault).toBe(true)
})

test('who is registered: itself or something behind it, a second behind the list', () => {
  let nowMs = 0
  const rows = [
    { change: 1, deviceId: 'gb:5001/1/3.17', device: {} as object | null },
    { change: 2, deviceId: 'dc09:1', device: {} },
  ]
  const isKnown = createRegister(
    after => rows.filter(row => row.change > after),
    () => nowMs,
  )
  expect(['gb:5001', 'gb:5001/1', 'gb:500', 'gb:5001/1/3.18', 'dc09:1'].map(isKnown)).toEqual([true, true, false, false, true])
  rows.push({ change: 3, deviceId: 'gb:5001/1/3.17', device: null })
  expect(isKnown('gb:5001')).toBe(true)
  nowMs = 1_000
  expect(isKnown('gb:5001')).toBe(false)
})
