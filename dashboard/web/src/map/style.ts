// The base map's style: our own GeoJSON, our own colours, fonts of this computer (no `glyphs`), nothing from anywhere else.
import type { StyleSpecification } from 'maplibre-gl'
import { THEMES, type Theme } from '../tokens.ts'
import { areaLabels, type Collection, type District } from './district.ts'

const MAJOR = ['motorway', 'trunk', 'primary', 'secondary']
const source = (data: Collection) => ({ type: 'geojson' as const, data, tolerance: 0.5 })

export const styleOf = (district: District, theme: Theme, english: boolean): StyleSpecification => {
  const c = THEMES[theme]
  const label = { 'text-font': ['sans-serif'], 'text-max-width': 12 }
  const halo = { 'text-color': c.mapLabel, 'text-halo-color': c.mapHalo, 'text-halo-width': 1.4 }
  return {
    version: 8,
    sources: {
      areas: source(district.areas),
      'area-labels': source(areaLabels(district.areas, english)),
      water: source(district.water),
      roads: source(district.roads),
      buildings: source(district.buildings),
      stations: source(district.stations),
    },
    layers: [
      { id: 'ground', type: 'background', paint: { 'background-color': c.mapGround } },
      { id: 'areas', type: 'fill', source: 'areas', paint: { 'fill-color': c.mapArea } },
      { id: 'water', type: 'fill', source: 'water', paint: { 'fill-color': c.mapWater } },
      {
        id: 'buildings-flat',
        type: 'fill',
        source: 'buildings',
        minzoom: 13,
        maxzoom: 15,
        paint: { 'fill-color': c.mapBuilding },
      },
      {
        id: 'roads-minor',
        type: 'line',
        source: 'roads',
        minzoom: 10,
        filter: ['!', ['in', ['get', 'class'], ['literal', MAJOR]]],
        paint: { 'line-color': c.mapRoad, 'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 10, 0.6, 14, 2, 17, 9] },
      },
      {
        id: 'roads-major',
        type: 'line',
        source: 'roads',
        filter: ['in', ['get', 'class'], ['literal', MAJOR]],
        layout: { 'line-cap': 'round', 'line-join': 'round' },
        paint: { 'line-color': c.mapRoadMajor, 'line-width': ['interpolate', ['exponential', 1.5], ['zoom'], 9, 0.9, 14, 3.5, 17, 14] },
      },
      { id: 'area-lines', type: 'line', source: 'areas', paint: { 'line-color': c.mapAreaLine, 'line-width': 1 } },
      {
        id: 'buildings',
        type: 'fill-extrusion',
        source: 'buildings',
        minzoom: 15,
        paint: {
          'fill-extrusion-color': c.mapBuilding,
          'fill-extrusion-height': ['*', 3, ['coalesce', ['get', 'floors'], 1]],
          'fill-extrusion-opacity': 0.85,
        },
      },
      {
        id: 'stations',
        type: 'circle',
        source: 'stations',
        paint: {
          'circle-radius': ['interpolate', ['linear'], ['zoom'], 9, 3, 14, 6],
          'circle-color': c.mapArea,
          'circle-stroke-color': c.station,
          'circle-stroke-width': 1.5,
        },
      },
      {
        id: 'area-names',
        type: 'symbol',
        source: 'area-labels',
        layout: { ...label, 'text-field': ['get', 'label'], 'text-size': ['interpolate', ['linear'], ['zoom'], 9, 12, 13, 16] },
        paint: halo,
      },
      {
        id: 'station-names',
        type: 'symbol',
        source: 'stations',
        minzoom: 13,
        layout: {
          ...label,
          'text-field': english ? ['coalesce', ['get', 'name_en'], ['get', 'name']] : ['get', 'name'],
          'text-size': 12,
          'text-offset': [0, 0.9],
          'text-anchor': 'top',
        },
        paint: halo,
      },
    ],
  }
}
