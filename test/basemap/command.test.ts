// `npm run basemap` as an operator runs it: a folder of GeoJSON in, WGS-84 and tiles out, refusals that say what to do.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { root, run } from '../system/running.ts'

const dir = mkdtempSync(join(tmpdir(), 'basemap-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))
const point = (lon: number, lat: number) =>
  JSON.stringify({
    type: 'FeatureCollection',
    features: [{ type: 'Feature', properties: { name: '站' }, geometry: { type: 'Point', coordinates: [lon, lat] } }],
  })
const basemap = (...args: string[]) => run('bin/basemap.ts', args)

test('GCJ-02 in, WGS-84 and tiles in the district folder; a second conversion is refused', async () => {
  const out = join(dir, 'district')
  const given = join(dir, 'streets of others.json')
  writeFileSync(given, point(118.84, 31.95))
  const done = await basemap('--crs', 'gcj02', '--out', out, '--layer', `stations=${given}`)
  expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining('1 layers turned from gcj02 into WGS-84') })
  const kept = JSON.parse(readFileSync(join(out, 'stations.geojson'), 'utf8'))
  expect(kept.crsWas).toBe('gcj02')
  expect(kept.features[0].geometry.coordinates[0]).not.toBe(118.84)
  expect(readFileSync(join(out, 'basemap.pmtiles')).subarray(0, 8).toString('latin1')).toBe('PMTiles\u0003')

  const again = await basemap('--crs', 'gcj02', '--out', out, join(out, 'stations.geojson'))
  expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('converted from gcj02 before') })
  expect(JSON.parse(readFileSync(join(out, 'stations.geojson'), 'utf8'))).toEqual(kept)
  expect(await basemap('--out', out)).toMatchObject({ code: 0, stdout: expect.not.stringContaining('turned from') })
})

test('a name that is no layer and an empty folder are refused with the names there are', async () => {
  expect(await basemap('--out', dir, join(root, 'package.json'))).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('areas, roads'),
  })
  expect(await basemap('--out', join(dir, 'nothing'))).toMatchObject({ code: 2, stderr: expect.stringContaining('holds no layer') })
})
