// The frame: nobody known -> login; else the bar, the banner and the page. The map's code is asked for only after the queue is drawn.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { ComponentType } from 'preact'
import { CloseDialog, EscalateDialog, NoteDialog, type Dialogs } from './incident/commands.tsx'
import type { DetailView } from './incident/detail.ts'
import { Panel } from './incident/panel.tsx'
import { t } from './i18n.ts'
import { Accounting } from './pages/accounting.tsx'
import { Health } from './pages/health.tsx'
import { Help } from './pages/help.tsx'
import { Login } from './pages/login.tsx'
import { Quarantine } from './pages/quarantine.tsx'
import { Queue } from './queue/queue.tsx'
import type { QueueView } from './queue/view.ts'
import { page } from './router.ts'
import type { Session } from './session.ts'
import { Banner, Toasts } from './shell/banner.tsx'
import { TopBar } from './shell/topbar.tsx'
import type { Sound } from './sound.ts'
import type { Store } from './store.ts'

export type Wiring = { store: Store; session: Session; sound: Sound; queue: QueueView; detail: DetailView; dialogs: Dialogs }

const mapPane = signal<ComponentType<{ store: Store }> | null>(null)
const mapProblem = signal(false)

const MapSlot = ({ store }: { store: Store }) => {
  useEffect(() => {
    if (mapPane.value !== null) return
    import('./map/pane.tsx').then(
      module => {
        mapPane.value = module.MapPane
      },
      () => {
        mapProblem.value = true
      },
    )
  }, [])
  const Pane = mapPane.value
  if (Pane !== null) return <Pane store={store} />
  return (
    <section class="map" aria-label={t('map.label')} data-testid="map" data-ready={false}>
      <div class="map-notes">
        <p class="note">{t(mapProblem.value ? 'map.list-only' : 'map.loading')}</p>
      </div>
    </section>
  )
}

const Dialog = ({ store, dialogs }: { store: Store; dialogs: Dialogs }) => {
  const which = dialogs.open.value
  const id = store.selectedId.value
  const onClose = (): void => {
    dialogs.open.value = null
  }
  if (which === 'help') return <Help onClose={onClose} />
  if (which === null || id === null) return null
  const props = { store, id, onClose }
  if (which === 'note') return <NoteDialog {...props} />
  return which === 'escalate' ? <EscalateDialog {...props} /> : <CloseDialog {...props} />
}

const Desk = ({ store, queue, detail, dialogs }: Wiring) => (
  <main class="desk">
    <Queue store={store} view={queue} />
    <MapSlot store={store} />
    <Panel store={store} view={detail} dialogs={dialogs} />
  </main>
)

const Pages = (w: Wiring) => {
  if (page.value === 'accounting') return <Accounting store={w.store} />
  if (page.value === 'quarantine') return <Quarantine store={w.store} />
  return page.value === 'health' ? <Health store={w.store} /> : <Desk {...w} />
}

export const App = (w: Wiring) => {
  const who = w.store.principal.value
  if (who === undefined) return <p class="starting">{t('app.starting')}</p>
  if (who === null)
    return (
      <>
        <Login session={w.session} />
        <Toasts store={w.store} />
      </>
    )
  return (
    <div class="frame">
      <TopBar store={w.store} session={w.session} sound={w.sound} />
      <Banner store={w.store} />
      <Pages {...w} />
      <Toasts store={w.store} />
      <Dialog store={w.store} dialogs={w.dialogs} />
    </div>
  )
}
