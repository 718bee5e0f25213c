// The cameras that show the place of an incident: one is looked at, the others wait behind its name. Of now only; the past has no film.
import { useEffect, useState } from 'preact/hooks'
import type { CameraBeside } from '#contracts/video.ts'
import { why } from '../actions.ts'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'
import { FilmOrWhy } from './film.tsx'

/** Another camera may have been registered, a drone may have come near. */
const LOOK_AGAIN_MS = 30_000

const useCameras = (store: Store, incidentId: string): { cameras: CameraBeside[]; problem: string } => {
  const [cameras, setCameras] = useState<CameraBeside[]>([])
  const [problem, setProblem] = useState('')
  useEffect(() => {
    const abort = new AbortController()
    const load = async (): Promise<void> => {
      if (store.phase.peek() === 'lost') return
      try {
        setCameras(
          (await store.api.get<{ cameras: CameraBeside[] }>(`incidents/${encodeURIComponent(incidentId)}/cameras`, abort.signal)).cameras,
        )
        setProblem('')
      } catch (error) {
        if (!abort.signal.aborted) setProblem(why(error))
      }
    }
    void load()
    const timer = setInterval(() => void load(), LOOK_AGAIN_MS)
    return () => {
      abort.abort()
      clearInterval(timer)
    }
  }, [incidentId])
  return { cameras, problem }
}

const nameOf = ({ name, deviceId }: CameraBeside): string => name ?? deviceId
const reasonOf = ({ reason, distanceM }: CameraBeside): string =>
  [t(`camera-reason.${reason}`), ...(distanceM === undefined ? [] : [`${distanceM} m`])].join(' · ')

export const Beside = ({ store, incidentId }: { store: Store; incidentId: string }) => {
  const { cameras, problem } = useCameras(store, incidentId)
  const [chosen, setChosen] = useState<string | null>(null)
  const camera = cameras.find(one => one.deviceId === chosen) ?? cameras[0]
  if (camera === undefined && problem === '') return null
  return (
    <section class="beside" data-testid="cameras">
      <h3>{t('video.title')}</h3>
      {problem !== '' && <p class="problem any">{t('list.failed', { why: problem })}</p>}
      {cameras.length > 1 && (
        <p class="choices">
          {cameras.map(one => (
            <button
              key={one.deviceId}
              type="button"
              aria-pressed={one === camera}
              data-testid="camera-choice"
              onClick={() => setChosen(one.deviceId)}
            >
              {nameOf(one)}
            </button>
          ))}
        </p>
      )}
      {camera !== undefined && (
        <>
          <p class="muted">
            {nameOf(camera)} · {reasonOf(camera)}
          </p>
          {store.past.value === null ? (
            <FilmOrWhy store={store} deviceId={camera.deviceId} kind={camera.kind} name={nameOf(camera)} />
          ) : (
            <p class="muted">{t('video.not-past')}</p>
          )}
        </>
      )}
    </section>
  )
}
