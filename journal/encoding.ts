// A group of messages as bytes, and back. Flat and dull on purpose: zstd finds the repetition, and a reader can step over
// messages it does not want without making them. Never changes a payload; appending copies it once.
//
//   group      = u8 version, message*
//   message    = u8 flags (bits 0-1 qos, 2 retain, 3 dup, 4 defines its origin), u16 origin, u48 receivedAtMs, u32 payload bytes,
//                [definition], payload
//   definition = u16 identity, u16 clientId, u16 topic (lengths in bytes), then the three in UTF-8; the first of a group defines
//                origin 0, the next one 1 and so on; all numbers little endian
//
// A small group lies bare in its row, all others as a zstd frame: the first byte, a version or that of zstd's magic number, tells which.
import { Buffer } from 'node:buffer' // the global one is found anew by a getter each time
import { constants, crc32, zstdCompress, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { FengsuiError } from '#contracts/errors.ts'
import type { Message } from '#contracts/message.ts'
import { reasonOf, type GroupRow } from './database.ts'
import { decodeVersion1, flagsOf, shortGroup } from './encoding-1.ts'
import type { Origin, Own } from './engine.ts'

const VERSION = 2
export const HEADER_BYTES = 1
const FIXED_BYTES = 13
const LENGTHS_BYTES = 6
const DEFINES = 16
const STRING_BYTES_MAX = 0xffff
const FIRST_SLAB_BYTES = 64 * 1024
/** A group as small as this is a message or two: zstd would take a quarter off it, for more time than all else that is done to it. */
const BARE_BYTES_MAX = 512
/** Numbers of origins are u16, and every message can have one of its own. */
export const GROUP_MESSAGES_MAX = 0xffff

let groupsMade = 0

/** An origin with its definition ready to be copied, and the number it has in the group that defined it last. */
export class KnownOrigin implements Origin {
  readonly identity: string
  readonly clientId: string
  readonly topic: string
  readonly definition: Buffer
  /** why it cannot be written down */
  readonly problem: string | undefined
  group = -1
  number = 0

  constructor({ identity, clientId, topic }: Origin) {
    this.identity = identity
    this.clientId = clientId
    this.topic = topic
    const texts = [identity, clientId, topic].map(text => Buffer.from(text))
    const longest = Math.max(...texts.map(text => text.length))
    this.problem =
      longest > STRING_BYTES_MAX ? `identity, clientId and topic hold at most ${STRING_BYTES_MAX} bytes, one has ${longest}` : undefined
    const lengths = Buffer.alloc(LENGTHS_BYTES)
    for (const [i, text] of texts.entries()) lengths.writeUInt16LE(text.length & STRING_BYTES_MAX, i * 2)
    this.definition = Buffer.concat([lengths, ...texts])
  }
}

/** What a message needs at most. */
export const sizeBound = (origin: KnownOrigin, m: Own): number => FIXED_BYTES + origin.definition.length + payloadBytesOf(m)

const payloadBytesOf = ({ payload, from = 0, to = payload.byteLength }: Own): number => to - from

/** Messages of one group, encoded as they come. */
export class GroupBuffer {
  #slab: Uint8Array<ArrayBuffer>
  #origins = 0
  readonly #id = groupsMade++
  byteLength = HEADER_BYTES
  count = 0

  /** `likelyBytes`: what a new slab is made for, where there is none to use again; it grows when that was too little. */
  constructor(slab?: ArrayBuffer, likelyBytes = 0) {
    this.#slab = new Uint8Array(slab ?? new ArrayBuffer(Math.max(FIRST_SLAB_BYTES, likelyBytes)))
    this.#slab[0] = VERSION
  }

  add(origin: KnownOrigin, m: Own): void {
    const defines = origin.group !== this.#id
    const payloadBytes = payloadBytesOf(m)
    const end = this.byteLength + FIXED_BYTES + payloadBytes + (defines ? origin.definition.length : 0)
    if (end > this.#slab.length) this.#makeRoom(end)
    const slab = this.#slab
    const at = this.byteLength
    if (defines) {
      origin.group = this.#id
      origin.number = this.#origins++
      slab.set(origin.definition, at + FIXED_BYTES)
    }
    slab[at] = m.qos | (m.retain ? 4 : 0) | (m.dup ? 8 : 0) | (defines ? DEFINES : 0)
    slab[at + 1] = origin.number
    slab[at + 2] = origin.number >>> 8
    writeUInt32(slab, at + 3, m.receivedAtMs)
    const high = Math.floor(m.receivedAtMs / 0x1_0000_0000)
    slab[at + 7] = high
    slab[at + 8] = high >>> 8
    writeUInt32(slab, at + 9, payloadBytes)
    copyPayload(m, slab, end - payloadBytes)
    this.byteLength = end
    this.count++
  }

  /** The encoded bytes; the buffer behind them may be moved to another thread, and this object is spent then. */
  bytes(): Uint8Array<ArrayBuffer> {
    return this.#slab.subarray(0, this.byteLength)
  }

  #makeRoom(bytes: number): void {
    const bigger = new Uint8Array(Math.max(bytes, this.#slab.length * 2))
    bigger.set(this.#slab.subarray(0, this.byteLength))
    this.#slab = bigger
  }
}

/** Without a view on the payload, which would cost twice what copying it does. Takes any Uint8Array. */
function copyPayload({ payload, from = 0, to = payload.byteLength }: Own, into: Uint8Array, at: number): void {
  copy.call(payload, into, at, from, to)
}
const { copy } = Buffer.prototype as { copy(this: Uint8Array, into: Uint8Array, at: number, from: number, to: number): number }

/** Storing into a byte takes the lowest eight bits by itself; `>>>` takes the lowest 32 of a larger number. */
function writeUInt32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value >>> 0
  bytes[at + 1] = value >>> 8
  bytes[at + 2] = value >>> 16
  bytes[at + 3] = value >>> 24
}

export type Packed = { blob: Uint8Array; crc32: number }

/** Level 1: higher levels cost more than the disk they save. Knowing the sizes keeps the working memory of small groups small. */
const packing = (bytes: Uint8Array) => ({
  params: { [constants.ZSTD_c_compressionLevel]: 1 },
  pledgedSrcSize: bytes.length,
  chunkSize: Math.max(4096, Math.ceil(bytes.length / 3)),
})

/** A small group is not copied: `bytes` must be left alone until it is written. */
export function packGroup(bytes: Uint8Array): Packed {
  const blob = bytes.length <= BARE_BYTES_MAX ? bytes : zstdCompressSync(bytes, packing(bytes))
  return { blob, crc32: crc32(blob) }
}

/** On another core, while this thread waits for the disk. `bytes` must be left alone until it has called back. */
export function packGroupAside(bytes: Uint8Array, packed: (error: Error | null, packed: Packed) => void): void {
  zstdCompress(bytes, packing(bytes), (error, blob) => packed(error, { blob, crc32: error === null ? crc32(blob) : 0 }))
}

/** Checks and unpacks a row. Throws journal-damaged naming the group. */
export function unpackGroup(row: GroupRow): Buffer {
  const name = `group ${row.firstSeq}-${row.lastSeq}`
  if (row.lastSeq - row.firstSeq + 1 !== row.count)
    throw new FengsuiError('journal-damaged', `${name}: says it holds ${row.count} messages`)
  const sum = crc32(row.blob)
  if (sum !== row.crc32) throw new FengsuiError('journal-damaged', `${name}: CRC-32 is ${sum}, written was ${row.crc32}`)
  try {
    const bytes = unpacked(row.blob)
    if (bytes[0] !== VERSION && bytes[0] !== 1) throw new Error(`encoding version ${bytes[0]} is not known here`)
    return bytes
  } catch (error) {
    throw new FengsuiError('journal-damaged', `${name}: ${reasonOf(error)}`, { cause: error })
  }
}

function unpacked(blob: Uint8Array): Buffer {
  const isBare = blob[0] === VERSION
  return isBare ? Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength) : zstdDecompressSync(blob)
}

/**
 * Appends to `into` the messages of an unpacked group whose seq is above `afterSeq`, until `into` holds `max`.
 * Payloads are views into `bytes`: they stay valid, and hold the group in memory for as long as they are held.
 */
export function decodeGroup(row: GroupRow, bytes: Buffer, afterSeq: number, max: number, into: Message[]): void {
  if (bytes[0] === 1) return decodeVersion1(row, bytes, afterSeq, max, into)
  const origins: (Origin | number)[] = []
  let at = HEADER_BYTES
  for (let seq = row.firstSeq; seq <= row.lastSeq && into.length < max; seq++) {
    if (at + FIXED_BYTES > bytes.length) throw shortGroup(row, seq)
    const flags = bytes.readUInt8(at)
    const payloadAt = at + FIXED_BYTES + ((flags & DEFINES) === 0 ? 0 : definitionBytes(row, seq, bytes, at + FIXED_BYTES))
    const end = payloadAt + bytes.readUInt32LE(at + 9)
    if (end > bytes.length) throw shortGroup(row, seq)
    if ((flags & DEFINES) !== 0) origins.push(at + FIXED_BYTES)
    if (seq > afterSeq) {
      const { identity, clientId, topic } = originAt(row, seq, bytes, origins, bytes.readUInt16LE(at + 1))
      const receivedAtMs = bytes.readUIntLE(at + 3, 6)
      const payload = bytes.subarray(payloadAt, end)
      into.push({ seq, committedAtMs: row.committedAtMs, receivedAtMs, identity, clientId, topic, ...flagsOf(flags), payload })
    }
    at = end
  }
}

function definitionBytes(row: GroupRow, seq: number, bytes: Buffer, at: number): number {
  if (at + LENGTHS_BYTES > bytes.length) throw shortGroup(row, seq)
  return LENGTHS_BYTES + bytes.readUInt16LE(at) + bytes.readUInt16LE(at + 2) + bytes.readUInt16LE(at + 4)
}

/** A definition is read when the first message that is wanted refers to it, and then kept in the place of its offset. */
function originAt(row: GroupRow, seq: number, bytes: Buffer, origins: (Origin | number)[], number: number): Origin {
  const known = origins[number]
  if (typeof known === 'object') return known
  if (known === undefined)
    throw new FengsuiError('journal-damaged', `group ${row.firstSeq}-${row.lastSeq}: message ${seq} has the unknown origin ${number}`)
  const identityEnd = known + LENGTHS_BYTES + bytes.readUInt16LE(known)
  const clientIdEnd = identityEnd + bytes.readUInt16LE(known + 2)
  const topicEnd = clientIdEnd + bytes.readUInt16LE(known + 4)
  return (origins[number] = {
    identity: bytes.toString('utf8', known + LENGTHS_BYTES, identityEnd),
    clientId: bytes.toString('utf8', identityEnd, clientIdEnd),
    topic: bytes.toString('utf8', clientIdEnd, topicEnd),
  })
}
