// Recordings, NAME.jsonl[.gz]: one message a line, in order of arrival. Read as a stream, so the size of a file does not matter;
// a bad line stops the reading and is named.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createGunzip } from 'node:zlib'
import { pipeline } from 'node:stream'
import { FengsuiError } from '#contracts/errors.ts'

export type Recorded = {
  receivedAtMs: number
  topic: string
  qos: 0 | 1 | 2
  retain: boolean
  body: { json: unknown } | { bytes: Uint8Array }
}
/** `offsetMs`: since the first message of its own file */
export type Timed = Recorded & { file: string; offsetMs: number }

/** @throws FengsuiError invalid-request naming file and line */
export async function* readRecording(file: string): AsyncGenerator<Recorded> {
  const raw = createReadStream(file)
  const failures: Error[] = []
  const input = file.endsWith('.gz') ? pipeline(raw, createGunzip(), error => error && failures.push(error)) : raw
  const lines = createInterface({ input, crlfDelay: Infinity })
  const died = new Promise<never>((_, reject) => {
    for (const stream of [raw, input]) stream.on('error', reject)
  })
  died.catch(() => {})
  const iterator = lines[Symbol.asyncIterator]()
  let number = 0
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), died])
      if (next.done === true) break
      number++
      if (next.value.trim() !== '') yield parseLine(next.value, `${file} line ${number}`)
    }
    // a torn gzip ends the lines quietly before its error arrives
    if (failures.length > 0) throw failures[0]!
  } catch (error) {
    if (error instanceof FengsuiError) throw error
    throw new FengsuiError(
      'invalid-request',
      `${file}${number > 0 ? ` after line ${number}` : ''}: ${error instanceof Error ? error.message : 'unreadable'}`,
      { cause: error },
    )
  } finally {
    lines.close()
    raw.destroy()
  }
}

export function parseLine(line: string, where: string): Recorded {
  const bad = (what: string) => new FengsuiError('invalid-request', `${where}: ${what}`)
  let value: Record<string, unknown>
  try {
    value = JSON.parse(line) as Record<string, unknown>
  } catch (cause) {
    throw new FengsuiError('invalid-request', `${where}: not JSON (${(cause as Error).message})`, { cause })
  }
  if (typeof value !== 'object' || value === null) throw bad('not an object')
  const { receivedAt, topic, qos = 1, retain = false, payload, payloadBase64 } = value
  const receivedAtMs = typeof receivedAt === 'string' ? Date.parse(receivedAt) : NaN
  if (Number.isNaN(receivedAtMs)) throw bad('receivedAt must be an RFC 3339 time')
  if (typeof topic !== 'string' || topic === '' || /[+#\0]/.test(topic)) throw bad('topic must be a topic name')
  if (qos !== 0 && qos !== 1 && qos !== 2) throw bad('qos must be 0, 1 or 2')
  if (typeof retain !== 'boolean') throw bad('retain must be true or false')
  if ((payload === undefined) === (payloadBase64 === undefined)) throw bad('exactly one of payload and payloadBase64 must be there')
  if (payloadBase64 !== undefined && typeof payloadBase64 !== 'string') throw bad('payloadBase64 must be text')
  return {
    receivedAtMs,
    topic,
    qos,
    retain,
    body: payloadBase64 === undefined ? { json: payload } : { bytes: Buffer.from(payloadBase64, 'base64') },
  }
}

/** Several recordings at once: each begins at its own first message, all begin together. Order within a file is kept. */
export async function* mergeRecordings(files: readonly string[]): AsyncGenerator<Timed> {
  const sources = files.map(file => timed(file))
  const heads = await Promise.all(sources.map(s => s.next()))
  for (;;) {
    let first = -1
    for (const [i, head] of heads.entries()) {
      if (head.done !== true && (first === -1 || head.value.offsetMs < heads[first]!.value!.offsetMs)) first = i
    }
    if (first === -1) return
    yield heads[first]!.value as Timed
    heads[first] = await sources[first]!.next()
  }
}

async function* timed(file: string): AsyncGenerator<Timed, undefined> {
  let startMs: number | null = null
  let offsetMs = 0
  for await (const message of readRecording(file)) {
    startMs ??= message.receivedAtMs
    offsetMs = Math.max(offsetMs, message.receivedAtMs - startMs)
    yield { ...message, file, offsetMs }
  }
}
