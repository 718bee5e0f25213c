// When the map is drawn: after the frame that shows a new row in the queue, never before it, and the less often the longer the frames
// take that it is drawn in. What is asked meanwhile is drawn with the next; of several words of one kind the newest stands.

/** At most so often, however many messages come in. */
export const EVERY_MS = 250
/** and never for more than one part in so many of the page's time */
const SHARE = 3
/** What a device says is on the map within a second, however slow the machine. */
const AT_MOST_MS = 750

export type PaceOptions = {
  nowMs: () => number
  /** calls back once the next frame is on the screen */
  afterFrame: (done: () => void) => void
  later: (done: () => void, ms: number) => unknown
  cancel: (timer: unknown) => void
}
export type Pace = {
  /** `draw` of this kind, soon */
  ask(kind: string, draw: () => void): void
  /** what was asked is drawn now: somebody pressed a key and looks */
  now(): void
  stop(): void
}

/** In a tab that nobody sees no frame comes, and nothing is drawn. */
export const afterFrame = (done: () => void): void => void requestAnimationFrame(() => setTimeout(done))

export const createPace = (o: PaceOptions): Pace => {
  const asked = new Map<string, () => void>()
  let timer: unknown = null
  let waits = false
  let ended = false
  let restUntilMs = Number.NEGATIVE_INFINITY

  const draw = (): void => {
    const fromMs = o.nowMs()
    const all = [...asked.values()]
    asked.clear()
    for (const one of all) one()
    restUntilMs = fromMs + EVERY_MS
    // what it costs is known when its frame is done: most of that is not ours, but the browser's
    o.afterFrame(() => {
      restUntilMs = fromMs + Math.min(AT_MOST_MS, Math.max(EVERY_MS, (o.nowMs() - fromMs) * SHARE))
    })
  }
  const begin = (): void => {
    if (waits || ended || asked.size === 0) return
    waits = true
    timer = o.later(
      () =>
        o.afterFrame(() => {
          waits = false
          if (ended) return
          if (o.nowMs() < restUntilMs) begin()
          else draw()
        }),
      Math.max(0, restUntilMs - o.nowMs()),
    )
  }
  return {
    ask(kind, work) {
      asked.set(kind, work)
      begin()
    },
    now: draw,
    stop() {
      ended = true
      o.cancel(timer)
    },
  }
}
