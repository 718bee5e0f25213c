// The officer's four commands. Each is a real button, greyed with a reason while the link is not alive; closing and notes ask in a dialog.
import { signal, type Signal } from '@preact/signals'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { ComponentChildren } from 'preact'
import type { Incident } from '#contracts/incident.ts'
import { t, type Key } from '../i18n.ts'
import { mayAct } from '../live/connection.ts'
import { needsAnswer } from '../live/reduce.ts'
import type { Store } from '../store.ts'

export type Dialogs = { open: Signal<'note' | 'close' | 'escalate' | 'help' | null> }
export const createDialogs = (): Dialogs => ({ open: signal(null) })

type CommandProps = { label: Key; hotkey?: string; tone?: string; testid: string; disabled: boolean; reason: string; onClick: () => void }

const Command = ({ label, hotkey, tone, testid, disabled, reason, onClick }: CommandProps) => (
  <button type="button" class={tone ?? ''} data-testid={testid} disabled={disabled} title={reason} onClick={onClick}>
    {t(label)} {hotkey !== undefined && <kbd>{hotkey}</kbd>}
  </button>
)

export const Commands = ({ store, incident, dialogs }: { store: Store; incident: Incident; dialogs: Dialogs }) => {
  if (!store.may('incidents:handle')) return null
  const alive = mayAct(store.link.value, store.now.value)
  const reason = alive ? '' : t('action.refused-offline')
  const asks = needsAnswer(incident)
  const show = (which: 'note' | 'close' | 'escalate') => () => {
    dialogs.open.value = which
  }
  return (
    <div class="commands">
      <Command
        label={asks ? 'action.acknowledge' : 'action.acknowledge-done'}
        hotkey="A"
        tone="primary"
        testid="acknowledge"
        disabled={!alive || !asks}
        reason={reason}
        onClick={() => void store.actions.acknowledge(incident)}
      />
      <Command label="action.note" hotkey="N" testid="note" disabled={!alive} reason={reason} onClick={show('note')} />
      <Command label="action.escalate" hotkey="E" testid="escalate" disabled={!alive} reason={reason} onClick={show('escalate')} />
      <Command label="action.close" tone="danger" testid="close-incident" disabled={!alive} reason={reason} onClick={show('close')} />
      {!alive && <p class="problem">{reason}</p>}
    </div>
  )
}

/** A native modal dialog: focus is kept inside by the browser, Escape closes. */
export const Modal = ({ title, onClose, children }: { title: string; onClose: () => void; children: ComponentChildren }) => {
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    dialog.current?.showModal()
  }, [])
  return (
    <dialog ref={dialog} onClose={onClose} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </dialog>
  )
}

const Buttons = ({ onClose, label, danger = false, busy }: { onClose: () => void; label: Key; danger?: boolean; busy: boolean }) => (
  <p class="buttons">
    <button type="button" onClick={onClose}>
      {t('action.cancel')}
    </button>
    <button type="submit" class={danger ? 'danger' : 'primary'} data-testid="dialog-submit" disabled={busy}>
      {t(label)}
    </button>
  </p>
)

/** Sends once; the dialog stays open with what was typed when the server refuses. */
const useSend = (send: () => Promise<boolean>, onClose: () => void) => {
  const [busy, setBusy] = useState(false)
  const submit = async (): Promise<void> => {
    setBusy(true)
    if (await send()) onClose()
    else setBusy(false)
  }
  return {
    busy,
    onSubmit: (event: Event) => {
      event.preventDefault()
      void submit()
    },
  }
}

type DialogProps = { store: Store; id: string; onClose: () => void }

export const NoteDialog = ({ store, id, onClose }: DialogProps) => {
  const [note, setNote] = useState('')
  const { busy, onSubmit } = useSend(() => store.actions.note(id, note), onClose)
  return (
    <Modal title={t('note.title')} onClose={onClose}>
      <form onSubmit={onSubmit}>
        <label>
          {t('note.text')}
          <textarea required maxLength={2000} rows={4} value={note} onInput={event => setNote(event.currentTarget.value)} />
        </label>
        <Buttons onClose={onClose} label="action.note" busy={busy} />
      </form>
    </Modal>
  )
}

export const EscalateDialog = ({ store, id, onClose }: DialogProps) => {
  const { busy, onSubmit } = useSend(() => store.actions.escalate(id), onClose)
  return (
    <Modal title={t('escalate.title')} onClose={onClose}>
      <form onSubmit={onSubmit}>
        <p>{t('escalate.text')}</p>
        <Buttons onClose={onClose} label="action.escalate" busy={busy} />
      </form>
    </Modal>
  )
}

export const CloseDialog = ({ store, id, onClose }: DialogProps) => {
  const [cause, setCause] = useState('')
  const [falseAlarm, setFalseAlarm] = useState(false)
  const { busy, onSubmit } = useSend(() => store.actions.close(id, { cause, falseAlarm }), onClose)
  return (
    <Modal title={t('close.title')} onClose={onClose}>
      <form onSubmit={onSubmit}>
        <label>
          {t('close.cause')}
          <textarea
            data-testid="close-cause"
            required
            maxLength={500}
            rows={3}
            value={cause}
            onInput={event => setCause(event.currentTarget.value)}
          />
        </label>
        <label class="check">
          <input type="checkbox" checked={falseAlarm} onChange={event => setFalseAlarm(event.currentTarget.checked)} />
          {t('close.false-alarm')}
        </label>
        <Buttons onClose={onClose} label="action.close" danger busy={busy} />
      </form>
    </Modal>
  )
}
