// What MQTT 3.1.1 demands of a frame after CONNECT and Aedes does not look at, one rule a line, each with its clause. Answers
// with what is wrong, or null. A violation ends the connection [MQTT-4.8.0-1]; nothing is repaired here.
import { readUint16, stringProblem, topicProblem } from './text-rules.ts'
import type { Frame } from './frames.ts'

export const FRAME = {
  connect: 1,
  connack: 2,
  publish: 3,
  puback: 4,
  pubrec: 5,
  pubrel: 6,
  pubcomp: 7,
  subscribe: 8,
  suback: 9,
  unsubscribe: 10,
  unsuback: 11,
  pingreq: 12,
  pingresp: 13,
  disconnect: 14,
} as const

type Rule = (frame: Frame) => string | null

const ID_ZERO = 'packet identifier 0 [MQTT-2.3.1-1]'
const DUP = 0x08
const QOS = 0x06

const second: Rule = () => 'a second CONNECT [MQTT-3.1.0-2]'
const ofTheServer: Rule = () => 'a packet that only a server sends [MQTT-2.2.1]'
const reserved: Rule = () => 'a packet of a reserved type [MQTT-2.2.1]'

/** By packet type: the four flags it must have, and what its body must be. PUBLISH has its own rules below. */
const RULES: readonly { flags: number; clause: string; body: Rule }[] = [
  { flags: 0, clause: 'MQTT-2.2.2-2', body: reserved },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: second },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: ofTheServer },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: publishFrameProblem },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: ackProblem },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: ackProblem },
  { flags: 2, clause: 'MQTT-3.6.1-1', body: ackProblem },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: ackProblem },
  { flags: 2, clause: 'MQTT-3.8.1-1', body: subscribeProblem },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: ofTheServer },
  { flags: 2, clause: 'MQTT-3.10.1-1', body: unsubscribeProblem },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: ofTheServer },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: emptyBody('PINGREQ', 'MQTT-3.12') },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: ofTheServer },
  { flags: 0, clause: 'MQTT-3.14.1-1', body: emptyBody('DISCONNECT', 'MQTT-3.14.1-1') },
  { flags: 0, clause: 'MQTT-2.2.2-2', body: reserved },
]

/** Every frame but the first, which is a CONNECT (connect-rules.ts). The topic of a PUBLISH is looked at by `topicProblem`. */
export function frameProblem(frame: Frame): string | null {
  const first = frame.bytes[frame.at] ?? 0
  const type = first >> 4
  const rule = RULES[type]
  if (rule === undefined || type === FRAME.publish) return publishFrameProblem(frame)
  if ((first & 0x0f) !== rule.flags) return `flags ${first & 0x0f} in a packet of type ${type} [${rule.clause}]`
  return rule.body(frame)
}

/** Everything about a PUBLISH but what its topic says: that is looked at once for each topic, not for each message. */
export function publishFrameProblem({ bytes, at, bodyAt, end }: Frame): string | null {
  const first = bytes[at] ?? 0
  const qos = first & QOS
  if (qos === QOS) return 'QoS 3 [MQTT-3.3.1-4]'
  if (qos === 0 && (first & DUP) !== 0) return 'DUP with QoS 0 [MQTT-3.3.1-2]'
  if (end - bodyAt < 2) return 'a PUBLISH without a topic [MQTT-3.3.2-1]'
  const topicEnd = bodyAt + 2 + readUint16(bytes, bodyAt)
  if (qos === 0) return topicEnd > end ? 'a topic longer than its packet [MQTT-3.3.2-1]' : null
  if (topicEnd + 2 > end) return 'a PUBLISH that ends before its packet identifier [MQTT-2.3.1-1]'
  return readUint16(bytes, topicEnd) === 0 ? ID_ZERO : null
}

function ackProblem({ bytes, bodyAt, end }: Frame): string | null {
  if (end - bodyAt !== 2) return `an acknowledgement of ${end - bodyAt} bytes instead of 2 [MQTT-3.4.1]`
  return readUint16(bytes, bodyAt) === 0 ? ID_ZERO : null
}

function emptyBody(name: string, clause: string): Rule {
  return ({ bodyAt, end }) => (end === bodyAt ? null : `a ${name} with ${end - bodyAt} bytes of body [${clause}]`)
}

function subscribeProblem(frame: Frame): string | null {
  return listProblem(frame, 'SUBSCRIBE', 'MQTT-3.8.3-3', (bytes, at) => ((bytes[at] ?? 3) > 2 ? 'a QoS byte above 2 [MQTT-3-8.3-4]' : null))
}

function unsubscribeProblem(frame: Frame): string | null {
  return listProblem(frame, 'UNSUBSCRIBE', 'MQTT-3.10.3-2', null)
}

/** A packet identifier, then filters to the end, each followed by an option byte where the packet has one. */
function listProblem(
  { bytes, bodyAt, end }: Frame,
  name: string,
  clause: string,
  optionProblem: ((bytes: Buffer, at: number) => string | null) | null,
): string | null {
  if (end - bodyAt < 2 || readUint16(bytes, bodyAt) === 0) return ID_ZERO
  let at = bodyAt + 2
  if (at === end) return `a ${name} without a filter [${clause}]`
  while (at < end) {
    const wrong =
      stringProblem(bytes, at, end, 'filter') ?? topicProblem(bytes.toString('utf8', at + 2, at + 2 + readUint16(bytes, at)), true)
    if (wrong !== null) return wrong
    at += 2 + readUint16(bytes, at)
    if (optionProblem === null) continue
    if (at >= end) return `a ${name} that ends before its QoS [MQTT-3.8.3-1]`
    const option = optionProblem(bytes, at)
    if (option !== null) return option
    at++
  }
  return null
}
