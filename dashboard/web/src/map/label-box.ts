// Where a label lies on the screen, and whether two cover each other. Pure, so that it is tested without a page.
export type LabelBox = { x: number; y: number; width: number }
const HEIGHT_PX = 20
/** Whether two labels lie upon each other. */
export const covers = (a: LabelBox, b: LabelBox): boolean => a.x < b.x + b.width && b.x < a.x + a.width && Math.abs(a.y - b.y) < HEIGHT_PX
