// The PMTiles archive as the browser's own reader (package pmtiles) sees it, and the tiles as a decoder of vector tiles sees them.
import * as fc from 'fast-check'
import { PMTiles, findTile, type Source } from 'pmtiles'
import { describe, expect, test } from 'vitest'
import { boundsOf, readLayer, textOf, type Collection } from '../../dashboard/basemap/geojson.ts'
import { archiveOf, directoriesOf, directoryOf, type Entry } from '../../dashboard/basemap/pmtiles.ts'
import { cutTiles, type Tile } from '../../dashboard/basemap/tiles.ts'

const BOUNDS = { west: 118.5, south: 31.6, east: 119.1, north: 32.1 }
const opened = (bytes: Buffer, requests: number[] = []): PMTiles => {
  const source: Source = {
    getKey: () => 'memory',
    getBytes: async (offset, length) => {
      requests.push(length)
      const part = bytes.subarray(offset, offset + length)
      return { data: new Uint8Array(part).buffer }
    },
  }
  return new PMTiles(source)
}
const square = (lon: number, lat: number, sideDeg: number, properties: Record<string, unknown>) => ({
  type: 'Feature' as const,
  properties,
  geometry: {
    type: 'Polygon',
    coordinates: [
      [
        [lon, lat],
        [lon + sideDeg, lat],
        [lon + sideDeg, lat + sideDeg],
        [lon, lat + sideDeg],
        [lon, lat],
      ] as [number, number][],
    ],
  },
})
const collection = (...features: Collection['features']): Collection => ({ type: 'FeatureCollection', features })

describe('the archive', () => {
  test('every tile that went in comes out, byte for byte, and no other', async () => {
    const anyTile = fc.record({
      x: fc.integer({ min: 0, max: 63 }),
      y: fc.integer({ min: 0, max: 63 }),
      fill: fc.integer({ min: 0, max: 5 }),
    })
    await fc.assert(
      fc.asyncProperty(fc.uniqueArray(anyTile, { selector: ({ x, y }) => `${x}/${y}`, minLength: 1, maxLength: 60 }), async made => {
        const tiles: Tile[] = made.map(({ x, y, fill }) => ({ z: 6, x, y, bytes: new Uint8Array(20 + fill).fill(fill) }))
        const { bytes, contents } = archiveOf(tiles, { name: 't', bounds: BOUNDS, layers: {} })
        expect(contents).toBe(new Set(made.map(({ fill }) => fill)).size)
        const archive = opened(bytes)
        for (const tile of tiles) expect(new Uint8Array((await archive.getZxy(tile.z, tile.x, tile.y))!.data)).toEqual(tile.bytes)
        const taken = new Set(made.map(({ x, y }) => `${x}/${y}`))
        for (let n = 0; n < 64; n++) if (!taken.has(`${n}/${n}`)) expect(await archive.getZxy(6, n, n)).toBeUndefined()
      }),
      { numRuns: 40 },
    )
  })

  test('a directory too large for the first request is split into leaves, and every tile is still found', async () => {
    let state = 7
    const next = () => (state = (state * 48_271) % 2_147_483_647)
    const entries: Entry[] = []
    for (let at = 0, id = 0, offset = 0; at < 30_000; at++) {
      id += 1 + (next() % 9)
      const length = 200 + (next() % 40_000)
      entries.push({ tileId: id, offset, length, runLength: 1 })
      offset += length
    }
    expect(directoryOf(entries).length).toBeGreaterThan(16_384)
    const { root, leaves } = directoriesOf(entries)
    expect(root.length).toBeLessThanOrEqual(16_384 - 127)
    expect(leaves.length).toBeGreaterThan(0)
  })

  test('the header says where it is and from which zoom to which', async () => {
    const { bytes } = archiveOf(
      [
        { z: 7, x: 1, y: 1, bytes: new Uint8Array([1]) },
        { z: 9, x: 2, y: 2, bytes: new Uint8Array([2]) },
      ],
      {
        name: 'district',
        bounds: BOUNDS,
        layers: { roads: ['class', 'name'] },
      },
    )
    const archive = opened(bytes)
    expect(await archive.getHeader()).toMatchObject({
      specVersion: 3,
      minZoom: 7,
      maxZoom: 9,
      minLon: 118.5,
      maxLat: 32.1,
      clustered: true,
      tileType: 1,
    })
    expect(await archive.getMetadata()).toMatchObject({ vector_layers: [{ id: 'roads', fields: { class: 'String', name: 'String' } }] })
  })

  test('findTile of the reader agrees on runs', () => {
    expect(findTile([{ tileId: 5, offset: 0, length: 1, runLength: 3 }], 7)).not.toBeNull()
    expect(findTile([{ tileId: 5, offset: 0, length: 1, runLength: 3 }], 8)).toBeNull()
  })
})

describe('cutting', () => {
  const layers = {
    areas: collection(square(118.6, 31.7, 0.3, { level: 'district' }), square(118.65, 31.75, 0.05, { level: 'community' })),
    buildings: collection(square(118.7, 31.8, 0.001, { floors: 18 })),
  }
  const contains = (tile: Tile, layer: string): boolean => Buffer.from(tile.bytes).includes(layer)

  test('houses and fine areas come only close up', () => {
    const tiles = [...cutTiles(layers)]
    const zooms = (layer: string) => tiles.filter(tile => contains(tile, layer)).map(({ z }) => z)
    expect(Math.min(...zooms('areas'))).toBe(7)
    expect(Math.min(...zooms('buildings'))).toBe(13)
    expect(Math.min(...zooms('community'))).toBe(11)
    expect(Math.max(...tiles.map(({ z }) => z))).toBe(14)
  })

  test('no tile lies outside of what the layers cover, and every zoom covers it', () => {
    const { west, east } = boundsOf(Object.values(layers))
    for (const { z, x } of cutTiles(layers)) {
      const [left, right] = [(x / 2 ** z) * 360 - 180, ((x + 1) / 2 ** z) * 360 - 180]
      expect(right >= west && left <= east, `${z}/${x}`).toBe(true)
    }
  })
})

describe('what comes in', () => {
  const text = (lon: number, lat: number, more: object = {}) =>
    JSON.stringify({
      type: 'FeatureCollection',
      ...more,
      features: [{ type: 'Feature', properties: {}, geometry: { type: 'Point', coordinates: [lon, lat] } }],
    })
  const positionOf = (layer: Collection) => layer.features[0]!.geometry.coordinates as number[]

  test('GCJ-02 is moved by the half kilometre that it is off, once, and says so', () => {
    const layer = readLayer(text(118.84, 31.95), 'stations', 'gcj02')
    const [lon, lat] = positionOf(layer)
    const metres = Math.hypot((lon! - 118.84) * 94_500, (lat! - 31.95) * 111_000)
    expect(metres).toBeGreaterThan(400)
    expect(metres).toBeLessThan(700)
    const kept = textOf(layer)
    expect(positionOf(readLayer(kept, 'stations', 'wgs84'))).toEqual([lon, lat])
    expect(() => readLayer(kept, 'stations', 'gcj02')).toThrow(/was converted from gcj02 before/)
  })

  test.each([
    ['{', 'wgs84', /is not JSON/],
    ['{"type":"Feature"}', 'wgs84', /not a GeoJSON FeatureCollection/],
    [text(31.95, 118.84), 'wgs84', /longitude, then latitude/],
    [JSON.stringify({ type: 'FeatureCollection', features: [{ type: 'Feature', geometry: null }] }), 'wgs84', /feature 0 has no geometry/],
  ] as const)('%s is refused and named', (given, crs, why) => {
    expect(() => readLayer(given, 'roads.geojson', crs)).toThrow(why)
    expect(() => readLayer(given, 'roads.geojson', crs)).toThrow(/roads\.geojson/)
  })
})
