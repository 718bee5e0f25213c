// Which rules may want a reading, found once for each shape of reading instead of once for each reading: devices of one kind send the
// same few combinations of values and flags for ever. Bounded: SHAPES_MAX combinations a device kind; others are looked up each time.
import type { DeviceKind, Reading } from '#contracts/reading.ts'
import type { Active } from './active.ts'
import { emptyForm, placeIn, type Form } from './rest.ts'
import { inScope } from './schema.ts'

const SHAPES_MAX = 32

type Shape = { metrics: string[]; alarms: string[]; other: number; rules: readonly Active[]; form: Form }

/** Of one kind of device: its rules, each with its place in the form of their rows. */
type OfKind = { all: readonly Active[]; form: Form; shapes: Shape[] }

/** Which rules may want a reading, and the form in which the states of its device rest. */
export type Wanting = { rules: readonly Active[]; form: Form }
export type Shapes = { of(reading: Reading): Wanting }

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

export function createShapes(active: readonly Active[]): Shapes {
  const known = new Map<DeviceKind, OfKind>()

  const ofKind = (kind: DeviceKind): OfKind => {
    const found = known.get(kind)
    if (found !== undefined) return found
    const all = active
      .filter(({ rule: { scope } }) =>
        inScope({ ...(scope.kinds && { kinds: scope.kinds }), ...(scope.notKinds && { notKinds: scope.notKinds }) }, kind, undefined),
      )
      .map(a => ({ ...a }))
    const made = { all, form: emptyForm(), shapes: [] }
    known.set(kind, made)
    return made
  }

  /** Those that want it first lie together: the usual reading of a device needs no others. */
  function placed(form: Form, rules: readonly Active[]): void {
    for (const a of rules) if (a.at < 0 && a.keeping === 'device') a.at = placeIn(form, a)
  }

  return {
    of(reading) {
      const ofThis = ofKind(reading.kind)
      const { all, form, shapes } = ofThis
      const other = otherOf(reading)
      for (const shape of shapes) {
        if (shape.other === other && sameNames(reading.metrics, shape.metrics) && sameNames(reading.alarms, shape.alarms)) return shape
      }
      const rules = all.filter(({ rule, kind }) => kind.byShape !== true || kind.wants(rule.parameters, reading))
      placed(form, rules)
      const shape: Shape = { metrics: Object.keys(reading.metrics), alarms: Object.keys(reading.alarms), other, rules, form }
      if (shapes.length < SHAPES_MAX) shapes.push(shape)
      return shape
    },
  }
}
