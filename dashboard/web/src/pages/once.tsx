// Secrets that are shown this once: seen, copied, taken along as a file. The dialog closes only when somebody says that they are kept;
// nothing of them stays in the page afterwards.
import { useState } from 'preact/hooks'
import { t } from '../i18n.ts'
import { Modal } from '../shell/modal.tsx'
import { csvOf, save } from './csv.ts'

export type Secret = { name: string; user?: string; secret: string; note?: string }

/** rows shown; the file has all of them */
const SHOWN = 20

export const ShownOnce = ({
  title,
  file,
  secrets,
  onClose,
}: {
  title: string
  file: string
  secrets: readonly Secret[]
  onClose: () => void
}) => {
  const [kept, setKept] = useState(false)
  const [copied, setCopied] = useState(false)
  const one = secrets.length === 1 ? secrets[0] : undefined
  const take = (): void => {
    const columns = (['name', 'user', 'secret', 'note'] as const).map(key => ({ title: key, value: (row: Secret) => row[key] }))
    save(`${file}.csv`, csvOf(columns, secrets))
    setKept(true)
  }
  return (
    <Modal title={title} onClose={onClose} stays={!kept}>
      <div class="once" data-testid="shown-once">
        <p>{t('once.lead')}</p>
        <dl class="facts-list">
          {secrets.slice(0, SHOWN).map(row => (
            <>
              <dt key={row.name} class="any">
                {row.name}
              </dt>
              <dd class="any">
                {row.user !== undefined && <span class="code">{row.user} · </span>}
                <code data-testid="secret">{row.secret}</code>
                {row.note !== undefined && <span class="muted"> {row.note}</span>}
              </dd>
            </>
          ))}
        </dl>
        {secrets.length > SHOWN && <p>{t('once.more', { n: secrets.length - SHOWN })}</p>}
        <p class="acts">
          {one !== undefined && (
            <button
              type="button"
              onClick={() => {
                void navigator.clipboard.writeText(one.secret).then(
                  () => setCopied(true),
                  () => setCopied(false),
                )
              }}
            >
              {t(copied ? 'once.copied' : 'once.copy')}
            </button>
          )}
          <button type="button" data-testid="once-save" onClick={take}>
            {t('once.file')}
          </button>
        </p>
        <label class="check">
          <input type="checkbox" data-testid="once-kept" checked={kept} onChange={event => setKept(event.currentTarget.checked)} />
          {t('once.kept')}
        </label>
        <p class="buttons">
          <button type="button" class="primary" data-testid="once-close" disabled={!kept} onClick={onClose}>
            {t('action.done')}
          </button>
        </p>
      </div>
    </Modal>
  )
}
