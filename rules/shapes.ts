// Which rules may want a reading, found once for each shape of reading instead of once for each reading: devices of one kind send the
// same few combinations of values and flags for ever. Bounded: SHAPES_MAX combinations a device kind; others are looked up each time.
import type { DeviceKind, Reading } from '#contracts/reading.ts'
import type { AnyKind } from './kind.ts'
import { inScope, type Rule } from './schema.ts'

const SHAPES_MAX = 32

export type Wanting = { rule: Rule; kind: AnyKind }

type Shape<A> = { metrics: string[]; alarms: string[]; other: number; rules: readonly A[] }

export type Shapes<A> = { rulesFor(reading: Reading): readonly A[] }

/** What else a reading may carry, as bits. */
const otherOf = (r: Reading): number =>
  (r.batteryPct === undefined ? 0 : 1) +
  (r.detections === undefined ? 0 : 2) +
  (r.state === undefined ? 0 : 4) +
  (r.online === undefined ? 0 : 8) +
  (r.flags.test === true ? 16 : 0) +
  (r.deviceTs === undefined ? 0 : 32) +
  (r.tsSource === 'device' ? 64 : 0)

/** The same names in the same order. */
function sameNames(object: object, names: readonly string[]): boolean {
  let i = 0
  for (const name in object) if (names[i++] !== name) return false
  return i === names.length
}

export function createShapes<A extends Wanting>(active: readonly A[]): Shapes<A> {
  const known = new Map<DeviceKind, { all: A[]; shapes: Shape<A>[] }>()

  const ofKind = (kind: DeviceKind): { all: A[]; shapes: Shape<A>[] } => {
    const found = known.get(kind)
    if (found !== undefined) return found
    const all = active.filter(({ rule: { scope } }) =>
      inScope({ ...(scope.kinds && { kinds: scope.kinds }), ...(scope.notKinds && { notKinds: scope.notKinds }) }, kind, undefined),
    )
    const made = { all, shapes: [] }
    known.set(kind, made)
    return made
  }

  return {
    rulesFor(reading) {
      const { all, shapes } = ofKind(reading.kind)
      const other = otherOf(reading)
      for (const shape of shapes) {
        if (shape.other === other && sameNames(reading.metrics, shape.metrics) && sameNames(reading.alarms, shape.alarms))
          return shape.rules
      }
      const rules = all.filter(({ rule, kind }) => kind.byShape !== true || kind.wants(rule.parameters, reading))
      if (shapes.length < SHAPES_MAX)
        shapes.push({ metrics: Object.keys(reading.metrics), alarms: Object.keys(reading.alarms), other, rules })
      return rules
    },
  }
}
