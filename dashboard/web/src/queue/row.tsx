// One incident in the queue: level, what, where down to the room, how many alarms of how many devices, how long it has stood.
import { useComputed } from '@preact/signals'
import type { Incident } from '#contracts/incident.ts'
import { clockTime, count, elapsed, exactPlace, widePlace } from '../format.ts'
import { t, term } from '../i18n.ts'
import { needsAnswer } from '../live/reduce.ts'
import { Level } from '../shell/level.tsx'
import type { Store } from '../store.ts'
import type { Fold } from './fold.ts'
import { flashes } from './order.ts'

/** How long the incident has stood in the queue; renders by itself each second, the row around it does not. */
const Standing = ({ incident, store }: { incident: Incident; store: Store }) => (
  <time class="age" dateTime={incident.queuedAt}>
    {elapsed(store.serverNow.value - Date.parse(incident.queuedAt))}
  </time>
)

/** The state in words: who is asked to do something, and whether the condition itself has passed. */
export const stateWords = (incident: Incident): string => {
  if (needsAnswer(incident)) return t(incident.activeAlarms === 0 ? 'state.cleared-unacknowledged' : 'state.unacknowledged')
  const state = term('state', incident.state)
  return incident.activeAlarms === 0 ? `${state} · ${t('state.cleared')}` : state
}

/** A device that stands nowhere in particular is known by its name, once it has been told. */
const Named = ({ deviceId, store }: { deviceId: string; store: Store }) => {
  const name = useComputed(() => (store.devicesVersion.value < 0 ? undefined : store.devices.find(deviceId)?.[6]))
  return <>{name.value ?? deviceId}</>
}

const Where = ({ incident, store }: { incident: Incident; store: Store }) => {
  const exact = exactPlace(incident.place)
  const wide = widePlace(incident.place)
  const [deviceId] = incident.deviceIds
  return (
    <span class="where">
      {exact === '' ? wide : incident.place?.area} <b>{exact}</b>
      {exact === '' && wide === '' && (deviceId === undefined ? t('place.unknown') : <Named deviceId={deviceId} store={store} />)}
    </span>
  )
}

/** Peeked: what an alarm comes from never changes, and a new one of an incident changes the incident too. */
export const sourceOf = (incident: Incident, store: Store): string => {
  const alarms = store.alarms.peek()
  const kinds = new Set<string>()
  for (const id of incident.alarmIds) {
    const origin = alarms.get(id)?.origin
    if (origin !== undefined) kinds.add(term('source', origin.split(':', 1)[0] ?? origin))
  }
  return [...kinds].join(' + ')
}

export type RowProps = {
  incident: Incident
  store: Store
  selected: boolean
  /** the one row that Tab reaches */
  reachable: boolean
  onSelect: (id: string) => void
  fold?: Fold | undefined
  onFold?: (key: string) => void
}

/** What stands behind this row in a flood, and the way to it. */
const FoldLine = ({ fold, onFold }: { fold: Fold; onFold: (key: string) => void }) => (
  <button type="button" class="fold" data-testid="fold" aria-expanded={fold.open} onClick={() => onFold(fold.key)}>
    {t(fold.open ? 'queue.fold-open' : 'queue.fold', {
      n: count(fold.others.length),
      of: t(`fold-of.${fold.by}`),
      at: clockTime(fold.newestAt),
    })}
  </button>
)

/** What the row says, without the button that it is on the desk. */
export const Face = ({ incident, store }: { incident: Incident; store: Store }) => {
  const asks = needsAnswer(incident)
  const sending = store.pending.value.has(incident.id)
  return (
    <>
      <Level severity={incident.severity} flashing={flashes(incident)} />
      <span class="what">
        {asks ? <em>{stateWords(incident)}</em> : <i>{sending ? t('state.sending') : stateWords(incident)}</i>}{' '}
        {term('kind', incident.kind)}
      </span>
      <Standing incident={incident} store={store} />
      <span class="second">
        <Where incident={incident} store={store} />
        <span class="meta">
          {incident.helpAskedAt !== undefined && <span class="help-asked">{t('state.help-asked')}</span>}
          {incident.confirmedAt !== undefined && <span class="confirmed">{t('state.confirmed')}</span>}
          <span title={t('queue.counts-hint', { alarms: count(incident.alarmIds.length), devices: count(incident.deviceIds.length) })}>
            {sourceOf(incident, store)} ×{count(incident.alarmIds.length)}
          </span>
        </span>
      </span>
    </>
  )
}

export const Row = ({ incident, store, selected, reachable, onSelect, fold, onFold }: RowProps) => {
  const asks = needsAnswer(incident)
  return (
    <li>
      <button
        type="button"
        class={`row${selected ? ' selected' : ''}${asks ? ' asks' : ''} severity-${incident.severity}`}
        data-testid="incident-row"
        data-incident-id={incident.id}
        data-state={incident.state}
        data-severity={incident.severity}
        aria-current={selected ? 'true' : undefined}
        tabIndex={reachable ? 0 : -1}
        onClick={() => onSelect(incident.id)}
      >
        <Face incident={incident} store={store} />
      </button>
      {fold !== undefined && onFold !== undefined && <FoldLine fold={fold} onFold={onFold} />}
    </li>
  )
}
