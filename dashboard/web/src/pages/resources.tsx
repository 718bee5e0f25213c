// Who can be sent: every station, officer, engine, drone and camera as it is now, and why it is not ready. Found by kind, state, area and
// words; whoever may write resources adds one here. One of them, with its roster, is resource.tsx.
import { useState } from 'preact/hooks'
import { RESOURCE_KINDS, RESOURCE_STATES, type Resource } from '#contracts/resource.ts'
import { UNKNOWN, count, elapsed } from '../format.ts'
import { say, t, term } from '../i18n.ts'
import { addressOf, named } from '../router.ts'
import type { Store } from '../store.ts'
import type { Column } from './csv.ts'
import { ExportCsv } from './export.tsx'
import { ChoiceField, Filters, ListState, Pager, Table, TextField } from './list-parts.tsx'
import { pagesOf, useListing } from './listing.ts'
import { ResourcePage } from './resource.tsx'
import { ResourceForm } from './resource-form.tsx'

const PAGE_ROWS = 50
const REFRESH_MS = 5_000
/** the most that the server answers at once */
const ALL = 5_000

type Filter = { words: string; kind: string; state: string; area: string }
const NO_FILTER: Filter = { words: '', kind: '', state: '', area: '' }

const fits = (one: Resource, { words, kind, state, area }: Filter): boolean =>
  (kind === '' || one.kind === kind) &&
  (state === '' || one.state === state) &&
  (area === '' || one.area === area) &&
  [one.id, one.name.zh, one.name.en, one.deviceId ?? '', ...one.accounts].some(part => part.toLowerCase().includes(words.toLowerCase()))

const COLUMNS: Column<Resource>[] = [
  { title: 'id', value: one => one.id },
  { title: 'name', value: one => say(one.name) },
  { title: 'kind', value: one => one.kind },
  { title: 'state', value: one => one.state },
  { title: 'reasons', value: one => one.reasons.map(reason => say(reason.text)).join('; ') },
  { title: 'crewOnDuty', value: one => one.crewOnDuty },
  { title: 'crewRequired', value: one => one.crewRequired },
  { title: 'lastHeardAt', value: one => one.lastHeardAt },
  { title: 'mode', value: one => one.mode },
  { title: 'capabilities', value: one => one.capabilities.join(' ') },
  { title: 'area', value: one => one.area },
  { title: 'grid', value: one => one.grid },
  { title: 'deviceId', value: one => one.deviceId },
  { title: 'accounts', value: one => one.accounts.join(' ') },
  { title: 'lat', value: one => one.position?.lat },
  { title: 'lon', value: one => one.position?.lon },
  { title: 'orderId', value: one => one.orderId },
  { title: 'outOfService', value: one => one.outOfService?.reason },
]

/** Colour, word and reasons; ready is grey, as all that is normal. */
export const Readiness = ({ resource }: { resource: Resource }) => (
  <>
    <b class={`readiness of-${resource.state}`}>
      <span aria-hidden="true">{resource.state === 'not-ready' ? '✕' : resource.state === 'busy' ? '▶' : '✓'}</span>{' '}
      {term('resource-state', resource.state)}
    </b>
    {resource.reasons.map(reason => (
      <span class="muted second" key={reason.code}>
        {say(reason.text)}
      </span>
    ))}
  </>
)

const Row = ({ resource, nowMs }: { resource: Resource; nowMs: number }) => (
  <tr data-testid="resource-row" data-resource-id={resource.id} data-state={resource.state}>
    <td>
      <a href={addressOf('resources', resource.id)}>{say(resource.name)}</a>
      <span class="muted code">{resource.id}</span>
    </td>
    <td>{term('resource-kind', resource.kind)}</td>
    <td>
      <Readiness resource={resource} />
    </td>
    <td>
      {resource.crewOnDuty === undefined ? (
        // a camera has no crew
        <span class="muted">{resource.crewRequired === undefined ? UNKNOWN : t('resources.crew-unknown')}</span>
      ) : (
        count(resource.crewOnDuty)
      )}
      {resource.crewRequired !== undefined && <span class="muted"> / {count(resource.crewRequired)}</span>}
    </td>
    <td>
      {resource.lastHeardAt === undefined
        ? t('device.never-heard')
        : t('device.heard', { age: elapsed(nowMs - Date.parse(resource.lastHeardAt)) })}
    </td>
    <td>{[resource.area, resource.grid].filter(Boolean).join(' · ') || UNKNOWN}</td>
    <td class="any">{resource.orderId ?? UNKNOWN}</td>
  </tr>
)

const List = ({ store }: { store: Store }) => {
  const [filter, setFilter] = useState<Filter>(NO_FILTER)
  const [adds, setAdds] = useState(false)
  const [areas, setAreas] = useState<string[]>([])
  const fetch = pagesOf(async () => {
    const { resources } = await store.api.get<{ resources: Resource[] }>(`resources?limit=${ALL}`)
    setAreas([...new Set(resources.flatMap(one => one.area ?? []))].toSorted())
    return resources.filter(one => fits(one, filter))
  })
  const listing = useListing({ fetch, asked: JSON.stringify(filter), pageRows: PAGE_ROWS, refreshMs: REFRESH_MS })
  const set = (name: keyof Filter) => (value: string) => setFilter({ ...filter, [name]: value })
  const isFiltered = Object.values(filter).some(value => value !== '')
  const heads = ['who', 'kind', 'state', 'crew', 'heard', 'area', 'order'] as const
  return (
    <main class="page" data-testid="resources">
      <h2>{t('resources.title')}</h2>
      <p class="muted">{t('resources.lead')}</p>
      <Filters onReset={() => setFilter(NO_FILTER)}>
        <TextField label="filter.label" name="words" value={filter.words} onChange={set('words')} />
        <ChoiceField
          label="resources.kind"
          name="kind"
          value={filter.kind}
          onChange={set('kind')}
          options={RESOURCE_KINDS.map(one => [one, term('resource-kind', one)])}
        />
        <ChoiceField
          label="resources.state"
          name="state"
          value={filter.state}
          onChange={set('state')}
          options={RESOURCE_STATES.map(one => [one, term('resource-state', one)])}
        />
        <ChoiceField label="resources.area" name="area" value={filter.area} onChange={set('area')} options={areas.map(one => [one, one])} />
        <ExportCsv store={store} name="resources" columns={COLUMNS} fetch={fetch} />
        {store.may('resources:write') && (
          <button type="button" class="primary" data-testid="resource-add" onClick={() => setAdds(true)}>
            {t('resources.add')}
          </button>
        )}
      </Filters>
      <ListState listing={listing} empty={t(isFiltered ? 'resources.none-fits' : 'resources.none')} />
      {listing.found !== null && listing.found.rows.length > 0 && (
        <Table label={t('resources.title')} heads={heads.map(one => t(`resources.${one}`))}>
          {listing.found.rows.map(resource => (
            <Row key={resource.id} resource={resource} nowMs={store.serverNow.value} />
          ))}
        </Table>
      )}
      <Pager listing={listing} />
      {adds && <ResourceForm store={store} onClose={() => setAdds(false)} onDone={listing.reload} />}
    </main>
  )
}

export const Resources = ({ store }: { store: Store }) =>
  named.value === '' ? <List store={store} /> : <ResourcePage key={named.value} store={store} id={named.value} />
