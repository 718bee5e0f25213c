// A device's condition, silence and battery as they stand in lists and on its page: colour never alone, an unknown never as good news.
import type { Device, DeviceCondition } from '#contracts/device.ts'
import { amount, elapsed } from '../format.ts'
import { t, term } from '../i18n.ts'
import { batteryOf, silenceOf } from './device-terms.ts'

const MARKS: Record<DeviceCondition, string> = {
  alarm: '⬢',
  'pre-alarm': '◆',
  fault: '▲',
  offline: '✕',
  stale: '◌',
  unknown: '?',
  normal: '·',
}

export const ConditionWord = ({ condition }: { condition: DeviceCondition }) => (
  <b class={`condition of-${condition}`}>
    <span aria-hidden="true">{MARKS[condition]}</span> {term('condition', condition)}
  </b>
)

export const silenceWords = (device: Device, nowMs: number): string => {
  const { silentMs } = silenceOf(device, nowMs)
  return silentMs === null ? t('device.never-heard') : t('device.heard', { age: elapsed(silentMs) })
}

export const BatteryWord = ({ device }: { device: Device }) => {
  const state = batteryOf(device)
  const pct = device.batteryPct === undefined ? '' : `${amount(device.batteryPct)} %`
  if (state === 'unknown') return <span class="muted">{t('devices.battery-not-told')}</span>
  return (
    <span class={state === 'low' ? 'battery low' : 'battery'}>
      {state === 'low' && (
        <>
          <span aria-hidden="true">▽</span> {t('devices.battery-low')}{' '}
        </>
      )}
      {pct}
    </span>
  )
}
