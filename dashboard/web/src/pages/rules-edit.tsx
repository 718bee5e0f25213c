// Another rule set in the place of this one: files are edited, uploaded or taken out here, and nothing changes until the whole set is
// put in force. A set with one mistake is refused whole by the server; every mistake leads to its line.
import { useRef, useState } from 'preact/hooks'
import { why } from '../actions.ts'
import { ApiError } from '../api.ts'
import { count } from '../format.ts'
import { t } from '../i18n.ts'
import { Modal } from '../shell/modal.tsx'
import type { Store } from '../store.ts'
import { mistakesIn, spanOfLine, type Mistake } from './backtest-terms.ts'
import { ChoiceField, Filters } from './list-parts.tsx'

export type Files = Record<string, string>
/** a set may be 2 Mi characters, see docs/ARCHITECTURE.md */
const CHARACTERS_MAX = 2 * 1024 * 1024

type EditorProps = {
  store: Store
  set: { version: string; files: Files }
  draft: Files | null
  onDraft: (draft: Files | null) => void
  onDone: () => void
}

const changedIn = (before: Files, after: Files): string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(name => before[name] !== after[name])

const Mistakes = ({ mistakes, onGo }: { mistakes: Mistake[]; onGo: (mistake: Mistake) => void }) => (
  <div class="problem" role="alert" data-testid="rule-mistakes">
    <ol class="mistakes">
      {mistakes.map((one, i) => (
        <li key={i}>
          {one.file !== undefined && (
            <button type="button" class="quiet" onClick={() => onGo(one)}>
              {one.file}:{one.line}
            </button>
          )}{' '}
          {one.what}
        </li>
      ))}
    </ol>
  </div>
)

export const RuleFilesEditor = ({ store, set, draft, onDraft, onDone }: EditorProps) => {
  const files = draft ?? set.files
  const names = Object.keys(files).toSorted()
  const [chosen, setChosen] = useState('')
  const [mistakes, setMistakes] = useState<Mistake[]>([])
  const [asks, setAsks] = useState(false)
  const [busy, setBusy] = useState(false)
  // the version that was read when editing began: whoever was first since then is not overwritten
  const base = useRef(set.version)
  const area = useRef<HTMLTextAreaElement>(null)
  const shown = files[chosen] === undefined ? (names[0] ?? '') : chosen
  const changed = draft === null ? [] : changedIn(set.files, draft)

  const edit = (next: Files): void => {
    if (draft === null) base.current = set.version
    onDraft(next)
  }
  const drop = (): void => {
    onDraft(null)
    setMistakes([])
  }
  const take = async (given: FileList | null): Promise<void> => {
    const read = await Promise.all([...(given ?? [])].map(async file => [file.name, await file.text()] as const))
    const next = { ...files, ...Object.fromEntries(read) }
    if (Object.values(next).reduce((sum, text) => sum + text.length, 0) > CHARACTERS_MAX) return store.toast('bad', t('rules.too-large'))
    if (read.length === 0) return
    edit(next)
    setChosen(read[0]?.[0] ?? '')
  }
  const goTo = ({ file = '', line = 1 }: Mistake): void => {
    setChosen(file)
    // after the other file is drawn
    setTimeout(() => {
      const text = area.current
      if (text === null) return
      text.focus()
      text.setSelectionRange(...spanOfLine(text.value, line))
      text.scrollTop = (text.scrollHeight * (line - 4)) / Math.max(1, text.value.split('\n').length)
    }, 0)
  }
  const putInForce = async (): Promise<void> => {
    setBusy(true)
    try {
      const after = await store.api.put<{ version: string }>('rules', { files, ifVersion: base.current })
      store.toast('good', t('rules.done', { version: after.version.slice(0, 8) }))
      drop()
      onDone()
    } catch (error) {
      const found = error instanceof ApiError && error.code === 'rules-invalid' ? mistakesIn(error.message) : []
      setMistakes(found)
      store.toast('bad', found.length > 0 ? t('rules.refused', { n: count(found.length) }) : t('action.failed', { why: why(error) }))
    }
    setBusy(false)
    setAsks(false)
  }

  return (
    <section aria-label={t('rules.edit')} data-testid="rules-edit">
      <h3>{t('rules.edit')}</h3>
      <p class="muted">{t('rules.edit-lead')}</p>
      <Filters>
        <ChoiceField
          label="rules.file"
          name="file"
          all={null}
          value={shown}
          onChange={setChosen}
          options={names.map(name => [name, changed.includes(name) ? `${name} *` : name])}
        />
        <label>
          {t('rules.upload')}
          <input
            type="file"
            multiple
            accept=".yaml,.yml,.json"
            data-testid="rules-upload"
            onChange={event => {
              const input = event.currentTarget
              void take(input.files).finally(() => (input.value = ''))
            }}
          />
        </label>
        <button
          type="button"
          disabled={names.length < 2}
          onClick={() => edit(Object.fromEntries(Object.entries(files).filter(([name]) => name !== shown)))}
        >
          {t('rules.take-out')}
        </button>
        <button type="button" disabled={draft === null} onClick={drop}>
          {t('rules.drop')}
        </button>
        <button type="button" class="primary" data-testid="rules-put" disabled={changed.length === 0} onClick={() => setAsks(true)}>
          {t('rules.put')}
        </button>
      </Filters>
      {mistakes.length > 0 && <Mistakes mistakes={mistakes} onGo={goTo} />}
      <textarea
        ref={area}
        class="code-text"
        data-testid="rules-text"
        aria-label={t('rules.text-of', { file: shown })}
        spellcheck={false}
        rows={18}
        value={files[shown] ?? ''}
        onInput={event => edit({ ...files, [shown]: event.currentTarget.value })}
      />
      {asks && (
        <Modal title={t('rules.put')} onClose={() => setAsks(false)}>
          <p>{t('rules.put-ask', { files: changed.join(', ') })}</p>
          <p class="buttons">
            <button type="button" onClick={() => setAsks(false)}>
              {t('action.cancel')}
            </button>
            <button type="button" class="primary" data-testid="dialog-submit" disabled={busy} onClick={() => void putInForce()}>
              {t(busy ? 'rules.putting' : 'rules.put')}
            </button>
          </p>
        </Modal>
      )}
    </section>
  )
}
