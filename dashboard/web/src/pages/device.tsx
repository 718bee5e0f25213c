// One device: the one honest word for it and what that word rests on, who it is, what it last said, its history.
import { useEffect, useState } from 'preact/hooks'
import { why } from '../actions.ts'
import { UNKNOWN, amount, count, dayTime, elapsed, fullPlace, metric } from '../format.ts'
import { t, term } from '../i18n.ts'
import { addressOf } from '../router.ts'
import type { Store } from '../store.ts'
import { FilmOrWhy } from '../video/film.tsx'
import { DeviceActs } from './device-acts.tsx'
import { DeviceHistory } from './device-history.tsx'
import { batteryOf, conditionNow, silenceOf, standingFlags, type Shown } from './device-terms.ts'
import { BatteryWord, ConditionWord, silenceWords } from './device-words.tsx'
import '../style/lists.css'

const REFRESH_MS = 5_000

const useDevice = (store: Store, deviceId: string): { device: Shown | null; problem: string } => {
  const [device, setDevice] = useState<Shown | null>(null)
  const [problem, setProblem] = useState('')
  useEffect(() => {
    const abort = new AbortController()
    const load = async (): Promise<void> => {
      try {
        setDevice(await store.api.get<Shown>(`devices/${encodeURIComponent(deviceId)}`, abort.signal))
        setProblem('')
      } catch (error) {
        if (!abort.signal.aborted) setProblem(why(error))
      }
    }
    void load()
    const timer = setInterval(() => void load(), REFRESH_MS)
    return () => {
      abort.abort()
      clearInterval(timer)
    }
  }, [deviceId])
  return { device, problem }
}

/** The word, and in a sentence what it rests on. */
const Standing = ({ device, nowMs }: { device: Shown; nowMs: number }) => {
  const condition = conditionNow(device, nowMs)
  const flags = standingFlags(device)
  return (
    <p class="standing" data-testid="device-standing" data-condition={condition}>
      <ConditionWord condition={condition} /> <span>{silenceWords(device, nowMs)}</span>
      {flags.length > 0 && <span>{t('device.flags', { flags: flags.map(flag => term('flag', flag)).join(' · ') })}</span>}
      {condition === 'stale' && <span class="muted">{t('device.stale-means')}</span>}
      {condition === 'unknown' && <span class="muted">{t('device.unknown-means')}</span>}
    </p>
  )
}

const Facts = ({ device, nowMs }: { device: Shown; nowMs: number }) => {
  const { expectMs, isSaid } = silenceOf(device, nowMs)
  const facts: [string, string | undefined][] = [
    [t('devices.kind'), term('device-kind', device.kind)],
    [t('devices.place'), fullPlace(device.place)],
    [t('device.model'), [device.manufacturer, device.model, device.firmware].filter(Boolean).join(' · ') || undefined],
    [t('device.via'), device.via],
    [
      t('device.expects'),
      t(isSaid ? 'device.expects-said' : 'device.expects-assumed', { every: elapsed(expectMs), stale: elapsed(2 * expectMs) }),
    ],
    [t('device.readings'), count(device.readings)],
    [t('device.gaps'), count(device.gaps)],
    [
      t('device.position'),
      device.position === undefined ? undefined : `${device.position.lat.toFixed(6)}, ${device.position.lon.toFixed(6)}`,
    ],
  ]
  return (
    <dl class="facts-list">
      {facts.map(([name, value]) => (
        <>
          <dt key={name}>{name}</dt>
          <dd class="any">{value ?? UNKNOWN}</dd>
        </>
      ))}
      <dt>{t('device.battery')}</dt>
      <dd>
        <BatteryWord device={device} />
        {batteryOf(device) === 'unknown' && <span class="muted"> {t('device.battery-unknown')}</span>}
      </dd>
    </dl>
  )
}

const Values = ({ device, nowMs }: { device: Shown; nowMs: number }) => {
  const values = Object.entries(device.metrics)
  if (values.length === 0) return null
  return (
    <section aria-label={t('device.values')}>
      <h3>{t('device.values')}</h3>
      {device.lastTs !== undefined && <p class="muted">{t('stamp.as-of', { at: dayTime(device.lastTs, nowMs) })}</p>}
      <dl class="values">
        {values.map(([name, value]) => (
          <div key={name}>
            <dt>{metric(name).name}</dt>
            <dd>
              {amount(value)} {metric(name).unit}
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

export const DevicePage = ({ store, deviceId }: { store: Store; deviceId: string }) => {
  const { device, problem } = useDevice(store, deviceId)
  const nowMs = store.serverNow.value
  return (
    <main class="page" data-testid="device" data-device-id={deviceId}>
      <p>
        <a href={addressOf('devices')}>← {t('devices.title')}</a>
      </p>
      <h2>
        {device?.name ?? deviceId} {device?.name !== undefined && <span class="muted code">{deviceId}</span>}
      </h2>
      {problem !== '' && (
        <p class="problem" role="alert">
          {t('list.failed', { why: problem })}
        </p>
      )}
      {device === null && problem === '' && <p class="muted">{t('page.loading')}</p>}
      {device !== null && (
        <>
          <Standing device={device} nowMs={nowMs} />
          {store.may('devices:write') && <DeviceActs store={store} device={device} />}
          {device.video !== undefined && <FilmOrWhy store={store} deviceId={deviceId} kind={device.video} name={device.name ?? deviceId} />}
          <Values device={device} nowMs={nowMs} />
          <DeviceHistory key={deviceId} store={store} device={device} />
          <h3>{t('device.facts')}</h3>
          <Facts device={device} nowMs={nowMs} />
        </>
      )}
    </main>
  )
}
