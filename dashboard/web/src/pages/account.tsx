// Who is signed in here, and another password of one's own: proved by the one before. Other people's are on the page of accounts.
import { useState } from 'preact/hooks'
import { why } from '../actions.ts'
import { ApiError } from '../api.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { Input } from './form-parts.tsx'

const EMPTY = { before: '', password: '', again: '' }

export const AccountPage = ({ store }: { store: Store }) => {
  const who = store.principal.value
  const [f, setF] = useState(EMPTY)
  const [problem, setProblem] = useState('')
  const [busy, setBusy] = useState(false)
  const set = (name: keyof typeof f) => (value: string) => setF({ ...f, [name]: value })
  const send = async (): Promise<void> => {
    if (f.password !== f.again) return setProblem(t('own.differs'))
    setBusy(true)
    try {
      await store.api.put('session/password', { before: f.before, password: f.password })
      setF(EMPTY)
      setProblem('')
      store.toast('good', t('own.done'))
    } catch (error) {
      setProblem(error instanceof ApiError && error.code === 'bad-credentials' ? t('own.wrong') : why(error))
    } finally {
      setBusy(false)
    }
  }
  return (
    <main class="page" data-testid="account">
      <h2>{t('own.title')}</h2>
      <p>{t('own.signed-in', { name: who?.name ?? '', role: who?.role === undefined ? '' : term('role', who.role) })}</p>
      <form
        class="own-password"
        onSubmit={event => {
          event.preventDefault()
          void send()
        }}
      >
        <h3>{t('own.change')}</h3>
        <p class="muted">{t('own.lead')}</p>
        <div class="fields">
          <Input label="own.before" name="own-before" type="password" required value={f.before} onChange={set('before')} />
          <Input label="own.password" name="own-password" type="password" required value={f.password} onChange={set('password')} />
          <Input label="own.again" name="own-again" type="password" required value={f.again} onChange={set('again')} />
        </div>
        {problem !== '' && (
          <p class="problem any" role="alert" data-testid="own-problem">
            {problem}
          </p>
        )}
        <p>
          <button type="submit" class="primary" data-testid="own-change" disabled={busy}>
            {t('own.change')}
          </button>
        </p>
      </form>
    </main>
  )
}
