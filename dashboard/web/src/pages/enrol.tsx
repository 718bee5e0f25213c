// Devices come in: one by hand, many from a CSV file (first a look at what it would do), or by claim codes that are good once. Whatever
// credentials are made here are shown this once.
import { useState } from 'preact/hooks'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'
import { Claims } from './claims.tsx'
import { secretOf, useDeviceFields, type Made } from './device-fields.tsx'
import { FormDialog } from './form-parts.tsx'
import { ImportDevices } from './import-devices.tsx'
import { ShownOnce, type Secret } from './once.tsx'

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
