// What registration and a claim code both ask of a device - who it is, and where - and the credentials that an answer carries once.
import { useState } from 'preact/hooks'
import { DEVICE_KINDS } from '#contracts/reading.ts'
import { term } from '../i18n.ts'
import { Input } from './form-parts.tsx'
import { ChoiceField } from './list-parts.tsx'
import type { Secret } from './once.tsx'

export type Made = { deviceId: string; credentials: { username: string; password: string } }
export const secretOf = ({ deviceId, credentials }: Made): Secret => ({
  name: deviceId,
  user: credentials.username,
  secret: credentials.password,
})

const NOTHING = { deviceId: '', kind: 'smoke', name: '', via: '', area: '', building: '', floor: '', room: '' }

export const deviceBody = (f: typeof NOTHING): object => {
  const place = Object.fromEntries(
    (['area', 'building', 'floor', 'room'] as const).flatMap(part => (f[part] === '' ? [] : [[part, f[part]]])),
  )
  return {
    deviceId: f.deviceId,
    kind: f.kind,
    ...(f.name === '' ? {} : { name: f.name }),
    ...(f.via === '' ? {} : { via: f.via }),
    ...(Object.keys(place).length === 0 ? {} : { place }),
  }
}

export const useDeviceFields = () => {
  const [f, setF] = useState(NOTHING)
  const set = (name: keyof typeof NOTHING) => (value: string) => setF({ ...f, [name]: value })
  const fields = (
    <div class="fields">
      <Input
        label="enrol.id"
        name="device-id"
        required
        pattern="[A-Za-z0-9][A-Za-z0-9._:\-]*"
        value={f.deviceId}
        onChange={set('deviceId')}
      />
      <ChoiceField
        label="devices.kind"
        name="device-kind"
        all={null}
        value={f.kind}
        onChange={set('kind')}
        options={DEVICE_KINDS.map(one => [one, term('device-kind', one)])}
      />
      <Input label="enrol.name" value={f.name} onChange={set('name')} />
      <Input label="device.via" value={f.via} onChange={set('via')} />
      <Input label="devices.area" value={f.area} onChange={set('area')} />
      <Input label="enrol.building" value={f.building} onChange={set('building')} />
      <Input label="enrol.floor" value={f.floor} onChange={set('floor')} />
      <Input label="enrol.room" value={f.room} onChange={set('room')} />
    </div>
  )
  return { body: deviceBody(f), fields }
}
