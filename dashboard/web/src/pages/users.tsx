// Who may log in and which programs may ask: for administrators. Adding, roles, disabling, passwords and tokens; each act stands in the
// audit, each secret is shown once.
import { useState } from 'preact/hooks'
import { ROLES, SCOPES_OF, type Role } from '#contracts/people.ts'
import { dayTime } from '../format.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import type { Column } from './csv.ts'
import { ExportCsv } from './export.tsx'
import { FormDialog, Input } from './form-parts.tsx'
import { ChoiceField, Filters, ListState, Pager, Table, TextField } from './list-parts.tsx'
import { pagesOf, useListing } from './listing.ts'
import { ShownOnce, type Secret } from './once.tsx'
import { Tokens } from './tokens.tsx'

const PAGE_ROWS = 50

export type User = { username: string; role: Role; createdAt: string; disabled: boolean }
type Ask = { what: 'add' } | { what: 'change' | 'password' | 'disable' | 'remove'; user: User } | null

const COLUMNS: Column<User>[] = [
  { title: 'username', value: one => one.username },
  { title: 'role', value: one => one.role },
  { title: 'disabled', value: one => one.disabled },
  { title: 'createdAt', value: one => one.createdAt },
]
const pathOf = ({ username }: User): string => `users/${encodeURIComponent(username)}`

type DialogProps = { store: Store; onClose: () => void; onDone: (secret?: Secret) => void }

const AddUser = ({ store, onClose, onDone }: DialogProps) => {
  const [f, setF] = useState({ username: '', role: 'officer' })
  const send = async (): Promise<void> => {
    const { username, password } = await store.api.post<{ username: string; password: string }>('users', f)
    onDone({ name: username, secret: password })
  }
  return (
    <FormDialog title={t('users.add')} submit="users.add" onClose={onClose} send={send}>
      <Input
        label="login.username"
        name="user-name"
        required
        pattern="[A-Za-z0-9][A-Za-z0-9._@\-]*"
        hint="users.name-hint"
        value={f.username}
        onChange={username => setF({ ...f, username })}
      />
      <RoleField role={f.role} onChange={role => setF({ ...f, role })} />
      <p class="muted">{t('users.password-made')}</p>
    </FormDialog>
  )
}

const RoleField = ({ role, onChange }: { role: string; onChange: (role: string) => void }) => (
  <>
    <ChoiceField
      label="users.role"
      name="user-role"
      all={null}
      value={role}
      onChange={onChange}
      options={ROLES.map(one => [one, term('role', one)])}
    />
    <p class="muted any">{t('users.may', { scopes: SCOPES_OF[role as Role].join(', ') })}</p>
  </>
)

const ChangeRole = ({ store, user, onClose, onDone }: DialogProps & { user: User }) => {
  const [role, setRole] = useState<string>(user.role)
  const send = async (): Promise<void> => {
    await store.api.patch(pathOf(user), { role })
    onDone()
  }
  return (
    <FormDialog title={t('users.change-of', { name: user.username })} submit="resources.save" onClose={onClose} send={send}>
      <RoleField role={role} onChange={setRole} />
    </FormDialog>
  )
}

/** The acts that only ask. */
const Sure = ({ store, user, what, onClose, onDone }: DialogProps & { user: User; what: 'password' | 'disable' | 'remove' }) => {
  const verb = what === 'disable' && user.disabled ? 'enable' : what
  const send = async (): Promise<void> => {
    if (what === 'password') {
      const made = await store.api.post<{ username: string; password: string }>(`${pathOf(user)}/password`, {})
      return onDone({ name: made.username, secret: made.password })
    }
    if (what === 'disable') await store.api.patch(pathOf(user), { disabled: !user.disabled })
    else await store.api.delete(pathOf(user))
    onDone()
  }
  return (
    <FormDialog
      title={`${t(`users.${verb}`)}: ${user.username}`}
      submit={`users.${verb}`}
      isGrave={what === 'remove'}
      onClose={onClose}
      send={send}
    >
      <p>{t(`users.${verb}-ask`)}</p>
    </FormDialog>
  )
}

const Row = ({ user, isMe, nowMs, onAsk }: { user: User; isMe: boolean; nowMs: number; onAsk: (ask: Ask) => void }) => (
  <tr data-testid="user-row" data-user={user.username} data-disabled={user.disabled}>
    <td>
      <b>{user.username}</b> {isMe && <span class="muted">{t('users.you')}</span>}
    </td>
    <td>{term('role', user.role)}</td>
    <td class={user.disabled ? 'late' : ''}>{t(user.disabled ? 'users.is-disabled' : 'users.is-enabled')}</td>
    <td class="when">{dayTime(user.createdAt, nowMs)}</td>
    <td>
      <span class="acts">
        <button type="button" disabled={isMe} onClick={() => onAsk({ what: 'change', user })}>
          {t('users.role')}
        </button>
        <button type="button" data-testid="user-password" onClick={() => onAsk({ what: 'password', user })}>
          {t('users.password')}
        </button>
        <button type="button" data-testid="user-disable" disabled={isMe} onClick={() => onAsk({ what: 'disable', user })}>
          {t(user.disabled ? 'users.enable' : 'users.disable')}
        </button>
        <button type="button" disabled={isMe} onClick={() => onAsk({ what: 'remove', user })}>
          {t('users.remove')}
        </button>
      </span>
    </td>
  </tr>
)

const People = ({ store }: { store: Store }) => {
  const [filter, setFilter] = useState({ words: '', role: '' })
  const [ask, setAsk] = useState<Ask>(null)
  const [secret, setSecret] = useState<Secret | null>(null)
  const fetch = pagesOf(async () => {
    const { users } = await store.api.get<{ users: User[] }>('users')
    return users.filter(
      one => (filter.role === '' || one.role === filter.role) && one.username.toLowerCase().includes(filter.words.toLowerCase()),
    )
  })
  const listing = useListing({ fetch, asked: JSON.stringify(filter), pageRows: PAGE_ROWS })
  const close = (): void => setAsk(null)
  const done = (made?: Secret): void => {
    if (made !== undefined) setSecret(made)
    listing.reload()
  }
  return (
    <section aria-label={t('users.people')}>
      <h3>{t('users.people')}</h3>
      <Filters onReset={() => setFilter({ words: '', role: '' })}>
        <TextField label="filter.label" name="words" value={filter.words} onChange={words => setFilter({ ...filter, words })} />
        <ChoiceField
          label="users.role"
          name="role"
          value={filter.role}
          onChange={role => setFilter({ ...filter, role })}
          options={ROLES.map(one => [one, term('role', one)])}
        />
        <ExportCsv store={store} name="users" columns={COLUMNS} fetch={fetch} />
        <button type="button" class="primary" data-testid="user-add" onClick={() => setAsk({ what: 'add' })}>
          {t('users.add')}
        </button>
      </Filters>
      <ListState listing={listing} empty={t('users.none-fits')} />
      {listing.found !== null && listing.found.rows.length > 0 && (
        <Table
          label={t('users.people')}
          heads={[t('login.username'), t('users.role'), t('health.state'), t('users.since'), t('users.acts')]}
        >
          {listing.found.rows.map(user => (
            <Row
              key={user.username}
              user={user}
              isMe={user.username === store.principal.value?.name}
              nowMs={store.now.peek()}
              onAsk={setAsk}
            />
          ))}
        </Table>
      )}
      <Pager listing={listing} />
      {ask?.what === 'add' && <AddUser store={store} onClose={close} onDone={done} />}
      {ask?.what === 'change' && <ChangeRole store={store} user={ask.user} onClose={close} onDone={done} />}
      {(ask?.what === 'password' || ask?.what === 'disable' || ask?.what === 'remove') && (
        <Sure store={store} user={ask.user} what={ask.what} onClose={close} onDone={done} />
      )}
      {secret !== null && ask === null && (
        <ShownOnce title={t('users.new-password')} file={`password-${secret.name}`} secrets={[secret]} onClose={() => setSecret(null)} />
      )}
    </section>
  )
}

export const UsersPage = ({ store }: { store: Store }) => (
  <main class="page" data-testid="users">
    <h2>{t('users.title')}</h2>
    <p class="muted">{t('users.lead')}</p>
    {store.may('users:write') ? (
      <>
        <People store={store} />
        <Tokens store={store} />
      </>
    ) : (
      <p>{t('users.not-yours')}</p>
    )}
  </main>
)
