// The queue: every open incident, what must be answered on top. An empty one proves that it is alive.
import { useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks'
import { clockTime, count, elapsed } from '../format.ts'
import { locale, t, type Key } from '../i18n.ts'
import { ageMs } from '../live/connection.ts'
import { needsAnswer } from '../live/reduce.ts'
import type { Store } from '../store.ts'
import { createAnchor } from './anchor.ts'
import { createKeptRows } from './kept-rows.tsx'
import { compare, type Filter } from './order.ts'
import { Row } from './row.tsx'
import type { QueueView } from './view.ts'

const FILTERS: readonly (readonly [Filter['which'], Key])[] = [
  ['all', 'filter.all'],
  ['unacknowledged', 'filter.unacknowledged'],
  ['fire', 'filter.fire'],
  ['technical', 'filter.technical'],
]

const Filters = ({ view }: { view: QueueView }) => (
  <div class="filters">
    <div role="group" aria-label={t('filter.label')}>
      {FILTERS.map(([which, key]) => (
        <button
          key={which}
          type="button"
          aria-pressed={view.filter.value.which === which}
          onClick={() => {
            view.filter.value = { ...view.filter.value, which }
          }}
        >
          {t(key)}
        </button>
      ))}
      {(view.shelved.value > 0 || view.filter.value.which === 'shelved') && (
        <button
          type="button"
          data-testid="shelved"
          aria-pressed={view.filter.value.which === 'shelved'}
          onClick={() => {
            view.filter.value = { ...view.filter.value, which: view.filter.value.which === 'shelved' ? 'all' : 'shelved' }
          }}
        >
          {t('filter.shelved', { n: count(view.shelved.value) })}
        </button>
      )}
    </div>
    <input
      id="queue-filter"
      type="search"
      placeholder={t('filter.words')}
      aria-label={t('filter.words')}
      value={view.filter.value.words}
      onInput={event => {
        view.filter.value = { ...view.filter.value, words: event.currentTarget.value }
      }}
    />
  </div>
)

/** Good news, with the proof: how old the link is and how many devices it speaks for. */
const Empty = ({ store }: { store: Store }) => {
  const [kpis, epoch] = [store.kpis.value, store.epoch.value]
  const past = store.past.value
  if (past !== null) {
    const unknown = past.sinceMs === null || past.atMs < past.sinceMs
    return <p class="empty">{t(unknown ? 'travel.unknown' : 'travel.empty')}</p>
  }
  if (epoch === null) return <p class="empty">{t('queue.waiting')}</p>
  return (
    <div class="empty" data-testid="queue-empty">
      <p class="calm">{t('queue.empty')}</p>
      <p>{t('queue.alive', { age: elapsed(ageMs(store.link.value, store.now.value)) })}</p>
      <p>
        {kpis === null ? t('kpi.not-known') : t('queue.speaks-for', { online: count(kpis.devicesOnline), total: count(kpis.devicesTotal) })}
      </p>
      {kpis !== null && <p>{t('kpi.devices-hint', { stale: count(kpis.devicesStale), unknown: count(kpis.devicesUnknown) })}</p>}
    </div>
  )
}

const Head = ({ store, view }: { store: Store; view: QueueView }) => {
  const asOf = store.asOf()
  return (
    <div class="queue-head">
      <h2>{t('queue.title')}</h2>
      <span class="muted">
        {store.epoch.value === null ? '' : t('queue.counts', { total: count(view.total.value), waiting: count(view.waiting.value) })}
      </span>
      {store.past.value !== null && (
        <span class="stamp past" data-testid="queue-past">
          {t('travel.stamp', { at: clockTime(store.past.value.atMs) })}
        </span>
      )}
      {store.phase.value === 'lost' && asOf !== null && (
        <span class="stamp" data-testid="queue-stamp">
          {t('stamp.as-of', { at: clockTime(asOf) })}
        </span>
      )}
    </div>
  )
}

/** How many rows lie above what is visible of the list. Their items are asked, a few of them: what is in one out of sight is not laid out. */
const rowsAbove = (list: HTMLElement): number => {
  const edge = list.getBoundingClientRect().top
  let [low, high] = [0, list.children.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((list.children[middle]?.getBoundingClientRect().bottom ?? 0) > edge) high = middle
    else low = middle + 1
  }
  return low
}

const List = ({ store, view }: { store: Store; view: QueueView }) => {
  const list = useRef<HTMLOListElement>(null)
  const hovered = useRef<string | null>(null)
  /** as last heard: asking the list for it makes the page lay itself out, once more for each new row */
  const scrolledPx = useRef(0)
  const seen = useRef(new Set<string>())
  const anchor = useMemo(() => createAnchor(() => hovered.current), [])
  const [above, setAbove] = useState(0)
  const ids = view.ids.value
  const selected = store.selectedId.value
  const reachable = selected !== null && ids.includes(selected) ? selected : ids[0]

  const select = useMemo(
    () =>
      (chosen: string): void => {
        store.selectedId.value = chosen
        view.touch()
      },
    [],
  )
  const kept = useMemo(() => createKeptRows(() => locale.value), [])
  const rowsOf = (shown: readonly string[]) => {
    const incidents = store.incidents.value
    const folds = view.folds.value
    const rows = shown.map(id => {
      const incident = incidents.get(id)
      if (incident === undefined) return null
      const [isSelected, isReachable] = [id === selected, id === reachable]
      return kept.row(id, {
        incident,
        store,
        selected: isSelected,
        reachable: isReachable,
        onSelect: select,
        fold: folds.get(id),
        onFold: view.toggle,
      })
    })
    kept.sweep()
    return rows
  }

  // Measured before the rows change (this render) and set right after they have (layout effect).
  if (list.current !== null) anchor.before(list.current, view.held.value)
  const look = (): void => {
    const element = list.current
    if (element === null) return
    for (const id of seen.current) if (!store.incidents.value.has(id)) seen.current.delete(id)
    // at the top none lies above
    const hidden = scrolledPx.current < 1 ? 0 : rowsAbove(element)
    for (const id of ids.slice(hidden)) seen.current.add(id)
    setAbove(ids.slice(0, hidden).filter(id => !seen.current.has(id)).length)
  }
  useLayoutEffect(() => {
    if (list.current === null) return
    anchor.after(list.current, view.held.value)
    // the hand's row may have been kept in its place by scrolling
    if (view.held.value) scrolledPx.current = list.current.scrollTop
    look()
  }, [ids])
  const held = view.held.value
  useLayoutEffect(() => {
    if (held || list.current === null) return
    anchor.release(list.current)
    scrolledPx.current = list.current.scrollTop
    look()
  }, [held])

  return (
    <>
      {above > 0 && (
        <button type="button" class="new-above" data-testid="new-above" onClick={() => list.current?.scrollTo({ top: 0 })}>
          {t('queue.new-above', { n: count(above) })}
        </button>
      )}
      <ol
        class={held ? 'rows held' : 'rows'}
        ref={list}
        onScroll={event => {
          scrolledPx.current = event.currentTarget.scrollTop
          look()
        }}
        onWheel={() => anchor.scrolledByHand()}
        onTouchMove={() => anchor.scrolledByHand()}
        onPointerMove={event => {
          const row = (event.target as Element).closest<HTMLElement>('[data-incident-id]')
          hovered.current = row?.dataset['incidentId'] ?? null
          view.touch()
        }}
        onPointerLeave={() => {
          hovered.current = null
          view.leave()
        }}
        onKeyDown={() => view.touch()}
      >
        {rowsOf(ids)}
        {view.hidden.value > 0 && (
          <li class="hidden-count">
            {t('queue.hidden', { n: count(view.hidden.value) })}{' '}
            <button type="button" class="quiet" onClick={() => view.more()}>
              {t('queue.more')}
            </button>
          </li>
        )}
      </ol>
    </>
  )
}

/** What nobody has answered of level I stands on top also while the past is shown: it is of now, and it sounds. */
const LiveOnTop = ({ store }: { store: Store }) => {
  if (store.past.value === null) return null
  const waiting = [...store.liveIncidents.value.values()].filter(one => one.severity === 1 && needsAnswer(one)).sort(compare)
  if (waiting.length === 0) return null
  return (
    <div class="live-on-top" data-testid="live-on-top">
      <p>{t('travel.live-now', { n: count(waiting.length) })}</p>
      <ol>
        {waiting.map(incident => (
          <Row
            key={incident.id}
            incident={incident}
            store={store}
            selected={incident.id === store.selectedId.value}
            reachable
            onSelect={id => {
              store.selectedId.value = id
            }}
          />
        ))}
      </ol>
    </div>
  )
}

const SPOKEN_EVERY_MS = 10_000
/** For screen readers: one sentence about what waits, changed only when the number does, and in a flood summed up each ten seconds. */
const Spoken = ({ store }: { store: Store }) => {
  const spoken = useRef({ words: '', atMs: Number.NEGATIVE_INFINITY })
  const waiting = [...store.liveIncidents.value.values()].filter(needsAnswer)
  const gravest = waiting.filter(incident => incident.severity <= 2).length
  const words = waiting.length === 0 ? '' : t('queue.spoken', { n: count(waiting.length), grave: count(gravest) })
  const isDue = !store.flood.value || words === '' || store.now.value - spoken.current.atMs >= SPOKEN_EVERY_MS
  if (isDue && words !== spoken.current.words) spoken.current = { words, atMs: store.now.value }
  return (
    <p class="visually-hidden" aria-live="polite" data-testid="spoken">
      {spoken.current.words}
    </p>
  )
}

export const Queue = ({ store, view }: { store: Store; view: QueueView }) => (
  <section class={store.phase.value === 'lost' ? 'queue old' : 'queue'} aria-label={t('queue.title')} data-testid="queue">
    <Head store={store} view={view} />
    <Filters view={view} />
    <LiveOnTop store={store} />
    {view.total.value === 0 ? <Empty store={store} /> : <List store={store} view={view} />}
    <Spoken store={store} />
  </section>
)
