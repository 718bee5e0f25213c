// Readings summed up by minute, area, kind and metric. What a batch gives is a part: parts of one minute are added up, now or when
// they are asked for, so that a reading that comes hours late is added to its minute like any other.
import type { Reading } from '#contracts/reading.ts'
import type { Field } from './fields.ts'
import { MINUTE_MS } from './store.ts'

/** `minute` since 1970; `area` is empty where it is not known. */
export type Part = { minute: number; area: string; kind: string; metric: string; count: number; sum: number; min: number; max: number }

export type Rollup = {
  add(reading: Reading, tsMs: number, area: string | undefined, fields: readonly Field[]): void
  parts(): Part[]
}

/** Of one batch: as many parts as there are different minutes, areas, kinds and metrics in it. */
export function createRollup(): Rollup {
  const groups = new Map<string, Map<string, Part>>()
  return {
    add({ kind }, tsMs, area = '', fields) {
      const minute = Math.floor(tsMs / MINUTE_MS)
      const key = `${minute} ${kind} ${area}`
      let group = groups.get(key)
      if (group === undefined) groups.set(key, (group = new Map()))
      for (const [metric, value] of fields) {
        const part = group.get(metric)
        if (part === undefined) group.set(metric, { minute, area, kind, metric, count: 1, sum: value, min: value, max: value })
        else addValue(part, value)
      }
    },
    parts: () => [...groups.values()].flatMap(group => [...group.values()]),
  }
}

export function addValue(part: Part, value: number): void {
  part.count += 1
  part.sum += value
  if (value < part.min) part.min = value
  if (value > part.max) part.max = value
}
