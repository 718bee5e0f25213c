// The bar above everything: what this is, whether the sound works, how alive the link is, the numbers, who is on duty.
import { elapsed } from '../format.ts'
import { t } from '../i18n.ts'
import { ageMs } from '../live/connection.ts'
import { page } from '../router.ts'
import type { Session } from '../session.ts'
import type { Sound } from '../sound.ts'
import type { Store } from '../store.ts'
import { KpiBar } from './kpis.tsx'
import { LanguageButton, ThemeButton } from './switches.tsx'

const SoundButton = ({ sound, store }: { sound: Sound; store: Store }) => {
  const state = sound.state.value
  const leftMs = sound.mutedUntilMs.value - store.now.value
  const label = state === 'muted' ? t('sound.muted', { left: elapsed(leftMs) }) : t(`sound.${state}`)
  return (
    <button
      type="button"
      class={`sound ${state}`}
      data-testid="sound"
      data-state={state}
      disabled={state === 'unavailable'}
      title={t('sound.hint')}
      onClick={() => (state === 'on' ? sound.mute(store.now.value) : void sound.unlock())}
    >
      {label}
    </button>
  )
}

export const ConnectionChip = ({ store }: { store: Store }) => {
  const phase = store.phase.value
  const age = ageMs(store.link.value, store.now.value)
  return (
    <span class={`chip ${phase}`} data-testid="connection" data-state={phase}>
      <i aria-hidden="true" />
      {phase === 'live' ? t('link.live') : t(`link.${phase}`, { age: elapsed(age) })}
    </span>
  )
}

const Links = ({ store }: { store: Store }) => (
  <nav aria-label={t('nav.label')}>
    <a href="#/desk" aria-current={page.value === 'desk' ? 'page' : undefined}>
      {t('nav.desk')}
    </a>
    <a href="#/accounting" aria-current={page.value === 'accounting' ? 'page' : undefined}>
      {t('nav.accounting')}
    </a>
    <a href="#/quarantine" aria-current={page.value === 'quarantine' ? 'page' : undefined}>
      {t('nav.quarantine')}
    </a>
    <a href="#/health" aria-current={page.value === 'health' ? 'page' : undefined}>
      {t('nav.health')}
    </a>
    {store.may('flows:read') && (
      <a href="/flows/" target="_blank" rel="noopener">
        {t('nav.flows')}
      </a>
    )}
    <a href="/api/docs" target="_blank" rel="noopener">
      {t('nav.api')}
    </a>
  </nav>
)

export const TopBar = ({ store, session, sound }: { store: Store; session: Session; sound: Sound }) => {
  const who = store.principal.value
  return (
    <header class="topbar">
      <h1>{t('app.name')}</h1>
      <SoundButton sound={sound} store={store} />
      <ConnectionChip store={store} />
      <Links store={store} />
      <span class="grow" />
      <KpiBar store={store} />
      <div class="user">
        <span class="who" title={who?.role === undefined ? '' : t(`role.${who.role}`)}>
          {who?.name}
        </span>
        <LanguageButton />
        <ThemeButton />
        <button
          type="button"
          class="quiet"
          data-testid="logout"
          onClick={() => void session.logout().catch(() => store.toast('bad', t('error.no-answer')))}
        >
          {t('login.logout')}
        </button>
      </div>
    </header>
  )
}
