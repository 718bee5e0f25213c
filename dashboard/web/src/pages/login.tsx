// The door of the desk: user name and password go to POST /session, the answer is a cookie the page never sees.
import { useState } from 'preact/hooks'
import { ApiError } from '../api.ts'
import { why } from '../actions.ts'
import { t } from '../i18n.ts'
import type { Session } from '../session.ts'
import { LanguageButton, ThemeButton } from '../shell/switches.tsx'

export const Login = ({ session }: { session: Session }) => {
  const [username, setUsername] = useState('')
  const [password, setPassword] = useState('')
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')

  const submit = async (): Promise<void> => {
    setBusy(true)
    setProblem('')
    try {
      await session.login(username, password)
    } catch (error) {
      const status = error instanceof ApiError ? error.status : 0
      setProblem(status === 401 ? t('login.wrong') : status === 429 ? t('login.slow-down') : why(error))
      setBusy(false)
    }
  }

  return (
    <main class="login">
      <form
        onSubmit={event => {
          event.preventDefault()
          void submit()
        }}
      >
        <h1>{t('app.name')}</h1>
        <p class="muted">{t('login.lead')}</p>
        <label>
          {t('login.username')}
          <input
            data-testid="login-username"
            name="username"
            autocomplete="username"
            required
            autofocus
            value={username}
            onInput={event => setUsername(event.currentTarget.value)}
          />
        </label>
        <label>
          {t('login.password')}
          <input
            data-testid="login-password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            value={password}
            onInput={event => setPassword(event.currentTarget.value)}
          />
        </label>
        <p class="problem" role="alert">
          {problem}
        </p>
        <button class="primary" type="submit" data-testid="login-submit" disabled={busy}>
          {t(busy ? 'login.busy' : 'login.submit')}
        </button>
        <p class="switches">
          <LanguageButton />
          <ThemeButton />
        </p>
      </form>
    </main>
  )
}
