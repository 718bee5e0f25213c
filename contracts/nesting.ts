// How deep a value of JSON is nested. What is nested deeper than the stack can be read but not written down again, and whoever tries ends by it:
// so it is looked at once, at the door, without going down itself.

/** True as soon as there are more than `max` lists and objects within one another. */
export function isNestedDeeper(value: unknown, max: number): boolean {
  let level: unknown[] = [value]
  for (let depth = 0; level.length > 0; depth++) {
    const inside = level.filter(one => typeof one === 'object' && one !== null)
    if (inside.length > 0 && depth >= max) return true
    level = inside.flatMap(one => Object.values(one as object))
  }
  return false
}
