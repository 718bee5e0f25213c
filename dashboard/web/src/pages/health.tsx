// How the system itself is, for who has to keep it running: one verdict, what to do, a line a room (as /readyz says it), the account of
// every message, how far each reader is behind, and how the link between this desk and it has been. Shows only.
import type { RoomHealth } from '#contracts/live.ts'
import { byteCount, clockTime, count, dayTime, elapsed } from '../format.ts'
import { t, term } from '../i18n.ts'
import { ageMs } from '../live/connection.ts'
import type { Store } from '../store.ts'
import { adviceOf, termsOf } from './account-terms.ts'
import { Bar, Equation, Readers, useAccounting, Verdict } from './accounting.tsx'
import { Table } from './list-parts.tsx'

/** What is wrong comes first. */
const graveFirst = (rooms: readonly RoomHealth[]): RoomHealth[] => rooms.toSorted((a, b) => Number(a.ok) - Number(b.ok))

const Overall = ({ rooms, isStale }: { rooms: readonly RoomHealth[] | null; isStale: boolean }) => {
  const ill = rooms?.filter(room => !room.ok) ?? []
  const state = rooms === null || isStale ? 'unknown' : ill.length === 0 ? 'well' : 'ill'
  return (
    <p class={`verdict ${state === 'well' ? 'good' : 'problem'}`} data-testid="health-verdict" data-state={state}>
      {state === 'unknown' && t('health.is-unknown')}
      {state === 'well' && t('health.is-well', { n: count(rooms?.length) })}
      {state === 'ill' && t('health.is-ill', { n: count(ill.length), rooms: ill.map(room => term('room', room.room)).join(', ') })}
    </p>
  )
}

const Rooms = ({ rooms }: { rooms: readonly RoomHealth[] }) => (
  <div data-testid="rooms">
    <Table label={t('health.rooms')} heads={[t('health.room'), t('health.state'), t('health.detail')]}>
      {graveFirst(rooms).map(room => (
        <tr key={room.room} data-room={room.room}>
          <td>{term('room', room.room)}</td>
          <td class={room.ok ? 'good' : 'bad'}>
            <span aria-hidden="true">{room.ok ? '✓' : '✕'}</span> {t(room.ok ? 'health.ok' : 'health.not-ok')}
          </td>
          <td class={room.ok ? 'muted' : ''}>
            {room.detail}
            {!room.ok && term('room-advice', room.room) !== room.room && <p>→ {term('room-advice', room.room)}</p>}
          </td>
        </tr>
      ))}
    </Table>
  </div>
)

const Messages = ({ store }: { store: Store }) => {
  const { report, problem } = useAccounting(store)
  const nowMs = store.now.value
  return (
    <section aria-label={t('account.title')}>
      <h3>{t('account.title')}</h3>
      {problem !== '' && <p class="problem">{problem}</p>}
      {report === null ? (
        <p class="muted">{t('health.not-known')}</p>
      ) : (
        <>
          <Verdict report={report} nowMs={nowMs} />
          <Equation terms={termsOf(report)} accepted={report.accepted} />
          <Bar terms={termsOf(report)} />
          <ul class="advice">
            {adviceOf(report).map(name => (
              <li key={name}>{term('advice', name)}</li>
            ))}
          </ul>
          <Readers readers={report.readers} nowMs={nowMs} />
          <dl class="facts-list">
            <dt>{t('account.journal')}</dt>
            <dd>{t('account.files', { n: count(report.journal.files), size: byteCount(report.journal.bytes) })}</dd>
            <dt>{t('account.held')}</dt>
            <dd>
              <a href="#/quarantine">{t('account.held-of', { n: count(report.quarantine.open), rows: count(report.quarantine.rows) })}</a>
            </dd>
            <dt>{t('account.as-of')}</dt>
            <dd>{report.asOf === undefined ? t('health.not-known') : dayTime(report.asOf, nowMs)}</dd>
          </dl>
          <p>
            <a href="#/accounting">{t('health.whole-account')}</a>
          </p>
        </>
      )}
    </section>
  )
}

const Link = ({ store }: { store: Store }) => {
  const { epoch, seq } = store.desk.value
  return (
    <section aria-label={t('health.link')}>
      <h3>{t('health.link')}</h3>
      <dl class="facts-list">
        <dt>{t('health.age')}</dt>
        <dd>{elapsed(ageMs(store.link.value, store.now.value))}</dd>
        <dt>{t('health.sequence')}</dt>
        <dd class="any">{epoch === null ? t('health.not-known') : `${count(seq)} · ${epoch}`}</dd>
        <dt>{t('health.missed')}</dt>
        <dd>{count(store.missed.value)}</dd>
        <dt>{t('health.devices')}</dt>
        <dd>{store.devicesVersion.value === 0 ? t('health.not-known') : count(store.devices.rows.length)}</dd>
      </dl>
    </section>
  )
}

export const Health = ({ store }: { store: Store }) => {
  const { asOf, rooms } = store.desk.value
  const isStale = store.phase.value === 'lost'
  return (
    <main class="page" data-testid="health">
      <h2>{t('health.title')}</h2>
      {isStale && asOf !== null && <p class="stamp">{t('stamp.as-of', { at: clockTime(asOf) })}</p>}
      <Overall rooms={rooms} isStale={isStale} />
      {rooms !== null && <Rooms rooms={rooms} />}
      <Messages store={store} />
      <Link store={store} />
      <p class="muted">
        {t('health.probes')} <a href="/readyz">/readyz</a> <a href="/metrics">/metrics</a>
      </p>
    </main>
  )
}
