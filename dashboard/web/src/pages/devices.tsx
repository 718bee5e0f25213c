// Every device that is registered or was heard: found by words, kind, area, condition and battery, a page at a time. Above it, how many
// of the registered ones speak: one that was mounted and never spoke is found before the fire.
import { useEffect, useState } from 'preact/hooks'
import { DEVICE_CONDITIONS } from '#contracts/device.ts'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { count, dayTime, elapsed, exactPlace, widePlace } from '../format.ts'
import { t, term } from '../i18n.ts'
import { addressOf, named } from '../router.ts'
import type { Store } from '../store.ts'
import type { Column } from './csv.ts'
import { DevicePage } from './device.tsx'
import { BATTERY_LOW_PCT, conditionNow, silenceOf, standingFlags, type Shown } from './device-terms.ts'
import { BatteryWord, ConditionWord, silenceWords } from './device-words.tsx'
import { ExportCsv } from './export.tsx'
import { ChoiceField, Filters, ListState, Pager, Table, TextField } from './list-parts.tsx'
import { queryOf, useListing, type FetchPage } from './listing.ts'

const PAGE_ROWS = 50
const REFRESH_MS = 5_000
/** what the roll counts as silent */
const SILENT = 'stale,offline'

type Filter = { q: string; kind: string; area: string; condition: string; battery: string }
const NO_FILTER: Filter = { q: '', kind: '', area: '', condition: '', battery: '' }

const fetchFrom =
  (store: Store, { battery, ...filter }: Filter): FetchPage<Shown> =>
  async (after, limit, signal) => {
    const query = queryOf({ ...filter, batteryBelow: battery === 'low' ? BATTERY_LOW_PCT : undefined, after, limit })
    const { devices, total, next } = await store.api.get<{ devices: Shown[]; total: number; next?: string }>(`devices?${query}`, signal)
    return { rows: devices, total, ...(next === undefined ? {} : { next }) }
  }

const columnsAt = (nowMs: number): Column<Shown>[] => [
  { title: 'deviceId', value: one => one.deviceId },
  { title: 'name', value: one => one.name },
  { title: 'kind', value: one => one.kind },
  { title: 'condition', value: one => conditionNow(one, nowMs) },
  { title: 'alarms', value: one => standingFlags(one).join(' ') },
  { title: 'lastReceivedAt', value: one => one.lastReceivedAt },
  {
    title: 'silentS',
    value: one => (one.lastReceivedAt === undefined ? undefined : Math.round((silenceOf(one, nowMs).silentMs ?? 0) / 1000)),
  },
  { title: 'expectNextS', value: one => one.expectNextS },
  { title: 'batteryPct', value: one => one.batteryPct },
  { title: 'area', value: one => one.place?.area },
  { title: 'grid', value: one => one.place?.grid },
  { title: 'building', value: one => one.place?.building },
  { title: 'floor', value: one => one.place?.floor },
  { title: 'room', value: one => one.place?.room },
  { title: 'lat', value: one => one.position?.lat },
  { title: 'lon', value: one => one.position?.lon },
  { title: 'via', value: one => one.via },
  { title: 'manufacturer', value: one => one.manufacturer },
  { title: 'model', value: one => one.model },
  { title: 'firmware', value: one => one.firmware },
  { title: 'gaps', value: one => one.gaps },
  { title: 'readings', value: one => one.readings },
]

type Expected = {
  expected: number
  heard: number
  silent: number
  never: number
  unregistered: number
  silentSince: { deviceId: string; since: string }[]
}

/** Registered against heard; each figure is the way to those it counts. */
const Roll = ({ store, onCondition }: { store: Store; onCondition: (condition: string) => void }) => {
  const [roll, setRoll] = useState<Expected | null>(null)
  useEffect(() => {
    const load = (): void => void store.api.get<Expected>('devices/expected').then(setRoll, () => setRoll(null))
    load()
    const timer = setInterval(load, 4 * REFRESH_MS)
    return () => clearInterval(timer)
  }, [])
  if (roll === null) return null
  const longest = roll.silentSince[0]
  return (
    <>
      <dl class="roll" data-testid="roll">
        <div>
          <dt>{t('devices.registered')}</dt>
          <dd>{count(roll.expected)}</dd>
        </div>
        <div>
          <dt>{t('devices.speaking')}</dt>
          <dd>{count(roll.heard)}</dd>
        </div>
        <div class={roll.silent > 0 ? 'abnormal' : ''}>
          <dt>{t('devices.silent')}</dt>
          <dd>
            <button type="button" class="quiet" onClick={() => onCondition(SILENT)}>
              {count(roll.silent)}
            </button>
          </dd>
        </div>
        <div class={roll.never > 0 ? 'abnormal' : ''}>
          <dt>{t('devices.never')}</dt>
          <dd>
            <button type="button" class="quiet" onClick={() => onCondition('unknown')}>
              {count(roll.never)}
            </button>
          </dd>
        </div>
        <div>
          <dt>{t('devices.unregistered')}</dt>
          <dd>{count(roll.unregistered)}</dd>
        </div>
      </dl>
      {longest !== undefined && (
        <p class="muted">
          {t('devices.longest')} <a href={addressOf('devices', longest.deviceId)}>{longest.deviceId}</a> ·{' '}
          {dayTime(longest.since, store.now.peek())}
        </p>
      )}
    </>
  )
}

const Row = ({ device, nowMs }: { device: Shown; nowMs: number }) => {
  const { silentMs, expectMs } = silenceOf(device, nowMs)
  const isLate = silentMs === null || silentMs > expectMs
  return (
    <tr data-testid="device-row" data-device-id={device.deviceId}>
      <td>
        <a href={addressOf('devices', device.deviceId)}>{device.name ?? device.deviceId}</a>
        {device.name !== undefined && <span class="muted code">{device.deviceId}</span>}
      </td>
      <td>{term('device-kind', device.kind)}</td>
      <td>
        {exactPlace(device.place) || widePlace(device.place) || <span class="muted">{t('place.unknown')}</span>}
        {exactPlace(device.place) !== '' && <span class="muted second">{widePlace(device.place)}</span>}
      </td>
      <td>
        <ConditionWord condition={conditionNow(device, nowMs)} />
        {standingFlags(device).length > 0 && (
          <span class="muted second">
            {standingFlags(device)
              .map(flag => term('flag', flag))
              .join(' · ')}
          </span>
        )}
      </td>
      <td class={isLate ? 'late' : ''}>
        {silenceWords(device, nowMs)}
        <span class="muted second">{t('devices.every', { every: elapsed(expectMs) })}</span>
      </td>
      <td>
        <BatteryWord device={device} />
      </td>
    </tr>
  )
}

const List = ({ store }: { store: Store }) => {
  const [filter, setFilter] = useState<Filter>(NO_FILTER)
  const fetch = fetchFrom(store, filter)
  const listing = useListing({ fetch, asked: JSON.stringify(filter), pageRows: PAGE_ROWS, refreshMs: REFRESH_MS })
  const set = (name: keyof Filter) => (value: string) => setFilter({ ...filter, [name]: value })
  const nowMs = store.serverNow.value
  const areas = [...new Set((listing.found?.rows ?? []).flatMap(one => one.place?.area ?? []))]
  const isFiltered = Object.values(filter).some(value => value !== '')
  return (
    <main class="page" data-testid="devices">
      <h2>{t('devices.title')}</h2>
      <Roll store={store} onCondition={condition => setFilter({ ...NO_FILTER, condition })} />
      <Filters onReset={() => setFilter(NO_FILTER)}>
        <TextField label="devices.search" name="q" value={filter.q} onChange={set('q')} />
        <ChoiceField
          label="devices.kind"
          name="kind"
          value={filter.kind}
          onChange={set('kind')}
          options={DEVICE_KINDS.map(kind => [kind, term('device-kind', kind)])}
        />
        <TextField label="devices.area" name="area" value={filter.area} onChange={set('area')} options={areas} />
        <ChoiceField
          label="devices.condition"
          name="condition"
          value={filter.condition}
          onChange={set('condition')}
          options={[[SILENT, t('devices.silent')], ...DEVICE_CONDITIONS.map((one): [string, string] => [one, term('condition', one)])]}
        />
        <ChoiceField
          label="device.battery"
          name="battery"
          value={filter.battery}
          onChange={set('battery')}
          options={[['low', t('devices.battery-below', { pct: BATTERY_LOW_PCT })]]}
        />
        <ExportCsv store={store} name="devices" columns={columnsAt(nowMs)} fetch={fetch} />
      </Filters>
      <ListState listing={listing} empty={t(isFiltered ? 'devices.none-fits' : 'devices.none')} />
      {listing.found !== null && listing.found.rows.length > 0 && (
        <Table
          label={t('devices.title')}
          heads={[
            t('devices.device'),
            t('devices.kind'),
            t('devices.place'),
            t('devices.condition'),
            t('devices.heard'),
            t('device.battery'),
          ]}
        >
          {listing.found.rows.map(device => (
            <Row key={device.deviceId} device={device} nowMs={nowMs} />
          ))}
        </Table>
      )}
      <Pager listing={listing} />
    </main>
  )
}

export const Devices = ({ store }: { store: Store }) =>
  named.value === '' ? <List store={store} /> : <DevicePage key={named.value} store={store} deviceId={named.value} />
