// One entry of quarantine, whole: what was wrong, who sent it, what could not read it, its bytes; corrected and sent again, or put away.
import { useEffect, useState } from 'preact/hooks'
import type { QuarantineEntry } from '#contracts/quarantine.ts'
import { why } from '../actions.ts'
import { byteCount, count, dayTime, UNKNOWN } from '../format.ts'
import { t, term, type Key } from '../i18n.ts'
import { Modal } from '../shell/modal.tsx'
import type { Store } from '../store.ts'
import { bytesOf, hexOf, textOf } from './bytes.ts'

export type EntryProps = { store: Store; id: string; onClose: () => void; onChanged: () => void }
type Shown = QuarantineEntry & { isWhole?: boolean }

const Facts = ({ entry, nowMs }: { entry: Shown; nowMs: number }) => {
  const facts: [Key, string | undefined][] = [
    ['quarantine.why', [entry.reason, entry.where].filter(Boolean).join(' ')],
    ['quarantine.topic', entry.topic],
    ['quarantine.identity', entry.identity],
    ['quarantine.received', dayTime(entry.firstAt, nowMs)],
    ['quarantine.decoder', entry.decoder],
    ['quarantine.redrive-of', entry.redriveOf],
    [
      'quarantine.size',
      `${byteCount(entry.bytes)}${entry.seq === undefined ? '' : ` · ${t('quarantine.message', { n: count(entry.seq) })}`}`,
    ],
    ['quarantine.disposition', term('disposition', entry.disposition)],
    ['quarantine.settled', entry.settledAt && `${dayTime(entry.settledAt, nowMs)} · ${entry.settledBy ?? UNKNOWN}`],
  ]
  return (
    <dl class="facts-list">
      {facts
        .filter(([, value]) => value !== undefined && value !== '')
        .map(([key, value]) => (
          <>
            <dt key={key}>{t(key)}</dt>
            <dd class="any">{value}</dd>
          </>
        ))}
    </dl>
  )
}

type Act = (path: string, body: object, done: Key) => Promise<void>

/** The kept bytes as they are, or corrected: only what was changed is sent. */
const Again = ({ entry, text, act, onClose }: { entry: Shown; text: string | undefined; act: Act; onClose: () => void }) => {
  const [payload, setPayload] = useState(text ?? '')
  const [topic, setTopic] = useState(entry.topic ?? '')
  const isEdited = (text !== undefined && payload !== text) || topic !== entry.topic
  const force = entry.disposition !== 'held'
  const canSend = entry.isWhole === true || (payload !== '' && isEdited)
  const send = (event: Event): void => {
    event.preventDefault()
    const changed = { ...(text !== undefined && payload !== text && { payload }), ...(topic !== entry.topic && { topic }) }
    void act('redrive', { ...changed, ...(force && { force }) }, 'quarantine.redriven')
  }
  return (
    <form onSubmit={send}>
      {text !== undefined && (
        <label>
          {t('quarantine.payload')}
          <textarea class="bytes" data-testid="payload" rows={6} value={payload} onInput={event => setPayload(event.currentTarget.value)} />
        </label>
      )}
      <label>
        {t('quarantine.topic')}
        <input data-testid="topic" value={topic} onInput={event => setTopic(event.currentTarget.value)} />
      </label>
      {!canSend && <p class="muted">{t('quarantine.no-bytes')}</p>}
      <p class="buttons">
        <button type="button" onClick={onClose}>
          {t('action.cancel')}
        </button>
        {entry.disposition !== 'discarded' && (
          <button type="button" class="danger" data-testid="discard" onClick={() => void act('discard', {}, 'quarantine.discarded')}>
            {t('quarantine.discard')}
          </button>
        )}
        <button type="submit" class="primary" data-testid="dialog-submit" disabled={!canSend}>
          {t(isEdited ? 'quarantine.redrive-edited' : force ? 'quarantine.redrive-again' : 'quarantine.redrive')}
        </button>
      </p>
    </form>
  )
}

export const EntryDialog = ({ store, id, onClose, onChanged }: EntryProps) => {
  const [entry, setEntry] = useState<Shown | null>(null)
  const [problem, setProblem] = useState('')
  const path = `quarantine/${encodeURIComponent(id)}`
  useEffect(() => {
    store.api.get<Shown>(path).then(setEntry, (error: unknown) => setProblem(why(error)))
  }, [id])
  const act: Act = async (verb, body, done) => {
    try {
      await store.api.post(`${path}/${verb}`, body)
      store.toast('good', t(done))
      onChanged()
      onClose()
    } catch (error) {
      setProblem(t('action.failed', { why: why(error) }))
    }
  }
  const bytes = entry?.payloadBase64 === undefined ? undefined : bytesOf(entry.payloadBase64)
  const isCut = entry !== null && bytes !== undefined && bytes.length < entry.bytes
  const text = bytes === undefined || isCut ? undefined : textOf(bytes)
  const maySend = entry !== null && entry.source !== 'door' && store.may('quarantine:write')
  return (
    <Modal title={entry === null ? id : `${term('code', entry.code)} · ${id}`} onClose={onClose}>
      <div class="entry" data-testid="quarantine-entry">
        {problem !== '' && <p class="problem">{problem}</p>}
        {entry !== null && <Facts entry={entry} nowMs={store.now.value} />}
        {bytes !== undefined && (
          <details open={text === undefined}>
            <summary>{t('quarantine.hex')}</summary>
            <pre class="bytes" data-testid="hex">
              {hexOf(bytes)}
            </pre>
          </details>
        )}
        {isCut && entry?.isWhole !== true && <p class="muted">{t('quarantine.cut')}</p>}
        {entry?.isWhole === true && (
          <a href={`/api/v1/${path}/payload`} download>
            {t('quarantine.download')}
          </a>
        )}
        {maySend && <Again key={entry.id} entry={entry} text={text} act={act} onClose={onClose} />}
      </div>
    </Modal>
  )
}
