// A recording: NAME.jsonl, one message a line in order of arrival, and the truth about it in NAME.truth.json. Reads text, opens nothing.
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'

export type LabelledFire = { building: string; ignitedAt: string; what: string }
export type Truth = { fires: LabelledFire[] }
export type Recording = { name: string; messages: AsyncIterable<Message> | Iterable<Message>; truth?: Truth }

type Line = { receivedAt: string; topic: string; qos?: 0 | 1 | 2; retain?: boolean; payload?: unknown; payloadBase64?: string }

/** `where` is the file, for errors. @throws FengsuiError invalid-request: file, line and what is wrong */
export async function* messagesOf(where: string, lines: AsyncIterable<string> | Iterable<string>): AsyncGenerator<Message> {
  let seq = 0
  for await (const text of lines) {
    if (text.trim() === '') continue
    seq++
    yield messageOf(text, seq, `${where}:${seq}`)
  }
}

function messageOf(text: string, seq: number, where: string): Message {
  const { receivedAt, topic, qos = 1, retain = false, payload, payloadBase64 } = lineOf(text, where)
  const receivedAtMs = Date.parse(receivedAt)
  if (typeof topic !== 'string' || topic === '') throw bad(where, 'topic must be a non-empty string')
  if (!Number.isFinite(receivedAtMs)) throw bad(where, `receivedAt must be RFC 3339, not ${JSON.stringify(receivedAt)}`)
  if ((payload === undefined) === (payloadBase64 === undefined)) throw bad(where, 'exactly one of payload and payloadBase64 is needed')
  const bytes = payloadBase64 === undefined ? Buffer.from(JSON.stringify(payload)) : Buffer.from(payloadBase64, 'base64')
  const origin = { identity: 'recording', clientId: 'recording', dup: false, committedAtMs: receivedAtMs }
  return { ...origin, seq, receivedAtMs, topic, qos, retain, payload: bytes }
}

function lineOf(text: string, where: string): Line {
  try {
    return JSON.parse(text) as Line
  } catch (cause) {
    throw bad(where, 'not a JSON object', cause)
  }
}

export function truthOf(text: string, where: string): Truth {
  const { fires } = JSON.parse(text) as Partial<Truth>
  const sound = Array.isArray(fires) && fires.every(f => typeof f.building === 'string' && Number.isFinite(Date.parse(f.ignitedAt)))
  if (!sound) throw bad(where, 'fires must be a list of {building, ignitedAt, what}')
  return { fires }
}

const bad = (where: string, message: string, cause?: unknown) => new FengsuiError('invalid-request', `${where}: ${message}`, { cause })
