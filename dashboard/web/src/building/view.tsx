// The building of an incident in three dimensions, beside the table that says the same (incident/matrix.tsx). A chunk of its own, fetched
// when a building is first looked at; where there is no WebGL it says so and leaves the table to speak.
import { useEffect, useRef, useState } from 'preact/hooks'
import { t, term } from '../i18n.ts'
import type { Floors } from '../incident/floors.ts'
import { theme } from '../preferences.ts'
import { openBuilding, type Building } from './draw.ts'
import { sceneOf, type RoomBox } from './scene.ts'

const TURN_DEG = 30
const ZOOM_STEP = 1.25

/** What the picture shows, in words. */
const wordsOf = ({ floors }: Floors): string => {
  const alarms = floors.filter(floor => floor.isAlarm).map(({ floor }) => t('matrix.floor-name', { n: floor }))
  const cells = floors.flatMap(floor => floor.cells)
  const silent = cells.filter(cell => cell !== null && ['offline', 'stale', 'unknown'].includes(cell.condition ?? '')).length
  return t('building.words', { floors: floors.length, alarms: alarms.join(', ') || t('building.none'), silent })
}

/** So that an unchanged building is not built anew with every tick. */
const markOf = (floors: Floors): string =>
  `${floors.columns.join()}|${floors.floors.map(({ floor, isAlarm, cells }) => `${floor}${isAlarm ? '!' : ''}:${cells.map(cell => (cell === null ? '' : `${cell.condition}${cell.isAlarm ? '!' : ''}`)).join()}`).join('|')}`

export const BuildingView = ({ floors, onDevice }: { floors: Floors; onDevice: (deviceId: string) => void }) => {
  const host = useRef<HTMLDivElement>(null)
  const building = useRef<Building | null>(null)
  const [isGone, setGone] = useState(false)
  const [chosen, setChosen] = useState<RoomBox | null>(null)
  const shown = theme.value
  const mark = markOf(floors)
  useEffect(() => {
    if (host.current === null || isGone) return undefined
    try {
      building.current = openBuilding({
        host: host.current,
        theme: shown,
        reducedMotion: matchMedia('(prefers-reduced-motion: reduce)').matches,
        floorName: floor => t('matrix.floor-name', { n: floor }),
        onRoom: room => {
          setChosen(room)
          const [deviceId] = room.deviceIds
          if (deviceId !== undefined) onDevice(deviceId)
        },
        onLost: () => setGone(true),
      })
    } catch {
      setGone(true)
      return undefined
    }
    return () => {
      building.current?.destroy()
      building.current = null
    }
  }, [shown, isGone])
  useEffect(() => building.current?.show(sceneOf(floors)), [mark, shown, isGone])
  if (isGone)
    return (
      <p class="building-gone muted" data-testid="building" data-state="gone">
        {t('building.gone')}
      </p>
    )
  return (
    <figure class="building" data-testid="building" data-state="shown" aria-label={wordsOf(floors)}>
      <div class="building-host" ref={host} />
      <figcaption>
        <span class="muted" aria-live="polite">
          {chosen === null ? t('building.hint') : `${chosen.room} ${term('condition', chosen.condition)}`}
        </span>
        <span class="building-keys">
          <button type="button" aria-label={t('building.left')} onClick={() => building.current?.turn(-TURN_DEG)}>
            ⟲
          </button>
          <button type="button" aria-label={t('building.right')} onClick={() => building.current?.turn(TURN_DEG)}>
            ⟳
          </button>
          <button type="button" aria-label={t('building.nearer')} onClick={() => building.current?.zoom(1 / ZOOM_STEP)}>
            +
          </button>
          <button type="button" aria-label={t('building.farther')} onClick={() => building.current?.zoom(ZOOM_STEP)}>
            −
          </button>
          <button type="button" aria-label={t('building.home')} onClick={() => building.current?.home()}>
            ⌂
          </button>
        </span>
      </figcaption>
    </figure>
  )
}
