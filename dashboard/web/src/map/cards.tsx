// What the map says of one device: a tooltip from the live row while the pointer is near, a card with what it last said on a click.
import { useEffect, useState } from 'preact/hooks'
import { conditionOf, type Device } from '#contracts/device.ts'
import type { DeviceRow } from '#contracts/live.ts'
import type { VideoKind } from '#contracts/video.ts'
import { why } from '../actions.ts'
import { UNKNOWN, amount, elapsed, exactPlace, fullPlace, metric } from '../format.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { FilmSlot } from '../video/slot.tsx'
import type { Hover } from './view.ts'

const placeOfRow = ([, , , , , , , building, floor, room]: DeviceRow): string =>
  exactPlace({ ...(building === null ? {} : { building }), ...(floor === null ? {} : { floor }), ...(room === null ? {} : { room }) })

const heard = (atMs: number | null, nowMs: number): string =>
  atMs === null ? t('device.never-heard') : t('device.heard', { age: elapsed(nowMs - atMs) })

export const Tooltip = ({ store, hover }: { store: Store; hover: Hover }) => {
  if (hover === null) return null
  const row = hover.device
  return (
    <div class="tooltip" style={{ transform: `translate(${hover.x + 14}px, ${hover.y + 14}px)` }} aria-hidden="true">
      <b>{row[6] ?? row[0]}</b>
      <span>
        {term('device-kind', row[1])} · {term('condition', row[4])}
      </span>
      <span>{placeOfRow(row)}</span>
      <span class="muted">{heard(row[5], store.serverNow.value)}</span>
    </div>
  )
}

type Known = Device & { video?: VideoKind }

const useDevice = (store: Store, deviceId: string | null): { device: Known | null; problem: string } => {
  const [device, setDevice] = useState<Known | null>(null)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    setDevice(null)
    setProblem('')
    if (deviceId === null) return undefined
    const abort = new AbortController()
    store.api.get<Known>(`devices/${encodeURIComponent(deviceId)}`, abort.signal).then(setDevice, (error: unknown) => {
      if (!abort.signal.aborted) setProblem(why(error))
    })
    return () => abort.abort()
  }, [deviceId])
  return { device, problem }
}

export const DeviceCard = ({ store }: { store: Store }) => {
  const deviceId = store.selectedDevice.value
  const { device, problem } = useDevice(store, deviceId)
  if (deviceId === null) return null
  const nowMs = store.serverNow.value
  return (
    <div class="device-card" data-testid="device-card">
      <p>
        <b>{device?.name ?? deviceId}</b>
        <button
          type="button"
          class="quiet"
          aria-label={t('action.done')}
          onClick={() => {
            store.selectedDevice.value = null
          }}
        >
          ×
        </button>
      </p>
      {problem !== '' && <p class="problem">{problem}</p>}
      {device !== null && (
        <>
          <p>
            {term('device-kind', device.kind)} · {t(`condition.${conditionOf(device, nowMs)}`)}
          </p>
          <p>{fullPlace(device.place)}</p>
          {device.video !== undefined && (
            <FilmSlot
              key={device.deviceId}
              store={store}
              deviceId={device.deviceId}
              kind={device.video}
              name={device.name ?? device.deviceId}
            />
          )}
          <p class="muted">{heard(device.lastReceivedAt === undefined ? null : Date.parse(device.lastReceivedAt), nowMs)}</p>
          <dl>
            {Object.entries(device.metrics).map(([name, value]) => (
              <div key={name}>
                <dt>{metric(name).name}</dt>
                <dd>
                  {amount(value)} {metric(name).unit}
                </dd>
              </div>
            ))}
            <div>
              <dt>{t('device.battery')}</dt>
              <dd>{device.batteryPct === undefined ? UNKNOWN : `${amount(device.batteryPct)} %`}</dd>
            </div>
          </dl>
        </>
      )}
    </div>
  )
}
