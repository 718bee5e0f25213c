// Starts the page: wires store, session, sound and keys together and draws whatever page the address names.
import { effect } from '@preact/signals'
import { render } from 'preact'
import { ROWS_PROTOCOL } from '#contracts/live-rows.ts'
import { App, Dialog } from './app.tsx'
import { createApi } from './api.ts'
import { startFlashing } from './flash.ts'
import { createDialogs, dispatchNow, refusalOf, shelvable } from './incident/commands.tsx'
import { createDetailView } from './incident/detail.ts'
import { t } from './i18n.ts'
import { commandOf } from './keys.ts'
import { needsAnswer } from './live/reduce.ts'
import { restMayCome } from './lazy.tsx'
import type { OpenSocket } from './live/socket.ts'
import { startPreferences } from './preferences.ts'
import { pressOf } from './press.ts'
import { createQueueView } from './queue/view.ts'
import { page, startRouter } from './router.ts'
import { createSession } from './session.ts'
import { createSound } from './sound.ts'
import { createStore } from './store.ts'
import { createTravel } from './travel/travel.ts'
import { tellSelection } from './wall/follow.ts'
import './style/base.css'
import './style/shell.css'
import './style/desk.css'
import './style/panel.css'
import './style/incident.css'
import './style/map.css'
import './style/pages.css'
import './style/travel.css'
import './style/narrow.css'
import type { Wiring } from './wiring.ts'

const liveUrl = (path: string): string => {
  const url = new URL(path, document.baseURI)
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
  return url.href
}

const openSocket: OpenSocket = (path, { opened, heard, closed }) => {
  const socket = new WebSocket(liveUrl(path), [ROWS_PROTOCOL])
  socket.binaryType = 'arraybuffer'
  socket.addEventListener('open', opened)
  socket.addEventListener('message', event => heard(event.data))
  socket.addEventListener('close', event => closed(event.code))
  return socket
}

const wire = (): Wiring => {
  const api = createApi(fetch.bind(globalThis), () => {
    store.principal.value = null
    store.stop()
  })
  const store = createStore({ api, openSocket, nowMs: () => Date.now(), random: Math.random })
  return {
    store,
    session: createSession(store),
    sound: createSound(),
    queue: createQueueView(store),
    detail: createDetailView(store),
    dialogs: createDialogs(),
    travel: createTravel(store),
  }
}

const selectBeside = ({ store, queue }: Wiring, step: 1 | -1): void => {
  const id = queue.beside(step)
  if (id === null) return
  store.selectedId.value = id
  queue.touch()
  document.querySelector<HTMLElement>(`[data-testid="incident-row"][data-incident-id="${CSS.escape(id)}"]`)?.focus()
}

const obey = (w: Wiring, event: KeyboardEvent): void => {
  const command = commandOf(pressOf(event))
  if (command === null || w.store.principal.value === null || page.value !== 'desk') return
  event.preventDefault()
  const id = w.store.selectedId.value ?? ''
  const incident = w.store.incidents.value.get(id)
  const live = w.store.liveIncidents.value.get(id)
  const mayHandle = w.store.may('incidents:handle')
  const handles = mayHandle && incident !== undefined && refusalOf(w.store) === ''
  if (command === 'next') selectBeside(w, 1)
  else if (command === 'previous') selectBeside(w, -1)
  else if (command === 'filter') document.querySelector<HTMLElement>('#queue-filter')?.focus()
  else if (command === 'help') w.dialogs.open.value = 'help'
  else if (command === 'mute') w.sound.mute(Date.now())
  else if (command === 'live') w.travel.live()
  else if (command === 'acknowledge' && mayHandle && live !== undefined && needsAnswer(live)) void w.store.actions.acknowledge(live)
  else if (command === 'dispatch' && handles) void dispatchNow(w.store, w.detail, w.dialogs)
  else if (command === 'shelve' && handles && shelvable(w.store, incident).length > 0) w.dialogs.open.value = command
  else if ((command === 'note' || command === 'escalate' || command === 'false-alarm') && handles) w.dialogs.open.value = command
}

/** The gravest unanswered level sounds; the title of a hidden tab counts what waits; a broken link has a tone of its own. */
const heed = ({ store, sound }: Wiring): void => {
  /** a title is dear: the browser draws its tabs anew */
  let titledAtMs = 0
  effect(() => {
    // what is live sounds, also while the past is shown
    const waiting = [...store.liveIncidents.value.values()].filter(needsAnswer)
    const gravest = waiting.length === 0 ? null : Math.min(...waiting.map(incident => incident.severity))
    sound.follow(store.principal.value ? gravest : null, store.now.value)
    const title = waiting.length > 0 ? `(${waiting.length}) ${t('app.name')}` : t('app.name')
    if (title === document.title || Date.now() - titledAtMs < 900) return
    titledAtMs = Date.now()
    document.title = title
  })
  store.onArrival.handle = arrived => {
    if (arrived.some(one => one.severity === 3)) sound.tick()
  }
  const tell = tellSelection()
  effect(() => {
    if (page.value === 'desk') tell(store.selectedId.value)
  })
  let wasLost = false
  effect(() => {
    const lost = store.phase.value === 'lost' && Boolean(store.principal.value)
    if (lost && !wasLost) sound.lost()
    wasLost = lost
  })
}

/** So long the map waits for a queue that does not come. */
const QUEUE_WAIT_MS = 1500
const letRestCome = ({ store }: Wiring): void => {
  setTimeout(restMayCome, QUEUE_WAIT_MS)
  let isUp = false
  effect(() => {
    if (isUp || store.epoch.value === null) return
    isUp = true
    // after the frame that shows them
    requestAnimationFrame(() => setTimeout(restMayCome))
  })
}

const start = async (root: HTMLElement): Promise<void> => {
  const words = startPreferences(document.documentElement)
  startRouter(window)
  const w = wire()
  const known = w.session.restore()
  letRestCome(w)
  // without words the page still works, by its keys
  await words.catch(() => {})
  heed(w)
  setInterval(() => w.store.tick(), 1000)
  startFlashing(document.documentElement)
  addEventListener('keydown', event => obey(w, event))
  document.addEventListener('visibilitychange', () => w.store.tick())
  render(<App {...w} />, root)
  effect(() => {
    // a crew's own view; on a narrow screen nobody can work the desk
    const who = w.store.principal.value
    const goes = who?.role === 'station' || (Boolean(who) && innerWidth < 700)
    if (goes && location.hash === '') location.hash = '#/field'
  })
  known.catch(() => {
    w.store.principal.value = null
    w.store.toast('bad', t('error.no-answer'))
  })
  // a key must not wait for its dialog
  setTimeout(Dialog.fetch, 3000)
}

const root = document.querySelector<HTMLElement>('#app')
if (root !== null) void start(root)
