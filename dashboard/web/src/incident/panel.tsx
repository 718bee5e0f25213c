// The incident: where it is (largest) and what to do about it; the rest of it follows in more.tsx.
import { t } from '../i18n.ts'
import { lazy } from '../lazy.tsx'
import { isOpen } from '../live/reduce.ts'
import type { Store } from '../store.ts'
import type { Travel } from '../travel/travel.ts'
import { Commands, type Dialogs } from './commands.tsx'
import type { DetailView } from './detail.ts'
import { Head } from './head.tsx'

export const More = lazy(async () => (await import('./more.tsx')).More)

const Nothing = () => (
  <aside class="panel nothing" data-testid="incident-panel">
    <p class="muted">{t('incident.none')}</p>
    <p class="muted">{t('incident.none-keys')}</p>
  </aside>
)

export const Panel = ({ store, view, dialogs, travel }: { store: Store; view: DetailView; dialogs: Dialogs; travel: Travel }) => {
  const id = store.selectedId.value
  const fetched = view.detail.value
  const detail = fetched?.id === id ? fetched : null
  const incident = id === null ? undefined : (store.incidents.value.get(id) ?? store.liveIncidents.value.get(id) ?? detail ?? undefined)
  if (incident === undefined) return <Nothing />
  return (
    <aside
      class="panel"
      data-testid="incident-panel"
      data-incident-id={incident.id}
      data-state={incident.state}
      aria-label={t('incident.title')}
    >
      <Head incident={incident} store={store} />
      {isOpen(incident) && <Commands store={store} incident={incident} view={view} dialogs={dialogs} />}
      {view.problem.value !== null && <p class="problem">{t('incident.not-loaded', { why: view.problem.value })}</p>}
      <More store={store} incident={incident} view={view} travel={travel} />
    </aside>
  )
}
