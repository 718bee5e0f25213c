#!/usr/bin/env node
// Writes the invented district that ships in dashboard/district/: areas, roads, stations, buildings, water as GeoJSON.
// The same seed gives the same bytes, so the files can be checked against this program.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { LAYERS, textOf } from '../simulators/district/layers.ts'
import { makeDistrict } from '../simulators/district/make.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: 'chenglan' },
    buildings: { type: 'string', default: '3000' },
    out: { type: 'string', default: join(import.meta.dirname, '../dashboard/district') },
  },
})
const district = makeDistrict(values.seed, Number(values.buildings))
mkdirSync(values.out, { recursive: true })
for (const layer of LAYERS) {
  const text = textOf(district[layer])
  writeFileSync(join(values.out, `${layer}.geojson`), text)
  console.log(`${layer}: ${district[layer].length} features, ${Math.round(Buffer.byteLength(text) / 1024)} KiB`)
}
