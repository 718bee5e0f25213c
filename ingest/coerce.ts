// One table for how gateways write booleans and numbers ("ON", "true", 1, "100.00"): "OFF" is a truthy string, so nothing
// may test truthiness ad hoc. Anything not in the table is undefined: neither true nor false.

const TRUE: ReadonlySet<string> = new Set(['true', 'on', '1', 'yes', 'alarm', 'active', 'detected'])
const FALSE: ReadonlySet<string> = new Set(['false', 'off', '0', 'no', 'normal', 'inactive', 'clear', 'none'])

export function coerceBoolean(value: unknown): boolean | undefined {
  if (typeof value === 'boolean') return value
  if (value === 1) return true
  if (value === 0) return false
  if (typeof value !== 'string') return undefined
  const word = value.trim().toLowerCase()
  if (TRUE.has(word)) return true
  return FALSE.has(word) ? false : undefined
}

const DECIMAL = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$/

/** A finite number, also from its decimal text; undefined for null, "", booleans, hex and text with a unit. */
export function coerceNumber(value: unknown): number | undefined {
  const number =
    typeof value === 'number' ? value : typeof value === 'string' && DECIMAL.test(value.trim()) ? Number(value.trim()) : Number.NaN
  return Number.isFinite(number) ? number : undefined
}
