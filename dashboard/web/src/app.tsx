// The frame: nobody known -> login; else the bar, the banner and the page. Everything but the queue is fetched after it is drawn.
import type { ComponentType } from 'preact'
import { Panel } from './incident/panel.tsx'
import { learnPages, t } from './i18n.ts'
import { behindQueue, lazy } from './lazy.tsx'
import { MapSlot } from './map-slot.tsx'
import { Login } from './pages/login.tsx'
import { Queue } from './queue/queue.tsx'
import { page, type Page } from './router.ts'
import { Banner, Toasts } from './shell/banner.tsx'
import { TopBar } from './shell/topbar.tsx'
import type { Wiring } from './wiring.ts'

const Nothing = () => null
const Strip = lazy(
  behindQueue(async () => (await import('./travel/strip.tsx')).Strip),
  () => <footer class="strip" />,
)
export const Dialog = lazy(
  behindQueue(async () => (await import('./incident/dialogs.tsx')).Dialog),
  Nothing,
)

const Desk = ({ store, queue, detail, dialogs, travel }: Wiring) => (
  <>
    <main class="desk">
      <Queue store={store} view={queue} />
      <MapSlot store={store} />
      <Panel store={store} view={detail} dialogs={dialogs} travel={travel} />
    </main>
    <Strip store={store} travel={travel} />
  </>
)

/** A page beside the desk: its code, and the words of these pages. */
const beside = (load: () => Promise<ComponentType<Wiring>>) => lazy(async () => (await Promise.all([load(), learnPages()]))[0])
/** Pages with the bar above them. */
const PAGES: Record<Exclude<Page, 'wall' | 'field'>, ComponentType<Wiring>> = {
  desk: Desk,
  devices: beside(async () => (await import('./pages/devices.tsx')).Devices),
  accounting: beside(async () => (await import('./pages/accounting.tsx')).Accounting),
  quarantine: beside(async () => (await import('./pages/quarantine.tsx')).Quarantine),
  health: beside(async () => (await import('./pages/health.tsx')).Health),
  rules: beside(async () => (await import('./pages/rules.tsx')).RulesPage),
  resources: beside(async () => (await import('./pages/resources.tsx')).Resources),
  report: beside(async () => (await import('./pages/report.tsx')).ReportPage),
  requests: beside(async () => (await import('./pages/requests.tsx')).RequestsPage),
  posture: beside(async () => (await import('./pages/posture.tsx')).PosturePage),
  enrol: beside(async () => (await import('./pages/enrol.tsx')).EnrolPage),
  users: beside(async () => (await import('./pages/users.tsx')).UsersPage),
  account: beside(async () => (await import('./pages/account.tsx')).AccountPage),
  audit: beside(async () => (await import('./pages/audit.tsx')).AuditPage),
}
/** Views that are the whole screen. */
const Wall = lazy(async () => (await import('./wall/wall.tsx')).Wall)
const Field = lazy(async () => (await import('./field/field.tsx')).Field)

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
  if (page.value === 'wall') return <Wall {...w} />
  if (page.value === 'field') return <Field {...w} />
  const Shown = PAGES[page.value]
  return (
    <div class={w.store.past.value === null ? 'frame' : 'frame past'}>
      <TopBar store={w.store} session={w.session} sound={w.sound} dialogs={w.dialogs} />
      <Banner store={w.store} onLive={() => w.travel.live()} />
      <Shown {...w} />
      <Toasts store={w.store} />
      <Dialog store={w.store} dialogs={w.dialogs} sound={w.sound} view={w.detail} />
    </div>
  )
}
