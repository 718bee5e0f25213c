// Puts the invented district together: seed in, five GeoJSON layers out. Never reads a file or a clock.
import { createRandom, type Random } from '../random.ts'
import { makeBuildings, type Building } from './buildings.ts'
import { distance, type Point } from './geometry.ts'
import { makeLand, type Land } from './land.ts'
import { lineFeature, pointFeature, polygonFeature, type Feature, type Layers } from './layers.ts'
import { DISTRICT_NAME, ROAD_STEMS } from './names.ts'
import { clearOf, throughRoads, townStreets, type Road } from './roads.ts'
import { makeTowns } from './towns.ts'

const STATIONS_PER_AREA = 8
const STATION_GAP_KM = 0.7

export function makeDistrict(seed: string, buildingsWanted = 3000): Layers {
  const random = createRandom(seed)
  const land = makeLand(random.fork('land'))
  const towns = makeTowns(random.fork('towns'), land)
  const through = throughRoads(random.fork('roads'), land, towns)
  const buildings = makeBuildings(random.fork('buildings'), clearOf(through, towns), land.areas, buildingsWanted)
  const roads = [...through, ...townStreets(towns)]
  return {
    areas: areaFeatures(land),
    roads: roads.map((road, i) => roadFeature(road, i)),
    stations: stationFeatures(random.fork('stations'), land, buildings),
    buildings: buildings.map(b => buildingFeature(b, land)),
    water: land.water.map(w => polygonFeature(w.ring, { id: w.id, name: w.name.zh, name_en: w.name.en, kind: w.kind })),
  }
}

function areaFeatures(land: Land): Feature[] {
  const district = polygonFeature(land.outline, { id: 'district', name: DISTRICT_NAME.zh, name_en: DISTRICT_NAME.en, level: 'district' })
  return [district, ...land.areas.map(a => polygonFeature(a.ring, { id: a.id, name: a.name.zh, name_en: a.name.en, level: 'street' }))]
}

/** Only the roads that people call by name have one; streets in town stay unnamed to keep the file small. */
function roadFeature(road: Road, index: number): Feature {
  const stem = ROAD_STEMS[index % ROAD_STEMS.length]!
  if (road.class === 'motorway')
    return lineFeature(road.line, { class: road.class, name: `${stem.zh}高速`, name_en: `${stem.en} Expressway` })
  if (road.class === 'primary') return lineFeature(road.line, { class: road.class, name: `${stem.zh}大道`, name_en: `${stem.en} Avenue` })
  return lineFeature(road.line, { class: road.class })
}

const buildingFeature = (b: Building, land: Land): Feature =>
  polygonFeature(b.ring, {
    id: b.id,
    name: b.name.zh,
    name_en: b.name.en,
    floors: b.floors,
    area: land.areas[b.areaIndex]!.name.zh,
    use: b.use,
  })

/** One fire station and up to eight micro stations an area, at the edge of compounds and never two close together. */
function stationFeatures(random: Random, land: Land, buildings: Building[]): Feature[] {
  const out: Feature[] = []
  let micro = 0
  for (const [areaIndex, area] of land.areas.entries()) {
    const taken: Point[] = []
    const own = buildings.filter(b => b.areaIndex === areaIndex)
    for (let gap = STATION_GAP_KM; taken.length <= STATIONS_PER_AREA && gap > 0.05; gap *= 0.8) {
      for (let tries = 0; tries < 60 && taken.length <= STATIONS_PER_AREA; tries++) {
        const host = random.pick(own)
        const at: Point = [host.ring[0]![0] - 0.012, host.ring[0]![1] - 0.012]
        if (taken.some(t => distance(t, at) < gap)) continue
        taken.push(at)
        const properties =
          taken.length === 1
            ? {
                id: `fs-${String(areaIndex + 1).padStart(2, '0')}`,
                name: `${area.name.zh.slice(0, 2)}消防救援站`,
                name_en: `${area.name.en} Fire Station`,
                type: 'fire-station',
              }
            : stationNames(++micro, host)
        out.push(pointFeature(at, { ...properties, area: area.name.zh }))
      }
    }
  }
  return out
}

function stationNames(n: number, host: Building) {
  const en = host.name.en.split(',')[0]!
  return {
    id: `mfs-${String(n).padStart(3, '0')}`,
    name: `${host.compound}微型消防站`,
    name_en: `${en} Micro Fire Station`,
    type: 'micro-station',
  }
}
