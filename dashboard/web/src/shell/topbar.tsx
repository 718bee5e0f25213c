// The bar above everything: what this is, whether the sound works, how alive the link is, the numbers, who is on duty.
import { useEffect, useRef } from 'preact/hooks'
import type { Scope } from '#contracts/people.ts'
import { clockTime, elapsed } from '../format.ts'
import type { Dialogs } from '../incident/commands.tsx'
import { t } from '../i18n.ts'
import { behindQueue, lazy } from '../lazy.tsx'
import { ageMs } from '../live/connection.ts'
import { page, type Page } from '../router.ts'
import type { Session } from '../session.ts'
import type { Sound } from '../sound.ts'
import type { Store } from '../store.ts'
import { KpiBar } from './kpis.tsx'
import { LanguageButton, ThemeButton } from './switches.tsx'

/** Until somebody has heard the tones, the button starts the shift; then it mutes, and brings the sound back. */
const SoundButton = ({ sound, store, dialogs }: { sound: Sound; store: Store; dialogs: Dialogs }) => {
  const state = sound.state.value
  const leftMs = sound.mutedUntilMs.value - store.now.value
  const since = sound.shiftSinceMs.value
  const start = state === 'locked' || (state === 'on' && since === null)
  const words = (): string => {
    if (state === 'muted') return t('sound.muted', { left: elapsed(leftMs) })
    if (start) return t(state === 'locked' ? 'sound.locked' : 'sound.unheard')
    return state === 'on' && since !== null ? t('sound.on-since', { at: clockTime(since).slice(0, 5) }) : t(`sound.${state}`)
  }
  const press = (): void => {
    if (start) {
      void sound.unlock()
      dialogs.open.value = 'shift'
    } else if (state === 'on') sound.mute(store.now.value)
    else void sound.unlock()
  }
  return (
    <button
      type="button"
      class={`sound ${start ? 'locked' : state}`}
      data-testid="sound"
      data-state={state}
      data-shift={since !== null}
      disabled={state === 'unavailable'}
      title={t('sound.hint')}
      onClick={press}
    >
      {words()}
    </button>
  )
}

export const ConnectionChip = ({ store }: { store: Store }) => {
  const phase = store.phase.value
  // a living link has no age to tell, and is heard several times a second
  const words = phase === 'live' ? t('link.live') : t(`link.${phase}`, { age: elapsed(ageMs(store.link.value, store.now.value)) })
  return (
    <span class={`chip ${phase}`} data-testid="connection" data-state={phase}>
      <i aria-hidden="true" />
      {words}
    </span>
  )
}

const RequestsChip = lazy(
  behindQueue(async () => (await import('./requests-chip.tsx')).RequestsChip),
  () => null,
)

/** How the centre stands, and the way to the page that changes it. */
const PostureChip = ({ store }: { store: Store }) => {
  const mode = store.posture.value?.mode
  if (mode === undefined) return null
  return (
    <a
      href="#/posture"
      class={`chip posture of-${mode}`}
      data-testid="posture-chip"
      data-mode={mode}
      aria-label={t('posture.label', { mode: t(`posture-mode.${mode}`) })}
    >
      {t(`posture-mode.${mode}`)}
    </a>
  )
}

/** What is worked with, what is looked at, what is set up; the server decides, the menu only leaves out what it would refuse. */
const LINKS: readonly (readonly (readonly [Page, Scope])[])[] = [
  [
    ['desk', 'read'],
    ['wall', 'read'],
    ['field', 'read'],
    ['requests', 'read'],
    ['posture', 'read'],
    ['report', 'read'],
  ],
  [
    ['devices', 'read'],
    ['resources', 'read'],
    ['rules', 'read'],
    ['health', 'read'],
    ['accounting', 'read'],
    ['quarantine', 'read'],
    ['audit', 'audit:read'],
  ],
  [
    ['enrol', 'devices:write'],
    ['users', 'users:write'],
  ],
]

/** One button for all pages, so that the bar has room for what changes. */
const Menu = ({ store }: { store: Store }) => {
  const details = useRef<HTMLDetailsElement>(null)
  const close = (): void => details.current?.removeAttribute('open')
  useEffect(() => {
    const outside = (event: Event): void => {
      if (!(event.target instanceof Node && details.current?.contains(event.target) === true)) close()
    }
    addEventListener('pointerdown', outside)
    return () => removeEventListener('pointerdown', outside)
  }, [])
  return (
    <details class="menu" ref={details} onKeyDown={event => event.key === 'Escape' && close()}>
      <summary data-testid="menu">
        <span aria-hidden="true">☰</span> {t(`nav.${page.value}`)}
      </summary>
      <nav aria-label={t('nav.label')}>
        {LINKS.map(group => (
          <div key={group[0]?.[0]}>
            {group.map(
              ([one, scope]) =>
                store.may(scope) && (
                  <a key={one} href={`#/${one}`} aria-current={page.value === one ? 'page' : undefined} onClick={close}>
                    {t(`nav.${one}`)}
                  </a>
                ),
            )}
          </div>
        ))}
        {store.may('flows:read') && (
          <a href="/flows/" target="_blank" rel="noopener">
            {t('nav.flows')}
          </a>
        )}
        <a href="/api/docs" target="_blank" rel="noopener">
          {t('nav.api')}
        </a>
      </nav>
    </details>
  )
}

export const LogoutButton = ({ session, store }: { session: Session; store: Store }) => (
  <button
    type="button"
    class="quiet"
    data-testid="logout"
    onClick={() => void session.logout().catch(() => store.toast('bad', t('error.no-answer')))}
  >
    {t('login.logout')}
  </button>
)

export const TopBar = ({ store, session, sound, dialogs }: { store: Store; session: Session; sound: Sound; dialogs: Dialogs }) => {
  const who = store.principal.value
  return (
    <header class="topbar">
      <h1>{t('app.name')}</h1>
      <Menu store={store} />
      <SoundButton sound={sound} store={store} dialogs={dialogs} />
      <ConnectionChip store={store} />
      <PostureChip store={store} />
      {store.may('alarms:handle') && <RequestsChip store={store} />}
      <span class="grow" />
      <KpiBar store={store} />
      <div class="user">
        <a class="who" href="#/account" title={who?.role === undefined ? '' : t(`role.${who.role}`)}>
          {who?.name}
        </a>
        <LanguageButton />
        <ThemeButton />
        <LogoutButton session={session} store={store} />
      </div>
    </header>
  )
}
