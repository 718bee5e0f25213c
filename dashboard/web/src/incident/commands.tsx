// The officer's commands. Each is a real button, greyed with a reason while the link is not alive or the desk shows the past; what
// is destructive asks in a dialog (incident/dialogs.tsx).
import { signal, type Signal } from '@preact/signals'
import type { Incident } from '#contracts/incident.ts'
import { t, type Key } from '../i18n.ts'
import { needsAnswer } from '../live/reduce.ts'
import type { Store } from '../store.ts'
import type { DetailView } from './detail.ts'
import { isUnderWay, recommended } from './sending.ts'

export type DialogName = 'note' | 'close' | 'escalate' | 'shelve' | 'false-alarm' | 'send' | 'help' | 'shift'
export type Dialogs = { open: Signal<DialogName | null> }
export const createDialogs = (): Dialogs => ({ open: signal(null) })

type CommandProps = { label: Key; hotkey?: string; tone?: string; testid: string; disabled: boolean; reason: string; onClick: () => void }

const Command = ({ label, hotkey, tone, testid, disabled, reason, onClick }: CommandProps) => (
  <button type="button" class={tone ?? ''} data-testid={testid} disabled={disabled} title={reason} onClick={onClick}>
    {t(label)} {hotkey !== undefined && <kbd>{hotkey}</kbd>}
  </button>
)

/** Alarms of an incident that may be shelved: level I never is, and one that is set aside already is not set aside again. */
export const shelvable = (store: Store, incident: Incident): string[] =>
  incident.severity === 1
    ? []
    : [...store.alarms.value.values()]
        .filter(alarm => alarm.incidentId === incident.id && alarm.severity > 1 && ['UNACK', 'ACKED', 'RTNUN'].includes(alarm.state))
        .map(alarm => alarm.id)
export const shelvedOf = (store: Store, incident: Incident): string[] =>
  [...store.alarms.value.values()].filter(alarm => alarm.incidentId === incident.id && alarm.state === 'SHLVD').map(alarm => alarm.id)

/** Why nothing but acknowledging may be done now; empty = it may. */
export const refusalOf = (store: Store): string => {
  if (!store.alive.value) return t('action.refused-offline')
  return store.past.value === null ? '' : t('travel.read-only')
}

/** D: the recommended crew is sent at once; where somebody is under way already, or nobody is recommended, the choice is asked. */
export const dispatchNow = async (store: Store, view: DetailView, dialogs: Dialogs): Promise<void> => {
  const detail = view.detail.value
  if (detail === null || detail.id !== store.selectedId.value) return store.toast('bad', t('candidate.not-yet'))
  const first = recommended(detail.candidates)
  if (first === null || isUnderWay(detail.orders)) dialogs.open.value = 'send'
  else await store.actions.send(`incidents/${encodeURIComponent(detail.id)}/dispatch`, { resourceIds: [first.resourceId] }, 'order.sent')
}

type CommandsProps = { store: Store; incident: Incident; view: DetailView; dialogs: Dialogs }

export const Commands = ({ store, incident, view, dialogs }: CommandsProps) => {
  if (!store.may('incidents:handle')) return null
  const alive = store.alive.value
  const refusal = refusalOf(store)
  const blocked = refusal !== ''
  // an acknowledgement is always of now, also while the past is shown
  const live = store.liveIncidents.value.get(incident.id)
  const asks = live !== undefined && needsAnswer(live)
  const shelved = shelvedOf(store, incident)
  const show = (which: DialogName) => () => {
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
        reason={alive ? '' : refusal}
        onClick={() => live !== undefined && void store.actions.acknowledge(live)}
      />
      <Command
        label="action.dispatch"
        hotkey="D"
        tone="danger"
        testid="dispatch"
        disabled={blocked}
        reason={refusal}
        onClick={() => void dispatchNow(store, view, dialogs)}
      />
      <Command label="action.escalate" hotkey="E" testid="escalate" disabled={blocked} reason={refusal} onClick={show('escalate')} />
      {shelved.length > 0 ? (
        <Command
          label="action.unshelve"
          testid="unshelve"
          disabled={blocked}
          reason={refusal}
          onClick={() => void store.actions.unshelve(shelved)}
        />
      ) : (
        <Command
          label="action.shelve"
          hotkey="S"
          testid="shelve"
          disabled={blocked || shelvable(store, incident).length === 0}
          reason={incident.severity === 1 ? t('shelve.never-level-one') : refusal}
          onClick={show('shelve')}
        />
      )}
      <Command label="action.note" hotkey="N" testid="note" disabled={blocked} reason={refusal} onClick={show('note')} />
      <Command
        label="action.false-alarm"
        hotkey="F"
        testid="false-alarm"
        disabled={blocked}
        reason={refusal}
        onClick={show('false-alarm')}
      />
      <Command label="action.close" testid="close-incident" disabled={blocked} reason={refusal} onClick={show('close')} />
      {blocked && <p class="problem">{refusal}</p>}
    </div>
  )
}
