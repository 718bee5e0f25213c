// What people say about a resource: a new one, or corrections. Readiness is never said here; it follows from telemetry, roster and orders.
import { useState } from 'preact/hooks'
import { CAPABILITIES, RESOURCE_KINDS, TRAVEL_MODES, type Resource } from '#contracts/resource.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { FormDialog, Input } from './form-parts.tsx'
import { ChoiceField } from './list-parts.tsx'

const fieldsOf = (resource: Resource | undefined) => ({
  id: resource?.id ?? '',
  kind: (resource?.kind ?? 'grid-officer') as string,
  zh: resource?.name.zh ?? '',
  en: resource?.name.en ?? '',
  mode: (resource?.mode ?? '') as string,
  capabilities: (resource?.capabilities ?? []) as string[],
  lat: resource?.position === undefined ? '' : String(resource.position.lat),
  lon: resource?.position === undefined ? '' : String(resource.position.lon),
  area: resource?.area ?? '',
  grid: resource?.grid ?? '',
  deviceId: resource?.deviceId ?? '',
  accounts: (resource?.accounts ?? []).join(' '),
  crewRequired: resource?.crewRequired === undefined ? '' : String(resource.crewRequired),
})
type Fields = ReturnType<typeof fieldsOf>

/** Only what was filled in: an empty field says nothing. */
const bodyOf = (f: Fields): Record<string, unknown> => ({
  kind: f.kind,
  ...(f.zh === '' && f.en === '' ? {} : { name: { zh: f.zh || f.en, en: f.en || f.zh } }),
  ...(f.mode === '' ? {} : { mode: f.mode }),
  ...(f.capabilities.length === 0 ? {} : { capabilities: f.capabilities }),
  ...(f.lat === '' || f.lon === '' ? {} : { position: { lat: Number(f.lat), lon: Number(f.lon) } }),
  ...(f.area === '' ? {} : { area: f.area }),
  ...(f.grid === '' ? {} : { grid: f.grid }),
  accounts: f.accounts.split(/[\s,]+/).filter(Boolean),
  ...(f.crewRequired === '' ? {} : { crewRequired: Number(f.crewRequired) }),
})

type Props = { store: Store; resource?: Resource; onClose: () => void; onDone: () => void }

export const ResourceForm = ({ store, resource, onClose, onDone }: Props) => {
  const [f, setF] = useState(() => fieldsOf(resource))
  const set = (name: keyof Fields) => (value: string) => setF({ ...f, [name]: value })
  const send = async (): Promise<void> => {
    if (resource === undefined)
      await store.api.post('resources', { id: f.id, ...bodyOf(f), ...(f.deviceId === '' ? {} : { deviceId: f.deviceId }) })
    else
      await store.api.patch(`resources/${encodeURIComponent(resource.id)}`, {
        ...bodyOf(f),
        ...(f.deviceId === (resource.deviceId ?? '') ? {} : { deviceId: f.deviceId === '' ? null : f.deviceId }),
      })
    store.toast('good', t('resources.saved'))
    onDone()
  }
  return (
    <FormDialog
      title={t(resource === undefined ? 'resources.add' : 'resources.change')}
      submit="resources.save"
      onClose={onClose}
      send={send}
    >
      <div class="fields">
        {resource === undefined && <Input label="resources.id" name="resource-id" required value={f.id} onChange={set('id')} />}
        <ChoiceField
          label="resources.kind"
          name="resource-kind"
          all={null}
          value={f.kind}
          onChange={set('kind')}
          options={RESOURCE_KINDS.map(one => [one, term('resource-kind', one)])}
        />
        <Input label="resources.name-zh" name="resource-name" value={f.zh} onChange={set('zh')} />
        <Input label="resources.name-en" value={f.en} onChange={set('en')} />
        <ChoiceField
          label="resources.mode"
          name="resource-mode"
          all="resources.usual"
          value={f.mode}
          onChange={set('mode')}
          options={TRAVEL_MODES.map(one => [one, term('travel-mode', one)])}
        />
        <Input label="resources.crew-required" type="number" value={f.crewRequired} onChange={set('crewRequired')} />
        <Input label="resources.area" value={f.area} onChange={set('area')} />
        <Input label="resources.grid" value={f.grid} onChange={set('grid')} />
        <Input label="resources.lat" type="number" value={f.lat} onChange={set('lat')} />
        <Input label="resources.lon" type="number" value={f.lon} onChange={set('lon')} />
        <Input label="resources.device" hint="resources.device-hint" value={f.deviceId} onChange={set('deviceId')} />
        <Input label="resources.accounts" hint="resources.accounts-hint" value={f.accounts} onChange={set('accounts')} />
      </div>
      <fieldset>
        <legend>{t('resources.capabilities')}</legend>
        {CAPABILITIES.map(one => (
          <label class="check" key={one}>
            <input
              type="checkbox"
              checked={f.capabilities.includes(one)}
              onChange={event =>
                setF({
                  ...f,
                  capabilities: event.currentTarget.checked ? [...f.capabilities, one] : f.capabilities.filter(other => other !== one),
                })
              }
            />
            {term('capability', one)}
          </label>
        ))}
      </fieldset>
    </FormDialog>
  )
}
