// What MQTT 3.1.1 demands of a CONNECT, one rule a line, each with its clause; read before Aedes may see it. Never decides who
// may come in (entry.ts). MQTT 3.1 is let in too: same frame, another name and level.
import { readUint16, utf8Problem } from './text-rules.ts'

/** CONNACK 0x01, unacceptable protocol version [MQTT-3.1.2-2]: older and newer clients alike understand this form. */
export const CONNACK_VERSION = Buffer.from([0x20, 0x02, 0x00, 0x01])

/** The same in the form of MQTT 5, which such a client waits for: reason 0x84, no properties [MQTT 5, 3.1.2.2 and 3.2.2.2]. */
export const CONNACK_VERSION_5 = Buffer.from([0x20, 0x03, 0x00, 0x84, 0x00])

const FLAG = { reserved: 0x01, will: 0x04, willQos: 0x18, willRetain: 0x20, password: 0x40, username: 0x80 } as const
/** mosquitto marks a bridge in the level */
const BRIDGE = 0x80
const LEVELS: Record<string, number> = { MQTT: 4, MQIsdp: 3 }

export type ConnectProblem = { level: number } | { reason: string }

/** null = well-formed; `level` = another version of MQTT, of which nothing more can be read. `body` is all behind the fixed header. */
export function connectProblem(body: Buffer): ConnectProblem | null {
  const nameEnd = body.length < 2 ? 0 : 2 + readUint16(body, 0)
  const expected = nameEnd === 0 ? undefined : LEVELS[body.toString('latin1', 2, nameEnd)]
  const level = (body[nameEnd] ?? 0) & ~BRIDGE
  if (expected === undefined || nameEnd >= body.length) return { reason: 'the CONNECT does not name MQTT as its protocol [MQTT-3.1.2-1]' }
  if (level !== expected) return { level }
  const reason = flagsProblem(body[nameEnd + 1] ?? FLAG.reserved, level) ?? fieldsProblem(body, nameEnd + 4, body[nameEnd + 1] ?? 0)
  return reason === null ? null : { reason }
}

function flagsProblem(flags: number, level: number): string | null {
  const willQos = (flags & FLAG.willQos) >> 3
  if (flags & FLAG.reserved && level > 3) return 'the reserved flag of CONNECT is set [MQTT-3.1.2-3]'
  if (willQos === 3) return 'a will of QoS 3 [MQTT-3.1.2-14]'
  if (!(flags & FLAG.will) && willQos !== 0) return 'a will QoS without a will [MQTT-3.1.2-13]'
  if (!(flags & FLAG.will) && flags & FLAG.willRetain) return 'a will retain flag without a will [MQTT-3.1.2-15]'
  if (!(flags & FLAG.username) && flags & FLAG.password) return 'a password without a user name [MQTT-3.1.2-22]'
  return null
}

/** ClientId, will topic, will message, user name, password: in this order, as the flags say, and nothing behind [MQTT-3.1.3-1]. */
function fieldsProblem(body: Buffer, from: number, flags: number): string | null {
  if (from > body.length) return 'a CONNECT that ends before its keepalive [MQTT-3.1.2-1]'
  const hasWill = (flags & FLAG.will) !== 0
  const fields = [
    { name: 'ClientId', is: true, isText: true },
    { name: 'will topic', is: hasWill, isText: true },
    { name: 'will message', is: hasWill, isText: false },
    { name: 'user name', is: (flags & FLAG.username) !== 0, isText: true },
    { name: 'password', is: (flags & FLAG.password) !== 0, isText: false },
  ].filter(field => field.is)
  let at = from
  for (const { name, isText } of fields) {
    const end = at + 2 > body.length ? Infinity : at + 2 + readUint16(body, at)
    if (end > body.length) return `a CONNECT that ends before its ${name} does [MQTT-3.1.3-1]`
    const wrong = isText ? utf8Problem(body, at + 2, end, name) : null
    if (wrong !== null) return wrong
    if (name === 'will topic' && end === at + 2) return 'an empty will topic [MQTT-4.7.3-1]'
    at = end
  }
  return at === body.length ? null : `${body.length - at} bytes behind the last field of CONNECT [MQTT-3.1.3-1]`
}
