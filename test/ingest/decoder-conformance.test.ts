// What holds for every decoder, found as the loader finds them (and the blueprint that new ones are copied from): it never throws,
// it is a pure function of message and memory, and what it answers is canonical or says why not.
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { ERROR_CODES } from '#contracts/errors.ts'
import type { Decoded } from '#contracts/reading.ts'
import { loadDecoders } from '../../ingest/catalogue.ts'
import type { Decoder, DecodeInput } from '../../ingest/decoder.ts'
import { decoder as blueprint } from '../../ingest/decoders/_blueprint.ts'
import { createMemory } from '../../ingest/memory.ts'
import { difference, faultsOf } from './canonical.ts'
import { mulberry32 } from './mulberry32.ts'
import { samples } from './samples.ts'

const seed = Number(process.env['SEED'] ?? Math.floor(Math.random() * 2 ** 31))
const random = mulberry32(seed)
const all = samples()
const RECEIVED_AT_MS = Date.parse('2026-01-01T00:00:10.000Z')

/** topics of the family itself, and shapes that real topics take */
const topicsOf = (decoder: Decoder): string[] => {
  const own = all.filter(sample => sample.family === decoder.family).map(sample => sample.topic)
  return [
    ...new Set([...own, 'fire/v1/smoke/s1/telemetry', 'zigbee2mqtt/a/b', 'zigbee2mqtt/bridge/devices', 'example/one', '-', '', 'x/#']),
  ]
}

const input = (topic: string, payload: Uint8Array, more: Partial<DecodeInput> = {}): DecodeInput => ({
  topic,
  payload,
  receivedAtMs: RECEIVED_AT_MS,
  retain: false,
  ...more,
})

function check(decoder: Decoder, given: DecodeInput, what: string): Decoded {
  const memory = createMemory()
  const before = Buffer.from(given.payload).toString('hex')
  const once = decoder.decode(given, memory)
  const again = decoder.decode(given, createMemory())
  const where = `${what} on ${given.topic} (SEED=${seed})`
  expect(again, `not deterministic: ${where}`).toEqual(once)
  expect(Buffer.from(given.payload).toString('hex'), `payload changed: ${where}`).toBe(before)
  for (const reading of once.readings) {
    expect(faultsOf(reading), where).toEqual([])
    expect(reading.source.family, where).toBe(decoder.family)
  }
  const shapes = [once.readings.length > 0, once.rejected !== undefined, once.ignored !== undefined, once.control !== undefined]
  expect(shapes.filter(Boolean).length, `exactly one shape: ${where} ${JSON.stringify(once)}`).toBe(1)
  for (const { code, reason } of [once.rejected, ...(once.notes ?? [])].filter(note => note !== undefined)) {
    expect(ERROR_CODES, where).toHaveProperty(code)
    expect(reason.length, where).toBeGreaterThan(3)
  }
  // what it learned must come back from its rows as it was
  const restored = createMemory({ rows: memory.dirty().flatMap(([key, json]) => (json === null ? [] : [[key, json] as [string, string]])) })
  expect(decoder.decode(given, restored), `memory does not survive a restart: ${where}`).toEqual(decoder.decode(given, memory))
  expect(() => decoder.mayCarryAlarm?.(given.payload)).not.toThrow()
  return once
}

const decoders = [...(await loadDecoders()), blueprint]
console.log(`decoder conformance: SEED=${seed}`)

test('the loader finds the decoders and skips the blueprint', () => {
  expect(decoders.map(({ family }) => family)).toEqual(expect.arrayContaining(['native', 'zigbee2mqtt', '_blueprint']))
  expect(decoders.filter(({ family }) => family === '_blueprint')).toHaveLength(1)
})

test('the loader dies of a file that does not say its own name', async () => {
  const folder = fileURLToPath(new URL('../fixtures/decoders-misnamed', import.meta.url))
  await expect(loadDecoders(folder)).rejects.toThrow(/its family is twice, which must be the file's name/)
})

test('the loader dies of a family that is there twice', async () => {
  const folder = fileURLToPath(new URL('../fixtures/decoders-twice', import.meta.url))
  await expect(loadDecoders(folder)).rejects.toThrow(/a decoder of the family once already/)
})

test('no two decoders claim one sample', () => {
  for (const sample of all) expect(decoders.filter(d => d.claims(sample.topic)).map(d => d.family)).toEqual([sample.family])
})

describe.each(decoders.map(decoder => [decoder.family, decoder] as const))('%s', (family, decoder) => {
  test('samples become what they must, state kept between them', () => {
    const memory = createMemory()
    for (const sample of all.filter(s => s.family === family)) {
      const got = decoder.decode(input(sample.topic, sample.payload, sample), memory)
      for (const [i, { alert: _, ...want }] of sample.expect.entries()) {
        if ('reject' in want) expect(got.rejected, sample.file).toBeDefined()
        else if ('ignored' in want) expect(got.ignored, sample.file).toBeDefined()
        else if ('control' in want) expect(got.control, sample.file).toBeDefined()
        else expect(difference(want, got.readings[i]), `${sample.file}, reading ${i}`).toBeNull()
      }
    }
  })

  test('empty payload, bare values, broken UTF-8', () => {
    const payloads = [
      '',
      ' ',
      'null',
      'true',
      '0',
      '""',
      '[]',
      '{}',
      '"x"',
      'ON',
      '{"a":',
      '[[',
      '\uFEFF{}',
      '{"__proto__":{"a":1}}',
      'NaN',
    ]
    const bytes = [...payloads.map(text => Buffer.from(text)), Buffer.from([0xff, 0xfe]), Buffer.from([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x7d])]
    for (const topic of topicsOf(decoder)) for (const payload of bytes) check(decoder, input(topic, payload), payload.toString('latin1'))
  })

  test('huge nesting and huge width', () => {
    const deep = ['['.repeat(100_000), '{"a":'.repeat(50_000), `{"alarms":${'['.repeat(5_000)}${']'.repeat(5_000)}}`]
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, i])))
    const long = JSON.stringify({ state: 'x'.repeat(200_000), smoke: true })
    const shown = topicsOf(decoder).slice(0, 4)
    for (const topic of shown) for (const text of [...deep, wide, long]) check(decoder, input(topic, Buffer.from(text)), text.slice(0, 20))
  })

  test('random bytes', () => {
    const topics = topicsOf(decoder)
    for (let i = 0; i < 500; i++) {
      const payload = Uint8Array.from({ length: Math.floor(random() * 200) }, () => Math.floor(random() * 256))
      check(decoder, input(topics[i % topics.length] ?? '', payload), `random ${i}`)
    }
  })

  test('truncated and damaged samples', () => {
    for (const sample of all.filter(s => s.family === family)) {
      for (let i = 0; i < 12; i++) {
        const cut = sample.payload.slice(0, Math.floor(random() * sample.payload.length))
        const damaged = Uint8Array.from(sample.payload)
        if (damaged.length > 0) damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256)
        check(decoder, input(sample.topic, cut), `${sample.file} cut at ${cut.length}`)
        check(decoder, input(sample.topic, damaged), `${sample.file} damaged`)
      }
    }
  })

  test('values of every type in every place', () => {
    const odd = [null, true, false, -1, 0, 1e308, 'ON', '', '100.00', [], {}, [null], { a: null }]
    for (const sample of all.filter(s => s.family === family && s.payload[0] === 0x7b)) {
      let parsed: Record<string, unknown>
      try {
        parsed = JSON.parse(Buffer.from(sample.payload).toString()) as Record<string, unknown>
      } catch {
        continue
      }
      for (const key of Object.keys(parsed)) {
        const value = odd[Math.floor(random() * odd.length)]
        check(
          decoder,
          input(sample.topic, Buffer.from(JSON.stringify({ ...parsed, [key]: value }))),
          `${sample.file} ${key}=${JSON.stringify(value)}`,
        )
      }
    }
  })

  test("every family's samples, each in order and any order", () => {
    const memory = createMemory()
    // alone, the order is nothing to it
    for (const sample of all) check(decoder, input(sample.topic, sample.payload, sample), sample.file)
    for (const sample of [...all, ...all.toReversed()]) {
      for (const reading of decoder.decode(input(sample.topic, sample.payload, sample), memory).readings)
        expect(faultsOf(reading)).toEqual([])
    }
  })

  test('an active alarm in a sample is never scanned as none', () => {
    for (const sample of all.filter(s => s.family === family)) {
      const { readings } = decoder.decode(input(sample.topic, sample.payload, sample), createMemory())
      const active = readings.some(r => Object.values(r.alarms).includes(true))
      if (active && decoder.mayCarryAlarm !== undefined) expect(decoder.mayCarryAlarm(sample.payload), sample.file).toBe(true)
    }
  })
})
