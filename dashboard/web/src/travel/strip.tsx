// The strip under the desk: how many alarms came in, the slider over them, the way back to now, and the film's buttons.
import { signal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { clockTime, count, dayTime } from '../format.ts'
import { t, type Key } from '../i18n.ts'
import type { Store } from '../store.ts'
import type { Film, Travel } from './travel.ts'

type Bar = { t: number; counts: [number, number, number, number] }
const HOUR_MS = 3_600_000
/** How far back the slider goes, and the width of a bar. */
const SPANS: readonly (readonly [hours: number, stepS: number, name: Key])[] = [
  [1, 30, 'travel.hour'],
  [6, 180, 'travel.six-hours'],
  [24, 720, 'travel.day'],
  [168, 5040, 'travel.week'],
]
const REFRESH_MS = 15_000
/** A hair's breadth of the slider is minutes: keys go in steps that mean something. */
const KEY_STEPS_MS: Record<string, number> = {
  ArrowLeft: -10_000,
  ArrowRight: 10_000,
  ArrowDown: -60_000,
  ArrowUp: 60_000,
  PageDown: -600_000,
  PageUp: 600_000,
}

const span = signal(1)
const bars = signal<readonly Bar[]>([])

/** Bars are as tall as the logarithm: one alarm is seen beside a flood of thousands. */
const heightPct = (counts: readonly number[]): number => {
  const total = counts.reduce((sum, n) => sum + n, 0)
  return total === 0 ? 0 : Math.min(100, 18 + Math.log10(total) * 27)
}
const gravest = (counts: readonly number[]): number => counts.findIndex(n => n > 0) + 1

const useBars = (store: Store, hours: number, stepS: number): { fromMs: number; toMs: number } => {
  const toMs = Math.ceil(store.serverNow.value / (stepS * 1000)) * stepS * 1000
  const fromMs = toMs - hours * HOUR_MS
  useEffect(() => {
    const load = (): void => {
      if (store.phase.value === 'lost') return
      const query = new URLSearchParams({
        from: new Date(fromMs).toISOString(),
        to: new Date(toMs).toISOString(),
        step: String(stepS),
      })
      store.api.get<{ bars: Bar[] }>(`desk/strip?${query}`).then(
        answer => {
          bars.value = answer.bars
        },
        // the slider works without its picture; the next round asks again
        () => {},
      )
    }
    load()
    const timer = setInterval(load, REFRESH_MS)
    return () => clearInterval(timer)
  }, [fromMs, stepS])
  return { fromMs, toMs }
}

const Histogram = ({ fromMs, toMs, stepMs }: { fromMs: number; toMs: number; stepMs: number }) => (
  <svg class="histogram" viewBox="0 0 1000 100" preserveAspectRatio="none" aria-hidden="true">
    {bars.value.map(bar => {
      const height = heightPct(bar.counts)
      return (
        <rect
          key={bar.t}
          class={`severity-${gravest(bar.counts)}`}
          x={((bar.t - fromMs) / (toMs - fromMs)) * 1000}
          y={100 - height}
          width={Math.max(2, (stepMs / (toMs - fromMs)) * 1000 - 1)}
          height={height}
        />
      )
    })}
  </svg>
)

const FilmBar = ({ travel, film }: { travel: Travel; film: Film }) => {
  const moment = film.moments[film.at]
  return (
    <div class="film" data-testid="film" data-playing={film.playing} data-at={film.at}>
      <button type="button" aria-label={t('film.back')} onClick={() => travel.step(-1)}>
        ◀
      </button>
      <button
        type="button"
        class="primary"
        data-testid="film-play"
        onClick={() => (film.playing ? travel.pause() : void travel.play(film.incidentId))}
      >
        {t(film.playing ? 'film.pause' : 'film.play')}
      </button>
      <button type="button" aria-label={t('film.on')} onClick={() => travel.step(1)}>
        ▶
      </button>
      <p aria-live="polite">
        <span class="muted">
          {film.at + 1} / {film.moments.length}
        </span>{' '}
        <b>{moment === undefined ? '' : clockTime(moment.atMs)}</b> {moment?.text}
        {moment?.note !== undefined && <q>{moment.note}</q>}
      </p>
    </div>
  )
}

export const Strip = ({ store, travel }: { store: Store; travel: Travel }) => {
  const [hours, stepS] = SPANS[span.value] ?? ([6, 180] as const)
  const { fromMs, toMs } = useBars(store, hours, stepS)
  const at = travel.atMs.value
  const nowMs = store.serverNow.value
  const film = travel.film.value
  const move = (value: number): void => (value >= nowMs - 1500 ? travel.live() : travel.go(value))
  return (
    <footer class={at === null ? 'strip' : 'strip past'} data-testid="strip" data-past={at !== null}>
      <button type="button" class={at === null ? '' : 'primary'} data-testid="go-live" disabled={at === null} onClick={() => travel.live()}>
        {t('travel.live')} <kbd>L</kbd>
      </button>
      {film !== null && <FilmBar travel={travel} film={film} />}
      <div class="track">
        <Histogram fromMs={fromMs} toMs={toMs} stepMs={stepS * 1000} />
        <input
          type="range"
          data-testid="time-slider"
          aria-label={t('travel.label')}
          aria-valuetext={at === null ? t('travel.now') : dayTime(at, nowMs)}
          min={fromMs}
          max={nowMs}
          step="any"
          value={at ?? nowMs}
          onKeyDown={event => {
            const by = KEY_STEPS_MS[event.key]
            if (by === undefined) return
            event.preventDefault()
            move((at ?? nowMs) + by)
          }}
          onInput={event => move(Number(event.currentTarget.value))}
        />
      </div>
      <output class="at" data-testid="time-shown">
        {dayTime(at ?? nowMs, nowMs)}
      </output>
      <select
        aria-label={t('travel.span')}
        value={span.value}
        onChange={event => {
          span.value = Number(event.currentTarget.value)
        }}
      >
        {SPANS.map(([, , name], i) => (
          <option key={name} value={i}>
            {t(name)}
          </option>
        ))}
      </select>
      <span class="visually-hidden">
        {t('travel.alarms', { n: count(bars.value.reduce((sum, b) => sum + b.counts.reduce((x, y) => x + y, 0), 0)) })}
      </span>
    </footer>
  )
}
