// What the incident panel needs beyond the live rows: the timeline and the evidence of one alarm, fetched when the selection or the
// incident changes (gathered for SETTLE_MS, so a flood does not become a flood of requests). Old answers never overwrite new ones.
import { computed, effect, signal, untracked, type ReadonlySignal, type Signal } from '@preact/signals'
import type { Alarm } from '#contracts/alarm.ts'
import type { IncidentDetail } from '#contracts/incident.ts'
import type { QueueAlarm } from '#contracts/live.ts'
import { why } from '../actions.ts'
import { ApiError } from '../api.ts'
import type { Store } from '../store.ts'

const SETTLE_MS = 250
const LOOK_AGAIN_MS = 15_000

/** The API adds the alarms themselves: a closed incident has left the live state, and its alarms with it. */
export type Detail = IncidentDetail & { alarms?: QueueAlarm[] }

export type DetailView = {
  detail: ReadonlySignal<Detail | null>
  /** the alarm whose evidence is shown */
  alarm: ReadonlySignal<Alarm | null>
  problem: ReadonlySignal<string | null>
  /** chosen by the officer; null = the gravest */
  chosenAlarm: Signal<string | null>
  alarmsOf(incidentId: string): QueueAlarm[]
}

/** Gravest first, then oldest: the alarm that explains the incident best. */
export const byWeight = (a: QueueAlarm, b: QueueAlarm): number => a.severity - b.severity || Date.parse(a.raisedAt) - Date.parse(b.raisedAt)

export const createDetailView = (store: Store): DetailView => {
  const detail = signal<Detail | null>(null)
  const alarm = signal<Alarm | null>(null)
  const problem = signal<string | null>(null)
  const chosenAlarm = signal<string | null>(null)
  let timer: ReturnType<typeof setTimeout> | undefined
  let current: AbortController | null = null

  const alarmsOf = (incidentId: string): QueueAlarm[] => {
    const live = [...store.alarms.value.values()].filter(one => one.incidentId === incidentId)
    const known = detail.value?.id === incidentId ? (detail.value.alarms ?? []) : []
    return (live.length > 0 ? live : [...known]).sort(byWeight)
  }

  const load = async (id: string): Promise<void> => {
    current?.abort()
    const mine = new AbortController()
    current = mine
    try {
      const incident = await store.api.get<Detail>(`incidents/${encodeURIComponent(id)}`, mine.signal)
      const lead = chosenAlarm.value ?? alarmsOf(id)[0]?.id ?? incident.alarmIds[0]
      const evidence = lead === undefined ? null : await store.api.get<Alarm>(`alarms/${encodeURIComponent(lead)}`, mine.signal)
      if (mine.signal.aborted) return
      detail.value = incident
      alarm.value = evidence
      problem.value = null
    } catch (error) {
      if (mine.signal.aborted || (error instanceof ApiError && error.status === 401)) return
      problem.value = why(error)
    }
  }

  // by themselves: the desk and the link change several times a second
  const incidents = computed(() => store.desk.value.incidents)
  const isOpen = computed(() => store.link.value.open)
  let shownId: string | null = null
  let lastMark = ''
  effect(() => {
    const id = store.selectedId.value
    const live = id === null ? undefined : incidents.value.get(id)
    // Read so that this runs again when the incident, one of its alarms, the choice or the link changes.
    const orders = [...store.forces.value.orders.values()].filter(order => order.incidentId === id).map(order => order.state)
    // who could be sent changes by itself: looked at again while the incident is open
    const round = live === undefined || live.category !== 'fire' ? 0 : Math.floor(store.now.value / LOOK_AGAIN_MS)
    const mark = `${round} ${orders.join()} ${live?.lastAt} ${live?.activeAlarms} ${live?.state} ${live?.alarmIds.length} ${live?.unacknowledgedAlarms} ${chosenAlarm.value} ${isOpen.value}`
    if (id === shownId && mark === lastMark) return
    clearTimeout(timer)
    lastMark = mark
    const fresh = id !== shownId
    shownId = id
    untracked(() => {
      if (fresh) {
        detail.value = null
        alarm.value = null
        problem.value = null
        chosenAlarm.value = null
      }
      if (id !== null) timer = setTimeout(() => void load(id), fresh ? 0 : SETTLE_MS)
    })
  })

  return { detail, alarm, problem, chosenAlarm, alarmsOf }
}
