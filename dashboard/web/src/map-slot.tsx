// The place of the map in a view: what stands there until its chunk is loaded, and when it cannot be.
import { t } from './i18n.ts'
import { behindQueue, lazy } from './lazy.tsx'

const NoMapYet = ({ failed }: { failed: boolean }) => (
  <section class="map" aria-label={t('map.label')} data-testid="map" data-ready={false}>
    <div class="map-notes">
      <p class="note">{t(failed ? 'map.list-only' : 'map.loading')}</p>
    </div>
  </section>
)

export const MapSlot = lazy(
  behindQueue(async () => (await import('./map/pane.tsx')).MapPane),
  NoMapYet,
)
