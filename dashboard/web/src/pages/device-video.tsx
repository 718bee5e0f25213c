// Where a device's video lies, registered or forgotten. What was saved is not shown again: only the server needs to know it.
import { useState } from 'preact/hooks'
import { VIDEO_KINDS, type VideoKind } from '#contracts/video.ts'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'
import { FormDialog, Input } from './form-parts.tsx'
import { ChoiceField } from './list-parts.tsx'

type Props = { store: Store; path: string; has: boolean; onClose: () => void }

export const VideoForm = ({ store, path, has, onClose }: Props) => {
  const [kind, setKind] = useState<VideoKind>('mjpeg')
  const [f, setF] = useState({ url: '', username: '', password: '' })
  const [forgets, setForgets] = useState(false)
  const set = (name: keyof typeof f) => (value: string) => setF({ ...f, [name]: value })
  if (forgets)
    return (
      <FormDialog
        title={t('video.forget')}
        submit="video.forget"
        isGrave
        onClose={onClose}
        send={async () => {
          await store.api.delete(`${path}/video`)
          store.toast('good', t('video.forgotten'))
        }}
      >
        <p>{t('video.forget-ask')}</p>
      </FormDialog>
    )
  return (
    <FormDialog
      title={t('video.register')}
      submit="resources.save"
      onClose={onClose}
      send={async () => {
        const login = f.username === '' ? {} : { username: f.username, password: f.password }
        await store.api.put(`${path}/video`, { kind, url: f.url, ...login })
        store.toast('good', t('video.saved'))
      }}
    >
      <p class="muted">{t('video.lead')}</p>
      <div class="fields">
        <ChoiceField
          label="video.kind"
          name="video-kind"
          all={null}
          value={kind}
          onChange={value => setKind(value as VideoKind)}
          options={VIDEO_KINDS.map(one => [one, t(`video-kind.${one}`)])}
        />
        <Input label="video.url" name="video-url" required value={f.url} onChange={set('url')} />
        <Input label="video.username" name="video-username" value={f.username} onChange={set('username')} />
        <Input label="video.password" name="video-password" type="password" value={f.password} onChange={set('password')} />
      </div>
      {has && (
        <p>
          <button type="button" class="danger" data-testid="video-forget" onClick={() => setForgets(true)}>
            {t('video.forget')}
          </button>
        </p>
      )}
    </FormDialog>
  )
}
