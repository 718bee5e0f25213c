// The district's roads as a graph: lines are joined where they share a point, cross, or end beside one another, and cut so short that the way from
// a door to the nearest point is short. Motorways, bridges and tunnels are joined at shared points only: what crosses above meets nobody.
import { planeAt, type LatLon } from './travel.ts'

export type RoadLine = { coordinates: readonly (readonly [lon: number, lat: number])[]; motorway?: boolean; apart?: boolean }
export type RoadGraph = {
  /** metres on a plane that touches the earth in the middle of the roads */
  x: Float64Array
  y: Float64Array
  /** edges of node n: from `first[n]` up to `first[n + 1]`; each way has one of its own */
  first: Int32Array
  to: Int32Array
  metres: Float32Array
  /** 1 = only for who may use motorways */
  motorway: Uint8Array
  plane(at: LatLon): [x: number, y: number]
}

/** More pieces than this are no district: about 1 GB. Refused whole, and distance is used. */
export const PIECES_MAX = 1_000_000
/** a node at least every so often */
const PIECE_M = 250
/** an end this near to another road is on it: drawn by hand, not left out by intent */
const JOIN_M = 20
const CELL_M = 300

type Segment = { ax: number; ay: number; bx: number; by: number; line: number; isApart: boolean; motorway: boolean; cuts: Cut[] }
type Cut = { t: number; x: number; y: number }
type Edge = { a: number; b: number; metres: number; motorway: boolean }

const cellOf = (x: number, y: number): string => `${Math.floor(x / CELL_M)},${Math.floor(y / CELL_M)}`

/** Each pair of segments that may touch, once or a few times. */
function* pairs(segments: readonly Segment[]): Generator<[Segment, Segment]> {
  const cells = new Map<string, Segment[]>()
  for (const s of segments) {
    const [west, east] = [Math.min(s.ax, s.bx) - JOIN_M, Math.max(s.ax, s.bx) + JOIN_M]
    const [south, north] = [Math.min(s.ay, s.by) - JOIN_M, Math.max(s.ay, s.by) + JOIN_M]
    for (let x = Math.floor(west / CELL_M); x <= Math.floor(east / CELL_M); x += 1)
      for (let y = Math.floor(south / CELL_M); y <= Math.floor(north / CELL_M); y += 1) {
        const key = `${x},${y}`
        const there = cells.get(key) ?? []
        for (const other of there) if (other.line !== s.line) yield [other, s]
        there.push(s)
        cells.set(key, there)
      }
  }
}

const crossing = (a: Segment, b: Segment): { ta: number; tb: number; x: number; y: number } | null => {
  const [dx, dy, ex, ey] = [a.bx - a.ax, a.by - a.ay, b.bx - b.ax, b.by - b.ay]
  const cross = dx * ey - dy * ex
  if (cross === 0) return null
  const ta = ((b.ax - a.ax) * ey - (b.ay - a.ay) * ex) / cross
  const tb = ((b.ax - a.ax) * dy - (b.ay - a.ay) * dx) / cross
  if (ta < 0 || ta > 1 || tb < 0 || tb > 1) return null
  return { ta, tb, x: a.ax + ta * dx, y: a.ay + ta * dy }
}

/** Where a point lies beside a segment, when it is near enough to be meant to be on it. */
const foot = (s: Segment, x: number, y: number): Cut | null => {
  const [dx, dy] = [s.bx - s.ax, s.by - s.ay]
  const length2 = dx * dx + dy * dy
  const t = length2 === 0 ? 0 : Math.min(1, Math.max(0, ((x - s.ax) * dx + (y - s.ay) * dy) / length2))
  const at = { t, x: s.ax + t * dx, y: s.ay + t * dy }
  return Math.hypot(at.x - x, at.y - y) <= JOIN_M ? at : null
}

const segmentsOf = (
  lines: readonly RoadLine[],
  plane: RoadGraph['plane'],
): { segments: Segment[]; ends: Map<Segment, [number, number][]> } => {
  const segments: Segment[] = []
  const ends = new Map<Segment, [number, number][]>()
  for (const [line, { coordinates, motorway = false, apart = false }] of lines.entries()) {
    const points = coordinates.map(([lon, lat]) => plane({ lat, lon }))
    for (let i = 1; i < points.length; i += 1) {
      const [[ax, ay], [bx, by]] = [points[i - 1] as [number, number], points[i] as [number, number]]
      const s: Segment = { ax, ay, bx, by, line, motorway, isApart: apart || motorway, cuts: [] }
      segments.push(s)
      const own: [number, number][] = [
        ...(i === 1 ? [[ax, ay] as [number, number]] : []),
        ...(i === points.length - 1 ? [[bx, by] as [number, number]] : []),
      ]
      if (own.length > 0 && !s.isApart) ends.set(s, own)
    }
  }
  return { segments, ends }
}

const joined = (segments: readonly Segment[], ends: ReadonlyMap<Segment, [number, number][]>): [Cut, [number, number]][] => {
  const links: [Cut, [number, number]][] = []
  for (const [a, b] of pairs(segments)) {
    if (a.isApart || b.isApart) continue
    const at = crossing(a, b)
    if (at !== null) {
      a.cuts.push({ t: at.ta, x: at.x, y: at.y })
      b.cuts.push({ t: at.tb, x: at.x, y: at.y })
    }
    for (const [one, other] of [[a, b] as const, [b, a] as const])
      for (const end of ends.get(one) ?? []) {
        const cut = foot(other, ...end)
        if (cut === null) continue
        other.cuts.push(cut)
        links.push([cut, end])
      }
  }
  return links
}

/** Its points in order: both ends, where others join, and one at least every 250 m. */
const pointsOf = (s: Segment): Cut[] => {
  const length = Math.hypot(s.bx - s.ax, s.by - s.ay)
  const pieces = Math.max(1, Math.ceil(length / PIECE_M))
  const even = Array.from({ length: pieces - 1 }, (_, i): Cut => {
    const t = (i + 1) / pieces
    return { t, x: s.ax + t * (s.bx - s.ax), y: s.ay + t * (s.by - s.ay) }
  })
  return [{ t: 0, x: s.ax, y: s.ay }, ...[...s.cuts, ...even].toSorted((p, q) => p.t - q.t), { t: 1, x: s.bx, y: s.by }]
}

/** null where there is nothing to drive on, or more than a district has. */
export const roadGraph = (lines: readonly RoadLine[]): RoadGraph | null => {
  const all = lines.flatMap(line => line.coordinates)
  const [some] = all
  if (some === undefined || all.length > PIECES_MAX) return null
  const middle = {
    lat: all.reduce((sum, [, lat]) => sum + lat, 0) / all.length,
    lon: all.reduce((sum, [lon]) => sum + lon, 0) / all.length,
  }
  const plane = planeAt(middle)
  const { segments, ends } = segmentsOf(lines, plane)
  const links = joined(segments, ends)
  const nodes = new Map<string, number>()
  const [xs, ys]: [number[], number[]] = [[], []]
  const nodeAt = (x: number, y: number): number => {
    const key = `${x.toFixed(1)},${y.toFixed(1)}`
    const known = nodes.get(key)
    if (known !== undefined) return known
    nodes.set(key, xs.length)
    xs.push(x)
    ys.push(y)
    return xs.length - 1
  }
  const edges: Edge[] = []
  const join = (p: { x: number; y: number }, q: { x: number; y: number }, motorway: boolean): void => {
    const [a, b] = [nodeAt(p.x, p.y), nodeAt(q.x, q.y)]
    if (a !== b) edges.push({ a, b, metres: Math.hypot(p.x - q.x, p.y - q.y), motorway })
  }
  for (const s of segments) {
    const points = pointsOf(s)
    for (let i = 1; i < points.length; i += 1) join(points[i - 1] as Cut, points[i] as Cut, s.motorway)
    if (edges.length > PIECES_MAX) return null
  }
  for (const [cut, [x, y]] of links) join(cut, { x, y }, false)
  return edges.length === 0 ? null : { x: Float64Array.from(xs), y: Float64Array.from(ys), ...adjacency(xs.length, edges), plane }
}

const adjacency = (count: number, edges: readonly Edge[]): Pick<RoadGraph, 'first' | 'to' | 'metres' | 'motorway'> => {
  const first = new Int32Array(count + 1)
  for (const { a, b } of edges) for (const n of [a, b]) first[n + 1] = (first[n + 1] ?? 0) + 1
  for (let n = 0; n < count; n += 1) first[n + 1] = (first[n + 1] ?? 0) + (first[n] ?? 0)
  const next = first.slice()
  const [to, metres, motorway] = [new Int32Array(2 * edges.length), new Float32Array(2 * edges.length), new Uint8Array(2 * edges.length)]
  for (const edge of edges)
    for (const [from, other] of [[edge.a, edge.b] as const, [edge.b, edge.a] as const]) {
      const at = next[from] ?? 0
      next[from] = at + 1
      to[at] = other
      metres[at] = edge.metres
      motorway[at] = Number(edge.motorway)
    }
  return { first, to, metres, motorway }
}

/** The node nearest to a place and how far it is; looks through a few cells. null = no road within `withinM`. */
export const nearestNode = ({ x, y, plane }: RoadGraph, withinM: number): ((at: LatLon) => { node: number; metres: number } | null) => {
  const cells = new Map<string, number[]>()
  for (let n = 0; n < x.length; n += 1) {
    const key = cellOf(x[n] ?? 0, y[n] ?? 0)
    const there = cells.get(key)
    if (there === undefined) cells.set(key, [n])
    else there.push(n)
  }
  const around = Math.ceil(withinM / CELL_M)
  return at => {
    const [px, py] = plane(at)
    let [best, metres] = [-1, withinM]
    for (let i = -around; i <= around; i += 1)
      for (let j = -around; j <= around; j += 1)
        for (const n of cells.get(cellOf(px + i * CELL_M, py + j * CELL_M)) ?? []) {
          const d = Math.hypot((x[n] ?? 0) - px, (y[n] ?? 0) - py)
          if (d <= metres) [best, metres] = [n, d]
        }
    return best < 0 ? null : { node: best, metres }
  }
}
