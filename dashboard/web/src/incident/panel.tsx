// The incident: where it is (largest), what to do about it, why it stands, how fast it came, and all that happened since.
import type { Incident, IncidentDetail } from '#contracts/incident.ts'
import type { QueueAlarm } from '#contracts/live.ts'
import { count, dayTime, elapsed, exactPlace, latency, widePlace } from '../format.ts'
import { say, t, term } from '../i18n.ts'
import { isOpen, needsAnswer } from '../live/reduce.ts'
import { stateWords } from '../queue/row.tsx'
import { Level, NUMERALS } from '../shell/level.tsx'
import type { Store } from '../store.ts'
import { Commands, type Dialogs } from './commands.tsx'
import type { DetailView } from './detail.ts'
import { EvidenceList } from './evidence.tsx'
import { subjectOf } from './history.ts'
import { Sparkline } from './sparkline.tsx'
import { barPct, ownLatencyMs, stepsOf } from './waterfall.ts'

const Head = ({ incident, store }: { incident: Incident; store: Store }) => {
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
        {incident.cause !== undefined && <span>{t('incident.cause', { cause: incident.cause })}</span>}
      </p>
    </header>
  )
}

const Latency = ({ view }: { view: DetailView }) => {
  const alarm = view.alarm.value
  const steps = alarm === null ? [] : stepsOf(alarm.waterfall)
  if (alarm === null || steps.length === 0) return null
  const own = ownLatencyMs(alarm.waterfall)
  return (
    <section data-testid="waterfall">
      <h3>
        {t('waterfall.title')} {own !== null && <span class="muted">{t('waterfall.own', { took: latency(own) })}</span>}
      </h3>
      <ol class="waterfall">
        {steps.map(step => (
          <li key={step.stage}>
            <span>{t(`stage.${step.stage}`)}</span>
            <span class="bar">{step.tookMs !== null && <i style={{ width: `${barPct(step.tookMs)}%` }} />}</span>
            <span class="number">{step.tookMs === null ? dayTime(step.atMs, step.atMs) : `+${latency(step.tookMs)}`}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

const AlarmRow = ({ alarm, chosen, view }: { alarm: QueueAlarm; chosen: boolean; view: DetailView }) => (
  <li>
    <button
      type="button"
      class={`alarm severity-${alarm.severity}`}
      aria-pressed={chosen}
      onClick={() => {
        view.chosenAlarm.value = alarm.id
      }}
    >
      <b class="numeral">{NUMERALS[alarm.severity]}</b>
      <span>
        {say(alarm.text)}
        <span class="muted">
          {' '}
          {exactPlace(alarm.place)} {alarm.deviceId}
        </span>
      </span>
      <span class="muted">{term('alarm-state', alarm.state)}</span>
    </button>
  </li>
)

/** Rows drawn of a very large incident; the number of the rest is said. */
const ALARMS_SHOWN = 50

const Alarms = ({ incident, view }: { incident: Incident; view: DetailView }) => {
  const alarms = view.alarmsOf(incident.id)
  if (alarms.length === 0) return null
  const chosen = view.alarm.value?.id
  return (
    <section>
      <h3>{t('incident.alarms', { n: count(alarms.length), active: count(incident.activeAlarms) })}</h3>
      <ul class="alarms">
        {alarms.slice(0, ALARMS_SHOWN).map(alarm => (
          <AlarmRow key={alarm.id} alarm={alarm} chosen={alarm.id === chosen} view={view} />
        ))}
      </ul>
      {alarms.length > ALARMS_SHOWN && <p class="muted">{t('incident.more-alarms', { n: count(alarms.length - ALARMS_SHOWN) })}</p>}
    </section>
  )
}

const actorWords = (actor: string): string => {
  const [kind = '', name = ''] = actor.split(':', 2)
  return kind === 'user' ? name : name === '' ? term('source', kind) : `${term('source', kind)} ${name}`
}

const Timeline = ({ detail, nowMs }: { detail: IncidentDetail; nowMs: number }) => (
  <section>
    <h3>{t('timeline.title')}</h3>
    <ol class="timeline" data-testid="timeline">
      {detail.timeline.map((entry, at) => (
        <li key={at} class={entry.actor.startsWith('user:') ? 'human' : 'machine'}>
          <time dateTime={entry.at}>{dayTime(entry.at, nowMs)}</time>
          <span class="actor">{actorWords(entry.actor)}</span>
          <span>
            {entry.text === undefined ? term('timeline', entry.what) : say(entry.text)}
            {entry.note !== undefined && <q>{entry.note}</q>}
          </span>
        </li>
      ))}
    </ol>
  </section>
)

const Nothing = () => (
  <aside class="panel nothing" data-testid="incident-panel">
    <p class="muted">{t('incident.none')}</p>
    <p class="muted">{t('incident.none-keys')}</p>
  </aside>
)

export const Panel = ({ store, view, dialogs }: { store: Store; view: DetailView; dialogs: Dialogs }) => {
  const id = store.selectedId.value
  const fetched = view.detail.value
  const detail = fetched?.id === id ? fetched : null
  const incident = id === null ? undefined : (store.incidents.value.get(id) ?? detail ?? undefined)
  if (incident === undefined) return <Nothing />
  const alarm = view.alarm.value
  const subject = alarm === null ? null : subjectOf(alarm)
  return (
    <aside
      class="panel"
      data-testid="incident-panel"
      data-incident-id={incident.id}
      data-state={incident.state}
      aria-label={t('incident.title')}
    >
      <Head incident={incident} store={store} />
      {isOpen(incident) && <Commands store={store} incident={incident} dialogs={dialogs} />}
      {view.problem.value !== null && <p class="problem">{t('incident.not-loaded', { why: view.problem.value })}</p>}
      {alarm !== null && <EvidenceList store={store} alarm={alarm} />}
      {alarm !== null && subject !== null && (
        <Sparkline key={`${alarm.id} ${subject.deviceId} ${subject.metric}`} store={store} alarm={alarm} subject={subject} />
      )}
      <Alarms incident={incident} view={view} />
      <Latency view={view} />
      {detail !== null && <Timeline detail={detail} nowMs={store.now.peek()} />}
    </aside>
  )
}
