// A CSV file of devices: read by the server, which says what it would register and every mistake by line and column; only a file without
// one is taken, whole. The credentials of all of them are then shown once.
import { useState } from 'preact/hooks'
import { why } from '../actions.ts'
import { count } from '../format.ts'
import { t, term } from '../i18n.ts'
import type { Store } from '../store.ts'
import { save } from './csv.ts'
import { secretOf, type Made } from './device-fields.tsx'
import { Table } from './list-parts.tsx'
import { ShownOnce, type Secret } from './once.tsx'

const SHOWN = 50
const WITHIN_MS = 120_000
/** the columns as docs/devices.md names them */
const EXAMPLE = 'deviceId,kind,name,area,building,floor,room,lat,lon,via\r\nsmk-0001,smoke,,,2,14,1405,,,\r\n'

type Preview = {
  rows: number
  problems: { line: number; column?: string; message: string }[]
  devices: { line: number; deviceId: string; kind: string; name?: string; via?: string }[]
}

const Look = ({ preview }: { preview: Preview }) => (
  <>
    <p class={preview.problems.length > 0 ? 'problem' : 'good'} data-testid="import-verdict" data-problems={preview.problems.length}>
      {t(preview.problems.length > 0 ? 'import.wrong' : 'import.right', {
        n: count(preview.rows),
        problems: count(preview.problems.length),
      })}
    </p>
    {preview.problems.length > 0 && (
      <Table label={t('import.problems')} heads={[t('import.line'), t('import.problem')]}>
        {preview.problems.slice(0, SHOWN).map((one, i) => (
          <tr key={i} data-testid="import-problem">
            <td>{count(one.line)}</td>
            <td>{one.message}</td>
          </tr>
        ))}
      </Table>
    )}
    {preview.devices.length > 0 && (
      <Table
        label={t('import.devices')}
        heads={[t('import.line'), t('devices.device'), t('devices.kind'), t('enrol.name'), t('device.via')]}
      >
        {preview.devices.slice(0, SHOWN).map(one => (
          <tr key={one.deviceId} data-testid="import-device">
            <td>{count(one.line)}</td>
            <td>{one.deviceId}</td>
            <td>{term('device-kind', one.kind)}</td>
            <td>{one.name ?? ''}</td>
            <td>{one.via ?? ''}</td>
          </tr>
        ))}
      </Table>
    )}
    {preview.rows > SHOWN && <p class="muted">{t('import.more', { n: count(preview.rows - Math.min(SHOWN, preview.devices.length)) })}</p>}
  </>
)

export const ImportDevices = ({ store }: { store: Store }) => {
  const [csv, setCsv] = useState<string | null>(null)
  const [preview, setPreview] = useState<Preview | null>(null)
  const [busy, setBusy] = useState(false)
  const [problem, setProblem] = useState('')
  const [secrets, setSecrets] = useState<Secret[]>([])
  const attempt = async (work: () => Promise<void>): Promise<void> => {
    setBusy(true)
    setProblem('')
    await work().catch((error: unknown) => setProblem(t('action.failed', { why: why(error) })))
    setBusy(false)
  }
  const look = (file: File | undefined): Promise<void> =>
    attempt(async () => {
      setPreview(null)
      if (file === undefined) return
      const text = await file.text()
      setCsv(text)
      setPreview(await store.api.post<Preview>('devices/import', { csv: text }, { withinMs: WITHIN_MS }))
    })
  const commit = (): Promise<void> =>
    attempt(async () => {
      const { devices } = await store.api.post<{ devices: Made[] }>('devices/import', { csv, commit: true }, { withinMs: WITHIN_MS })
      setSecrets(devices.map(secretOf))
      setPreview(null)
      setCsv(null)
    })
  return (
    <section aria-label={t('import.title')} data-testid="import">
      <h3>{t('import.title')}</h3>
      <p class="muted">{t('import.lead')}</p>
      <p class="acts">
        <label>
          {t('import.file')}{' '}
          <input
            type="file"
            accept=".csv,text/csv"
            data-testid="import-file"
            onChange={event => {
              const input = event.currentTarget
              void look(input.files?.[0]).finally(() => (input.value = ''))
            }}
          />
        </label>
        <button type="button" onClick={() => save('devices-example.csv', EXAMPLE)}>
          {t('import.example')}
        </button>
        <button
          type="button"
          class="primary"
          data-testid="import-commit"
          disabled={busy || preview === null || preview.problems.length > 0 || preview.rows === 0}
          onClick={() => void commit()}
        >
          {t('import.commit', { n: count(preview?.rows) })}
        </button>
        {busy && (
          <span role="status">
            <progress aria-label={t('import.title')} /> {t('import.busy')}
          </span>
        )}
      </p>
      {problem !== '' && (
        <p class="problem any" role="alert">
          {problem}
        </p>
      )}
      {preview !== null && <Look preview={preview} />}
      {secrets.length > 0 && (
        <ShownOnce title={t('enrol.credentials')} file="device-credentials" secrets={secrets} onClose={() => setSecrets([])} />
      )}
    </section>
  )
}
