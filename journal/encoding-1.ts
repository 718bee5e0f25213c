// The first encoding of a group, which older journals hold: every message spells out who sent it and where to. Only read.
//
//   group   = u8 version, message*
//   message = u8 flags (bits 0-1 qos, 2 retain, 3 dup), u48 receivedAtMs, u16 identity, u16 clientId, u16 topic, u32 payload
//             (lengths in bytes), then the four, strings in UTF-8; all numbers little endian
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import type { GroupRow } from './database.ts'

const HEADER_BYTES = 1
const FIXED_BYTES = 17

export function decodeVersion1(row: GroupRow, bytes: Buffer, afterSeq: number, max: number, into: Message[]): void {
  let at = HEADER_BYTES
  for (let seq = row.firstSeq; seq <= row.lastSeq && into.length < max; seq++) {
    if (at + FIXED_BYTES > bytes.length) throw shortGroup(row, seq)
    const identityEnd = at + FIXED_BYTES + bytes.readUInt16LE(at + 7)
    const clientIdEnd = identityEnd + bytes.readUInt16LE(at + 9)
    const topicEnd = clientIdEnd + bytes.readUInt16LE(at + 11)
    const end = topicEnd + bytes.readUInt32LE(at + 13)
    if (end > bytes.length) throw shortGroup(row, seq)
    if (seq > afterSeq) {
      into.push({
        seq,
        committedAtMs: row.committedAtMs,
        receivedAtMs: bytes.readUIntLE(at + 1, 6),
        identity: bytes.toString('utf8', at + FIXED_BYTES, identityEnd),
        clientId: bytes.toString('utf8', identityEnd, clientIdEnd),
        topic: bytes.toString('utf8', clientIdEnd, topicEnd),
        ...flagsOf(bytes.readUInt8(at)),
        payload: bytes.subarray(topicEnd, end),
      })
    }
    at = end
  }
}

export const flagsOf = (flags: number): Pick<Message, 'qos' | 'retain' | 'dup'> => ({
  qos: (flags & 3) === 0 ? 0 : (flags & 3) === 1 ? 1 : 2,
  retain: (flags & 4) !== 0,
  dup: (flags & 8) !== 0,
})

export const shortGroup = (row: GroupRow, seq: number): FengsuiError =>
  new FengsuiError('journal-damaged', `group ${row.firstSeq}-${row.lastSeq}: the bytes end before message ${seq} does`)
