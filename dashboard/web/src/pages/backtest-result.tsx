// The answer of a backtest: one line a recording, the sum, and what differs between two sets. The figures are the server's.
import { UNKNOWN, amount, count, dayTime } from '../format.ts'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'
import { sumOf, type Answer, type Difference, type Score } from './backtest-terms.ts'
import { csvOf, fileName, save, type Column } from './csv.ts'
import { Table } from './list-parts.tsx'

/** alarms of a difference that are named; the CSV has all */
const NAMED = 100

const seconds = (s: number | null): string => (s === null ? t('backtest.never') : `${amount(s)} s`)

const COLUMNS: Column<Score>[] = [
  { title: 'recording', value: one => one.name },
  { title: 'readings', value: one => one.readings },
  { title: 'fires', value: one => one.fires.length },
  { title: 'found', value: one => one.fires.filter(fire => fire.detectedAfterS !== null).length },
  { title: 'detectedAfterS', value: one => one.fires.map(fire => fire.detectedAfterS ?? 'never').join(' ') },
  { title: 'againstFirstAlarmS', value: one => one.fires.map(fire => fire.againstFirstAlarmS ?? '').join(' ') },
  { title: 'missed', value: one => one.missed.length },
  { title: 'falseAlarms', value: one => one.falseAlarms.length },
  { title: 'quietHours', value: one => one.quiet?.hours },
  { title: 'quietFalsePerHour', value: one => one.quiet?.perHour },
  { title: 'alarms', value: one => one.alarms.length },
  { title: 'alarmsByRule', value: one => JSON.stringify(one.alarmsByRule) },
]

const Row = ({ score }: { score: Score }) => (
  <tr data-testid="backtest-row" data-recording={score.name}>
    <td>{score.name}</td>
    <td>
      {score.fires.length === 0
        ? t('backtest.no-fire')
        : score.fires.map(fire => (
            <span class="second" key={fire.building + fire.what}>
              {fire.what}: {seconds(fire.detectedAfterS)}
              {fire.againstFirstAlarmS !== null && (
                <span class="muted">
                  {' '}
                  {t(fire.againstFirstAlarmS <= 0 ? 'backtest.sooner' : 'backtest.after', { s: amount(Math.abs(fire.againstFirstAlarmS)) })}
                </span>
              )}
              {fire.rule !== null && <span class="muted"> {fire.rule}</span>}
            </span>
          ))}
    </td>
    <td class={score.missed.length > 0 ? 'bad' : ''}>{count(score.missed.length)}</td>
    <td class={score.falseAlarms.length > 0 ? 'late' : ''}>
      {count(score.falseAlarms.length)}
      {score.quiet !== null && (
        <span class="muted second">{t('backtest.quiet', { per: amount(score.quiet.perHour), hours: amount(score.quiet.hours) })}</span>
      )}
    </td>
    <td>
      <details>
        <summary>{count(score.alarms.length)}</summary>
        {Object.entries(score.alarmsByRule).map(([rule, n]) => (
          <span class="second" key={rule}>
            {rule} {count(n)}
          </span>
        ))}
        {score.falseAlarms.slice(0, NAMED).map((one, i) => (
          <span class="second" key={i}>
            ✕ {one.rule} {one.deviceIds.join(', ')}: {one.cause}
          </span>
        ))}
      </details>
    </td>
  </tr>
)

const Sum = ({ scores }: { scores: readonly Score[] }) => {
  const sum = sumOf(scores)
  return (
    <tr data-testid="backtest-sum">
      <th scope="row">{t('backtest.sum')}</th>
      <td>{t('backtest.found', { found: count(sum.found), fires: count(sum.fires) })}</td>
      <td class={sum.missed > 0 ? 'bad' : ''}>{count(sum.missed)}</td>
      <td>
        {count(sum.falseAlarms)}
        {sum.quietHours > 0 && (
          <span class="muted second">
            {t('backtest.quiet', { per: amount(sum.quietFalse / sum.quietHours), hours: amount(sum.quietHours) })}
          </span>
        )}
      </td>
      <td>{count(sum.alarms)}</td>
    </tr>
  )
}

const Differences = ({ difference, nowMs }: { difference: Difference; nowMs: number }) => {
  const { added, removed, earlier, later, same, fires } = difference
  const rows = [
    ...removed.map(one => ({ ...one, what: t('backtest.removed') })),
    ...added.map(one => ({ ...one, what: t('backtest.added') })),
    ...later.map(one => ({ ...one, deviceIds: [one.deviceId], what: t('backtest.later', { s: amount(Math.abs(one.byS)) }) })),
    ...earlier.map(one => ({ ...one, deviceIds: [one.deviceId], what: t('backtest.earlier', { s: amount(Math.abs(one.byS)) }) })),
  ]
  return (
    <div data-testid="backtest-difference">
      <h4>{t('backtest.difference')}</h4>
      <p>
        {t('backtest.difference-sum', {
          added: count(added.length),
          removed: count(removed.length),
          earlier: count(earlier.length),
          later: count(later.length),
          same: count(same),
        })}
      </p>
      {fires.map(fire => (
        <p key={fire.recording + fire.what} class={fire.detectedAfterS === null ? 'problem' : ''}>
          {t('backtest.fire-moved', {
            recording: fire.recording,
            what: fire.what,
            was: seconds(fire.wasAfterS),
            is: seconds(fire.detectedAfterS),
          })}
        </p>
      ))}
      {rows.length > 0 && (
        <Table
          label={t('backtest.difference')}
          heads={[t('backtest.change'), t('backtest.recording'), t('rules.id'), t('devices.device'), t('audit.at')]}
        >
          {rows.slice(0, NAMED).map((one, i) => (
            <tr key={i}>
              <td>{one.what}</td>
              <td>{one.recording}</td>
              <td>{one.rule}</td>
              <td>{one.deviceIds.join(', ') || UNKNOWN}</td>
              <td class="when">{dayTime(one.raisedAt, nowMs)}</td>
            </tr>
          ))}
        </Table>
      )}
      {rows.length > NAMED && <p class="muted">{t('backtest.more', { n: count(rows.length - NAMED) })}</p>}
    </div>
  )
}

export const BacktestResult = ({ store, answer, isPart }: { store: Store; answer: Answer; isPart: boolean }) => {
  const nowMs = store.now.peek()
  return (
    <div class="result" data-testid="backtest-result">
      {answer.ruleSet !== undefined && (
        <p>
          {t('rules.in-force-short', {
            name: answer.ruleSet.name,
            version: answer.ruleSet.version.slice(0, 8),
            n: count(answer.ruleSet.rules),
          })}{' '}
          {isPart && <span class="muted">{t('backtest.so-far')}</span>}
        </p>
      )}
      <Table
        label={t('backtest.title')}
        heads={[t('backtest.recording'), t('backtest.fires'), t('backtest.missed'), t('backtest.false'), t('backtest.alarms')]}
      >
        {answer.recordings.map(score => (
          <Row key={score.name} score={score} />
        ))}
        {answer.recordings.length > 1 && <Sum scores={answer.recordings} />}
      </Table>
      {answer.difference !== undefined && <Differences difference={answer.difference} nowMs={nowMs} />}
      <p>
        <button type="button" onClick={() => save(fileName('backtest', nowMs), csvOf(COLUMNS, answer.recordings))}>
          {t('export.csv')}
        </button>{' '}
        <button
          type="button"
          onClick={() => save(fileName('backtest', nowMs, 'json'), JSON.stringify(answer, null, 1), 'application/json')}
        >
          {t('backtest.whole')}
        </button>
      </p>
    </div>
  )
}
