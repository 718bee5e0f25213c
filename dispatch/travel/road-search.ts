// The way from every node to one place, in one search: hundreds of stations are compared for each fire, and a search for each pair, as
// point-to-point algorithms have it, would be hundreds of searches. Dijkstra with a heap that holds its keys in typed arrays. Pure.
import type { RoadGraph } from './road-graph.ts'

/** A heap of nodes by distance; a node may stand in it several times, and only its first coming out counts. */
const heap = () => {
  const keys: number[] = []
  const nodes: number[] = []
  const swap = (i: number, j: number): void => {
    ;[keys[i], keys[j]] = [keys[j] as number, keys[i] as number]
    ;[nodes[i], nodes[j]] = [nodes[j] as number, nodes[i] as number]
  }
  return {
    size: (): number => keys.length,
    push(key: number, node: number): void {
      keys.push(key)
      nodes.push(node)
      for (let i = keys.length - 1; i > 0;) {
        const parent = (i - 1) >> 1
        if ((keys[parent] as number) <= (keys[i] as number)) return
        swap(i, parent)
        i = parent
      }
    },
    pop(): [key: number, node: number] {
      const top: [number, number] = [keys[0] as number, nodes[0] as number]
      swap(0, keys.length - 1)
      keys.pop()
      nodes.pop()
      for (let i = 0; ;) {
        const left = 2 * i + 1
        if (left >= keys.length) return top
        const right = left + 1
        const least = right < keys.length && (keys[right] as number) < (keys[left] as number) ? right : left
        if ((keys[i] as number) <= (keys[least] as number)) return top
        swap(i, least)
        i = least
      }
    },
  }
}

/** Metres along the roads from each node to `from`, Infinity where there is no way within `reachM`. Roads are taken as open both ways. */
export const metresFrom = (g: RoadGraph, from: number, o: { motorways: boolean; reachM: number }): Float64Array => {
  const found = new Float64Array(g.x.length).fill(Infinity)
  const open = heap()
  found[from] = 0
  open.push(0, from)
  while (open.size() > 0) {
    const [metres, node] = open.pop()
    if (metres > (found[node] as number)) continue
    for (let e = g.first[node] as number; e < (g.first[node + 1] as number); e += 1) {
      if (!o.motorways && g.motorway[e] === 1) continue
      const next = g.to[e] as number
      const there = metres + (g.metres[e] as number)
      if (there >= (found[next] as number) || there > o.reachM) continue
      found[next] = there
      open.push(there, next)
    }
  }
  return found
}
