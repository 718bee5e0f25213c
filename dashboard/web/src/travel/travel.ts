// Time travel: which instant the desk shows, and the film of one incident. The past comes from the server, one question at a time and
// always the newest wish; what is live goes on underneath, and sounds.
import { signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { Incident, IncidentDetail } from '#contracts/incident.ts'
import type { QueueAlarm } from '#contracts/live.ts'
import { why } from '../actions.ts'
import { say, t, term } from '../i18n.ts'
import type { Store } from '../store.ts'

/** One moment of a film: an entry of the incident's timeline. */
export type Moment = { atMs: number; text: string; note?: string }
export type Film = { incidentId: string; moments: readonly Moment[]; at: number; playing: boolean }

export type Travel = {
  /** where the slider stands; null = live. The picture follows within a moment. */
  atMs: ReadonlySignal<number | null>
  film: ReadonlySignal<Film | null>
  go(atMs: number): void
  live(): void
  /** plays the handling of one incident from its first moment on */
  play(incidentId: string): Promise<void>
  /** moves the film by so many moments and stops it there */
  step(by: 1 | -1): void
  pause(): void
}

type Answer = { at: string; since?: string; incidents: Incident[]; alarms: QueueAlarm[] }

/** How long a moment of the film stands. */
export const MOMENT_MS = 1_500

const keyed = <T extends { id: string }>(items: readonly T[]): Map<string, T> => new Map(items.map(item => [item.id, item]))

export const momentsOf = (detail: IncidentDetail): Moment[] =>
  detail.timeline.map(entry => ({
    atMs: Date.parse(entry.at),
    text: entry.text === undefined ? term('timeline', entry.what) : say(entry.text),
    ...(entry.note === undefined ? {} : { note: entry.note }),
  }))

export const createTravel = (store: Store): Travel => {
  const atMs = signal<number | null>(null)
  const film: Signal<Film | null> = signal(null)
  let asking = false
  let timer: ReturnType<typeof setTimeout> | undefined

  const ask = async (): Promise<void> => {
    if (asking) return
    asking = true
    try {
      for (let wanted = atMs.value; wanted !== null && wanted !== store.past.value?.atMs; wanted = atMs.value) {
        const answer = await store.api.get<Answer>(`desk/at?time=${encodeURIComponent(new Date(wanted).toISOString())}`)
        if (atMs.value === null) break
        store.past.value = {
          atMs: wanted,
          sinceMs: answer.since === undefined ? null : Date.parse(answer.since),
          incidents: keyed(answer.incidents),
          alarms: keyed(answer.alarms),
        }
      }
    } catch (error) {
      store.toast('bad', t('travel.failed', { why: why(error) }))
      if (store.past.value === null) travel.live()
      else atMs.value = store.past.value.atMs
    } finally {
      asking = false
    }
  }
  const wish = (ms: number): void => {
    // the server answers only for what has passed by its own clock
    atMs.value = Math.min(Math.round(ms), Math.floor(store.serverNow.value) - 1000)
    void ask()
  }
  const show = (next: Film): void => {
    film.value = next
    const moment = next.moments[next.at]
    if (moment !== undefined) wish(moment.atMs)
  }
  const advance = (): void => {
    const now = film.value
    if (now === null || !now.playing) return
    const last = now.at + 1 >= now.moments.length
    if (last) film.value = { ...now, playing: false }
    else show({ ...now, at: now.at + 1 })
    if (!last) timer = setTimeout(advance, MOMENT_MS)
  }

  const travel: Travel = {
    atMs,
    film,
    go(ms) {
      clearTimeout(timer)
      film.value = null
      wish(ms)
    },
    live() {
      clearTimeout(timer)
      film.value = null
      atMs.value = null
      store.past.value = null
    },
    async play(incidentId) {
      clearTimeout(timer)
      const running = film.value
      if (running?.incidentId === incidentId) {
        const at = running.at + 1 >= running.moments.length ? 0 : running.at
        show({ ...running, at, playing: true })
      } else {
        try {
          const detail = await store.api.get<IncidentDetail>(`incidents/${encodeURIComponent(incidentId)}`)
          store.selectedId.value = incidentId
          show({ incidentId, moments: momentsOf(detail), at: 0, playing: true })
        } catch (error) {
          return store.toast('bad', t('travel.failed', { why: why(error) }))
        }
      }
      timer = setTimeout(advance, MOMENT_MS)
    },
    step(by) {
      clearTimeout(timer)
      const now = film.value
      if (now !== null) show({ ...now, playing: false, at: Math.min(now.moments.length - 1, Math.max(0, now.at + by)) })
    },
    pause() {
      clearTimeout(timer)
      if (film.value !== null) film.value = { ...film.value, playing: false }
    },
  }
  return travel
}
