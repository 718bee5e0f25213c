// `npm run decode`: prints what payloads decode to, one JSON line a file, through the same catalogue that runs in production.
// It stores nothing and raises nothing. With a manifest the decoders keep what they learn from sample to sample.
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { parseArgs } from 'node:util'
import { createCatalogue, loadDecoders } from '../ingest/catalogue.ts'
import { readSettings } from '../settings.ts'

const USAGE = `usage: npm run decode -- --topic T --received-at ISO [--family F] [--retain] [--header k=v]... FILE...
       npm run decode -- --manifest sources.json
Prints one JSON line a file: {file, readings, rejected?, ignored?, control?, notes?}. FILE - reads standard input.`

type Sample = {
  file: string
  topic?: string
  receivedAt?: string
  /** manifests also write prose here: only true is a retained message */
  retain?: unknown
  headers?: Record<string, string>
  family?: string
}

const FLYING: ReadonlySet<string> = new Set(['drone', 'dock'])

const fail = (message: string): never => {
  process.stderr.write(`decode: ${message}\n${USAGE}\n`)
  process.exit(2)
}

const options = readOptions()
const decoders = await loadDecoders()
const catalogue = createCatalogue({ decoders, timeZone: readSettings(process.env).timeZone })
if (options.manifest === undefined) for (const file of options.files) print(file, await readPayload(file), options.sample)
else await decodeManifest(options.manifest)

function readOptions(): { manifest?: string; files: string[]; sample: Omit<Sample, 'file'> } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        topic: { type: 'string' },
        'received-at': { type: 'string' },
        family: { type: 'string' },
        retain: { type: 'boolean' },
        header: { type: 'string', multiple: true },
        manifest: { type: 'string' },
        help: { type: 'boolean' },
      },
    })
    if (values.help === true) {
      process.stdout.write(`${USAGE}\n`)
      process.exit(0)
    }
    if (values.manifest !== undefined) return { manifest: values.manifest, files: [], sample: {} }
    if (values.topic === undefined) fail('--topic is missing')
    if (positionals.length === 0) fail('no file given')
    const headers = Object.fromEntries((values.header ?? []).map(header => splitHeader(header)))
    const { topic, family, retain } = values
    const receivedAt = values['received-at']
    return {
      files: positionals,
      sample: {
        headers,
        retain: retain === true,
        ...(topic !== undefined && { topic }),
        ...(receivedAt !== undefined && { receivedAt }),
        ...(family !== undefined && { family }),
      },
    }
  } catch (error) {
    return fail(error instanceof Error ? error.message : String(error))
  }
}

function splitHeader(header: string): [string, string] {
  const at = header.indexOf('=')
  if (at <= 0) fail(`--header ${header} is not of the form k=v`)
  return [header.slice(0, at), header.slice(at + 1)]
}

async function decodeManifest(file: string): Promise<void> {
  const manifest = JSON.parse(await readFile(file, 'utf8')) as { family: string; samples: Sample[] }
  const known = new Set(decoders.map(({ family }) => family))
  for (const sample of manifest.samples) {
    // a manifest's family names its decoder; where several decoders share a folder of samples, the topic decides as in production
    const family = sample.topic === undefined || sample.topic === '-' || known.has(manifest.family) ? manifest.family : undefined
    print(sample.file, await readPayload(join(dirname(file), sample.file)), { ...sample, ...(family !== undefined && { family }) })
  }
}

async function readPayload(file: string): Promise<Uint8Array> {
  try {
    if (file !== '-') return await readFile(file)
    const chunks: Buffer[] = []
    for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk as Uint8Array))
    return Buffer.concat(chunks)
  } catch (error) {
    return fail(`cannot read ${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}

function print(file: string, payload: Uint8Array, sample: Omit<Sample, 'file'>): void {
  const receivedAtMs = sample.receivedAt === undefined ? Date.now() : Date.parse(sample.receivedAt)
  if (Number.isNaN(receivedAtMs)) fail(`--received-at ${sample.receivedAt} is no time`)
  const {
    family: _family,
    decoder: _decoder,
    ...decoded
  } = catalogue.decode({
    topic: sample.topic ?? '-',
    payload,
    receivedAtMs,
    retain: sample.retain === true,
    ...(sample.family !== undefined && { family: sample.family }),
    ...(sample.headers !== undefined && { headers: sample.headers }),
  })
  // what flies has a place or says that it has none: in a reading it would simply be absent
  const readings = decoded.readings.map(reading =>
    FLYING.has(reading.kind) && reading.position === undefined ? { ...reading, position: null } : reading,
  )
  process.stdout.write(`${JSON.stringify({ file, ...decoded, readings })}\n`)
}
