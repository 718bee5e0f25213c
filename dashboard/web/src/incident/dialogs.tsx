// The dialogs of the desk: what asks before it is done, and the list of keys. A chunk of its own; nothing here is needed to see the queue.
import { useState } from 'preact/hooks'
import { clockTime } from '../format.ts'
import { say, t, type Key } from '../i18n.ts'
import { Modal } from '../shell/modal.tsx'
import type { Store } from '../store.ts'
import { shelvable, type Dialogs } from './commands.tsx'
import type { DetailView } from './detail.ts'
import { etaWords, reasonWords } from './sending.ts'
import { Help } from '../pages/help.tsx'
import { Shift } from '../shell/shift.tsx'
import type { Sound } from '../sound.ts'

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
  // as it was when the dialog was opened
  const [seen] = useState(() => store.incidents.value.get(id)?.escalation ?? 'grid')
  const { busy, onSubmit } = useSend(() => store.actions.escalate(id, seen), onClose)
  return (
    <Modal title={t('escalate.title')} onClose={onClose}>
      <form onSubmit={onSubmit}>
        <p>{t('escalate.text')}</p>
        <Buttons onClose={onClose} label="action.escalate" busy={busy} />
      </form>
    </Modal>
  )
}

const SHELVE_MIN = [15, 60, 240, 480] as const

export const ShelveDialog = ({ store, id, onClose }: DialogProps) => {
  const [reason, setReason] = useState('')
  const [minutes, setMinutes] = useState<number>(60)
  const incident = store.incidents.peek().get(id)
  const alarms = incident === undefined ? [] : shelvable(store, incident)
  const untilMs = store.serverNow.value + minutes * 60_000
  const send = (): Promise<boolean> => store.actions.shelve(alarms, { reason, until: new Date(untilMs).toISOString() })
  const { busy, onSubmit } = useSend(send, onClose)
  return (
    <Modal title={t('shelve.title')} onClose={onClose}>
      <form onSubmit={onSubmit}>
        <p>{t('shelve.text', { n: alarms.length })}</p>
        <label>
          {t('shelve.reason')}
          <textarea
            data-testid="shelve-reason"
            required
            maxLength={500}
            rows={2}
            value={reason}
            onInput={event => setReason(event.currentTarget.value)}
          />
        </label>
        <fieldset class="choices">
          <legend>{t('shelve.until', { at: clockTime(untilMs) })}</legend>
          {SHELVE_MIN.map(choice => (
            <label key={choice} class="check">
              <input type="radio" name="minutes" checked={choice === minutes} onChange={() => setMinutes(choice)} />
              {choice < 60 ? t('time.minutes', { n: choice }) : t('time.hours', { n: choice / 60 })}
            </label>
          ))}
        </fieldset>
        <Buttons onClose={onClose} label="action.shelve" busy={busy || alarms.length === 0} />
      </form>
    </Modal>
  )
}

/** Closing says the cause; a false alarm asks for the reason too, and is never one key away from done. */
export const CloseDialog = ({ store, id, onClose, falseAlarm: asFalse = false }: DialogProps & { falseAlarm?: boolean }) => {
  const [cause, setCause] = useState('')
  const [falseAlarm, setFalseAlarm] = useState(asFalse)
  const [feedback, setFeedback] = useState('')
  const said = feedback.trim() === '' ? {} : { feedback }
  const { busy, onSubmit } = useSend(() => store.actions.close(id, { cause, falseAlarm, ...said }), onClose)
  return (
    <Modal title={t(asFalse ? 'false-alarm.title' : 'close.title')} onClose={onClose}>
      <form onSubmit={onSubmit}>
        {asFalse && <p>{t('false-alarm.text')}</p>}
        <label>
          {t(asFalse ? 'false-alarm.cause' : 'close.cause')}
          <textarea
            data-testid="close-cause"
            required
            maxLength={500}
            rows={3}
            value={cause}
            onInput={event => setCause(event.currentTarget.value)}
          />
        </label>
        <label>
          {t('close.feedback')}
          <textarea maxLength={2000} rows={2} value={feedback} onInput={event => setFeedback(event.currentTarget.value)} />
        </label>
        {!asFalse && (
          <label class="check">
            <input type="checkbox" checked={falseAlarm} onChange={event => setFalseAlarm(event.currentTarget.checked)} />
            {t('close.false-alarm')}
          </label>
        )}
        <Buttons onClose={onClose} label={asFalse ? 'false-alarm.confirm' : 'action.close'} danger busy={busy} />
      </form>
    </Modal>
  )
}

/** Somebody is under way already, or nobody is recommended: who else, and for one that is not ready, why all the same. */
const SendDialog = ({ store, id, view, onClose }: DialogProps & { view: DetailView }) => {
  const [resourceId, setResourceId] = useState('')
  const [reason, setReason] = useState('')
  const detail = view.detail.value
  const candidates = detail?.id === id ? detail.candidates : []
  const chosen = candidates.find(one => one.resourceId === resourceId)
  const anyway = chosen !== undefined && chosen.rank === null
  const body = { resourceIds: [resourceId], ...(anyway ? { evenIfNotReady: true, reason } : {}) }
  const { busy, onSubmit } = useSend(() => store.actions.send(`incidents/${encodeURIComponent(id)}/dispatch`, body, 'order.sent'), onClose)
  return (
    <Modal title={t('send.title')} onClose={onClose}>
      <form onSubmit={onSubmit}>
        <label>
          {t('candidate.who')}
          <select data-testid="send-who" required value={resourceId} onChange={event => setResourceId(event.currentTarget.value)}>
            <option value="">{t('send.choose')}</option>
            {candidates.slice(0, 200).map(one => (
              <option key={`${one.task} ${one.resourceId}`} value={one.resourceId}>
                {say(one.name)} · {one.rank === null ? t('send.not-ready') : etaWords(one.eta)}
              </option>
            ))}
          </select>
        </label>
        {chosen !== undefined && <p class="muted">{reasonWords(chosen)}</p>}
        {anyway && (
          <label>
            {t('send.anyway')}
            <textarea required maxLength={500} rows={2} value={reason} onInput={event => setReason(event.currentTarget.value)} />
          </label>
        )}
        <Buttons onClose={onClose} label="candidate.send" busy={busy || chosen === undefined} danger />
      </form>
    </Modal>
  )
}

type DialogsProps = { store: Store; dialogs: Dialogs; sound: Sound; view: DetailView }

export const Dialog = ({ store, dialogs, sound, view }: DialogsProps) => {
  const which = dialogs.open.value
  const id = store.selectedId.value
  const onClose = (): void => {
    dialogs.open.value = null
  }
  if (which === 'help') return <Help onClose={onClose} />
  if (which === 'shift') return <Shift sound={sound} onClose={onClose} />
  if (which === null || id === null) return null
  const props = { store, id, onClose }
  if (which === 'note') return <NoteDialog {...props} />
  if (which === 'send') return <SendDialog {...props} view={view} />
  if (which === 'shelve') return <ShelveDialog {...props} />
  return which === 'escalate' ? <EscalateDialog {...props} /> : <CloseDialog {...props} falseAlarm={which === 'false-alarm'} />
}
