// Decoding, family by family, on one core: samples of each family in turn through the catalogue that the rooms use. Native is held against
// JSON.parse and Ajv alone over the same payloads, in pieces of about a millisecond that alternate, so that both see the same machine: the
// median of them, and the fastest hundredth, which is what the code takes when nobody else is on the core.
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCatalogue, loadDecoders } from '../ingest/catalogue.ts'
import type { DecodeInput } from '../ingest/decoder.ts'
import { samples } from '../test/ingest/samples.ts'
import { round } from './side-by-side.ts'

const PIECE = 200
const PIECES = 1_500
const WARMING = 150
const WANTED_OF_JSON = 0.8
const WANTED_Z2M_PER_S = 300_000

type Work = { name: string; run(i: number): void }

type Rate = { median: number; fastest: number }

/** Messages a second, of pieces in which every work has its turn. */
function measure(works: readonly Work[], pieces = PIECES): Map<string, Rate> {
  const took = works.map(() => [] as number[])
  const counts = works.map(() => 0)
  for (let piece = -WARMING; piece < pieces; piece++)
    for (const [turn] of works.entries()) {
      // each is first as often as the others: who comes later finds the caches as the one before left them
      const at = (turn + piece + WARMING) % works.length
      const run = works[at]?.run ?? (() => {})
      const from = counts[at] ?? 0
      const began = performance.now()
      for (let i = from; i < from + PIECE; i++) run(i)
      const ms = performance.now() - began
      counts[at] = from + PIECE
      if (piece >= 0) took[at]?.push(ms)
    }
  const rateAt = (ms: readonly number[], part: number): number => (PIECE * 1000) / (ms[Math.floor(ms.length * part)] ?? Number.NaN)
  return new Map(
    works.map(({ name }, at) => {
      const sorted = (took[at] ?? []).toSorted((a, b) => a - b)
      return [name, { median: rateAt(sorted, 0.5), fastest: rateAt(sorted, 0.01) }]
    }),
  )
}

const decoders = await loadDecoders()
/** What fits: rejected samples cost other work, and arrive rarely. */
const readable = samples().filter(({ expect }) => expect.every(one => !('reject' in one) && !('ignored' in one) && !('control' in one)))
const families = [...new Set(readable.map(({ family }) => family))].sort()

function decoding(name: string, messages: readonly DecodeInput[]): Work {
  const catalogue = createCatalogue({ decoders })
  for (const message of messages) catalogue.decode(message)
  let learned = 0
  return {
    name,
    run(i) {
      const message = messages[i % messages.length]
      if (message !== undefined) catalogue.decode(message)
      // as the writer takes what was learned, now and then
      if (i % 10_000 === 9_999) learned += catalogue.dirty().length
      if (learned < 0) throw new Error('never')
    },
  }
}

/** A state of a detector as Zigbee2MQTT sends it, of many devices, no two alike. */
function detectors(): DecodeInput[] {
  return Array.from({ length: 2_000 }, (_, i) => ({
    topic: `zigbee2mqtt/building ${i % 40}/smoke ${i}`,
    payload: Buffer.from(
      JSON.stringify({
        battery: 60 + (i % 40),
        smoke: false,
        tamper: false,
        battery_low: false,
        linkquality: i % 255,
        voltage: 2900 + (i % 200),
      }),
    ),
    receivedAtMs: Date.parse('2026-01-01T00:00:10Z'),
    retain: false,
  }))
}

const native = readable.filter(({ family, topic }) => family === 'native' && /\/(?:telemetry|event)$/.test(topic))
const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../contracts/schema/native-reading.schema.json'), 'utf8')) as object
const ajv = new Ajv2020({ allErrors: false, strict: false })
;(addFormats as unknown as (a: Ajv2020) => void)(ajv)
const isValid = ajv.compile(schema)
const parsing: Work = {
  name: 'JSON.parse + Ajv',
  run(i) {
    const payload = native[i % native.length]?.payload ?? new Uint8Array()
    isValid(JSON.parse(Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8')))
  },
}

const against = measure([decoding('native', native), parsing, decoding('zigbee2mqtt', detectors())])
const NONE: Rate = { median: Number.NaN, fastest: Number.NaN }
const rate = (name: string): Rate => against.get(name) ?? NONE
const both = ({ median, fastest }: Rate, digits = 0): string =>
  `${round(median, digits)} in the median, ${round(fastest, digits)} in the fastest hundredth`
const [own, alone] = [rate('native'), rate('JSON.parse + Ajv')]
console.log(`native telemetry and events, messages/s: ${both(own)}`)
console.log(`JSON.parse + Ajv alone: ${both(alone)}`)
console.log(
  `  ratio ${both({ median: own.median / alone.median, fastest: own.fastest / alone.fastest }, 2)} (wanted: ${WANTED_OF_JSON} or more)`,
)
console.log(`zigbee2mqtt, 2,000 detectors, messages/s on one core: ${both(rate('zigbee2mqtt'))} (wanted: ${WANTED_Z2M_PER_S} or more)`)
console.log('\nsamples of each family in turn, messages/s:')
const each = measure(
  families.map(family =>
    decoding(
      family,
      readable.filter(sample => sample.family === family),
    ),
  ),
  PIECES / 10,
)
for (const [name, perS] of each) console.log(`  ${name.padEnd(18)} ${both(perS)}`)
