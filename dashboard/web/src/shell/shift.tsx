// Start of shift: the three tones are played, the desk measures that it made them, and a person says that they were heard. Without
// that a desk is silent, and says so in its top bar.
import { useState } from 'preact/hooks'
import { clockTime } from '../format.ts'
import { t } from '../i18n.ts'
import type { Sound } from '../sound.ts'
import { Modal } from './modal.tsx'

type Stage = 'ready' | 'playing' | 'asking' | 'silent'

export const Shift = ({ sound, onClose }: { sound: Sound; onClose: () => void }) => {
  const [stage, setStage] = useState<Stage>('ready')
  const listen = async (): Promise<void> => {
    setStage('playing')
    await sound.demonstrate()
    setStage(sound.state.value === 'on' && sound.provedAtMs.value !== null ? 'asking' : 'silent')
  }
  const heard = (): void => {
    sound.shiftSinceMs.value = Date.now()
    onClose()
  }
  return (
    <Modal title={t('shift.title')} onClose={onClose}>
      <p>{t('shift.text')}</p>
      <p class={stage === 'silent' ? 'problem' : 'muted'} role="status" data-testid="shift-stage" data-stage={stage}>
        {stage === 'asking' ? t('shift.measured', { at: clockTime(sound.provedAtMs.value ?? Date.now()) }) : t(`shift.${stage}`)}
      </p>
      <p class="buttons">
        <button type="button" onClick={onClose}>
          {t('action.cancel')}
        </button>
        <button type="button" data-testid="shift-play" disabled={stage === 'playing'} onClick={() => void listen()}>
          {t(stage === 'ready' ? 'shift.play' : 'shift.again')}
        </button>
        <button type="button" class="primary" data-testid="shift-heard" disabled={stage !== 'asking'} onClick={heard}>
          {t('shift.heard')}
        </button>
      </p>
    </Modal>
  )
}
