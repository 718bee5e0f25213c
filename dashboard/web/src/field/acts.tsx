// The four large buttons: received, on scene, false alarm with a picture, need help; and what belongs to the step in hand. Nothing is
// sent without a network, and nothing is kept to be sent by itself: the words and the picture stay in the form until they have gone.
import { useRef, useState } from 'preact/hooks'
import type { Incident } from '#contracts/incident.ts'
import type { Order } from '#contracts/order.ts'
import { t, type Key } from '../i18n.ts'
import type { Store } from '../store.ts'
import { shrink } from './picture.ts'

type Form = 'found-false' | 'need-help' | 'picture' | 'refuse' | 'complete'

const Big = (o: { label: Key; testid: string; tone?: string; disabled: boolean; onClick: () => void }) => (
  <button type="button" class={`big ${o.tone ?? ''}`} data-testid={o.testid} disabled={o.disabled} onClick={o.onClick}>
    {t(o.label)}
  </button>
)

/** Words, and a picture where one belongs; stays open with both until the server has them. */
const ReportForm = ({ store, order, form, onDone }: { store: Store; order: Order; form: Form; onDone: () => void }) => {
  const [note, setNote] = useState('')
  const [picture, setPicture] = useState<string | null>(null)
  const [problem, setProblem] = useState('')
  const [busy, setBusy] = useState(false)
  // the same key for every try: sent twice over a bad line it is one report
  const key = useRef(`${order.id}-${Math.random().toString(36).slice(2)}${Date.now().toString(36)}`)
  const alive = store.alive.value
  const shows = form === 'found-false' || form === 'picture'
  const take = async (file: File | undefined): Promise<void> => {
    setProblem('')
    try {
      setPicture(file === undefined ? null : await shrink(file))
    } catch {
      setPicture(null)
      setProblem(t('field.picture-bad'))
    }
  }
  const path = `orders/${encodeURIComponent(order.id)}`
  const said = note.trim() === '' ? {} : { note }
  const send = async (): Promise<boolean> => {
    if (form === 'refuse') return store.actions.send(`${path}/refuse`, { reason: note }, 'order.said')
    if (form === 'complete') return store.actions.send(`${path}/complete`, said, 'order.said')
    const body = { key: key.current, what: form, ...said, ...(picture === null ? {} : { picture }) }
    return store.actions.send(`${path}/report`, body, 'field.sent')
  }
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault()
    setBusy(true)
    const gone = await send()
    setBusy(false)
    if (gone) onDone()
  }
  return (
    <form class="report" data-testid={`form-${form}`} onSubmit={event => void submit(event)}>
      <h2>{t(`field.${form}`)}</h2>
      <label>
        {t(form === 'refuse' ? 'field.why' : 'field.note')}
        <textarea
          rows={3}
          maxLength={500}
          required={form === 'refuse'}
          value={note}
          onInput={event => setNote(event.currentTarget.value)}
        />
      </label>
      {shows && (
        <label class="picture">
          {t('field.picture-take')}
          <input
            type="file"
            accept="image/*"
            capture="environment"
            data-testid="picture"
            required={picture === null}
            onChange={event => void take(event.currentTarget.files?.[0])}
          />
        </label>
      )}
      {picture !== null && <img src={`data:image/jpeg;base64,${picture}`} alt={t('field.picture-alt')} />}
      {problem !== '' && <p class="problem">{problem}</p>}
      {!alive && <p class="problem">{t('field.kept-here')}</p>}
      <p class="buttons">
        <button type="button" onClick={onDone}>
          {t('action.cancel')}
        </button>
        <button type="submit" class="primary" data-testid="report-send" disabled={busy || !alive}>
          {t('field.send')}
        </button>
      </p>
    </form>
  )
}

export const Acts = ({ store, order }: { store: Store; order: Order; incident: Incident }) => {
  const [form, setForm] = useState<Form | null>(null)
  const alive = store.alive.value
  const step = (verb: string) => () => {
    navigator.vibrate?.(30)
    void store.actions.send(`orders/${encodeURIComponent(order.id)}/${verb}`, {}, 'order.said')
  }
  const open = (which: Form) => () => setForm(which)
  if (form !== null) return <ReportForm key={form} store={store} order={order} form={form} onDone={() => setForm(null)} />
  const { state } = order
  return (
    <div class="acts">
      <Big label="field.received" testid="received" tone="primary" disabled={!alive || state !== 'offered'} onClick={step('accept')} />
      <Big
        label="field.on-scene"
        testid="on-scene"
        tone="danger"
        disabled={!alive || (state !== 'accepted' && state !== 'en-route')}
        onClick={step('on-scene')}
      />
      <Big label="field.found-false" testid="found-false" disabled={state !== 'on-scene'} onClick={open('found-false')} />
      <Big label="field.need-help" testid="need-help" disabled={false} onClick={open('need-help')} />
      <p class="acts-more">
        {state === 'accepted' && (
          <button type="button" data-testid="en-route" disabled={!alive} onClick={step('en-route')}>
            {t('order-act.en-route')}
          </button>
        )}
        {state === 'on-scene' && (
          <button type="button" data-testid="complete" onClick={open('complete')}>
            {t('field.complete')}
          </button>
        )}
        <button type="button" data-testid="picture-open" onClick={open('picture')}>
          {t('field.picture')}
        </button>
        {state !== 'on-scene' && (
          <button type="button" data-testid="refuse" onClick={open('refuse')}>
            {t('field.refuse')}
          </button>
        )}
      </p>
    </div>
  )
}
