// Devices come in: one by hand, many from a CSV file (first a look at what it would do), or by claim codes that are good once. Whatever
// credentials are made here are shown this once.
import { useState } from 'preact/hooks'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { Claims } from './claims.tsx'
import { FormDialog, Input } from './form-parts.tsx'
import { ImportDevices } from './import-devices.tsx'
import { ChoiceField } from './list-parts.tsx'
import { ShownOnce, type Secret } from './once.tsx'

export type Made = { deviceId: string; credentials: { username: string; password: string } }
export const secretOf = ({ deviceId, credentials }: Made): Secret => ({
  name: deviceId,
  user: credentials.username,
  secret: credentials.password,
})

const NOTHING = { deviceId: '', kind: 'smoke', name: '', via: '', area: '', building: '', floor: '', room: '' }

/** What registration and a claim code both ask: who it is, and where. */
export const deviceBody = (f: typeof NOTHING): object => {
  const place = Object.fromEntries(
    (['area', 'building', 'floor', 'room'] as const).flatMap(part => (f[part] === '' ? [] : [[part, f[part]]])),
  )
  return {
    deviceId: f.deviceId,
    kind: f.kind,
    ...(f.name === '' ? {} : { name: f.name }),
    ...(f.via === '' ? {} : { via: f.via }),
    ...(Object.keys(place).length === 0 ? {} : { place }),
  }
}

export const useDeviceFields = () => {
  const [f, setF] = useState(NOTHING)
  const set = (name: keyof typeof NOTHING) => (value: string) => setF({ ...f, [name]: value })
  const fields = (
    <div class="fields">
      <Input
        label="enrol.id"
        name="device-id"
        required
        pattern="[A-Za-z0-9][A-Za-z0-9._:\-]*"
        value={f.deviceId}
        onChange={set('deviceId')}
      />
      <ChoiceField
        label="devices.kind"
        name="device-kind"
        all={null}
        value={f.kind}
        onChange={set('kind')}
        options={DEVICE_KINDS.map(one => [one, term('device-kind', one)])}
      />
      <Input label="enrol.name" value={f.name} onChange={set('name')} />
      <Input label="device.via" value={f.via} onChange={set('via')} />
      <Input label="devices.area" value={f.area} onChange={set('area')} />
      <Input label="enrol.building" value={f.building} onChange={set('building')} />
      <Input label="enrol.floor" value={f.floor} onChange={set('floor')} />
      <Input label="enrol.room" value={f.room} onChange={set('room')} />
    </div>
  )
  return { body: deviceBody(f), fields }
}

const Register = ({ store, onClose, onDone }: { store: Store; onClose: () => void; onDone: (secret: Secret) => void }) => {
  const { body, fields } = useDeviceFields()
  return (
    <FormDialog
      title={t('enrol.one')}
      submit="enrol.register"
      onClose={onClose}
      send={async () => onDone(secretOf(await store.api.post<Made>('devices', body)))}
    >
      {fields}
    </FormDialog>
  )
}

export const EnrolPage = ({ store }: { store: Store }) => {
  const [registers, setRegisters] = useState(false)
  const [secret, setSecret] = useState<Secret | null>(null)
  return (
    <main class="page" data-testid="enrol">
      <h2>{t('enrol.title')}</h2>
      <p class="muted">{t('enrol.lead')}</p>
      {store.may('devices:write') ? (
        <>
          <p class="acts">
            <button type="button" class="primary" data-testid="device-register" onClick={() => setRegisters(true)}>
              {t('enrol.one')}
            </button>
            <a href="#/devices">{t('enrol.change-there')}</a>
          </p>
          <ImportDevices store={store} />
          <Claims store={store} />
          {registers && <Register store={store} onClose={() => setRegisters(false)} onDone={setSecret} />}
          {secret !== null && !registers && (
            <ShownOnce
              title={t('enrol.credentials')}
              file={`credentials-${secret.name}`}
              secrets={[secret]}
              onClose={() => setSecret(null)}
            />
          )}
        </>
      ) : (
        <p>{t('enrol.not-yours')}</p>
      )}
    </main>
  )
}
