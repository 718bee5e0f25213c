// Fewer points without losing a peak: the range is cut into equal parts and each part keeps its minimum and its maximum.

type Point = [tsMs: number, value: number]

/** `points` must be in order of time. Returns them all when there are no more than `max`. */
export function downsample(points: readonly Point[], o: { fromMs: number; toMs: number; max: number }): Point[] {
  if (points.length <= o.max) return [...points]
  const parts = Math.max(1, Math.floor(o.max / 2))
  const widthMs = (o.toMs - o.fromMs) / parts
  const extremes = new Map<number, { min: Point; max: Point }>()
  for (const point of points) {
    const part = Math.floor((point[0] - o.fromMs) / widthMs)
    const held = extremes.get(part)
    if (held === undefined) extremes.set(part, { min: point, max: point })
    else if (point[1] < held.min[1]) held.min = point
    else if (point[1] > held.max[1]) held.max = point
  }
  return [...extremes.values()].flatMap(({ min, max }) => (min === max ? [min] : min[0] <= max[0] ? [min, max] : [max, min]))
}
