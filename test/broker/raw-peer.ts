// MQTT packets written out byte by byte, and a peer on a bare socket that sends them and says exactly what came back.
import type { Socket } from 'node:net'
import { expect } from 'vitest'
import { closed, until, type Table } from './table.ts'

export const field = (value: string | number[]): number[] => {
  const body = typeof value === 'string' ? [...Buffer.from(value)] : value
  return [body.length >> 8, body.length & 0xff, ...body]
}
const uint16 = (n: number): number[] => [n >> 8, n & 0xff]
const length = (n: number): number[] => (n < 128 ? [n] : [(n & 0x7f) | 0x80, ...length(n >> 7)])
export const packet = (first: number, body: number[]): Buffer => Buffer.from([first, ...length(body.length), ...body])

type Connect = { id?: string | number[]; flags?: number; keepaliveS?: number; name?: string; level?: number; rest?: number[] }
/** clean session unless `flags` say otherwise */
export const connect = ({ id = '', flags = 2, keepaliveS = 0, name = 'MQTT', level = 4, rest = [] }: Connect): Buffer =>
  packet(0x10, [...field(name), level, flags, ...uint16(keepaliveS), ...field(id), ...rest])
export const connack = (code: number, present = 0): Buffer => packet(0x20, [present, code])
/** `id` 0 = none, for QoS 0 */
export const publish = (first: number, topic: string | number[], payload = '', id = 0): Buffer =>
  packet(first, [...field(topic), ...(id === 0 ? [] : uint16(id)), ...Buffer.from(payload)])
export const puback = (id: number): Buffer => packet(0x40, uint16(id))
export const pubrec = (id: number): Buffer => packet(0x50, uint16(id))
export const pubrel = (id: number): Buffer => packet(0x62, uint16(id))
export const pubcomp = (id: number): Buffer => packet(0x70, uint16(id))
export const subscribe = (id: number, ...filters: [filter: string | number[], qos: number][]): Buffer =>
  packet(0x82, [...uint16(id), ...filters.flatMap(([filter, qos]) => [...field(filter), qos])])
export const suback = (id: number, ...codes: number[]): Buffer => packet(0x90, [...uint16(id), ...codes])
export const unsubscribe = (id: number, ...filters: (string | number[])[]): Buffer =>
  packet(0xa2, [...uint16(id), ...filters.flatMap(field)])
export const unsuback = (id: number): Buffer => packet(0xb0, uint16(id))
export const PINGREQ = packet(0xc0, [])
export const PINGRESP = packet(0xd0, [])
export const DISCONNECT = packet(0xe0, [])

export type RawPeer = {
  socket: Socket
  send(...packets: Buffer[]): void
  /** waits for exactly these bytes, in this order, and takes them */
  get(...packets: Buffer[]): Promise<void>
  /** takes the next so many bytes */
  take(bytes: number): Promise<Buffer>
  /** the connection ends, and nothing came that was not taken */
  ends(): Promise<void>
  /** it is alive, and nothing came that was not taken */
  rests(): Promise<void>
  /** ends it without a word */
  dies(): Promise<void>
}

export function rawPeer(table: Table, port?: number): RawPeer {
  const socket = table.socket(port)
  let got = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => (got = Buffer.concat([got, chunk])))
  const take = async (bytes: number): Promise<Buffer> => {
    await until(
      () => (got.length >= bytes || socket.destroyed ? got.length : -1),
      n => n !== -1,
    )
    const taken = got.subarray(0, bytes)
    got = got.subarray(bytes)
    return taken
  }
  const get = async (...packets: Buffer[]): Promise<void> => {
    for (const expected of packets) expect((await take(expected.length)).toString('hex')).toBe(expected.toString('hex'))
  }
  return {
    socket,
    send: (...packets) => void socket.write(Buffer.concat(packets)),
    take,
    get,
    async ends() {
      await closed(socket)
      expect(got.toString('hex')).toBe('')
    },
    async rests() {
      socket.write(PINGREQ)
      await get(PINGRESP)
    },
    async dies() {
      socket.resetAndDestroy()
      await closed(socket)
    },
  }
}

/** Connected as `id`, clean unless told; whatever session there was. */
export async function peerAs(table: Table, id: string, o: Omit<Connect, 'id'> & { present?: number } = {}): Promise<RawPeer> {
  const peer = rawPeer(table)
  peer.send(connect({ id, ...o }))
  await peer.get(connack(0, o.present ?? 0))
  return peer
}
