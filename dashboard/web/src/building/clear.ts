// Which words of the building's picture are shown: of two that would cover each other the later gives way. Pure, in pixels around their middle.

export type WordBox = { x: number; y: number; width: number; height: number }

/** Of so much of its height a word may lie over another before it cannot be read. */
const LEAST_APART = 0.8

export const clearOf = (boxes: readonly WordBox[]): boolean[] => {
  const taken: WordBox[] = []
  return boxes.map(box => {
    const isClear = taken.every(
      other =>
        Math.abs(box.x - other.x) * 2 >= box.width + other.width ||
        Math.abs(box.y - other.y) * 2 >= (box.height + other.height) * LEAST_APART,
    )
    if (isClear) taken.push(box)
    return isClear
  })
}
