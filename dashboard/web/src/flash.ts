// What waits for an answer flashes: once a second, in two steps, all at the same time. A class on the page says which step it is; a CSS
// animation would make the browser draw sixty frames a second for two changes, and that is most of what a new alarm costs.

export const STEP_MS = 500

export const startFlashing = (root: Element): void => void setInterval(() => root.classList.toggle('dim'), STEP_MS)
