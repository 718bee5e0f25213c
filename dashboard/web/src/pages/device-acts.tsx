// What may be done to a device's registration: other credentials (shown once), none at all, or forgotten. Each asks first and stands in
// the audit; the server ends the connections concerned.
import { useState } from 'preact/hooks'
import type { Device } from '#contracts/device.ts'
import type { VideoKind } from '#contracts/video.ts'
import { t } from '../i18n.ts'
import { addressOf } from '../router.ts'
import type { Store } from '../store.ts'
import { secretOf, type Made } from './device-fields.tsx'
import { FormDialog, Input } from './form-parts.tsx'
import { ShownOnce, type Secret } from './once.tsx'
import { VideoForm } from './device-video.tsx'

type Ask = 'change' | 'video' | 'rotate' | 'revoke' | 'remove' | null
const HOUR_S = 3_600

const Rotate = ({
  store,
  path,
  onClose,
  onDone,
}: {
  store: Store
  path: string
  onClose: () => void
  onDone: (secret: Secret) => void
}) => {
  const [hours, setHours] = useState('0')
  const send = async (): Promise<void> =>
    onDone(secretOf(await store.api.post<Made>(`${path}/credentials`, { keepOldS: Math.round(Number(hours) * HOUR_S) })))
  return (
    <FormDialog title={t('device.rotate')} submit="device.rotate" onClose={onClose} send={send}>
      <p>{t('device.rotate-ask')}</p>
      <Input label="device.keep-old" type="number" required value={hours} onChange={setHours} />
    </FormDialog>
  )
}

const Change = ({ store, path, device, onClose }: { store: Store; path: string; device: Device; onClose: () => void }) => {
  const { place = {} } = device
  const [f, setF] = useState({
    name: device.name ?? '',
    area: place.area ?? '',
    grid: place.grid ?? '',
    building: place.building ?? '',
    floor: place.floor ?? '',
    room: place.room ?? '',
    expectNextS: device.expectNextS === undefined ? '' : String(device.expectNextS),
  })
  const set = (name: keyof typeof f) => (value: string) => setF({ ...f, [name]: value })
  const send = async (): Promise<void> => {
    const said = (['area', 'grid', 'building', 'floor', 'room'] as const).flatMap(part => (f[part] === '' ? [] : [[part, f[part]]]))
    await store.api.patch(path, {
      name: f.name,
      ...(said.length === 0 ? {} : { place: Object.fromEntries(said) as object }),
      ...(f.expectNextS === '' ? {} : { expectNextS: Number(f.expectNextS) }),
    })
    store.toast('good', t('resources.saved'))
  }
  return (
    <FormDialog title={t('resources.change')} submit="resources.save" onClose={onClose} send={send}>
      <div class="fields">
        <Input label="enrol.name" value={f.name} onChange={set('name')} />
        <Input label="devices.area" value={f.area} onChange={set('area')} />
        <Input label="resources.grid" value={f.grid} onChange={set('grid')} />
        <Input label="enrol.building" value={f.building} onChange={set('building')} />
        <Input label="enrol.floor" value={f.floor} onChange={set('floor')} />
        <Input label="enrol.room" value={f.room} onChange={set('room')} />
        <Input label="device.expect-s" type="number" value={f.expectNextS} onChange={set('expectNextS')} />
      </div>
    </FormDialog>
  )
}

export const DeviceActs = ({ store, device }: { store: Store; device: Device & { video?: VideoKind } }) => {
  const [ask, setAsk] = useState<Ask>(null)
  const [secret, setSecret] = useState<Secret | null>(null)
  const close = (): void => setAsk(null)
  const path = `devices/${encodeURIComponent(device.deviceId)}`
  return (
    <>
      <p class="acts">
        {(['change', 'video', 'rotate', 'revoke', 'remove'] as const).map(one => (
          <button key={one} type="button" data-testid={`device-${one}`} onClick={() => setAsk(one)}>
            {t(one === 'change' ? 'resources.change' : one === 'video' ? 'video.register' : `device.${one}`)}
          </button>
        ))}
      </p>
      {ask === 'change' && <Change store={store} path={path} device={device} onClose={close} />}
      {ask === 'video' && <VideoForm store={store} path={path} has={device.video !== undefined} onClose={close} />}
      {ask === 'rotate' && <Rotate store={store} path={path} onClose={close} onDone={setSecret} />}
      {(ask === 'revoke' || ask === 'remove') && (
        <FormDialog
          title={t(`device.${ask}`)}
          submit={`device.${ask}`}
          isGrave
          onClose={close}
          send={async () => {
            await store.api.delete(ask === 'revoke' ? `${path}/credentials` : path)
            store.toast('good', t(ask === 'revoke' ? 'device.revoked' : 'device.removed'))
            if (ask === 'remove') location.hash = addressOf('devices')
          }}
        >
          <p>{t(`device.${ask}-ask`)}</p>
        </FormDialog>
      )}
      {secret !== null && ask === null && (
        <ShownOnce title={t('enrol.credentials')} file={`credentials-${secret.name}`} secrets={[secret]} onClose={() => setSecret(null)} />
      )}
    </>
  )
}
