// Service tokens: what programs prove themselves with. Listed without the tokens; a new one is shown once, an old one made void.
import { useState } from 'preact/hooks'
import { SCOPES, type Scope } from '#contracts/people.ts'
import { dayTime } from '../format.ts'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'
import type { Column } from './csv.ts'
import { ExportCsv } from './export.tsx'
import { FormDialog, Input } from './form-parts.tsx'
import { Filters, ListState, Pager, Table } from './list-parts.tsx'
import { pagesOf, useListing } from './listing.ts'
import { ShownOnce, type Secret } from './once.tsx'

type Token = { name: string; scopes: Scope[]; createdAt: string }

const COLUMNS: Column<Token>[] = [
  { title: 'name', value: one => one.name },
  { title: 'scopes', value: one => one.scopes.join(' ') },
  { title: 'createdAt', value: one => one.createdAt },
]

const AddToken = ({ store, onClose, onDone }: { store: Store; onClose: () => void; onDone: (secret: Secret) => void }) => {
  const [name, setName] = useState('')
  const [scopes, setScopes] = useState<Scope[]>(['read'])
  const send = async (): Promise<void> => {
    const made = await store.api.post<{ name: string; token: string }>('tokens', { name, scopes })
    onDone({ name: made.name, secret: made.token, note: scopes.join(' ') })
  }
  return (
    <FormDialog title={t('tokens.add')} submit="tokens.add" onClose={onClose} send={send}>
      <Input label="tokens.name" name="token-name" required hint="tokens.name-hint" value={name} onChange={setName} />
      <fieldset>
        <legend>{t('tokens.scopes')}</legend>
        {SCOPES.map(one => (
          <label class="check" key={one}>
            <input
              type="checkbox"
              checked={scopes.includes(one)}
              onChange={event => setScopes(event.currentTarget.checked ? [...scopes, one] : scopes.filter(other => other !== one))}
            />
            {one}
          </label>
        ))}
      </fieldset>
    </FormDialog>
  )
}

export const Tokens = ({ store }: { store: Store }) => {
  const [adds, setAdds] = useState(false)
  const [voids, setVoids] = useState<Token | null>(null)
  const [secret, setSecret] = useState<Secret | null>(null)
  const fetch = pagesOf(async () => (await store.api.get<{ tokens: Token[] }>('tokens')).tokens)
  const listing = useListing({ fetch, asked: 'tokens', pageRows: 50 })
  return (
    <section aria-label={t('tokens.title')} data-testid="tokens">
      <h3>{t('tokens.title')}</h3>
      <Filters>
        <ExportCsv store={store} name="tokens" columns={COLUMNS} fetch={fetch} />
        <button type="button" data-testid="token-add" onClick={() => setAdds(true)}>
          {t('tokens.add')}
        </button>
      </Filters>
      <ListState listing={listing} empty={t('tokens.none')} />
      {listing.found !== null && listing.found.rows.length > 0 && (
        <Table label={t('tokens.title')} heads={[t('tokens.name'), t('tokens.scopes'), t('users.since'), t('users.acts')]}>
          {listing.found.rows.map(one => (
            <tr key={one.name} data-testid="token-row" data-token={one.name}>
              <td>{one.name}</td>
              <td class="any">{one.scopes.join(', ')}</td>
              <td class="when">{dayTime(one.createdAt, store.now.peek())}</td>
              <td>
                <button type="button" onClick={() => setVoids(one)}>
                  {t('tokens.void')}
                </button>
              </td>
            </tr>
          ))}
        </Table>
      )}
      <Pager listing={listing} />
      {adds && (
        <AddToken
          store={store}
          onClose={() => setAdds(false)}
          onDone={made => {
            setSecret(made)
            listing.reload()
          }}
        />
      )}
      {voids !== null && (
        <FormDialog
          title={`${t('tokens.void')}: ${voids.name}`}
          submit="tokens.void"
          isGrave
          onClose={() => setVoids(null)}
          send={async () => {
            await store.api.delete(`tokens/${encodeURIComponent(voids.name)}`)
            listing.reload()
          }}
        >
          <p>{t('tokens.void-ask')}</p>
        </FormDialog>
      )}
      {secret !== null && !adds && (
        <ShownOnce title={t('tokens.new')} file={`token-${secret.name}`} secrets={[secret]} onClose={() => setSecret(null)} />
      )}
    </section>
  )
}
