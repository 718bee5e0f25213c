// What is looked at before a connection is anybody's: the PROXY header, the first byte, the CONNECT. Answers with why it may not
// go on; decides nothing about identity (entry.ts).
import { CONNACK_VERSION, CONNACK_VERSION_5, connectProblem } from './connect-rules.ts'
import { FRAME } from './frame-rules.ts'
import { CONNECT_BYTE, type Frame } from './frames.ts'
import { looksLikeProxy } from './proxy-header.ts'
import type { Problem } from './sessions.ts'
import { readUint16 } from './text-rules.ts'

/** null = this may be the beginning of a CONNECT. */
export function firstBytesProblem(bytes: Buffer): string | null {
  if (looksLikeProxy(bytes)) return 'a PROXY header came, and FENGSUI_PROXY_PROTOCOL is not set'
  return bytes[0] === CONNECT_BYTE ? null : 'the first packet is not an MQTT CONNECT [MQTT-3.1.0-1]'
}

/** What is to be sent with the refusal, if MQTT has an answer for it. null = a well-formed CONNECT. */
export function connectRefusal({ bytes, bodyAt, end }: Frame): { problem: Problem; answer: Buffer | null } | null {
  const wrong = connectProblem(bytes.subarray(bodyAt, end))
  if (wrong === null) return null
  if ('reason' in wrong) return { problem: { code: 'protocol-error', reason: wrong.reason }, answer: null }
  const name = wrong.level === 5 ? 'MQTT 5' : `MQTT protocol level ${wrong.level}`
  const reason = `the client speaks ${name}; this broker speaks MQTT 3.1.1 (set the client to version 4, also called 3.1.1, or put a bridge beside it: docs/mqtt.md)`
  return { problem: { code: 'protocol-version', reason }, answer: wrong.level === 5 ? CONNACK_VERSION_5 : CONNACK_VERSION }
}

/** Of a frame that only its header has come of; names the topic of a PUBLISH if that is there. */
export function tooLarge(frame: Frame, most: number): { problem: Problem; topic: string | undefined } {
  const reason = `a frame of ${frame.end - frame.bodyAt} bytes; the bound is ${most}`
  return { problem: { code: 'payload-too-large', reason }, topic: topicOf(frame) }
}

function topicOf({ bytes, at, bodyAt }: Frame): string | undefined {
  const end = bodyAt + 2 + readUint16(bytes, bodyAt)
  return (bytes[at] ?? 0) >> 4 === FRAME.publish && end <= bytes.length ? bytes.toString('utf8', bodyAt + 2, end) : undefined
}
