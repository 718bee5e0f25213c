// What a day's alarms say about the system that raised them, after EEMUA 191: how much of the day was a flood, and which alarms chatter.
// Pure: from the times at which they came into the queue.
import type { AlarmKind } from '#contracts/alarm.ts'
import { share } from './report-phases.ts'

export const LISTED_MAX = 200
const MINUTE_MS = 60_000
const TEN_MINUTES_MS = 600_000
/** EEMUA 191: more than 10 alarms in 10 min is a flood, which ends at fewer than 5 */
const FLOOD_BEGINS = 10
const FLOOD_ENDS = 5
/** one source in 10 min, or in a day */
const CHATTER_IN_10_MIN = 3
const CHATTER_A_DAY = 6

/** `device` is the source where an alarm has no device */
export type DayAlarm = { kind: AlarmKind; device: string; atMs: number }
export type Chattering = { device: string; kind: AlarmKind; activations: number; mostIn10Min: number }
export type Flood = {
  minutes: number
  /** of the minutes of the day so far; null = the day has only begun */
  share: number | null
  mostIn10Min: number
  spans: { from: string; to: string }[]
}

export const counted = <K>(all: readonly K[]): [K, number][] => {
  const counts = new Map<K, number>()
  for (const one of all) counts.set(one, (counts.get(one) ?? 0) + 1)
  return [...counts].toSorted((a, b) => b[1] - a[1] || (String(a[0]) < String(b[0]) ? -1 : 1))
}

/** The most that fall into any ten minutes; `times` in order. */
export const mostIn10Min = (times: readonly number[]): number => {
  let [first, most] = [0, 0]
  for (const [i, time] of times.entries()) {
    while (time - (times[first] ?? time) >= TEN_MINUTES_MS) first += 1
    most = Math.max(most, i - first + 1)
  }
  return most
}

export const chatteringOf = (alarms: readonly DayAlarm[]): Chattering[] =>
  [...Map.groupBy(alarms, a => JSON.stringify([a.kind, a.device])).values()]
    .flatMap(all => {
      const [first] = all
      if (first === undefined) return []
      return [{ device: first.device, kind: first.kind, activations: all.length, mostIn10Min: mostIn10Min(all.map(a => a.atMs)) }]
    })
    .filter(c => c.mostIn10Min >= CHATTER_IN_10_MIN || c.activations >= CHATTER_A_DAY)
    .toSorted((a, b) => b.activations - a.activations || (a.device < b.device ? -1 : 1))

/** Minute by minute: how many alarms came in during the ten minutes before its end. */
export const floodOf = (times: readonly number[], fromMs: number, toMs: number): Flood => {
  const iso = (ms: number): string => new Date(ms).toISOString()
  const spans: { from: string; to: string }[] = []
  let begunMs: number | null = null
  let [minutes, all, first, next] = [0, 0, 0, 0]
  for (let at = fromMs + MINUTE_MS; at <= toMs; at += MINUTE_MS) {
    all += 1
    while (next < times.length && (times[next] ?? Infinity) < at) next += 1
    while (first < next && (times[first] ?? 0) < at - TEN_MINUTES_MS) first += 1
    const n = next - first
    if (begunMs === null && n > FLOOD_BEGINS) begunMs = at - MINUTE_MS
    else if (begunMs !== null && n < FLOOD_ENDS) {
      // the minute that has just ended is out of it again
      spans.push({ from: iso(begunMs), to: iso(at - MINUTE_MS) })
      begunMs = null
    }
    if (begunMs !== null) minutes += 1
  }
  if (begunMs !== null) spans.push({ from: iso(begunMs), to: iso(toMs) })
  return { minutes, share: share(minutes, all), mostIn10Min: mostIn10Min(times), spans: spans.slice(0, LISTED_MAX) }
}
