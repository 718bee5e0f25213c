// The little of MQTT 3.1.1 that must be read before Aedes may see it: where a frame ends, what kind it is, which version
// speaks. Never parses what Aedes parses.

/** Type 1 with its four flags zero [MQTT-2.2.2-1]; the first byte of TLS has the type, but not the flags. */
export const CONNECT_BYTE = 0x10
export const PUBLISH = 3

export type FrameHeader = { type: number; headerBytes: number; bodyBytes: number }

/** 'partial' = the length is not all there yet; 'malformed' = more than four length bytes [MQTT-2.2.3]. */
export function readHeader(bytes: Buffer, at: number): FrameHeader | 'partial' | 'malformed' {
  const first = bytes[at]
  if (first === undefined) return 'partial'
  let bodyBytes = 0
  for (let i = 0; i < 4; i++) {
    const digit = bytes[at + 1 + i]
    if (digit === undefined) return 'partial'
    bodyBytes += (digit & 0x7f) << (7 * i)
    if ((digit & 0x80) === 0) return { type: first >> 4, headerBytes: 2 + i, bodyBytes }
  }
  return 'malformed'
}

/** The protocol level of a whole CONNECT frame, without the bridge bit that mosquitto sets; null when it is not MQTT at all. */
export function protocolLevel(body: Buffer): number | null {
  if (body.length < 2) return null
  const nameEnd = 2 + body.readUInt16BE(0)
  const name = body.toString('latin1', 2, nameEnd)
  const level = body[nameEnd]
  return (name === 'MQTT' || name === 'MQIsdp') && level !== undefined ? level & 0x7f : null
}

/** CONNACK 0x01, unacceptable protocol version [MQTT-3.1.2-2]: older and newer clients alike understand this form. */
export const CONNACK_VERSION = Buffer.from([0x20, 0x02, 0x00, 0x01])

/** The topic of a PUBLISH of which at least the beginning is there. */
export function topicOf(bytes: Buffer, bodyAt: number): string | undefined {
  if (bodyAt + 2 > bytes.length) return undefined
  const end = bodyAt + 2 + bytes.readUInt16BE(bodyAt)
  return end <= bytes.length ? bytes.toString('utf8', bodyAt + 2, end) : undefined
}
