// Writes a PMTiles archive, version 3 of the specification (github.com/protomaps/PMTiles/blob/main/spec/v3/spec.md): all tiles in one
// file that a browser reads in byte ranges. Tiles lie in the order of their Hilbert number, equal tiles are kept once.
import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { zxyToTileId } from 'pmtiles'
import type { Bounds } from './geojson.ts'
import type { Tile } from './tiles.ts'

const HEADER_BYTES = 127
/** header and root directory have to fit into the reader's first request of 16 KiB (section 2) */
const ROOT_BYTES_MAX = 16_384 - HEADER_BYTES
const LEAF_ENTRIES = 4096
const GZIP = 2
const MVT = 1
const DEGREES_E7 = 1e7

export type Entry = { tileId: number; offset: number; length: number; runLength: number }

const varint = (value: number, out: number[]): void => {
  let rest = value
  while (rest > 127) {
    out.push((rest % 128) + 128)
    rest = Math.floor(rest / 128)
  }
  out.push(rest)
}

/** Section 4.1: ids as steps, run lengths, lengths, offsets (0 = right behind the one before), gzipped. */
export const directoryOf = (entries: readonly Entry[]): Buffer => {
  const out: number[] = []
  varint(entries.length, out)
  entries.forEach(({ tileId }, at) => varint(tileId - (entries[at - 1]?.tileId ?? 0), out))
  for (const { runLength } of entries) varint(runLength, out)
  for (const { length } of entries) varint(length, out)
  entries.forEach(({ offset }, at) => {
    const before = entries[at - 1]
    varint(before !== undefined && offset === before.offset + before.length ? 0 : offset + 1, out)
  })
  return gzipSync(Uint8Array.from(out), { level: 9 })
}

/** The root alone while it is small enough, else a root that points to leaves (section 4.2); leaves double until the root fits. */
export const directoriesOf = (entries: readonly Entry[]): { root: Buffer; leaves: Buffer } => {
  const alone = directoryOf(entries)
  if (alone.length <= ROOT_BYTES_MAX) return { root: alone, leaves: Buffer.alloc(0) }
  for (let size = LEAF_ENTRIES; ; size *= 2) {
    const leaves: Buffer[] = []
    const pointers: Entry[] = []
    let offset = 0
    for (let at = 0; at < entries.length; at += size) {
      const leaf = directoryOf(entries.slice(at, at + size))
      pointers.push({ tileId: entries[at]?.tileId ?? 0, offset, length: leaf.length, runLength: 0 })
      leaves.push(leaf)
      offset += leaf.length
    }
    const root = directoryOf(pointers)
    if (root.length <= ROOT_BYTES_MAX) return { root, leaves: Buffer.concat(leaves) }
  }
}

export type Archive = { bytes: Buffer; tiles: number; contents: number }

export function archiveOf(tiles: Iterable<Tile>, o: { name: string; bounds: Bounds; layers: Record<string, string[]> }): Archive {
  const sorted = Array.from(tiles, ({ z, x, y, bytes }) => ({ z, id: zxyToTileId(z, x, y), bytes })).sort((a, b) => a.id - b.id)
  const known = new Map<string, { offset: number; length: number }>()
  const contents: Buffer[] = []
  const entries: Entry[] = []
  let end = 0
  for (const { id, bytes } of sorted) {
    const key = createHash('sha256').update(bytes).digest('base64')
    let place = known.get(key)
    if (place === undefined) {
      const packed = gzipSync(bytes, { level: 9 })
      place = { offset: end, length: packed.length }
      known.set(key, place)
      contents.push(packed)
      end += packed.length
    }
    const last = entries.at(-1)
    if (last !== undefined && last.offset === place.offset && last.tileId + last.runLength === id) last.runLength += 1
    else entries.push({ tileId: id, ...place, runLength: 1 })
  }
  const { root, leaves } = directoriesOf(entries)
  const zooms = sorted.map(({ z }) => z)
  const [zoomMin, zoomMax] = [zooms[0] ?? 0, zooms.at(-1) ?? 0]
  const metadata = gzipSync(
    JSON.stringify({
      name: o.name,
      type: 'baselayer',
      vector_layers: Object.entries(o.layers).map(([id, fields]) => ({
        id,
        fields: Object.fromEntries(fields.map(field => [field, 'String'])),
      })),
    }),
  )
  const header = headerOf({
    parts: [root.length, metadata.length, leaves.length, end],
    counts: [sorted.length, entries.length, contents.length],
    zooms: [zoomMin, zoomMax],
    bounds: o.bounds,
  })
  return { bytes: Buffer.concat([header, root, metadata, leaves, ...contents]), tiles: sorted.length, contents: contents.length }
}

const headerOf = (o: { parts: readonly number[]; counts: readonly number[]; zooms: readonly [number, number]; bounds: Bounds }): Buffer => {
  const header = Buffer.alloc(HEADER_BYTES)
  header.write('PMTiles', 0, 'ascii')
  header.writeUInt8(3, 7)
  let offset = HEADER_BYTES
  for (const [at, length] of o.parts.entries()) {
    header.writeBigUInt64LE(BigInt(offset), 8 + at * 16)
    header.writeBigUInt64LE(BigInt(length), 16 + at * 16)
    offset += length
  }
  for (const [at, count] of o.counts.entries()) header.writeBigUInt64LE(BigInt(count), 72 + at * 8)
  header.writeUInt8(1, 96)
  header.writeUInt8(GZIP, 97)
  header.writeUInt8(GZIP, 98)
  header.writeUInt8(MVT, 99)
  header.writeUInt8(o.zooms[0], 100)
  header.writeUInt8(o.zooms[1], 101)
  const { west, south, east, north } = o.bounds
  const degrees = [west, south, east, north]
  for (const [at, value] of degrees.entries()) header.writeInt32LE(Math.round(value * DEGREES_E7), 102 + at * 4)
  header.writeUInt8(o.zooms[0], 118)
  header.writeInt32LE(Math.round(((west + east) / 2) * DEGREES_E7), 119)
  header.writeInt32LE(Math.round(((south + north) / 2) * DEGREES_E7), 123)
  return header
}
