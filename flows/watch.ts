// Looks at one life of Node-RED from outside, since a process that hangs cannot say so. While it starts, any word from it is a sign of
// life (a busy machine may take long); once it has said that it is ready it must answer, and three missed probes are a hang.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '#contracts/clock.ts'

export type Probing = {
  probeEveryMs: number
  missesMax: number
  /** how long a starting process may be silent */
  startMsMax: number
}

const PROBE_MS_MAX = 1500
const START_STEPS = 5

export type Signs = {
  /** when it was last heard of */
  heardMs: number
  ready: boolean
}

/** Resolves 'over' when `over` aborts, or with why it must be killed. `answered` is told of every probe after it is ready. */
export async function watch(o: {
  url: string
  signs: Signs
  probing: Probing
  clock: Clock
  answered: (well: boolean) => void
  over: AbortSignal
}): Promise<string | null> {
  const { url, signs, probing, clock, over } = o
  let misses = 0
  for (;;) {
    const beganMs = performance.now()
    const well = signs.ready && (await answers(url))
    if (over.aborted) return null
    if (signs.ready) {
      o.answered(well)
      misses = well ? 0 : misses + 1
      if (misses >= probing.missesMax) return `${misses} probes were not answered`
    } else if (clock.nowMs() - signs.heardMs > probing.startMsMax) return `nothing was heard for ${probing.startMsMax} ms while it started`
    const everyMs = signs.ready ? probing.probeEveryMs : probing.probeEveryMs / START_STEPS
    await sleep(Math.max(0, everyMs - (performance.now() - beganMs)), undefined, { signal: over }).catch(() => {})
    if (over.aborted) return null
  }
}

async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_MS_MAX) })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
