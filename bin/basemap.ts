#!/usr/bin/env node
// `npm run basemap -- [--crs gcj02|bd09|wgs84] [--layer NAME=FILE] [FILE...]`: takes a district's GeoJSON in, turns it into WGS-84 once,
// keeps it in the district folder and builds basemap.pmtiles beside it. Without files it builds the tiles of what lies in the folder.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { FengsuiError } from '#contracts/errors.ts'
import { boundsOf, CRSES, LAYERS, readLayer, textOf, type Collection, type Crs, type LayerName } from '../dashboard/basemap/geojson.ts'
import { archiveOf } from '../dashboard/basemap/pmtiles.ts'
import { cutTiles, ZOOM_MAX, type Layers } from '../dashboard/basemap/tiles.ts'

const USAGE = `usage: npm run basemap -- [--crs ${CRSES.join('|')}] [--out DIR] [--zoom 12..16] [--layer NAME=FILE] [FILE...]
  FILE       GeoJSON named after its layer: ${LAYERS.map(name => `${name}.geojson`).join(', ')}
  --layer    a layer from a file with another name, as often as needed: --layer roads=osm/streets.json
  --crs      the reference of every FILE of this call; kept is WGS-84. Default wgs84
  --out      the district folder. Default FENGSUI_DISTRICT_DIR, else dashboard/district
  --zoom     the last zoom that gets tiles of its own; beyond it they are enlarged. Default ${ZOOM_MAX}
  without FILE: the layers that lie in the district folder`

const isLayer = (name: string): name is LayerName => LAYERS.includes(name as LayerName)

function readOptions(): { crs: Crs; out: string; zoom: number; inputs: Map<LayerName, string> } {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      crs: { type: 'string', default: 'wgs84' },
      out: { type: 'string' },
      zoom: { type: 'string', default: String(ZOOM_MAX) },
      layer: { type: 'string', multiple: true, default: [] },
    },
  })
  if (!CRSES.includes(values.crs as Crs)) throw new FengsuiError('invalid-request', `--crs ${values.crs}: one of ${CRSES.join(', ')}`)
  const zoom = Number(values.zoom)
  if (!(Number.isInteger(zoom) && zoom >= 12 && zoom <= 16)) throw new FengsuiError('invalid-request', `--zoom ${values.zoom}: 12 to 16`)
  const inputs = new Map<LayerName, string>()
  const take = (name: string, file: string): void => {
    if (!isLayer(name))
      throw new FengsuiError('invalid-request', `${file}: '${name}' is no layer; there are ${LAYERS.join(', ')} (or --layer NAME=FILE)`)
    if (inputs.has(name)) throw new FengsuiError('invalid-request', `${file}: the layer ${name} was given twice`)
    inputs.set(name, file)
  }
  for (const file of positionals) take(basename(file).replace(/\.(geo)?json$/i, ''), file)
  for (const pair of values.layer) take(pair.split('=', 1)[0] ?? '', pair.slice(pair.indexOf('=') + 1))
  const out = resolve(values.out ?? (process.env['FENGSUI_DISTRICT_DIR'] || join(import.meta.dirname, '../dashboard/district')))
  return { crs: values.crs as Crs, out, zoom, inputs }
}

/** Beside the place and then moved: a running server never reads half a file. */
function put(file: string, content: string | Buffer): void {
  writeFileSync(`${file}.new`, content)
  renameSync(`${file}.new`, file)
}

const read = (file: string, crs: Crs): Collection => {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new FengsuiError('district-invalid', `${file} cannot be read: ${(cause as Error).message}`, { cause })
  }
  return readLayer(text, file, crs)
}

function main(): void {
  const { crs, out, zoom, inputs } = readOptions()
  const fresh = new Map([...inputs].map(([name, file]) => [name, { file, collection: read(file, crs) }]))
  mkdirSync(out, { recursive: true })
  const layers: Layers = {}
  for (const name of LAYERS) {
    const kept = join(out, `${name}.geojson`)
    const given = fresh.get(name)
    if (given !== undefined) {
      layers[name] = given.collection
      if (resolve(given.file) !== kept || crs !== 'wgs84') put(kept, textOf(given.collection))
    } else if (existsSync(kept)) layers[name] = read(kept, 'wgs84')
    else console.log(`${name}: not there, left out`)
  }
  if (Object.keys(layers).length === 0)
    throw new FengsuiError('district-invalid', `${out} holds no layer of a district (${LAYERS.join(', ')})`)
  const fields = Object.fromEntries(
    Object.entries(layers).map(([name, { features }]) => [name, [...new Set(features.flatMap(one => Object.keys(one.properties ?? {})))]]),
  )
  const { bytes, tiles, contents } = archiveOf(cutTiles(layers, zoom), {
    name: basename(out),
    bounds: boundsOf(Object.values(layers)),
    layers: fields,
  })
  const file = join(out, 'basemap.pmtiles')
  put(file, bytes)
  const converted = crs === 'wgs84' || fresh.size === 0 ? '' : `, ${fresh.size} layers turned from ${crs} into WGS-84`
  console.log(`${file}: ${tiles} tiles (${contents} different), ${Math.round(bytes.length / 1024)} KiB${converted}`)
}

try {
  main()
} catch (error) {
  if (error instanceof FengsuiError) {
    console.error(`basemap: ${error.message}\n${error.hint}`)
    if (error.code === 'invalid-request') console.error(USAGE)
  } else console.error(`basemap: ${(error as Error).message}\n${USAGE}`)
  process.exitCode = 2
}
