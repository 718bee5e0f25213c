// How the system itself is: one line a room, from the heartbeat; and how the link between this desk and it has been.
import { clockTime, count, elapsed } from '../format.ts'
import { t, term } from '../i18n.ts'
import { ageMs } from '../live/connection.ts'
import type { Store } from '../store.ts'

const Rooms = ({ store }: { store: Store }) => {
  const rooms = store.desk.value.rooms
  if (rooms === null) return <p class="muted">{t('health.not-known')}</p>
  return (
    <table class="list" data-testid="rooms">
      <thead>
        <tr>
          <th>{t('health.room')}</th>
          <th>{t('health.state')}</th>
          <th>{t('health.detail')}</th>
        </tr>
      </thead>
      <tbody>
        {rooms.map(room => (
          <tr key={room.room} data-room={room.room}>
            <td>{term('room', room.room)}</td>
            <td class={room.ok ? 'good' : 'bad'}>{t(room.ok ? 'health.ok' : 'health.not-ok')}</td>
            <td class="muted">{room.detail}</td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

export const Health = ({ store }: { store: Store }) => {
  const { asOf, epoch, seq } = store.desk.value
  return (
    <main class="page" data-testid="health">
      <h2>{t('health.title')}</h2>
      {store.phase.value === 'lost' && asOf !== null && <p class="stamp">{t('stamp.as-of', { at: clockTime(asOf) })}</p>}
      <Rooms store={store} />
      <h3>{t('health.link')}</h3>
      <dl class="facts-list">
        <dt>{t('health.age')}</dt>
        <dd>{elapsed(ageMs(store.link.value, store.now.value))}</dd>
        <dt>{t('health.sequence')}</dt>
        <dd>{epoch === null ? t('health.not-known') : `${count(seq)} · ${epoch}`}</dd>
        <dt>{t('health.missed')}</dt>
        <dd>{count(store.missed.value)}</dd>
        <dt>{t('health.devices')}</dt>
        <dd>{store.devicesVersion.value === 0 ? t('health.not-known') : count(store.devices.rows.length)}</dd>
      </dl>
    </main>
  )
}
