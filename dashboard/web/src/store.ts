// The one store behind every view: the folded live state, the age of it, who is signed in, what is selected.
// Views read signals and call the methods below; nothing else writes here.
import { computed, signal, type ReadonlySignal, type Signal } from '@preact/signals'
import type { Incident } from '#contracts/incident.ts'
import type { Kpis, LiveMessage, QueueAlarm } from '#contracts/live.ts'
import type { RowsFrame } from '#contracts/live-rows.ts'
import type { Principal, Scope } from '#contracts/people.ts'
import type { Posture } from '#contracts/posture.ts'
import { createActions, type Actions, type Toast } from './actions.ts'
import type { Api } from './api.ts'
import { count } from './format.ts'
import { t } from './i18n.ts'
import { createSkew } from './live/clock-skew.ts'
import { mayAct, phaseOf, type Link, type Phase } from './live/connection.ts'
import { NO_FORCES, withForces, type Forces } from './live/forces.ts'
import { createDeviceTable, type DeviceTable } from './live/devices.ts'
import { EMPTY_DESK, needsAnswer, receive, type Desk } from './live/reduce.ts'
import { createSights, type Sights } from './live/sights.ts'
import { openLive, type LiveSocket, type OpenSocket } from './live/socket.ts'

export type StoreOptions = {
  api: Api
  openSocket: OpenSocket
  nowMs: () => number
  random: () => number
}

/** The desk as it stood at an instant that has passed. */
export type Past = {
  atMs: number
  /** from when on the past is known; null = nothing yet */
  sinceMs: number | null
  incidents: ReadonlyMap<string, Incident>
  alarms: ReadonlyMap<string, QueueAlarm>
}

export type Store = {
  api: Api
  actions: Actions
  /** undefined = not known yet, null = nobody */
  principal: Signal<Principal | null | undefined>
  desk: ReadonlySignal<Desk>
  devices: DeviceTable
  sights: Sights
  /** follows devices.version, for whoever draws */
  devicesVersion: ReadonlySignal<number>
  /** null = live; else everything shown is of that instant. Only travel/travel.ts sets it. */
  past: Signal<Past | null>
  /** the incidents as they are to be shown: of the past, or live with acknowledgements under way already in */
  incidents: ReadonlySignal<ReadonlyMap<string, Incident>>
  alarms: ReadonlySignal<ReadonlyMap<string, QueueAlarm>>
  /** orders under way and who can be sent; always of now */
  forces: ReadonlySignal<Forces>
  /** the incidents as they are now, whatever is shown */
  liveIncidents: ReadonlySignal<ReadonlyMap<string, Incident>>
  /** more alarms than one operator can take in (EEMUA 191); ends only when it has become quiet */
  flood: ReadonlySignal<boolean>
  pending: ReadonlySignal<ReadonlySet<string>>
  link: ReadonlySignal<Link>
  phase: ReadonlySignal<Phase>
  /** the link is open and not lost: commands go out */
  alive: ReadonlySignal<boolean>
  /** of the desk, each by itself: the desk as a whole changes with every message, what is drawn seldom does */
  epoch: ReadonlySignal<string | null>
  kpis: ReadonlySignal<Kpis | null>
  /** the server time the picture is true for, read when somebody wants to say how old it is */
  asOf(): string | null
  /** devices beyond what the page holds */
  notDrawn: ReadonlySignal<number>
  /** this computer's clock, once a second */
  now: ReadonlySignal<number>
  /** the server's clock as far as we can tell, for ages */
  serverNow: ReadonlySignal<number>
  selectedId: Signal<string | null>
  selectedDevice: Signal<string | null>
  /** peacetime or emergency, as last told; null = not told yet */
  posture: Signal<Posture | null>
  /** counts messages that were missed and caught up on */
  missed: ReadonlySignal<number>
  toasts: ReadonlySignal<readonly Toast[]>
  may(scope: Scope): boolean
  toast(tone: Toast['tone'], text: string): void
  /** called with incidents that newly need an answer */
  onArrival: { handle: (arrived: Incident[]) => void }
  /** connects, or begins anew where it was connected already */
  start(): void
  stop(): void
  retryNow(): void
  tick(): void
}

/** ISA-18.2 / EEMUA 191: more than ten alarms in ten minutes are a flood for one operator, which ends below five. */
export const FLOOD_ABOVE = 10
const FLOOD_ENDS_BELOW = 5

/** A flood must not stop the page: after BURST changes shown at once, further ones are gathered for so long. Longer from MANY open incidents on. */
const BURST = 8
const GATHER_MS = 100
const MANY = 300
const GATHER_MANY_MS = 300
/** Clocks and ages are shown in seconds: they are not set again for less. */
const CLOCK_STEP_MS = 250

const TOASTS_KEPT = 4
const TOAST_FOR_MS = 8_000

export const createStore = (o: StoreOptions): Store => {
  const desk = signal<Desk>(EMPTY_DESK)
  const devices = createDeviceTable()
  const sights = createSights()
  const devicesVersion = signal(0)
  const pending = signal<ReadonlySet<string>>(new Set())
  const link = signal<Link>({ open: false, heardAtMs: null, sinceMs: o.nowMs(), attempt: 0, retryAtMs: null })
  const now = signal(o.nowMs())
  const skewOf = createSkew()
  const skewMs = signal(0)
  const missed = signal(0)
  const posture = signal<Posture | null>(null)
  const toasts = signal<readonly (Toast & { untilMs: number })[]>([])
  const principal = signal<Principal | null | undefined>(undefined)
  let socket: LiveSocket | null = null
  let nextToast = 1
  let missedNow = 0
  let folded: Desk = EMPTY_DESK
  /** changes that may still be shown at once; one more each GATHER_MS */
  const credit = { left: BURST, atMs: o.nowMs() }
  let showing: ReturnType<typeof setTimeout> | undefined

  const toast = (tone: Toast['tone'], text: string): void => {
    toasts.value = [...toasts.value, { id: nextToast++, tone, text, untilMs: o.nowMs() + TOAST_FOR_MS }].slice(-TOASTS_KEPT)
  }
  const setPending = (id: string, on: boolean): void => {
    const next = new Set(pending.value)
    if (on) next.add(id)
    else next.delete(id)
    pending.value = next
  }
  /** An acknowledgement under way ends when the server's own state shows it (or the incident is gone). */
  const settlePending = (state: Desk): void => {
    for (const id of pending.value) {
      const incident = state.incidents.get(id)
      if (incident === undefined || !needsAnswer(incident)) setPending(id, false)
    }
  }
  /** false: a small frame named a device this page was never told of */
  const applyDevices = (message: LiveMessage | RowsFrame): boolean => {
    let whole = true
    if (message.type === 'rows') whole = devices.applySmall(message)
    else if (message.type === 'snapshot' && message.devicesFollow === true) devices.begin()
    else if (message.type === 'snapshot') {
      devices.reset(message.devices)
      sights.reset(message.sights)
    } else if (message.type === 'devices') {
      devices.apply(message.devices)
      if (message.last) {
        sights.reset(message.sights)
        devices.complete()
      }
    } else if (message.type === 'delta') {
      devices.apply(message.devices ?? [], message.removed?.devices)
      sights.apply(message.sights ?? [], message.removed?.devices)
      for (const { deviceId, inDock } of message.sights ?? []) {
        const [, kind, lat, lon] = devices.find(deviceId) ?? []
        if (kind === 'drone' && inDock !== true && typeof lat === 'number' && typeof lon === 'number') sights.at(deviceId, lon, lat)
      }
    }
    devicesVersion.value = devices.version
    return whole
  }
  /** `folded` is true at once; what is shown follows, gathered while there is very much of it. */
  const show = (): void => {
    clearTimeout(showing)
    showing = undefined
    desk.value = folded
  }
  const fold = (next: Desk): void => {
    folded = next
    if (showing !== undefined) return
    const gatherMs = next.incidents.size < MANY ? GATHER_MS : GATHER_MANY_MS
    credit.left = Math.min(BURST, credit.left + Math.max(0, o.nowMs() - credit.atMs) / gatherMs)
    credit.atMs = o.nowMs()
    if (credit.left < 1) {
      showing = setTimeout(show, gatherMs)
      return
    }
    credit.left -= 1
    show()
  }
  const setClock = (serverMs: number): void => {
    skewMs.value = skewOf(serverMs, o.nowMs())
  }
  /** That something was heard again is worth telling a few times a second. */
  const setLink = (next: Link): void => {
    const { open, attempt, retryAtMs, heardAtMs } = link.value
    const isSame = next.open === open && next.attempt === attempt && next.retryAtMs === retryAtMs && heardAtMs !== null
    if (!isSame || (next.heardAtMs ?? 0) - heardAtMs >= CLOCK_STEP_MS) link.value = next
  }
  const onMessage = (message: LiveMessage | RowsFrame): 'ok' | 'resync' => {
    const outcome = receive(folded, message, desk.peek())
    if (outcome.type === 'gap') {
      missed.value += outcome.missed
      missedNow += outcome.missed
      return 'resync'
    }
    if (outcome.type === 'ignored') return 'ok'
    if (message.type !== 'devices') {
      setClock(message.type === 'rows' ? message.serverTimeMs : Date.parse(message.serverTime))
      fold(outcome.desk)
    }
    if (!applyDevices(message)) {
      // nothing is drawn from what cannot be placed: begin anew from a snapshot
      fold({ ...folded, epoch: null })
      return 'resync'
    }
    if ('posture' in message && message.posture !== undefined) posture.value = message.posture
    if (message.type !== 'rows') forces.value = withForces(forces.value, message)
    settlePending(outcome.desk)
    if (missedNow > 0 && message.type !== 'heartbeat') {
      toast('bad', t('link.caught-up', { n: count(missedNow) }))
      missedNow = 0
    }
    if (outcome.arrived.length > 0) store.onArrival.handle(outcome.arrived)
    return 'ok'
  }

  const liveIncidents = computed<ReadonlyMap<string, Incident>>(() => {
    if (pending.value.size === 0) return desk.value.incidents
    const shown = new Map(desk.value.incidents)
    for (const id of pending.value) {
      const incident = shown.get(id)
      if (incident === undefined) continue
      shown.set(id, { ...incident, state: incident.state === 'new' ? 'acknowledged' : incident.state, unacknowledgedAlarms: 0 })
    }
    return shown
  })
  const past = signal<Past | null>(null)
  const forces = signal<Forces>(NO_FORCES)
  const kpis = computed(() => desk.value.kpis)
  let flooded = false
  const flood = computed(() => {
    const alarms = kpis.value?.alarmsIn10Min ?? 0
    flooded = alarms > FLOOD_ABOVE || (flooded && alarms >= FLOOD_ENDS_BELOW)
    return flooded
  })
  const acting = (): boolean => mayAct(link.value, o.nowMs())
  const refreshed = (incident: Incident): void => {
    if (!folded.incidents.has(incident.id)) return
    fold({ ...folded, incidents: new Map(folded.incidents).set(incident.id, incident) })
  }

  const store: Store = {
    api: o.api,
    actions: createActions({ api: o.api, mayAct: acting, isPast: () => past.value !== null, setPending, toast, refreshed }),
    principal,
    desk,
    devices,
    sights,
    devicesVersion,
    past,
    incidents: computed(() => past.value?.incidents ?? liveIncidents.value),
    alarms: computed(() => past.value?.alarms ?? desk.value.alarms),
    forces,
    liveIncidents,
    flood,
    pending,
    link,
    phase: computed(() => phaseOf(link.value, Math.max(now.value, link.value.heardAtMs ?? 0))),
    alive: computed(() => mayAct(link.value, now.value)),
    epoch: computed(() => desk.value.epoch),
    kpis,
    asOf: () => desk.peek().asOf,
    notDrawn: computed(() => (devicesVersion.value > 0 ? devices.notDrawn : 0)),
    now,
    serverNow: computed(() => now.value + skewMs.value),
    selectedId: signal(null),
    selectedDevice: signal(null),
    posture,
    missed,
    toasts,
    may: scope => principal.value?.scopes.includes(scope) ?? false,
    toast,
    onArrival: { handle: () => {} },
    start() {
      store.stop()
      socket = openLive({
        open: o.openSocket,
        nowMs: o.nowMs,
        random: o.random,
        // who has not been told of every device has nothing to go on from
        position: () => (folded.epoch === null || devices.partial ? null : { seq: folded.seq, epoch: folded.epoch }),
        onMessage,
        onLink: setLink,
        onRefused: () => {
          principal.value = null
          store.stop()
        },
      })
    },
    stop() {
      socket?.close()
      socket = null
    },
    retryNow: () => socket?.retryNow(),
    tick() {
      now.value = o.nowMs()
      socket?.check()
      if (toasts.value.some(one => one.untilMs < now.value)) toasts.value = toasts.value.filter(one => one.untilMs >= now.value)
    },
  }
  return store
}
