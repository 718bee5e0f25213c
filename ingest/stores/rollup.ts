// Readings summed up by minute, area, kind and metric. What a batch gives is a part: parts of one minute are added up, now or when
// they are asked for, so that a reading that comes hours late is added to its minute like any other.
import type { FieldNames, Fields } from './fields.ts'
import { MINUTE_MS } from './store.ts'

/** `minute` since 1970; `area` is empty where it is not known. */
export type Part = { minute: number; area: string; kind: string; metric: string; count: number; sum: number; min: number; max: number }
type Place = Pick<Part, 'minute' | 'area' | 'kind'>

/** Lists of names of which a group remembers its parts in order; parts of others are looked up one by one. */
const LISTS_MAX = 64

/** The parts of one minute, area and kind. */
type Group = Place & { parts: Map<string, Part>; inOrder: Map<FieldNames, Part[]> }

/** As many parts as there are different minutes, areas, kinds and metrics in what was added: who adds sees to the bound. */
export class Rollup {
  #groups = new Map<number, Map<string, Map<string, Group>>>()
  #last: Group | undefined
  size = 0

  /** The parts that were changed, in order of the names. */
  add(kind: string, area: string, tsMs: number, { names, values }: Fields): Part[] {
    const group = this.#groupOf(Math.floor(tsMs / MINUTE_MS), area, kind)
    const parts = this.#partsOf(group, names)
    for (let i = 0; i < parts.length; i++) addValue(parts[i], values[i])
    return parts
  }

  /** Takes up a part that was kept elsewhere. */
  put(part: Part): void {
    const { parts, inOrder } = this.#groupOf(part.minute, part.area, part.kind)
    if (!parts.has(part.metric)) this.size += 1
    parts.set(part.metric, part)
    inOrder.clear()
  }

  *values(): Iterable<Part> {
    for (const areas of this.#groups.values())
      for (const kinds of areas.values()) for (const { parts } of kinds.values()) yield* parts.values()
  }

  #groupOf(minute: number, area: string, kind: string): Group {
    const last = this.#last
    if (last !== undefined && last.minute === minute && last.kind === kind && last.area === area) return last
    let areas = this.#groups.get(minute)
    if (areas === undefined) this.#groups.set(minute, (areas = new Map()))
    let kinds = areas.get(area)
    if (kinds === undefined) areas.set(area, (kinds = new Map()))
    let group = kinds.get(kind)
    if (group === undefined) kinds.set(kind, (group = { minute, area, kind, parts: new Map(), inOrder: new Map() }))
    this.#last = group
    return group
  }

  #partsOf(group: Group, names: FieldNames): Part[] {
    const known = group.inOrder.get(names)
    if (known !== undefined) return known
    const parts = names.map(metric => group.parts.get(metric) ?? this.#newPart(group, metric))
    if (group.inOrder.size < LISTS_MAX) group.inOrder.set(names, parts)
    return parts
  }

  #newPart({ minute, area, kind, parts }: Group, metric: string): Part {
    const part = { minute, area, kind, metric, count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY }
    parts.set(metric, part)
    this.size += 1
    return part
  }
}

function addValue(part: Part | undefined, value = Number.NaN): void {
  if (part === undefined) return
  part.count += 1
  part.sum += value
  if (value < part.min) part.min = value
  if (value > part.max) part.max = value
}
