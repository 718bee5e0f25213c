// Why the alarm stands: each reading's value against its threshold, what speaks against it, and the rule with its version.
import type { Alarm, Evidence } from '#contracts/alarm.ts'
import { amount, dayTime, metric } from '../format.ts'
import { say, t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { noteOf } from './note.ts'
import { until } from './timeline.tsx'

const valueOf = (evidence: Evidence): string => {
  if (typeof evidence.value === 'number') return `${amount(evidence.value)} ${metric(evidence.what).unit}`.trim()
  if (typeof evidence.value === 'boolean') return t(evidence.value ? 'evidence.yes' : 'evidence.no')
  return evidence.value
}

/** What a piece of evidence is about: a flag (`alarms.smoke`), a detection, a word of state, or a metric. */
const nameOf = (what: string): string => {
  const bare = what.replace(/^(alarms|detections|state)\./, '')
  const flag = term('flag', bare)
  return flag === bare ? metric(bare).name : flag
}

const EvidenceRow = ({ evidence, nowMs, against }: { evidence: Evidence; nowMs: number; against: boolean }) => (
  <tr data-testid={against ? 'counter-evidence-row' : 'evidence-row'}>
    <td>
      <time dateTime={evidence.ts}>{dayTime(evidence.ts, nowMs)}</time>
    </td>
    <td class="device">{evidence.deviceId}</td>
    <td>
      {nameOf(evidence.what)}
      {evidence.note !== undefined && <span class="muted"> {noteOf(evidence.note)}</span>}
    </td>
    <td class="number">
      <b>{valueOf(evidence)}</b>
    </td>
    <td class="number muted">
      {evidence.threshold === undefined
        ? ''
        : t('evidence.threshold', { value: `${amount(evidence.threshold)} ${metric(evidence.what).unit}`.trim() })}
    </td>
  </tr>
)

/** Rows shown; the newest of a long list, with the number of those left out said. */
const SHOWN = 30

const Table = ({ rows, nowMs, against }: { rows: readonly Evidence[]; nowMs: number; against: boolean }) => (
  <>
    <table class="evidence">
      <thead class="visually-hidden">
        <tr>
          <th>{t('evidence.at')}</th>
          <th>{t('evidence.device')}</th>
          <th>{t('evidence.what')}</th>
          <th>{t('evidence.value')}</th>
          <th>{t('evidence.limit')}</th>
        </tr>
      </thead>
      <tbody>
        {rows.slice(-SHOWN).map((evidence, at) => (
          <EvidenceRow key={`${evidence.seq} ${evidence.what} ${at}`} evidence={evidence} nowMs={nowMs} against={against} />
        ))}
      </tbody>
    </table>
    {rows.length > SHOWN && <p class="muted">{t('evidence.older', { n: rows.length - SHOWN })}</p>}
  </>
)

/** "Why": the rule, its version and its parameters, or who or what raised the alarm where no rule did. */
export const Why = ({ alarm }: { alarm: Alarm }) => {
  const { rule } = alarm
  if (rule === undefined) {
    const [source = '', name = ''] = alarm.origin.split(':', 2)
    return (
      <p class="why" data-testid="why">
        {t('why.raised-by', { source: term('source', source), name })}
      </p>
    )
  }
  return (
    <details class="why" data-testid="why">
      <summary>
        {t('why.rule', { id: rule.id, version: rule.version })}
        <span class="muted"> {t('why.set', { set: rule.set, version: rule.setVersion })}</span>
      </summary>
      <dl>
        <dt>{t('why.kind')}</dt>
        <dd>{rule.kind}</dd>
        {Object.entries(rule.parameters).map(([name, value]) => (
          <>
            <dt key={name}>{name}</dt>
            <dd>{typeof value === 'string' ? value : JSON.stringify(value)}</dd>
          </>
        ))}
      </dl>
    </details>
  )
}

export const EvidenceList = ({ store, alarm }: { store: Store; alarm: Alarm }) => {
  const nowMs = store.serverNow.peek()
  const pastMs = store.past.value?.atMs
  return (
    <section>
      <h3>{t('evidence.title')}</h3>
      <p class="headline">{say(alarm.text)}</p>
      {alarm.guidance !== undefined && <p class="guidance">{say(alarm.guidance)}</p>}
      <Table rows={until(alarm.evidence, pastMs, one => one.receivedAt)} nowMs={nowMs} against={false} />
      <Why alarm={alarm} />
      {alarm.counterEvidence.length > 0 && (
        <>
          <h3>{t('evidence.against')}</h3>
          <Table rows={until(alarm.counterEvidence, pastMs, one => one.receivedAt)} nowMs={nowMs} against />
        </>
      )}
    </section>
  )
}
