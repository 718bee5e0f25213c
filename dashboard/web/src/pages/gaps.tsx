// Devices whose messages never came, by name, with the missing numbers and when each hole was noticed.
import type { AccountingReport, DeviceGaps } from '#contracts/accounting.ts'
import { UNKNOWN, count, dayTime } from '../format.ts'
import { t } from '../i18n.ts'
import { rangesInWords } from './account-terms.ts'

const DeviceRow = ({ device, nowMs }: { device: DeviceGaps; nowMs: number }) => {
  const { words, more } = rangesInWords(device.ranges)
  const last = device.ranges.at(-1)?.at
  return (
    <tr data-testid="gap-row" data-device-id={device.deviceId}>
      <td>
        <b>{device.name ?? device.deviceId}</b>
        {device.name !== undefined && <span class="muted code">{device.deviceId}</span>}
      </td>
      <td class="number">{count(device.missing)}</td>
      <td>
        <span class="where">{words}</span>
        {more > 0 && <span class="muted"> {t('gaps.more-ranges', { n: count(more) })}</span>}
        {device.forgotten > 0 && <span class="muted"> {t('gaps.forgotten', { n: count(device.forgotten) })}</span>}
      </td>
      <td>{last === undefined ? UNKNOWN : <time dateTime={last}>{dayTime(last, nowMs)}</time>}</td>
    </tr>
  )
}

export const Gaps = ({ gaps, nowMs }: { gaps: AccountingReport['gaps']; nowMs: number }) => {
  if (gaps.missing === 0) return <p class="calm">{t('gaps.none')}</p>
  return (
    <>
      <p>{t('gaps.sum', { n: count(gaps.missing), devices: count(gaps.devices) })}</p>
      <table class="list">
        <thead>
          <tr>
            <th>{t('gaps.device')}</th>
            <th class="number">{t('gaps.missing')}</th>
            <th>{t('gaps.numbers')}</th>
            <th>{t('gaps.noticed')}</th>
          </tr>
        </thead>
        <tbody>
          {gaps.top.map(device => (
            <DeviceRow key={device.deviceId} device={device} nowMs={nowMs} />
          ))}
        </tbody>
      </table>
      {gaps.devices > gaps.top.length && <p class="muted">{t('quarantine.more', { n: count(gaps.devices - gaps.top.length) })}</p>}
    </>
  )
}
