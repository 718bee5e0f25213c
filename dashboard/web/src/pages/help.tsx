// The list of keys.
import { Modal } from '../incident/commands.tsx'
import { t } from '../i18n.ts'

const KEYS = [
  ['J / ↓', 'help.next'],
  ['K / ↑', 'help.previous'],
  ['A', 'help.acknowledge'],
  ['N', 'help.note'],
  ['E', 'help.escalate'],
  ['M', 'help.mute'],
  ['/', 'help.filter'],
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
