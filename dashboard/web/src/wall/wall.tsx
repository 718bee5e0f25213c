// The wall: the same desk to look at, not to touch. Follows what the duty desk on this computer has selected; when nobody selects,
// the open level I and II incidents take turns. No control on it does anything to an incident.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Incident } from '#contracts/incident.ts'
import { MapSlot } from '../map-slot.tsx'
import type { Wiring } from '../wiring.ts'
import { clockTime, count, elapsed } from '../format.ts'
import { t } from '../i18n.ts'
import { Head } from '../incident/head.tsx'
import { More } from '../incident/panel.tsx'
import { needsAnswer } from '../live/reduce.ts'
import { compare } from '../queue/order.ts'
import { Face } from '../queue/row.tsx'
import { Banner } from '../shell/banner.tsx'
import { KpiBar } from '../shell/kpis.tsx'
import { ConnectionChip } from '../shell/topbar.tsx'
import type { Store } from '../store.ts'
import { FOLLOW_MS, ROTATE_MS, onSelection } from './follow.ts'
import '../style/wall.css'

/** Rows that fit; the number of the rest is said. */
const ROWS = 14

const followed = signal<{ id: string; atMs: number } | null>(null)

/** Whose turn it is; null = nothing is open. */
export const turnOf = (open: readonly Incident[], o: { followed: { id: string; atMs: number } | null; nowMs: number }): Incident | null => {
  const led = o.followed !== null && o.nowMs - o.followed.atMs < FOLLOW_MS ? open.find(one => one.id === o.followed?.id) : undefined
  if (led !== undefined) return led
  const grave = open.filter(one => one.severity <= 2)
  const turns = grave.length > 0 ? grave : open.slice(0, 1)
  return turns[Math.floor(o.nowMs / ROTATE_MS) % turns.length] ?? null
}

const Bar = ({ store }: { store: Store }) => (
  <header class="topbar">
    <h1>{t('app.name')}</h1>
    <ConnectionChip store={store} />
    <span class="grow" />
    <KpiBar store={store} />
    <time class="clock" data-testid="wall-clock">
      {clockTime(store.serverNow.value)}
    </time>
  </header>
)

const List = ({ store, open, shownId }: { store: Store; open: readonly Incident[]; shownId: string | undefined }) => {
  const top = open.slice(0, ROWS)
  return (
    <section class={store.phase.value === 'lost' ? 'queue old' : 'queue'} aria-label={t('queue.title')} data-testid="queue">
      <div class="queue-head">
        <h2>{t('queue.title')}</h2>
        <span class="muted">{t('queue.counts', { total: count(open.length), waiting: count(open.filter(needsAnswer).length) })}</span>
      </div>
      {open.length === 0 && (
        <p class="empty calm">
          {t('queue.empty')} · {t('queue.alive', { age: elapsed(store.now.value - (store.link.value.heardAtMs ?? store.now.value)) })}
        </p>
      )}
      <ol class="rows">
        {top.map(incident => (
          <li
            key={incident.id}
            class={`row severity-${incident.severity}${incident.id === shownId ? ' selected' : ''}${needsAnswer(incident) ? ' asks' : ''}`}
            data-testid="incident-row"
            data-incident-id={incident.id}
          >
            <Face incident={incident} store={store} />
          </li>
        ))}
        {open.length > top.length && <li class="hidden-count">{t('wall.more', { n: count(open.length - top.length) })}</li>}
      </ol>
    </section>
  )
}

export const Wall = ({ store, detail, travel }: Wiring) => {
  useEffect(
    () =>
      onSelection(id => {
        followed.value = { id, atMs: Date.now() }
      }),
    [],
  )
  const open = [...store.incidents.value.values()].sort(compare)
  const shown = turnOf(open, { followed: followed.value, nowMs: store.now.value })
  useEffect(() => {
    store.selectedId.value = shown?.id ?? null
  }, [shown?.id])
  return (
    <div class="frame wall" data-testid="wall">
      <Bar store={store} />
      <Banner store={store} onLive={() => travel.live()} />
      <main class="desk">
        <List store={store} open={open} shownId={shown?.id} />
        <div class="look-only" inert>
          <MapSlot store={store} />
        </div>
        {shown === null ? (
          <aside class="panel nothing">
            <p class="calm">{t('queue.empty')}</p>
          </aside>
        ) : (
          <aside class="panel" data-testid="incident-panel" data-incident-id={shown.id}>
            <div class="wall-columns">
              <Head incident={shown} store={store} />
              <div class="look-only" inert>
                <More store={store} incident={shown} view={detail} travel={null} />
              </div>
            </div>
          </aside>
        )}
      </main>
    </div>
  )
}
