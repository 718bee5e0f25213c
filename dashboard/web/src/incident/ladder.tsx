// Who was told of the incident and how far that has come: sent -> delivered -> heard -> accepted. What a machine said and what a person said
// are told apart, since delivered is not heard.
import type { IncidentDetail, TellingLine } from '#contracts/incident.ts'
import { clockTime, count } from '../format.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { until } from './timeline.tsx'

const RUNGS = ['sent', 'delivered', 'heard', 'accepted'] as const
/** Rows shown; the newest, with the number of those left out said. */
const SHOWN = 20

const timeOf = (line: TellingLine, rung: (typeof RUNGS)[number]): string | undefined =>
  ({ sent: line.at, delivered: line.deliveredAt, heard: line.heardAt, accepted: line.acceptedAt })[rung]

const One = ({ line, pastMs }: { line: TellingLine; pastMs: number | undefined }) => (
  <tr data-testid="telling" data-state={line.state}>
    <th scope="row">
      {line.recipient}
      <span class="muted">
        {' '}
        {term('telling-event', line.event)} · {line.channel ?? t('telling.channel', { n: line.step })}
      </span>
    </th>
    {RUNGS.map(rung => {
      const at = timeOf(line, rung)
      const isThere = at !== undefined && (pastMs === undefined || Date.parse(at) <= pastMs)
      return (
        <td key={rung} class={isThere ? `there ${rung}` : 'muted'}>
          {isThere ? clockTime(at) : '—'}
        </td>
      )
    })}
    <td>{pastMs === undefined && term('telling-state', line.state)}</td>
  </tr>
)

export const Ladder = ({ store, detail }: { store: Store; detail: Pick<IncidentDetail, 'tellings'> }) => {
  const pastMs = store.past.value?.atMs
  // a server of before answers without them
  const lines = until(detail.tellings ?? [], pastMs, line => line.at)
  if (lines.length === 0) return null
  const heard = lines.filter(line => line.heardAt !== undefined).length
  return (
    <section data-testid="ladder">
      <h3>{t('telling.title', { heard: count(heard), n: count(lines.length) })}</h3>
      <table class="ladder">
        <thead>
          <tr>
            <th>{t('telling.whom')}</th>
            {RUNGS.map(rung => (
              <th key={rung}>{t(`telling-state.${rung}`)}</th>
            ))}
            <th>{t('telling.now')}</th>
          </tr>
        </thead>
        <tbody>
          {lines.slice(0, SHOWN).map((line, at) => (
            <One key={`${line.recipient} ${line.event} ${line.at} ${at}`} line={line} pastMs={pastMs} />
          ))}
        </tbody>
      </table>
      {lines.length > SHOWN && <p class="muted">{t('telling.older', { n: count(lines.length - SHOWN) })}</p>}
    </section>
  )
}
