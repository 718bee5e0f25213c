// The head of an incident: where it is comes first and largest; then what, since when, and whose it is.
import type { Incident } from '#contracts/incident.ts'
import { dayTime, elapsed, exactPlace, widePlace } from '../format.ts'
import { t, term } from '../i18n.ts'
import { needsAnswer } from '../live/reduce.ts'
import { stateWords } from '../queue/row.tsx'
import { Level } from '../shell/level.tsx'
import type { Store } from '../store.ts'

/** Until when it may stay as it is; then it goes a step up the chain by itself. */
const Due = ({ dueMs, store }: { dueMs: number; store: Store }) => {
  const leftMs = dueMs - store.serverNow.value
  return (
    <span class={leftMs < 0 ? 'late' : ''} data-testid="due">
      {leftMs < 0 ? t('due.late', { by: elapsed(-leftMs) }) : t('incident.due', { left: elapsed(leftMs) })}
    </span>
  )
}

export const Head = ({ incident, store }: { incident: Incident; store: Store }) => {
  const exact = exactPlace(incident.place)
  const wide = widePlace(incident.place)
  const since = Date.parse(incident.queuedAt)
  return (
    <header>
      <p class="panel-title">
        <Level severity={incident.severity} flashing={false} />
        <span>
          <b>{term('kind', incident.kind)}</b>
          <span class="muted id">{incident.id}</span>
        </span>
      </p>
      <h2 class="location" data-testid="incident-location">
        {exact || wide || incident.deviceIds[0] || t('place.unknown')}
      </h2>
      {exact !== '' && wide !== '' && <p class="wide">{wide}</p>}
      <p class="facts">
        <span class={needsAnswer(incident) ? `asks severity-${incident.severity}` : ''}>{stateWords(incident)}</span>
        <span>{t('incident.since', { at: dayTime(incident.openedAt, store.now.peek()) })}</span>
        <span>{t('incident.standing', { age: elapsed(store.serverNow.value - since) })}</span>
        {incident.confirmedAt !== undefined && (
          <span class="confirmed">{t('incident.confirmed', { at: dayTime(incident.confirmedAt, store.now.peek()) })}</span>
        )}
        {incident.acknowledgedBy !== undefined && incident.acknowledgedAt !== undefined && (
          <span data-testid="acknowledged-by">
            {t('incident.acknowledged', {
              who: incident.acknowledgedBy.replace(/^user:/, ''),
              at: dayTime(incident.acknowledgedAt, store.now.peek()),
            })}
          </span>
        )}
        {incident.escalation !== undefined && <span>{t('incident.escalation', { level: term('escalation', incident.escalation) })}</span>}
        {incident.dueAt !== undefined && store.past.value === null && <Due dueMs={Date.parse(incident.dueAt)} store={store} />}
        {incident.drill === true && <span class="drill">{t('incident.drill')}</span>}
        {incident.cause !== undefined && <span>{t('incident.cause', { cause: incident.cause })}</span>}
      </p>
    </header>
  )
}
