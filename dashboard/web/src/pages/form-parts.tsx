// Forms in dialogs: sent once, kept open with what was typed and why when the server refuses.
import { useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import { why } from '../actions.ts'
import { t, type Key } from '../i18n.ts'
import { Modal } from '../shell/modal.tsx'

type FormProps = {
  title: string
  submit: Key
  /** in the colour of what cannot be taken back */
  isGrave?: boolean
  onClose: () => void
  /** throws what the server said; closes when it resolves */
  send: () => Promise<void>
  children?: ComponentChildren
}

export const FormDialog = ({ title, submit, isGrave = false, onClose, send, children }: FormProps) => {
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')
  const onSubmit = async (): Promise<void> => {
    setBusy(true)
    setProblem('')
    try {
      await send()
      onClose()
    } catch (error) {
      setProblem(t('action.failed', { why: why(error) }))
      setBusy(false)
    }
  }
  return (
    <Modal title={title} onClose={onClose}>
      <form
        onSubmit={event => {
          event.preventDefault()
          void onSubmit()
        }}
      >
        {children}
        {problem !== '' && (
          <p class="problem any" role="alert">
            {problem}
          </p>
        )}
        <p class="buttons">
          <button type="button" onClick={onClose}>
            {t('action.cancel')}
          </button>
          <button type="submit" class={isGrave ? 'danger' : 'primary'} data-testid="dialog-submit" disabled={busy}>
            {t(submit)}
          </button>
        </p>
      </form>
    </Modal>
  )
}

type InputProps = {
  label: Key
  value: string
  onChange: (value: string) => void
  required?: boolean
  type?: 'text' | 'number' | 'datetime-local' | 'password'
  hint?: Key
  name?: string
  pattern?: string
}

export const Input = ({ label, value, onChange, required = false, type = 'text', hint, name, pattern }: InputProps) => (
  <label>
    {t(label)}
    <input
      // the typings tie `type` to `role`, which is not used here
      type={type as 'text'}
      required={required}
      value={value}
      onInput={event => onChange(event.currentTarget.value)}
      {...(name === undefined ? {} : { 'data-testid': name })}
      {...(pattern === undefined ? {} : { pattern })}
      {...(type === 'number' ? { step: 'any' } : {})}
      autocomplete="off"
    />
    {hint !== undefined && <span class="muted">{t(hint)}</span>}
  </label>
)
