// The travel model by a Valhalla server: times along real roads, from many places to one scene in one question (/sources_to_targets). The server
// is asked ahead and beside the queue, never inside a transaction; what it has not answered is reckoned by the next simpler model, and the
// leg says why. Its times are ways only: turn-out, what does not grow with the way, and the interval are the plan's.
import type { Log } from '#contracts/clock.ts'
import type { TravelMode } from '#contracts/resource.ts'
import { addressOf } from '../notifiers/http.ts'
import type { TravelFigures } from '../plan.ts'
import { intervalOf } from './distance.ts'
import { planeFrom, type LatLon, type Leg, type Starter, type Travel } from './travel.ts'

/** Valhalla's names for how we move; who flies or stands is not asked for. */
const COSTINGS: Partial<Record<TravelMode, string>> = { engine: 'auto', 'e-vehicle': 'motor_scooter', foot: 'pedestrian' }

export const VALHALLA_TIMEOUT_MS = 2_000
/** The server's own default for one question is 2,500 pairs; who is further away is not near enough to matter. */
const SOURCES_MAX = 500
const SCENES_KEPT = 64
/** Roads close and open: what was answered this long ago is asked again. */
const VALID_MS = 5 * 60_000
/** A server that did not answer is left alone for so long. */
const PAUSE_MS = 10_000
/** an answer of 500 sources is about 40 KB */
const ANSWER_BYTES_MAX = 1024 * 1024

type Scene = { askedMs: number; asking: Set<string>; seconds: Map<string, number> }
type Words = { zh: string; en: string }

export type ValhallaOptions = {
  url: string
  figures: Record<TravelMode, TravelFigures>
  otherwise: Travel
  clock: { nowMs(): number }
  log: Log
  timeoutMs?: number
}

const keyOf = ({ lat, lon }: LatLon): string => `${lat.toFixed(6)},${lon.toFixed(6)}`
const startKey = ({ mode, at }: Starter): string => `${mode} ${keyOf(at)}`

const WORDS = {
  waiting: { zh: '路线服务器尚未答复', en: 'the travel server has not answered yet' },
  unreachable: { zh: '路线服务器无法连接', en: 'the travel server cannot be reached' },
  slow: { zh: '路线服务器超时', en: 'the travel server did not answer in time' },
  refused: { zh: '路线服务器拒绝了请求', en: 'the travel server refused the question' },
  strange: { zh: '路线服务器的答复无法理解', en: 'the answer of the travel server was not understood' },
  noWay: { zh: '路线服务器没有找到路线', en: 'the travel server knows no way' },
} as const satisfies Record<string, Words>

class Trouble extends Error {
  readonly words: Words
  constructor(words: Words, detail: string) {
    super(`${words.en}${detail === '' ? '' : ` (${detail})`}`)
    this.words = words
  }
}

/** Row by source, one target: `{sources_to_targets: [[{time, distance, from_index, to_index}], ...]}`; time in seconds, null = no way. */
const secondsIn = (body: unknown, count: number): (number | null)[] => {
  const rows = (body as { sources_to_targets?: unknown } | null)?.sources_to_targets
  if (!Array.isArray(rows) || rows.length !== count) throw new Trouble(WORDS.strange, 'sources_to_targets')
  return rows.map(row => {
    const time = (Array.isArray(row) ? (row[0] as { time?: unknown } | undefined) : undefined)?.time
    if (time === null) return null
    if (typeof time !== 'number' || !(time >= 0)) throw new Trouble(WORDS.strange, 'time')
    return time
  })
}

const troubleOf = (error: unknown): Trouble => {
  if (error instanceof Trouble) return error
  if (error instanceof Error && error.name === 'TimeoutError') return new Trouble(WORDS.slow, '')
  if (error instanceof SyntaxError) return new Trouble(WORDS.strange, 'not JSON')
  const code = error instanceof Error ? (error.cause as { code?: unknown } | undefined)?.code : undefined
  return new Trouble(WORDS.unreachable, typeof code === 'string' ? code : '')
}

/** @throws FengsuiError setting-invalid where the address is none */
export const byValhalla = (o: ValhallaOptions): Travel => {
  const { figures, otherwise, clock, log, timeoutMs = VALHALLA_TIMEOUT_MS } = o
  const address = addressOf('Valhalla server', o.url)
  address.pathname = `${address.pathname.replace(/\/$/, '')}/sources_to_targets`
  const scenes = new Map<string, Scene>()
  let trouble: Trouble | null = null
  let pauseUntilMs = -Infinity
  let answered = 0

  const sceneAt = (to: LatLon): Scene => {
    const key = keyOf(to)
    const known = scenes.get(key)
    const scene =
      known !== undefined && clock.nowMs() - known.askedMs < VALID_MS
        ? known
        : { askedMs: clock.nowMs(), asking: new Set<string>(), seconds: new Map() }
    scenes.delete(key)
    scenes.set(key, scene)
    const [oldest] = scenes.keys()
    if (scenes.size > SCENES_KEPT && oldest !== undefined) scenes.delete(oldest)
    return scene
  }

  const ask = async (costing: string, from: readonly Starter[], to: LatLon, scene: Scene): Promise<void> => {
    const question = {
      sources: from.map(({ at: { lat, lon } }) => ({ lat, lon })),
      targets: [{ lat: to.lat, lon: to.lon }],
      costing,
      units: 'kilometers',
    }
    const response = await fetch(address, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'fengsui' },
      body: JSON.stringify(question),
      redirect: 'manual',
      signal: AbortSignal.timeout(timeoutMs),
    })
    const text = await response.text()
    if (response.status !== 200) throw new Trouble(WORDS.refused, `status ${response.status}`)
    if (text.length > ANSWER_BYTES_MAX) throw new Trouble(WORDS.strange, 'longer than 1 MiB')
    const seconds = secondsIn(JSON.parse(text), from.length)
    for (const [i, starter] of from.entries()) scene.seconds.set(startKey(starter), seconds[i] ?? Infinity)
  }

  /** The nearest that have not been asked for, once each: a street has one way to a scene, however many start in it. */
  const wanted = (from: readonly Starter[], to: LatLon, scene: Scene): Map<string, Starter[]> => {
    const metresTo = planeFrom(to)
    const nearest = from
      .filter(starter => COSTINGS[starter.mode] !== undefined && metresTo(starter.at) <= figures[starter.mode].reachM)
      .toSorted((a, b) => metresTo(a.at) - metresTo(b.at))
      .slice(0, SOURCES_MAX)
    const fresh = new Map(nearest.map(starter => [startKey(starter), starter]))
    for (const key of fresh.keys()) if (scene.seconds.has(key) || scene.asking.has(key)) fresh.delete(key)
    return Map.groupBy(fresh.values(), ({ mode }) => COSTINGS[mode] ?? '')
  }

  return {
    async prepare(from, to) {
      if (clock.nowMs() < pauseUntilMs) return
      const scene = sceneAt(to)
      const groups = wanted(from, to, scene)
      for (const group of groups.values()) for (const starter of group) scene.asking.add(startKey(starter))
      await Promise.all(
        [...groups].map(async ([costing, group]) => {
          try {
            await ask(costing, group, to, scene)
            answered += group.length
            if (trouble !== null) log.info({}, 'the travel server answers again')
            trouble = null
          } catch (error) {
            if (trouble === null) log.warn({ reason: troubleOf(error).message }, 'ways are reckoned without the travel server')
            trouble = troubleOf(error)
            pauseUntilMs = clock.nowMs() + PAUSE_MS
          } finally {
            for (const starter of group) scene.asking.delete(startKey(starter))
          }
        }),
      )
    },
    legs(from, to) {
      const legs = otherwise.legs(from, to)
      const scene = scenes.get(keyOf(to))
      return from.map((starter, i): Leg => {
        const leg = legs[i] as Leg
        if (COSTINGS[starter.mode] === undefined || leg.distanceM > figures[starter.mode].reachM) return leg
        const seconds = scene?.seconds.get(startKey(starter))
        if (seconds === undefined) return { ...leg, instead: trouble?.words ?? WORDS.waiting }
        if (!Number.isFinite(seconds)) return { ...leg, instead: WORDS.noWay }
        return { eta: intervalOf(figures[starter.mode], seconds), distanceM: leg.distanceM, source: 'valhalla' }
      })
    },
    status: () => (trouble === null ? `travel server: ${answered} ways answered` : trouble.message),
    troubled: () => trouble !== null,
  }
}
