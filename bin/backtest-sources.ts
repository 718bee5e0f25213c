// What a backtest runs on: the real decoders and a real queue in memory, recordings from files, a span of the journal. Everything is
// opened for reading; nothing that runs is touched.
import { createReadStream, existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { noLog } from '#contracts/clock.ts'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import { noMeter } from '#contracts/metrics.ts'
import { openDispatch, readState } from '../dispatch/index.ts'
import { createCatalogue, createDirectory, loadDecoders } from '../ingest/index.ts'
import { openReader, SEGMENTS_DIR } from '../journal/index.ts'
import { readSettings } from '../settings.ts'
import { batchesOf, truthOf, type BacktestParts, type Recording } from '../rules/index.ts'

const RECORDING = /\.jsonl(\.gz)?$/
/** read at once from a file: large enough that a batch of messages is worth its switch */
const CHUNK_BYTES = 256 * 1024
const BATCH_MESSAGES = 1_000
/** before a span the rules are played this long without scoring, so that usual levels and standing alarms are known at its start */
export const WARM_UP_MS = 3_600_000

type Rows = Iterable<[string, string]>
export type Span = { dataDir: string; fromMs: number; toMs: number }
/** What a backtest runs over, as it can be told to another thread. */
export type Source = { file: string } | { span: Span }
/** from here on another thread is worth its start */
const LONG_BYTES = 8 * 1024 * 1024
const LONG_MESSAGES = 30_000
const ZIPPED = 12

/** Real decoding and a real queue in memory, as the alarm path has them; `known` is what is known of devices beforehand. */
export async function backtestParts(
  known: { catalogue: Rows; directory: Rows } = { catalogue: [], directory: [] },
): Promise<BacktestParts> {
  const decoders = await loadDecoders()
  const { timeZone } = readSettings(process.env)
  const rows = { catalogue: [...known.catalogue], directory: [...known.directory] }
  return {
    decoder() {
      const catalogue = createCatalogue({ decoders, timeZone, rows: rows.catalogue })
      const directory = createDirectory({ rows: rows.directory, onlyWho: true })
      return message => catalogue.decode(message).readings.map(reading => directory.apply(reading).reading)
    },
    queue: clock => openDispatch({ file: ':memory:', clock, log: noLog, meter: noMeter }),
    stopwatchMs: () => performance.now(),
    timeZone,
  }
}

/** npm moves to the package's folder; a path may also be relative to where npm was called. */
export const located = (path: string): string => (existsSync(path) ? resolve(path) : resolve(process.env['INIT_CWD'] ?? '.', path))

export const openSource = (source: Source): Recording => ('file' in source ? openRecording(source.file) : openSpan(source.span))

export function isLong(source: Source): boolean {
  if ('file' in source) return statSync(located(source.file)).size >= LONG_BYTES / (source.file.endsWith('.gz') ? ZIPPED : 1)
  using reader = openReader({ dir: source.span.dataDir })
  const head = reader.head()
  return head - firstSince(reader, source.span.fromMs - WARM_UP_MS, head) >= LONG_MESSAGES
}

/** @throws FengsuiError invalid-request */
export function openRecording(file: string): Recording {
  const path = located(file)
  if (!RECORDING.test(path) || !existsSync(path))
    throw new FengsuiError('invalid-request', `${file}: no such recording (*.jsonl or *.jsonl.gz)`)
  const truthFile = path.replace(RECORDING, '.truth.json')
  return {
    name: basename(path).replace(RECORDING, ''),
    batches: batchesOf(file, chunksOf(file, path)),
    ...(existsSync(truthFile) && { truth: truthOf(readFileSync(truthFile, 'utf8'), truthFile) }),
  }
}

/** Opens the file only when it is read. */
async function* chunksOf(file: string, path: string): AsyncGenerator<Uint8Array> {
  try {
    const bytes = createReadStream(path, { highWaterMark: CHUNK_BYTES })
    // what goes wrong with the bytes is told by the stream that is read, here
    yield* path.endsWith('.gz') ? pipeline(bytes, createGunzip({ chunkSize: CHUNK_BYTES }), () => undefined) : bytes
  } catch (cause) {
    throw new FengsuiError('invalid-request', `${file}: cannot be read: ${(cause as Error).message}`, { cause })
  }
}

/** What the running system knows of devices and decoders, read beside it; nothing where it never ran. */
export function knownIn(dataDir: string): { catalogue: Rows; directory: Rows } {
  const file = join(dataDir, 'dispatch.db')
  return { catalogue: readState({ file, room: 'catalogue' }), directory: readState({ file, room: 'directory' }) }
}

/** The messages of a journal that arrived from `fromMs` up to `toMs`, with what came shortly before to warm up. */
export function openSpan(o: Span): Recording {
  if (!existsSync(join(o.dataDir, SEGMENTS_DIR)))
    throw new FengsuiError('invalid-request', `${o.dataDir}: there is no journal in this folder`)
  if (!(o.fromMs < o.toMs)) throw new FengsuiError('invalid-request', 'the span must begin before it ends')
  return {
    name: `journal ${new Date(o.fromMs).toISOString()} to ${new Date(o.toMs).toISOString()}`,
    batches: spanOf(o.dataDir, o.fromMs - WARM_UP_MS, o.toMs),
    countFromMs: o.fromMs,
  }
}

function* spanOf(dir: string, fromMs: number, toMs: number): Generator<Message[]> {
  using reader = openReader({ dir })
  const head = reader.head()
  for (let after = firstSince(reader, fromMs, head) - 1; after < head;) {
    const batch = reader.read(after, BATCH_MESSAGES)
    const last = batch.at(-1)
    if (last === undefined) return
    after = last.seq
    yield batch.filter(({ receivedAtMs }) => receivedAtMs >= fromMs && receivedAtMs <= toMs)
    // commits follow each other in time, arrivals only nearly
    if (last.committedAtMs > toMs + LANES_APART_MS) return
  }
}
/** a message may lie behind one that arrived this much later: lanes overtake each other */
const LANES_APART_MS = 60_000

/** The first message committed at or after a time, by halving. */
function firstSince(reader: ReturnType<typeof openReader>, fromMs: number, head: number): number {
  let low = reader.oldest()
  let high = head + 1
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    const [message] = reader.read(middle - 1, 1)
    if (message === undefined || message.committedAtMs < fromMs) low = middle + 1
    else high = middle
  }
  return low
}
