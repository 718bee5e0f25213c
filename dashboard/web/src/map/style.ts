// The base map's style: our own tiles (or, where none were built, our own GeoJSON), our own colours, fonts of this computer
// (no `glyphs`), nothing from anywhere else.
import type { LayerSpecification, SourceSpecification, StyleSpecification } from 'maplibre-gl'
import { THEMES, type Theme } from '../tokens.ts'
import { areaLabels, type Collection, type District, type LayerName } from './district.ts'

const MAJOR = ['motorway', 'trunk', 'primary', 'secondary']
const IS_MAJOR = ['in', ['get', 'class'], ['literal', MAJOR]] as const
const geojson = (data: Collection) => ({ type: 'geojson' as const, data, tolerance: 0.5 })
const level = (name: string) => ['==', ['get', 'level'], name] as const

export type StyleOptions = {
  district: District
  theme: Theme
  english: boolean
  /** where the tiles are; null = draw the layers of `district` */
  tiles: string | null
}

type Drawn = { id: string; type: LayerSpecification['type']; of: LayerName } & Record<string, unknown>

/** Ground up; `of` is the layer of the district it draws. */
const drawn = (c: (typeof THEMES)[Theme], english: boolean): Drawn[] => {
  const halo = { 'text-color': c.mapLabel, 'text-halo-color': c.mapHalo, 'text-halo-width': 1.4 }
  const name = english ? ['coalesce', ['get', 'name_en'], ['get', 'name']] : ['get', 'name']
  const text = { 'text-font': ['sans-serif'], 'text-max-width': 12, 'text-field': name }
  return [
    { id: 'areas', type: 'fill', of: 'areas', filter: level('district'), paint: { 'fill-color': c.mapArea } },
    { id: 'water', type: 'fill', of: 'water', paint: { 'fill-color': c.mapWater } },
    { id: 'buildings-flat', type: 'fill', of: 'buildings', minzoom: 13, maxzoom: 15, paint: { 'fill-color': c.mapBuilding } },
    {
      id: 'roads-minor',
      type: 'line',
      of: 'roads',
      minzoom: 10,
      filter: ['!', IS_MAJOR],
      paint: { 'line-color': c.mapRoad, 'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 10, 0.6, 14, 2, 17, 9] },
    },
    {
      id: 'roads-major',
      type: 'line',
      of: 'roads',
      filter: IS_MAJOR,
      layout: { 'line-cap': 'round', 'line-join': 'round' },
      paint: { 'line-color': c.mapRoadMajor, 'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 9, 0.9, 14, 3.5, 17, 14] },
    },
    ...(['grid', 'community', 'street', 'district'] as const).map((each, at): Drawn => ({
      id: `area-lines-${each}`,
      type: 'line',
      of: 'areas',
      filter: level(each),
      minzoom: [13, 11, 0, 0][at],
      layout: { 'line-join': 'round' },
      paint: {
        'line-color': c.mapAreaLine,
        'line-width': [0.6, 0.8, 1, 2][at],
        'line-opacity': each === 'district' ? 1 : 0.8,
        ...(at < 2 ? { 'line-dasharray': [4, 3] } : {}),
      },
    })),
    {
      id: 'buildings',
      type: 'fill-extrusion',
      of: 'buildings',
      minzoom: 15,
      paint: {
        'fill-extrusion-color': c.mapBuilding,
        'fill-extrusion-height': ['*', 3, ['coalesce', ['get', 'floors'], 1]],
        'fill-extrusion-opacity': 0.85,
      },
    },
    {
      id: 'water-names',
      type: 'symbol',
      of: 'water',
      minzoom: 10.5,
      layout: { ...text, 'text-size': 12, 'text-padding': 30 },
      paint: { ...halo, 'text-halo-color': c.mapWater },
    },
    {
      id: 'road-names',
      type: 'symbol',
      of: 'roads',
      minzoom: 12.5,
      layout: { ...text, 'symbol-placement': 'line', 'symbol-spacing': 420, 'text-size': 11 },
      paint: halo,
    },
    {
      id: 'building-names',
      type: 'symbol',
      of: 'buildings',
      minzoom: 16,
      layout: { ...text, 'text-size': 11, 'text-padding': 8 },
      paint: halo,
    },
  ]
}

export const styleOf = ({ district, theme, english, tiles }: StyleOptions): StyleSpecification => {
  const c = THEMES[theme]
  const halo = { 'text-color': c.mapLabel, 'text-halo-color': c.mapHalo, 'text-halo-width': 1.4 }
  const layers = drawn(c, english)
  const used = [...new Set(layers.map(({ of }) => of))]
  const sources: Record<string, SourceSpecification> =
    tiles === null ? Object.fromEntries(used.map(name => [name, geojson(district[name])])) : { base: { type: 'vector', url: tiles } }
  return {
    version: 8,
    sources: { ...sources, 'area-labels': geojson(areaLabels(district.areas, english)), stations: geojson(district.stations) },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': c.mapGround } },
      ...layers.map(
        ({ of, ...layer }) =>
          ({ ...layer, ...(tiles === null ? { source: of } : { source: 'base', 'source-layer': of }) }) as LayerSpecification,
      ),
      {
        id: 'area-names',
        type: 'symbol',
        source: 'area-labels',
        filter: ['<=', ['get', 'from'], ['zoom']],
        layout: {
          'text-font': ['sans-serif'],
          'text-max-width': 12,
          'text-field': ['get', 'label'],
          'text-size': ['interpolate', ['linear'], ['zoom'], 9, 12, 13, 16],
        },
        paint: halo,
      },
      {
        id: 'station-names',
        type: 'symbol',
        source: 'stations',
        minzoom: 12.5,
        layout: {
          'text-font': ['sans-serif'],
          'text-max-width': 12,
          'text-field': english ? ['coalesce', ['get', 'name_en'], ['get', 'name']] : ['get', 'name'],
          'text-size': 12,
          'text-offset': [0, 1.1],
          'text-anchor': 'top',
        },
        paint: halo,
      },
    ],
  }
}
