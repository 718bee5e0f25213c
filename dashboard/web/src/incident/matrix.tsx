// Floor by room, as a real table: it is read faster than any picture, needs no graphics card, and is always there.
import { useState } from 'preact/hooks'
import type { Incident } from '#contracts/incident.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { floorsOf, type RoomCell } from './floors.ts'

const SILENT = new Set(['offline', 'stale', 'unknown'])

/** Rooms by their number; a corridor (14F-corridor) by its name, which is what fits. */
const labelOf = (cell: RoomCell): string | number => cell.room.replace(/^[^-]*F-/, '') || cell.deviceIds.length

const Cell = ({ cell, store }: { cell: RoomCell | null; store: Store }) => {
  if (cell === null || cell.condition === null) return <td class="no-device" />
  const silent = SILENT.has(cell.condition)
  const words = `${cell.room} ${term('condition', cell.condition)} · ${cell.deviceIds.join(', ')}`
  return (
    <td class={`room is-${cell.condition}${silent ? ' silent' : ''}${cell.isAlarm ? ' at-fire' : ''}`} title={words}>
      <button
        type="button"
        tabIndex={-1}
        aria-label={words}
        onClick={() => {
          store.selectedDevice.value = cell.deviceIds[0] ?? null
        }}
      >
        {labelOf(cell)}
      </button>
    </td>
  )
}

export const Matrix = ({ store, incident }: { store: Store; incident: Incident }) => {
  const [all, setAll] = useState(false)
  // once a second is soon enough for a table, however many deltas come in
  void store.now.value
  const found = floorsOf(store.devices.rows, incident, all)
  if (found === null) return null
  return (
    <section data-testid="matrix">
      <h3>{t('matrix.title')}</h3>
      <div class="matrix-scroll">
        <table class="matrix">
          <caption class="visually-hidden">{t('matrix.caption')}</caption>
          <thead class="visually-hidden">
            <tr>
              <th scope="col">{t('matrix.floor')}</th>
              {found.columns.map(column => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {found.floors.map(floor => (
              <tr key={floor.floor} class={floor.isAlarm ? 'alarm-floor' : ''}>
                <th scope="row">{t('matrix.floor-name', { n: floor.floor })}</th>
                {floor.cells.map((cell, i) => (
                  <Cell key={found.columns[i]} cell={cell} store={store} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <p class="matrix-key muted">
        <i class="room silent" aria-hidden="true" /> {t('matrix.silent')}
        {(found.left > 0 || all) && (
          <button type="button" class="quiet" onClick={() => setAll(!all)}>
            {all ? t('matrix.fewer') : t('matrix.more', { n: found.left })}
          </button>
        )}
      </p>
    </section>
  )
}
