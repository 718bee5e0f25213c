// The list of keys.
import { t } from '../i18n.ts'
import { Modal } from '../shell/modal.tsx'

const KEYS = [
  ['J / ↓', 'help.next'],
  ['K / ↑', 'help.previous'],
  ['A', 'help.acknowledge'],
  ['D', 'help.dispatch'],
  ['E', 'help.escalate'],
  ['S', 'help.shelve'],
  ['F', 'help.false-alarm'],
  ['N', 'help.note'],
  ['M', 'help.mute'],
  ['/', 'help.filter'],
  ['L', 'help.live'],
  ['?', 'help.help'],
] as const

export const Help = ({ onClose }: { onClose: () => void }) => (
  <Modal title={t('help.title')} onClose={onClose}>
    <dl class="keys">
      {KEYS.map(([key, text]) => (
        <div key={key}>
          <dt>
            <kbd>{key}</kbd>
          </dt>
          <dd>{t(text)}</dd>
        </div>
      ))}
    </dl>
    <form method="dialog" class="buttons">
      <button type="submit" class="primary">
        {t('action.done')}
      </button>
    </form>
  </Modal>
)
