// Claim codes: good for one device, once, until they expire. Listed without the codes; a new one is shown once, an open one made void.
import { useState } from 'preact/hooks'
import { dayTime } from '../format.ts'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'
import type { Column } from './csv.ts'
import { useDeviceFields } from './device-fields.tsx'
import { ExportCsv } from './export.tsx'
import { FormDialog, Input } from './form-parts.tsx'
import { Filters, ListState, Pager, Table } from './list-parts.tsx'
import { pagesOf, useListing } from './listing.ts'
import { ShownOnce, type Secret } from './once.tsx'

const DAY_S = 86_400

type Claim = { deviceId: string; createdAt: string; expiresAt: string }

const COLUMNS: Column<Claim>[] = [
  { title: 'deviceId', value: one => one.deviceId },
  { title: 'createdAt', value: one => one.createdAt },
  { title: 'expiresAt', value: one => one.expiresAt },
]

const AddClaim = ({ store, onClose, onDone }: { store: Store; onClose: () => void; onDone: (secret: Secret) => void }) => {
  const { body, fields } = useDeviceFields()
  const [days, setDays] = useState('14')
  const send = async (): Promise<void> => {
    const asked = { devices: [body], expiresInS: Math.round(Number(days) * DAY_S) }
    const { claims } = await store.api.post<{ claims: { deviceId: string; code: string; expiresAt: string }[] }>('devices/claims', asked)
    const [made] = claims
    if (made !== undefined) onDone({ name: made.deviceId, secret: made.code, note: made.expiresAt })
  }
  return (
    <FormDialog title={t('claims.add')} submit="claims.add" onClose={onClose} send={send}>
      {fields}
      <Input label="claims.days" type="number" required value={days} onChange={setDays} />
    </FormDialog>
  )
}

export const Claims = ({ store }: { store: Store }) => {
  const [adds, setAdds] = useState(false)
  const [secret, setSecret] = useState<Secret | null>(null)
  const fetch = pagesOf(async () => (await store.api.get<{ claims: Claim[] }>('devices/claims')).claims)
  const listing = useListing({ fetch, asked: 'claims', pageRows: 50 })
  const nowMs = store.now.peek()
  return (
    <section aria-label={t('claims.title')} data-testid="claims">
      <h3>{t('claims.title')}</h3>
      <p class="muted">{t('claims.lead')}</p>
      <Filters>
        <ExportCsv store={store} name="claims" columns={COLUMNS} fetch={fetch} />
        <button type="button" data-testid="claim-add" onClick={() => setAdds(true)}>
          {t('claims.add')}
        </button>
      </Filters>
      <ListState listing={listing} empty={t('claims.none')} />
      {listing.found !== null && listing.found.rows.length > 0 && (
        <Table label={t('claims.title')} heads={[t('devices.device'), t('claims.made'), t('claims.until'), t('users.acts')]}>
          {listing.found.rows.map(one => (
            <tr key={one.deviceId} data-testid="claim-row">
              <td>{one.deviceId}</td>
              <td class="when">{dayTime(one.createdAt, nowMs)}</td>
              <td class="when">{dayTime(one.expiresAt, nowMs)}</td>
              <td>
                <button
                  type="button"
                  onClick={() =>
                    void store.api
                      .delete(`devices/claims/${encodeURIComponent(one.deviceId)}`)
                      .then(
                        () => store.toast('good', t('claims.voided')),
                        (error: unknown) => store.toast('bad', t('action.failed', { why: String(error) })),
                      )
                      .then(listing.reload)
                  }
                >
                  {t('claims.void')}
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Pager listing={listing} />
      {adds && (
        <AddClaim
          store={store}
          onClose={() => setAdds(false)}
          onDone={made => {
            setSecret(made)
            listing.reload()
          }}
        />
      )}
      {secret !== null && !adds && (
        <ShownOnce title={t('claims.new')} file={`claim-${secret.name}`} secrets={[secret]} onClose={() => setSecret(null)} />
      )}
    </section>
  )
}
