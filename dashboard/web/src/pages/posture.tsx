// Peacetime or emergency: how the centre stands, since when, by whom and why, and the one act that changes it. The act takes a
// reason and a second yes; it stands in the audit and on every desk at once.
import { useState } from 'preact/hooks'
import type { Posture, PostureMode } from '#contracts/posture.ts'
import { dayTime, elapsed } from '../format.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { FormDialog } from './form-parts.tsx'
import '../style/lists.css'

/** Nobody has switched yet: the time is then the beginning of all times. */
const isAsInstalled = (posture: Posture): boolean => Date.parse(posture.since) <= 0

const Switch = ({ store, to, onClose }: { store: Store; to: PostureMode; onClose: () => void }) => {
  const [reason, setReason] = useState('')
  const send = async (): Promise<void> => {
    store.posture.value = await store.api.put<Posture>('posture', { mode: to, reason })
    store.toast('good', t('posture.done', { mode: term('posture-mode', to) }))
  }
  return (
    <FormDialog title={t(`posture.to-${to}`)} submit={`posture.to-${to}`} isGrave={to === 'emergency'} onClose={onClose} send={send}>
      <p>{t(`posture.${to}-means`)}</p>
      <label>
        {t('posture.reason')}
        <textarea
          required
          maxLength={500}
          rows={3}
          data-testid="posture-reason"
          value={reason}
          onInput={event => setReason(event.currentTarget.value)}
        />
      </label>
      <p class="muted">{t('posture.audited')}</p>
    </FormDialog>
  )
}

export const PosturePage = ({ store }: { store: Store }) => {
  const [asks, setAsks] = useState(false)
  const posture = store.posture.value
  const isLost = store.phase.value === 'lost'
  const to: PostureMode = posture?.mode === 'emergency' ? 'peacetime' : 'emergency'
  return (
    <main class="page" data-testid="posture">
      <h2>{t('posture.title')}</h2>
      {posture === null ? (
        <p class="muted">{t('health.not-known')}</p>
      ) : (
        <>
          <p class={`posture-now of-${posture.mode}`} data-testid="posture-now" data-mode={posture.mode}>
            {term('posture-mode', posture.mode)}
          </p>
          <dl class="facts-list">
            <dt>{t('posture.since')}</dt>
            {isAsInstalled(posture) ? (
              <dd>{t('posture.as-installed')}</dd>
            ) : (
              <>
                <dd>
                  {dayTime(posture.since, store.now.value)} · {elapsed(store.serverNow.value - Date.parse(posture.since))}
                </dd>
                <dt>{t('audit.who')}</dt>
                <dd>{posture.by}</dd>
                <dt>{t('posture.reason')}</dt>
                <dd class="any">{posture.reason}</dd>
              </>
            )}
            {posture.rules !== undefined && (
              <>
                <dt>{t('posture.rules')}</dt>
                <dd class={posture.rules.ok ? '' : 'problem'}>{posture.rules.detail}</dd>
              </>
            )}
          </dl>
          <p class="muted">{t(`posture.${posture.mode}-means`)}</p>
          {store.may('incidents:handle') ? (
            <p class="acts">
              <button
                type="button"
                class={to === 'emergency' ? 'danger' : 'primary'}
                data-testid="posture-switch"
                disabled={isLost}
                onClick={() => setAsks(true)}
              >
                {t(`posture.to-${to}`)}
              </button>
              {isLost && <span class="problem">{t('action.refused-offline')}</span>}
            </p>
          ) : (
            <p class="muted">{t('posture.not-yours')}</p>
          )}
        </>
      )}
      {asks && <Switch store={store} to={to} onClose={() => setAsks(false)} />}
    </main>
  )
}
