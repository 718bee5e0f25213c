// MAVLink 1 and 2 packets out of a run of bytes, and the fields of the few messages that matter here. The checksum includes a byte that
// stands for the message's definition: a message without one here cannot be checked and is passed over. Format: mavlink.io, common.xml.

export type Packet = { system: number; component: number; message: string; fields: Record<string, number | string | number[]> }
type Field = [name: string, type: 'u8' | 'i8' | 'u16' | 'i16' | 'u32' | 'i32' | 'f32', at: number]
type Definition = {
  name: string
  extra: number
  bytes: number
  fields: readonly Field[]
  text?: [at: number, length: number]
  cells?: [at: number, count: number]
}

const MESSAGES: Readonly<Record<number, Definition>> = {
  0: {
    name: 'HEARTBEAT',
    extra: 50,
    bytes: 9,
    fields: [
      ['type', 'u8', 4],
      ['autopilot', 'u8', 5],
      ['base_mode', 'u8', 6],
      ['system_status', 'u8', 7],
    ],
  },
  1: {
    name: 'SYS_STATUS',
    extra: 124,
    bytes: 31,
    fields: [
      ['voltage_battery', 'u16', 14],
      ['current_battery', 'i16', 16],
      ['battery_remaining', 'i8', 30],
    ],
  },
  24: {
    name: 'GPS_RAW_INT',
    extra: 24,
    bytes: 30,
    fields: [
      ['lat', 'i32', 8],
      ['lon', 'i32', 12],
      ['alt', 'i32', 16],
      ['fix_type', 'u8', 28],
      ['satellites_visible', 'u8', 29],
    ],
  },
  33: {
    name: 'GLOBAL_POSITION_INT',
    extra: 104,
    bytes: 28,
    fields: [
      ['lat', 'i32', 4],
      ['lon', 'i32', 8],
      ['alt', 'i32', 12],
      ['relative_alt', 'i32', 16],
      ['vx', 'i16', 20],
      ['vy', 'i16', 22],
      ['vz', 'i16', 24],
      ['hdg', 'u16', 26],
    ],
  },
  74: {
    name: 'VFR_HUD',
    extra: 20,
    bytes: 20,
    fields: [
      ['groundspeed', 'f32', 4],
      ['alt', 'f32', 8],
      ['climb', 'f32', 12],
      ['heading', 'i16', 16],
    ],
  },
  147: {
    name: 'BATTERY_STATUS',
    extra: 154,
    // with its extension; what an older vehicle does not send is zero, which means the same
    bytes: 54,
    fields: [
      ['temperature', 'i16', 8],
      ['current_battery', 'i16', 30],
      ['id', 'u8', 32],
      ['battery_remaining', 'i8', 35],
      ['time_remaining', 'i32', 36],
      ['charge_state', 'u8', 40],
    ],
    cells: [10, 10],
  },
  253: { name: 'STATUSTEXT', extra: 83, bytes: 51, fields: [['severity', 'u8', 0]], text: [1, 50] },
}
const PACKETS_MAX = 256
/** of the incompatibility flags; the signature itself is not checked, its secret is the ground station's */
const SIGNED = 1
const SIGNATURE_BYTES = 13

export function packetsIn(bytes: Uint8Array): { packets: Packet[]; faults: string[]; unread: number } {
  const found = { packets: [] as Packet[], faults: [] as string[], unread: 0 }
  let at = 0
  while (at < bytes.length && found.packets.length + found.faults.length + found.unread < PACKETS_MAX) {
    const isTwo = bytes[at] === 0xfd
    if (!isTwo && bytes[at] !== 0xfe) {
      at += 1
      continue
    }
    const read = packetAt(bytes.subarray(at), isTwo)
    if ('fault' in read) {
      found.faults.push(`${read.fault} (packet at byte ${at})`)
      at += 1
      continue
    }
    if (read.packet === undefined) found.unread += 1
    else found.packets.push(read.packet)
    at += read.length
  }
  return found
}

/** The packets of a datagram with their own bytes: those that are read here, checked; the rest is passed over. */
export function slicesIn(bytes: Uint8Array): { packet: Packet; bytes: Uint8Array }[] {
  const slices: { packet: Packet; bytes: Uint8Array }[] = []
  let at = 0
  while (at < bytes.length && slices.length < PACKETS_MAX) {
    const isTwo = bytes[at] === 0xfd
    const read = isTwo || bytes[at] === 0xfe ? packetAt(bytes.subarray(at), isTwo) : undefined
    if (read === undefined || 'fault' in read) at += 1
    else {
      if (read.packet !== undefined) slices.push({ packet: read.packet, bytes: bytes.subarray(at, at + read.length) })
      at += read.length
    }
  }
  return slices
}

function packetAt(bytes: Uint8Array, isTwo: boolean): { packet: Packet | undefined; length: number } | { fault: string } {
  const head = isTwo ? 10 : 6
  const [, payloadBytes = 0, incompatible = 0] = bytes
  const length = head + payloadBytes + 2 + (isTwo && (incompatible & SIGNED) !== 0 ? SIGNATURE_BYTES : 0)
  if (bytes.length < length) return { fault: 'the packet ends too early' }
  const id = isTwo ? (bytes[7] ?? 0) | ((bytes[8] ?? 0) << 8) | ((bytes[9] ?? 0) << 16) : (bytes[5] ?? 0)
  const definition = MESSAGES[id]
  // a flag this reader does not know: the packet is not as it is read here
  if (definition === undefined || (isTwo && (incompatible & ~SIGNED) !== 0)) return { packet: undefined, length }
  const crc = x25(bytes.subarray(1, head + payloadBytes), definition.extra)
  const given = (bytes[head + payloadBytes] ?? 0) | ((bytes[head + payloadBytes + 1] ?? 0) << 8)
  if (given !== crc) return { fault: `checksum of ${definition.name}` }
  // zeros at the end are not sent
  const payload = new Uint8Array(Math.max(definition.bytes, payloadBytes))
  payload.set(bytes.subarray(head, head + payloadBytes))
  const [system = 0, component = 0] = isTwo ? bytes.subarray(5, 7) : bytes.subarray(3, 5)
  return { packet: { system, component, message: definition.name, fields: fieldsOf(payload, definition) }, length }
}

function fieldsOf(payload: Uint8Array, definition: Definition): Packet['fields'] {
  const view = new DataView(payload.buffer)
  const read = {
    u8: 'getUint8',
    i8: 'getInt8',
    u16: 'getUint16',
    i16: 'getInt16',
    u32: 'getUint32',
    i32: 'getInt32',
    f32: 'getFloat32',
  } as const
  const fields: Packet['fields'] = {}
  for (const [name, type, at] of definition.fields) fields[name] = view[read[type]](at, true)
  if (definition.cells !== undefined) {
    const [at, count] = definition.cells
    fields['voltages'] = Array.from({ length: count }, (_, i) => view.getUint16(at + 2 * i, true))
  }
  if (definition.text !== undefined) {
    const [at, length] = definition.text
    const raw = payload.subarray(at, at + length)
    const end = raw.indexOf(0)
    fields['text'] = new TextDecoder().decode(end < 0 ? raw : raw.subarray(0, end))
  }
  return fields
}

function x25(bytes: Uint8Array, extra: number): number {
  let crc = 0xffff
  const take = (byte: number): void => {
    let t = (byte ^ crc) & 0xff
    t = (t ^ (t << 4)) & 0xff
    crc = ((crc >> 8) ^ (t << 8) ^ (t << 3) ^ (t >> 4)) & 0xffff
  }
  for (const byte of bytes) take(byte)
  take(extra)
  return crc
}
