// The place of the map on the desk: loads its code after the queue stands, picks the renderer, and keeps every failure to itself.
import { effect, signal, untracked } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { clockTime } from '../format.ts'
import { locale, t } from '../i18n.ts'
import { theme } from '../preferences.ts'
import type { Store } from '../store.ts'
import { DeviceCard, Tooltip } from './cards.tsx'
import { Legend } from './legend.tsx'
import { afterFrame, createPace } from './pace.ts'
import { chooseRenderer } from './probe.ts'
import type { Renderer } from './renderer.ts'
import type { Hover, MapOptions, MapView } from './view.ts'

type State = 'loading' | 'ready' | 'failed'

const createPane = (store: Store) => {
  const state = signal<State>('loading')
  const renderer = signal<Renderer>(chooseRenderer(location.search))
  const hover = signal<Hover>(null)
  const missing = signal<readonly string[]>([])
  let view: MapView | null = null
  let ended = false
  /** only the newest mount may take the place */
  let mounts = 0

  const selectIncident = (id: string): void => {
    store.selectedId.value = id
  }
  /** A device of an open incident stands for the incident; any other opens its own card. */
  const selectDevice = (deviceId: string | null): void => {
    const incident = deviceId === null ? undefined : [...store.incidents.value.values()].find(one => one.deviceIds.includes(deviceId))
    if (incident !== undefined) store.selectedId.value = incident.id
    store.selectedDevice.value = deviceId
  }

  const mount = async (host: HTMLElement): Promise<void> => {
    const mine = ++mounts
    try {
      const { openView } = await (renderer.value === 'webgl' ? import('./gl.ts') : import('./canvas.ts'))
      if (ended) return
      const options: MapOptions = {
        host,
        api: store.api,
        devices: store.devices,
        theme: theme.value,
        english: locale.value === 'en',
        nowMs: () => Date.now(),
        onIncident: selectIncident,
        onDevice: selectDevice,
        onHover: found => {
          hover.value = found
        },
        onReady: () => {
          state.value = 'ready'
        },
        onMissing: layers => {
          missing.value = layers
        },
        onLost: () => {
          if (renderer.value === 'canvas') return
          renderer.value = 'canvas'
          remount(host)
        },
      }
      const opened = await openView(options)
      if (ended || mine !== mounts) return opened.destroy()
      view = opened
      view.redraw()
      paintIncidents()
      feedForces()
      // a map that stands in for a lost one shows the same alarms from its first frame on
      pace.now()
    } catch (error) {
      if (ended || mine !== mounts) return
      // WebGL may exist and still refuse (blocked driver): the flat map is tried before giving up.
      if (renderer.value === 'webgl') {
        renderer.value = 'canvas'
        remount(host)
      } else {
        state.value = 'failed'
        store.toast('bad', t('map.failed', { why: error instanceof Error ? error.message : String(error) }))
      }
    }
  }
  const remount = (host: HTMLElement): void => {
    view?.destroy()
    view = null
    state.value = 'loading'
    host.replaceChildren()
    void mount(host)
  }
  const pace = createPace({
    nowMs: () => performance.now(),
    afterFrame,
    later: (done, ms) => setTimeout(done, ms),
    cancel: timer => clearTimeout(timer as ReturnType<typeof setTimeout>),
  })
  const paintIncidents = (): void => {
    const [incidents, selectedId] = [store.incidents.value, store.selectedId.value]
    pace.ask('incidents', () => view?.incidents([...incidents.values()], selectedId))
  }
  /** Once a second, since ages and times of arrival are shown, and when an order, a station or an incident changes. */
  const feedForces = (): void => {
    const { orders, resources } = store.forces.value
    const nowMs = store.serverNow.value
    const [incidents, selectedId] = [store.incidents.value, store.selectedId.value]
    pace.ask('forces', () =>
      view?.forces({
        nowMs,
        sights: store.sights,
        find: deviceId => store.devices.find(deviceId),
        resources: [...resources.values()],
        orders: [...orders.values()],
        incidents,
        selectedId,
        english: locale.peek() === 'en',
      }),
    )
  }

  /** Follows the store; each part redraws only what it is about. */
  const follow = (host: HTMLElement): (() => void) => {
    /** that a device was heard again changes nothing on the map */
    let drawnLooks = -1
    const redraw = (): void => {
      drawnLooks = store.devices.looks
      view?.redraw()
    }
    const stops = [
      effect(() => {
        if (store.devicesVersion.value >= 0 && store.devices.looks !== drawnLooks) pace.ask('devices', redraw)
      }),
      effect(paintIncidents),
      effect(feedForces),
      effect(() => {
        const id = store.selectedId.value
        const position = untracked(() => (id === null ? undefined : store.incidents.value.get(id)?.position))
        if (position !== undefined) view?.show(position.lon, position.lat)
        // what was chosen is seen at once
        untracked(pace.now)
      }),
      effect(() => {
        const dressed = `${theme.value} ${locale.value}`
        untracked(() => {
          if (dressed !== worn && view !== null) remount(host)
          worn = dressed
        })
      }),
    ]
    return () => {
      pace.stop()
      for (const stop of stops) stop()
    }
  }
  let worn = ''

  return {
    state,
    renderer,
    hover,
    missing,
    home: () => view?.home(),
    start(host: HTMLElement) {
      void mount(host)
      const unfollow = follow(host)
      return () => {
        ended = true
        unfollow()
        view?.destroy()
      }
    },
  }
}

const Notes = ({ store, pane }: { store: Store; pane: ReturnType<typeof createPane> }) => {
  const asOf = store.asOf()
  return (
    <div class="map-notes">
      {store.phase.value === 'lost' && <p class="note bad">{asOf === null ? t('map.no-data') : t('map.old', { at: clockTime(asOf) })}</p>}
      {pane.state.value === 'loading' && <p class="note">{t('map.loading')}</p>}
      {pane.state.value === 'failed' && <p class="note bad">{t('map.list-only')}</p>}
      {pane.renderer.value === 'canvas' && pane.state.value === 'ready' && <p class="note">{t('map.flat')}</p>}
      {pane.missing.value.length > 0 && <p class="note">{t('map.missing', { layers: pane.missing.value.join(', ') })}</p>}
      {store.notDrawn.value > 0 && <p class="note bad">{t('map.not-drawn', { n: store.notDrawn.value })}</p>}
    </div>
  )
}

export const MapPane = ({ store }: { store: Store }) => {
  const host = useRef<HTMLDivElement>(null)
  const made = useRef<ReturnType<typeof createPane> | null>(null)
  made.current ??= createPane(store)
  const pane = made.current
  useEffect(() => (host.current === null ? undefined : pane.start(host.current)), [])
  return (
    <section
      class={store.phase.value === 'lost' ? 'map old' : 'map'}
      aria-label={t('map.label')}
      data-testid="map"
      data-ready={pane.state.value === 'ready'}
      data-renderer={pane.renderer.value}
    >
      <div class="map-host" ref={host} />
      <Notes store={store} pane={pane} />
      <button type="button" class="home" tabIndex={-1} onClick={() => pane.home()}>
        {t('map.home')}
      </button>
      <Legend />
      <Tooltip store={store} hover={pane.hover.value} />
      <DeviceCard store={store} />
    </section>
  )
}
