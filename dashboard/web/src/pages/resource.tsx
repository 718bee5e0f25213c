// One resource: how it is and why, who it is, its turns of duty; taken out of service with a reason, brought back, corrected, removed.
import { useEffect, useState } from 'preact/hooks'
import type { Resource } from '#contracts/resource.ts'
import { why } from '../actions.ts'
import { UNKNOWN, dayTime, elapsed } from '../format.ts'
import { say, t, term } from '../i18n.ts'
import { addressOf } from '../router.ts'
import type { Store } from '../store.ts'
import { FormDialog, Input } from './form-parts.tsx'
import { Roster } from './resource-roster.tsx'
import { ResourceForm } from './resource-form.tsx'
import { Readiness } from './resources.tsx'
import '../style/lists.css'

const REFRESH_MS = 5_000

const Facts = ({ resource, nowMs }: { resource: Resource; nowMs: number }) => {
  const facts: [string, string | undefined][] = [
    [t('resources.kind'), term('resource-kind', resource.kind)],
    [t('resources.mode'), term('travel-mode', resource.mode)],
    [t('resources.capabilities'), resource.capabilities.map(one => term('capability', one)).join(', ') || undefined],
    [t('resources.area'), [resource.area, resource.grid].filter(Boolean).join(' · ') || undefined],
    [
      t('device.position'),
      resource.position === undefined ? undefined : `${resource.position.lat.toFixed(6)}, ${resource.position.lon.toFixed(6)}`,
    ],
    [t('resources.device'), resource.deviceId],
    [t('resources.accounts'), resource.accounts.join(', ') || undefined],
    [t('resources.crew-required'), resource.crewRequired === undefined ? undefined : String(resource.crewRequired)],
    [t('resources.crew'), resource.crewOnDuty === undefined ? undefined : String(resource.crewOnDuty)],
    [
      t('resources.heard'),
      resource.lastHeardAt === undefined ? undefined : t('device.heard', { age: elapsed(nowMs - Date.parse(resource.lastHeardAt)) }),
    ],
    [t('resources.order'), resource.orderId],
  ]
  return (
    <dl class="facts-list">
      {facts.map(([name, value]) => (
        <>
          <dt key={name}>{name}</dt>
          <dd class="any">{value ?? UNKNOWN}</dd>
        </>
      ))}
    </dl>
  )
}

/** Out of service needs a reason, which stands in the audit; without one it comes back. */
const OutOfService = ({
  store,
  resource,
  onClose,
  onDone,
}: {
  store: Store
  resource: Resource
  onClose: () => void
  onDone: () => void
}) => {
  const [reason, setReason] = useState('')
  const isOut = resource.outOfService !== undefined
  const send = async (): Promise<void> => {
    await store.api.patch(`resources/${encodeURIComponent(resource.id)}`, { outOfService: isOut ? null : reason })
    onDone()
  }
  const title = isOut ? 'resources.bring-back' : 'resources.take-out'
  return (
    <FormDialog title={t(title)} submit={title} onClose={onClose} send={send}>
      {isOut ? (
        <p>{t('resources.bring-back-ask')}</p>
      ) : (
        <Input label="resources.take-out-why" name="reason" required value={reason} onChange={setReason} />
      )}
    </FormDialog>
  )
}

type Open = 'change' | 'service' | 'remove' | null

const Acts = ({ store, resource, reload }: { store: Store; resource: Resource; reload: () => void }) => {
  const [open, setOpen] = useState<Open>(null)
  const close = (): void => setOpen(null)
  const path = `resources/${encodeURIComponent(resource.id)}`
  return (
    <>
      <p class="acts">
        <button
          type="button"
          disabled={resource.deviceId !== undefined || !store.may('orders:own')}
          onClick={() => void store.actions.send(`${path}/check-in`, {}, 'resources.checked-in').then(reload)}
        >
          {t('resources.check-in')}
        </button>
        <button type="button" data-testid="resource-service" onClick={() => setOpen('service')}>
          {t(resource.outOfService === undefined ? 'resources.take-out' : 'resources.bring-back')}
        </button>
        <button type="button" onClick={() => setOpen('change')}>
          {t('resources.change')}
        </button>
        <button type="button" onClick={() => setOpen('remove')}>
          {t('resources.remove')}
        </button>
      </p>
      {open === 'change' && <ResourceForm store={store} resource={resource} onClose={close} onDone={reload} />}
      {open === 'service' && <OutOfService store={store} resource={resource} onClose={close} onDone={reload} />}
      {open === 'remove' && (
        <FormDialog
          title={t('resources.remove')}
          submit="resources.remove"
          isGrave
          onClose={close}
          send={async () => {
            await store.api.delete(path)
            location.hash = addressOf('resources')
          }}
        >
          <p>{t('resources.remove-ask', { name: say(resource.name) })}</p>
        </FormDialog>
      )}
    </>
  )
}

export const ResourcePage = ({ store, id }: { store: Store; id: string }) => {
  const [resource, setResource] = useState<Resource | null>(null)
  const [problem, setProblem] = useState('')
  const load = async (): Promise<void> => {
    try {
      setResource(await store.api.get<Resource>(`resources/${encodeURIComponent(id)}`))
      setProblem('')
    } catch (error) {
      setProblem(why(error))
    }
  }
  useEffect(() => {
    void load()
    const timer = setInterval(() => void load(), REFRESH_MS)
    return () => clearInterval(timer)
  }, [id])
  const nowMs = store.serverNow.value
  return (
    <main class="page" data-testid="resource" data-resource-id={id}>
      <p>
        <a href={addressOf('resources')}>← {t('resources.title')}</a>
      </p>
      <h2>
        {resource === null ? id : say(resource.name)} <span class="muted code">{id}</span>
      </h2>
      {problem !== '' && (
        <p class="problem" role="alert">
          {t('list.failed', { why: problem })}
        </p>
      )}
      {resource !== null && (
        <>
          <div class="standing" data-testid="resource-standing" data-state={resource.state}>
            <Readiness resource={resource} />
            {resource.outOfService !== undefined && (
              <span class="problem">
                {t('resources.is-out', {
                  why: resource.outOfService.reason,
                  by: resource.outOfService.by,
                  at: dayTime(resource.outOfService.at, nowMs),
                })}
              </span>
            )}
          </div>
          {store.may('resources:write') && <Acts store={store} resource={resource} reload={() => void load()} />}
          <Roster store={store} resource={resource} onDone={() => void load()} />
          <h3>{t('device.facts')}</h3>
          <Facts resource={resource} nowMs={nowMs} />
        </>
      )}
    </main>
  )
}
