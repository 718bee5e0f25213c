// The turns of duty of one resource: seen by everybody, changed as a whole by whoever may write resources. Nothing is kept until it is
// saved. With a roster, no turn means nobody is on duty; without one, nothing is said of the crew.
import { useEffect, useState } from 'preact/hooks'
import type { DutyShift, Resource } from '#contracts/resource.ts'
import { why } from '../actions.ts'
import { count, dayTime } from '../format.ts'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'
import { csvOf, fileName, save } from './csv.ts'
import { FormDialog, Input } from './form-parts.tsx'
import { Table } from './list-parts.tsx'
import { instantOf } from './listing.ts'
import { repeated, SHIFTS_MAX } from './roster-terms.ts'

/** all of it: a roster has at most 400 turns, and is put back as a whole */
const ALWAYS = `from=${encodeURIComponent('2000-01-01T00:00:00Z')}&to=${encodeURIComponent('2100-01-01T00:00:00Z')}`

const AddShift = ({ onClose, onAdd }: { onClose: () => void; onAdd: (shifts: DutyShift[]) => void }) => {
  const [f, setF] = useState({ from: '', to: '', crew: '1', note: '', days: '1' })
  const set = (name: keyof typeof f) => (value: string) => setF({ ...f, [name]: value })
  const send = async (): Promise<void> => {
    const [from, to] = [instantOf(f.from), instantOf(f.to)]
    if (from === undefined || to === undefined || Date.parse(from) >= Date.parse(to)) throw new Error(t('roster.wrong-order'))
    onAdd(repeated({ from, to, crew: Number(f.crew), ...(f.note === '' ? {} : { note: f.note }) }, Number(f.days)))
  }
  return (
    <FormDialog title={t('roster.add')} submit="roster.add" onClose={onClose} send={send}>
      <Input label="quarantine.from" name="shift-from" type="datetime-local" required value={f.from} onChange={set('from')} />
      <Input label="quarantine.to" name="shift-to" type="datetime-local" required value={f.to} onChange={set('to')} />
      <Input label="roster.crew" name="shift-crew" type="number" required value={f.crew} onChange={set('crew')} />
      <Input label="roster.days" type="number" required value={f.days} onChange={set('days')} hint="roster.days-hint" />
      <Input label="roster.note" value={f.note} onChange={set('note')} />
    </FormDialog>
  )
}

export const Roster = ({ store, resource, onDone }: { store: Store; resource: Resource; onDone: () => void }) => {
  const [saved, setSaved] = useState<DutyShift[] | null>(null)
  const [draft, setDraft] = useState<DutyShift[] | null>(null)
  const [adds, setAdds] = useState(false)
  const [problem, setProblem] = useState('')
  const path = `resources/${encodeURIComponent(resource.id)}/roster`
  const load = async (): Promise<void> => {
    try {
      setSaved((await store.api.get<{ shifts: DutyShift[] }>(`${path}?${ALWAYS}`)).shifts)
    } catch (error) {
      setProblem(why(error))
    }
  }
  useEffect(() => void load(), [resource.id])
  const nowMs = store.serverNow.value
  const shifts = (draft ?? saved ?? []).toSorted((a, b) => Date.parse(a.from) - Date.parse(b.from))
  const mayWrite = store.may('resources:write')
  const keep = async (): Promise<void> => {
    try {
      await store.api.put(path, { shifts })
      setDraft(null)
      setProblem('')
      store.toast('good', t('roster.saved'))
      await load()
      onDone()
    } catch (error) {
      setProblem(t('action.failed', { why: why(error) }))
    }
  }
  const take = (): void =>
    save(
      fileName(`roster-${resource.id.replaceAll(/[^\w.-]/g, '_')}`, nowMs),
      csvOf(
        (['from', 'to', 'crew', 'note'] as const).map(name => ({ title: name, value: (one: DutyShift) => one[name] })),
        shifts,
      ),
    )
  return (
    <section aria-label={t('roster.title')} data-testid="roster">
      <h3>{t('roster.title')}</h3>
      {problem !== '' && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {saved !== null && shifts.length === 0 && <p>{t('roster.none')}</p>}
      {shifts.length > 0 && (
        <Table label={t('roster.title')} heads={[t('quarantine.from'), t('quarantine.to'), t('roster.crew'), t('roster.note'), '']}>
          {shifts.map((one, i) => {
            const isNow = Date.parse(one.from) <= nowMs && nowMs < Date.parse(one.to)
            return (
              <tr key={`${one.from} ${i}`} data-testid="shift" class={isNow ? 'now' : Date.parse(one.to) <= nowMs ? 'muted' : ''}>
                <td class="when">
                  {dayTime(one.from, nowMs)} {isNow && <b>{t('roster.now')}</b>}
                </td>
                <td class="when">{dayTime(one.to, nowMs)}</td>
                <td>{count(one.crew)}</td>
                <td>{one.note ?? ''}</td>
                <td>
                  {mayWrite && (
                    <button type="button" onClick={() => setDraft(shifts.filter(other => other !== one))}>
                      {t('roster.take-out')}
                    </button>
                  )}
                </td>
              </tr>
            )
          })}
        </Table>
      )}
      <p class="acts">
        {mayWrite && (
          <>
            <button type="button" data-testid="shift-add" disabled={shifts.length >= SHIFTS_MAX} onClick={() => setAdds(true)}>
              {t('roster.add')}
            </button>
            <button type="button" class="primary" data-testid="roster-save" disabled={draft === null} onClick={() => void keep()}>
              {t('roster.save')}
            </button>
            {draft !== null && (
              <>
                <button type="button" onClick={() => setDraft(null)}>
                  {t('rules.drop')}
                </button>
                <span class="late">{t('roster.unsaved')}</span>
              </>
            )}
          </>
        )}
        <button type="button" disabled={shifts.length === 0} onClick={take}>
          {t('export.csv')}
        </button>
      </p>
      {adds && <AddShift onClose={() => setAdds(false)} onAdd={more => setDraft([...shifts, ...more].slice(0, SHIFTS_MAX))} />}
    </section>
  )
}
