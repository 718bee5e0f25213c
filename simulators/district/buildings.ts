// Buildings inside the blocks: rows of slabs in a residential compound, halls in a park, one or two big ones for schools and
// malls. The first compound is the scene of the night-fire scenario and always has 18 floors.
import type { Random } from '../random.ts'
import type { Area } from './land.ts'
import type { Point } from './geometry.ts'
import { COMPOUND_ENDINGS, COMPOUND_STEMS, PARK_STEMS, type Name } from './names.ts'
import type { Block, Town } from './towns.ts'

export type Building = {
  id: string
  name: Name
  floors: number
  areaIndex: number
  use: Block['use']
  ring: Point[]
  centre: Point
  compound: string
}

export function makeBuildings(random: Random, towns: Town[], areas: Area[], wanted: number): Building[] {
  const blocks = towns.flatMap(t => t.blocks).toSorted((a, b) => b.centrality - a.centrality)
  const first = blocks.findIndex(b => b.use === 'residential' && b.areaIndex === 0)
  const compoundNames = makeNames()
  const parks = PARK_STEMS.flatMap(p => areas.map(a => ({ zh: `${p.zh}${a.name.zh.slice(0, 2)}园`, en: `${p.en} ${a.name.en} Park` })))
  const counters = { school: 0, mall: 0, residential: 0, industrial: 0 }
  const ordered = [
    blocks[first]!,
    ...spread(
      random,
      blocks.filter((_, i) => i !== first),
    ),
  ]
  const out: Building[] = []
  for (const block of ordered) {
    if (out.length >= wanted) break
    const n = counters[block.use]++
    if (block.use === 'residential' && n >= compoundNames.length) continue
    const compound = nameOf(block, n, compoundNames, parks, areas)
    const floors =
      block.use === 'residential'
        ? n === 0
          ? 18
          : random.pick([6, 6, 7, 11, 11, 18, 18, 26, 33])
        : block.use === 'industrial'
          ? random.integer(1, 3)
          : random.integer(4, 6)
    for (const [i, ring] of plan(random, block, floors).entries()) out.push(building(out.length, block, compound, i + 1, floors, ring))
  }
  return out
}

function building(index: number, block: Block, compound: Name, number: number, floors: number, ring: Point[]): Building {
  const name = { zh: `${compound.zh} ${number} 幢`, en: `${compound.en}, Building ${number}` }
  const centre: Point = [ring.reduce((s, p) => s + p[0], 0) / ring.length, ring.reduce((s, p) => s + p[1], 0) / ring.length]
  return {
    id: `b-${String(index + 1).padStart(4, '0')}`,
    name,
    floors,
    areaIndex: block.areaIndex,
    use: block.use,
    ring,
    centre,
    compound: compound.zh,
  }
}

/** Every stem once before any ending repeats, so that neighbouring compounds do not sound alike. */
const makeNames = (): Name[] => COMPOUND_ENDINGS.flatMap(e => COMPOUND_STEMS.map(s => ({ zh: s.zh + e.zh, en: `${s.en} ${e.en}` })))

function nameOf(block: Block, n: number, compounds: Name[], parks: Name[], areas: Area[]): Name {
  const area = areas[block.areaIndex]!.name
  const town = area.zh.slice(0, 2)
  if (block.use === 'residential') return compounds[n]!
  if (block.use === 'industrial') return parks[n % parks.length]!
  if (block.use === 'school') return { zh: `${town}第${n + 1}学校`, en: `${area.en} School No. ${n + 1}` }
  return { zh: `${town}广场${n + 1}号`, en: `${area.en} Plaza ${n + 1}` }
}

/** A seeded order in which centres still come early: towns fill from the middle outwards. */
const spread = (random: Random, blocks: Block[]): Block[] =>
  blocks
    .map(block => ({ block, rank: block.centrality + random.between(0, 0.9) }))
    .toSorted((a, b) => b.rank - a.rank)
    .map(x => x.block)

/** Rectangles in the block's own frame, km: slabs 44 x 14 m in rows for homes, larger and fewer for the rest. */
function plan(random: Random, block: Block, floors: number): Point[][] {
  const [hw, hh] = block.halfKm
  const shape = { residential: [floors > 20 ? 3 : 4, floors > 20 ? 3 : 4], industrial: [2, 2], school: [2, 2], mall: [1, 1] }[
    block.use
  ] as [number, number]
  const [columns, rows] = shape
  const fill = {
    residential: [random.between(0.55, 0.72), random.between(0.26, 0.34)],
    industrial: [0.8, 0.72],
    school: [0.66, 0.32],
    mall: [0.72, 0.66],
  }[block.use] as [number, number]
  const [cw, ch] = [(2 * hw) / columns, (2 * hh) / rows]
  const rings: Point[][] = []
  for (let j = 0; j < rows; j++) {
    for (let i = 0; i < columns; i++) {
      const scene = block.use === 'residential' && rings.length < 2
      if (!scene && random.chance(0.1)) continue
      const x = -hw + (i + 0.5) * cw
      const y = -hh + (j + 0.5) * ch + random.between(-0.06, 0.06) * ch
      const [u, v] = [(cw * fill[0]) / 2, (ch * fill[1]) / 2]
      rings.push([block.at(x - u, y - v), block.at(x + u, y - v), block.at(x + u, y + v), block.at(x - u, y + v)])
    }
  }
  return rings
}
