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
  if (bytes[0] === TLS_HANDSHAKE) return 'TLS came where plain MQTT is spoken; TLS has a port of its own, FENGSUI_MQTTS_PORT [MQTT-3.1.0-1]'
  return (bytes[0] ?? 0) >> 4 === FRAME.connect ? null : 'the first packet is not an MQTT CONNECT [MQTT-3.1.0-1]'
}

const TLS_HANDSHAKE = 0x16

/** MQTT 3.1 let flags of CONNECT be set that mean nothing, and Aedes takes offence: takes them away. Says if it is MQTT 3.1. */
export function makeCurrent({ bytes, at, bodyAt }: Frame): boolean {
  if (!isMqtt31(bytes, bodyAt)) return false
  bytes[at] = CONNECT_BYTE
  const flagsAt = bodyAt + 2 + readUint16(bytes, bodyAt) + 1
  bytes[flagsAt] = (bytes[flagsAt] ?? 0) & ~1
  return true
}

/** MQTT 3.1 marks a repeated PUBREL, SUBSCRIBE or UNSUBSCRIBE with DUP, which is no more than a hint; 3.1.1 has no such flag. */
export function withoutDup({ bytes, at }: Frame): void {
  const type = (bytes[at] ?? 0) >> 4
  if (type === FRAME.pubrel || type === FRAME.subscribe || type === FRAME.unsubscribe) bytes[at] = (bytes[at] ?? 0) & ~0x08
}

const isMqtt31 = (bytes: Buffer, bodyAt: number): boolean => bytes.toString('latin1', bodyAt + 2, bodyAt + 8) === 'MQIsdp'

/** What is to be sent with the refusal, if MQTT has an answer for it. null = a well-formed CONNECT. */
export function connectRefusal({ bytes, at, bodyAt, end }: Frame): { problem: Problem; answer: Buffer | null } | null {
  if (bytes[at] !== CONNECT_BYTE && !isMqtt31(bytes, bodyAt)) {
    return { problem: { code: 'protocol-error', reason: `flags ${(bytes[at] ?? 0) & 0x0f} in a CONNECT [MQTT-2.2.2-2]` }, answer: null }
  }
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
