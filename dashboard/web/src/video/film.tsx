// The picture of one camera with its age on it. When none comes it says so and why; an old one is grey and carries the time it was taken.
import { useRef } from 'preact/hooks'
import type { VideoKind } from '#contracts/video.ts'
import { clockTime, elapsed } from '../format.ts'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'
import { useSight, type Sight } from './sight.ts'
import { hls, HLS_TYPE, pictures, whep } from './sources.ts'
import '../style/video.css'

/** Older than this it is not live any more, and says so. */
const STALE_MS = 5_000

const playsHls = (): boolean => document.createElement('video').canPlayType(HLS_TYPE) !== ''

type Standing = 'live' | 'stale' | 'none' | 'waiting'
const standingOf = ({ atMs, problem }: Sight, nowMs: number): Standing => {
  if (atMs === null) return problem === '' ? 'waiting' : 'none'
  return nowMs - atMs > STALE_MS || problem !== '' ? 'stale' : 'live'
}

const Words = ({ sight, standing, nowMs }: { sight: Sight; standing: Standing; nowMs: number }) => {
  const { atMs, problem, againAtMs } = sight
  return (
    <figcaption data-testid="video-words">
      {standing === 'live' && atMs !== null && <span class="live">{t('video.live', { age: elapsed(Math.max(0, nowMs - atMs)) })}</span>}
      {standing === 'stale' && atMs !== null && (
        <b class="stale">{t('video.stale', { at: clockTime(atMs), age: elapsed(Math.max(0, nowMs - atMs)) })}</b>
      )}
      {standing === 'waiting' && <span class="muted">{t('video.waiting')}</span>}
      {standing === 'none' && <b class="problem">{t('video.none')}</b>}
      {problem !== '' && <span class="problem any">{problem}</span>}
      {againAtMs !== null && <span class="muted">{t('video.again', { in: elapsed(Math.max(0, againAtMs - nowMs)) })}</span>}
    </figcaption>
  )
}

export const Film = ({ store, deviceId, kind, name }: { store: Store; deviceId: string; kind: VideoKind; name: string }) => {
  const image = useRef<HTMLImageElement>(null)
  const film = useRef<HTMLVideoElement>(null)
  const isFilm = kind === 'hls' || kind === 'whep'
  const serverNowMs = (): number => store.serverNow.peek() + (Date.now() - store.now.peek())
  const source =
    kind === 'hls'
      ? hls(() => film.current, deviceId, serverNowMs)
      : kind === 'whep'
        ? whep(() => film.current, deviceId, serverNowMs)
        : pictures(() => image.current, deviceId)
  const sight = useSight(source, `${deviceId} ${kind}`, serverNowMs)
  const nowMs = Math.max(store.serverNow.value, sight.atMs ?? 0)
  const standing = standingOf(sight, nowMs)
  return (
    <figure class={`film is-${standing}`} data-testid="video" data-device-id={deviceId} data-kind={kind} data-standing={standing}>
      <div class="film-frame">
        {isFilm ? (
          <video ref={film} muted playsInline aria-label={t('video.of', { name })} />
        ) : (
          <img ref={image} alt={t('video.of', { name })} />
        )}
      </div>
      <Words sight={sight} standing={standing} nowMs={nowMs} />
    </figure>
  )
}

/** HLS needs a browser that plays it by itself: Safari, Chromium and Edge from 142 on. */
export const FilmOrWhy = (props: { store: Store; deviceId: string; kind: VideoKind; name: string }) =>
  props.kind === 'hls' && !playsHls() ? (
    <p class="problem any" data-testid="video-unplayable">
      {t('video.no-hls')}
    </p>
  ) : (
    <Film key={`${props.deviceId} ${props.kind}`} {...props} />
  )
