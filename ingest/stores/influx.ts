// Readings in InfluxDB 1.x, 2.x or 3: written through the official client as our own lines, read back with InfluxQL, the one
// language all of them answer. The client's retry buffer is off, because it drops; the writer owns retry and position.
import { HttpError, InfluxDB, type WriteApi } from '@influxdata/influxdb-client'
import { FengsuiError } from '#contracts/errors.ts'
import { openProgress } from './influx-progress.ts'
import { lineOf } from './influx-lines.ts'
import { queryInflux } from './influx-query.ts'
import type { ReadingStore, StoreDeps, StoreEntry, StoreRefusal } from './store.ts'

/** `dir` keeps the position and the decoders' state; without it they live in memory and a start replays the whole journal. */
export type InfluxOptions = { url: string; token?: string; org?: string; bucket: string; dir?: string }

/** One request a batch, no timer, no retry, no silent drop. */
const WRITE_OPTIONS = { batchSize: 1_000_000, flushInterval: 0, maxRetries: 0, maxBufferLines: 1_000_000, gzipThreshold: 1e9 }
/** Requests spent on finding the bad lines of one batch; groups still unsplit then are refused together, with the server's words. */
export const BISECT_REQUESTS_MAX = 200
const PROBE_TIMEOUT_MS = 5_000

type Line = { entry: StoreEntry; line: string }

export async function openInflux(o: InfluxOptions, { log }: StoreDeps): Promise<ReadingStore> {
  const url = o.url.replace(/\/+$/, '')
  const authorization = authorizationOf(o.token)
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
  const progress = openProgress(o.dir)
  const influx = new InfluxDB({ url, headers })
  let api: WriteApi | null = null

  async function send(lines: readonly Line[]): Promise<void> {
    api ??= await prepare(influx, { ...o, url }, headers, log)
    api.writeRecords(lines.map(({ line }) => line))
    await api.flush()
  }

  /** Good lines of a refused request are stored all the same; sending them again is the same point. */
  async function sendAndFindBad(lines: readonly Line[], budget: { requests: number }): Promise<StoreRefusal[]> {
    try {
      await send(lines)
      return []
    } catch (error) {
      if (!isRefusal(error)) throw asUnavailable(error, url)
      if (lines.length === 1 || --budget.requests <= 0) return lines.map(({ entry }) => refusalOf(entry, error))
      const half = Math.ceil(lines.length / 2)
      const first = await sendAndFindBad(lines.slice(0, half), budget)
      return [...first, ...(await sendAndFindBad(lines.slice(half), budget))]
    }
  }

  return {
    name: 'influx',
    position: async () => progress.position(),
    rows: async room => progress.rows(room),
    write: async (batch, upTo, rows = [], refused = () => {}) => {
      const position = progress.position()
      const lines = batch.filter(({ seq }) => seq > position).flatMap(entry => withLine(entry))
      const bad = lines.length === 0 ? [] : await sendAndFindBad(lines, { requests: BISECT_REQUESTS_MAX })
      if (bad.length > 0) refused(bad)
      progress.save(Math.max(position, upTo), rows)
    },
    query: q => queryInflux({ url, bucket: o.bucket, headers }, q),
    close: async () => {
      api?.dispose()
      progress.close()
    },
  }
}

function withLine(entry: StoreEntry): Line[] {
  const line = lineOf(entry.reading)
  return line === undefined ? [] : [{ entry, line }]
}

/** 1.x takes a user and password where 2.x and 3 take a token. */
const authorizationOf = (token: string | undefined): string | undefined =>
  token === undefined ? undefined : token.includes(':') ? `Basic ${Buffer.from(token).toString('base64')}` : `Token ${token}`

/** InfluxDB 1.x is written through its own /write (before 1.8 it has no other), and its database is made where it is missing. */
async function prepare(influx: InfluxDB, o: InfluxOptions, headers: Record<string, string>, log: StoreDeps['log']): Promise<WriteApi> {
  const version = await versionOf(o.url, headers)
  const api = influx.getWriteApi(o.org ?? '', o.bucket, 'us', {
    ...WRITE_OPTIONS,
    // a promise here is the client's way of handing the failure on instead of printing it
    writeFailed: error => Promise.reject(error),
  })
  if (!/^v?1\./.test(version)) return api
  await ask(`${o.url}/query?q=${encodeURIComponent(`CREATE DATABASE "${o.bucket.replaceAll('"', '')}"`)}`, { method: 'POST', headers })
  api.path = `/write?db=${encodeURIComponent(o.bucket)}&precision=u`
  log.info({ version, bucket: o.bucket }, 'InfluxDB 1.x: writing to /write')
  return api
}

async function versionOf(url: string, headers: Record<string, string>): Promise<string> {
  const answer = await ask(`${url}/ping`, { headers })
  return answer.headers.get('x-influxdb-version') ?? ''
}

async function ask(address: string, init: RequestInit): Promise<Response> {
  const url = new URL(address)
  let answer: Response
  try {
    answer = await fetch(url, { ...init, signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) })
  } catch (cause) {
    throw new FengsuiError('room-unavailable', `InfluxDB at ${url.origin} does not answer: ${wordsOf(cause)}`, { cause })
  }
  if (answer.status >= 400) throw new FengsuiError('room-unavailable', `InfluxDB at ${url.origin}${url.pathname} answered ${answer.status}`)
  return answer
}

/** The request was read and something in it is wrong for good: asking again would get the same answer. */
const isRefusal = (error: unknown): error is HttpError => error instanceof HttpError && [400, 413, 422].includes(error.statusCode)

const refusalOf = ({ seq, reading }: StoreEntry, error: HttpError): StoreRefusal => ({
  seq,
  deviceId: reading.deviceId,
  reason: `InfluxDB answered ${error.statusCode}: ${(error.body ?? error.message).slice(0, 512)}`,
})

function asUnavailable(error: unknown, url: string): FengsuiError {
  if (error instanceof FengsuiError) return error
  const what = error instanceof HttpError ? `answered ${error.statusCode}` : `failed: ${wordsOf(error)}`
  return new FengsuiError('room-unavailable', `InfluxDB at ${new URL(url).origin} ${what}`, { cause: error })
}

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message
}
