// Decoding, family by family, on one core: samples of each family in turn through the catalogue that the rooms use. Native is held against
// JSON.parse and Ajv alone over the same payloads, in rounds that alternate, so that both see the same machine.
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCatalogue, loadDecoders } from '../ingest/catalogue.ts'
import type { DecodeInput } from '../ingest/decoder.ts'
import { samples } from '../test/ingest/samples.ts'
import { median, round } from './side-by-side.ts'

const ROUNDS = 7
const ROUND_MS = 400
const WANTED_OF_JSON = 0.8
const WANTED_Z2M_PER_S = 300_000

type Work = { name: string; run(i: number): void }

/** Of this thread alone: what others do on the machine does not count. */
const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

/** Messages a second of one core, medians of rounds in which every work has its turn. */
function measure(works: readonly Work[]): Map<string, number> {
  const rates = new Map(works.map(({ name }) => [name, [] as number[]]))
  let sink = 0
  for (let round = -2; round < ROUNDS; round++)
    for (const { name, run } of works) {
      const beganMs = cpuMs()
      let count = 0
      while (cpuMs() - beganMs < ROUND_MS) for (let i = 0; i < 200; i++) run(count++)
      sink += count
      // the first two warm up
      if (round >= 0) rates.get(name)?.push((count * 1000) / (cpuMs() - beganMs))
    }
  if (sink === 0) throw new Error('nothing was measured')
  return new Map([...rates].map(([name, all]) => [name, median(all)]))
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
const rate = (name: string): number => against.get(name) ?? Number.NaN
const ofJson = rate('native') / rate('JSON.parse + Ajv')
console.log(`native telemetry and events: ${round(rate('native'))} messages/s; JSON.parse + Ajv alone: ${round(rate('JSON.parse + Ajv'))}`)
console.log(`  ratio ${round(ofJson, 2)} (wanted: ${WANTED_OF_JSON} or more)`)
console.log(`zigbee2mqtt, 2,000 detectors: ${round(rate('zigbee2mqtt'))} messages/s on one core (wanted: ${WANTED_Z2M_PER_S} or more)`)
console.log('\nsamples of each family in turn:')
const each = measure(
  families.map(family =>
    decoding(
      family,
      readable.filter(sample => sample.family === family),
    ),
  ),
)
for (const [name, perS] of each) console.log(`  ${name.padEnd(18)} ${String(round(perS)).padStart(8)} messages/s`)
