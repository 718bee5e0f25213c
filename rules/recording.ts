// A recording: NAME.jsonl, one message a line in order of arrival, and the truth about it in NAME.truth.json. Reads bytes, opens nothing.
// A day of a district is three million lines: they are cut out of the bytes as they come, and a payload is passed on uncopied.
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import { msOf } from '#contracts/instant.ts'
import type { Portion } from './heard.ts'

/** `firstAlarmAt`: when the first real alarm in that fire sounded, where that is known. */
export type LabelledFire = { building: string; ignitedAt: string; what: string; firstAlarmAt?: string }
export type Truth = { fires: LabelledFire[] }
export type Recording = {
  name: string
  /** messages in order of arrival, in portions */
  batches: AsyncIterable<Message[]> | Iterable<Message[]>
  /** the same, decoded elsewhere with decoders of its own; then `batches` is not read */
  heard?(): AsyncIterable<Portion>
  truth?: Truth
  /** what arrived before is played to warm the rules up, and not scored */
  countFromMs?: number
}

type Line = { receivedAt: string; topic: string; qos?: 0 | 1 | 2; retain?: boolean; payload?: unknown; payloadBase64?: string }

const LINE_FEED = 10
/** a line without end is no recording; the largest payload a broker takes is far below */
const LINE_BYTES_MAX = 32 * 1024 * 1024

/** One portion a chunk. `where` is the file, for errors. @throws FengsuiError invalid-request: file, line and what is wrong */
export async function* batchesOf(where: string, chunks: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Message[]> {
  const count = { lines: 0, messages: 0 }
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const bytes = rest.length === 0 ? Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength) : Buffer.concat([rest, chunk])
    const messages: Message[] = []
    let from = 0
    for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, from)) {
      take(bytes.subarray(from, end), where, count, messages)
      from = end + 1
    }
    rest = bytes.subarray(from)
    if (rest.length > LINE_BYTES_MAX) throw bad(`${where}:${count.lines + 1}`, `a line of more than ${LINE_BYTES_MAX} bytes`)
    yield messages
  }
  const messages: Message[] = []
  take(rest, where, count, messages)
  yield messages
}

/** The same, message by message, from lines of text. */
export async function* messagesOf(where: string, lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Message> {
  const count = { lines: 0, messages: 0 }
  for await (const line of lines) {
    const messages: Message[] = []
    take(Buffer.from(line), where, count, messages)
    yield* messages
  }
}

function take(line: Buffer, where: string, count: { lines: number; messages: number }, into: Message[]): void {
  count.lines++
  const message = plainMessage(line, count.messages + 1) ?? anyMessage(line, count.messages + 1, `${where}:${count.lines}`)
  if (message === undefined) return
  count.messages++
  into.push(message)
}

const PAYLOAD = Buffer.from(',"payload":{')
/** ,"qos":1 and ,"retain":false, each of which may be missing */
const REST = /^(?:,"qos":([012]))?(?:,"retain":(true|false))?$/
const RECEIVED = '{"receivedAt":"'
const TOPIC = '","topic":"'
const TOPIC_CHARS_MAX = 1024
const BRACE = 0x7d
/** how a head ends after its topic: recorders write the same few again and again. Bounded by what REST takes */
const rests = new Map<string, { qos: 0 | 1 | 2; retain: boolean }>()

/** A line as recorders write it, with a JSON object as payload in the last place: its bytes are those of the line. */
function plainMessage(line: Buffer, seq: number): Message | undefined {
  const at = line.indexOf(PAYLOAD)
  const end = line.at(-1) === 13 ? line.length - 1 : line.length
  if (at < 0 || line[end - 1] !== BRACE || line[end - 2] !== BRACE) return undefined
  const head = line.toString('utf8', 0, at)
  const timeEnd = head.indexOf('"', RECEIVED.length)
  const topicFrom = timeEnd + TOPIC.length
  const topicEnd = head.indexOf('"', topicFrom)
  const topicChars = topicEnd - topicFrom
  if (!head.startsWith(RECEIVED) || !head.startsWith(TOPIC, timeEnd) || topicChars < 1 || topicChars > TOPIC_CHARS_MAX) return undefined
  const receivedAtMs = msOf(head.slice(RECEIVED.length, timeEnd))
  const rest = restOf(head.slice(topicEnd + 1))
  // an escape could be any character
  if (!Number.isFinite(receivedAtMs) || rest === undefined || head.includes('\\')) return undefined
  const topic = head.slice(topicFrom, topicEnd)
  return recorded(seq, receivedAtMs, topic, rest.qos, rest.retain, line.subarray(at + PAYLOAD.length - 1, end - 1))
}

function restOf(text: string): { qos: 0 | 1 | 2; retain: boolean } | undefined {
  const known = rests.get(text)
  if (known !== undefined) return known
  const found = REST.exec(text)
  if (found === null) return undefined
  const [, qos = '1', retain] = found
  const rest = { qos: Number(qos) as 0 | 1 | 2, retain: retain === 'true' }
  rests.set(text, rest)
  return rest
}

function anyMessage(line: Buffer, seq: number, where: string): Message | undefined {
  const text = line.toString('utf8')
  if (text.trim() === '') return undefined
  const { receivedAt, topic, qos = 1, retain = false, payload, payloadBase64 } = lineOf(text, where)
  const receivedAtMs = Date.parse(receivedAt)
  if (typeof topic !== 'string' || topic === '') throw bad(where, 'topic must be a non-empty string')
  if (!Number.isFinite(receivedAtMs)) throw bad(where, `receivedAt must be RFC 3339, not ${JSON.stringify(receivedAt)}`)
  if ((payload === undefined) === (payloadBase64 === undefined)) throw bad(where, 'exactly one of payload and payloadBase64 is needed')
  const bytes = payloadBase64 === undefined ? Buffer.from(JSON.stringify(payload)) : Buffer.from(payloadBase64, 'base64')
  return recorded(seq, receivedAtMs, topic, qos, retain, bytes)
}

const recorded = (seq: number, receivedAtMs: number, topic: string, qos: 0 | 1 | 2, retain: boolean, payload: Buffer): Message => ({
  identity: 'recording',
  clientId: 'recording',
  dup: false,
  committedAtMs: receivedAtMs,
  seq,
  receivedAtMs,
  topic,
  qos,
  retain,
  payload,
})

function lineOf(text: string, where: string): Line {
  let line: unknown
  try {
    line = JSON.parse(text)
  } catch (cause) {
    throw bad(where, 'not a JSON object', cause)
  }
  if (typeof line !== 'object' || line === null || Array.isArray(line)) throw bad(where, 'not a JSON object')
  return line as Line
}

function parsed(text: string, where: string): Partial<Truth> {
  try {
    return (JSON.parse(text) ?? {}) as Partial<Truth>
  } catch (cause) {
    throw bad(where, `not JSON: ${(cause as Error).message}`, cause)
  }
}

export function truthOf(text: string, where: string): Truth {
  const { fires } = parsed(text, where)
  const isTime = (at: string | undefined): boolean => Number.isFinite(Date.parse(at ?? ''))
  const isSound = (f: LabelledFire) =>
    typeof f?.building === 'string' && isTime(f.ignitedAt) && (f.firstAlarmAt === undefined || isTime(f.firstAlarmAt))
  if (!Array.isArray(fires) || !fires.every(isSound)) throw bad(where, 'fires must be a list of {building, ignitedAt, what, firstAlarmAt?}')
  return { fires }
}

const bad = (where: string, message: string, cause?: unknown) => new FengsuiError('invalid-request', `${where}: ${message}`, { cause })
