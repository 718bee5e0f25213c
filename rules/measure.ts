// How rule files name what is measured and how much of it: a metric whose name ends in a unit that readings have, and a value that a
// device could send. A rule for a metric that no reading can have would be taken, and never speak.
import { METRIC_NAME_PATTERN, METRIC_UNITS } from '#contracts/reading.ts'

export const METRIC_SCHEMA = {
  type: 'string',
  pattern: METRIC_NAME_PATTERN,
  description: `a metric whose name ends in its unit, one of: ${METRIC_UNITS.map(unit => `_${unit}`).join(', ')}`,
} as const

/** beyond what any unit above needs */
const VALUE_MAX = 1e9
export const VALUE_SCHEMA = { type: 'number', minimum: -VALUE_MAX, maximum: VALUE_MAX } as const
