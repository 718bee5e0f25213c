// The alarms of one incident; one of them is chosen, and its evidence is what stands above.
import type { Incident } from '#contracts/incident.ts'
import type { QueueAlarm } from '#contracts/live.ts'
import { count, exactPlace } from '../format.ts'
import { say, t, term } from '../i18n.ts'
import { NUMERALS } from '../shell/level.tsx'
import type { DetailView } from './detail.ts'

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

export const Alarms = ({ incident, view }: { incident: Incident; view: DetailView }) => {
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
