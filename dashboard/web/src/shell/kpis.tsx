// Six numbers, each as old as the last heartbeat and stamped when that is too long ago. Unknown is a dash, never a zero.
import type { Kpis } from '#contracts/live.ts'
import { UNKNOWN, clockTime, count, seconds } from '../format.ts'
import { t } from '../i18n.ts'
import { needsAnswer } from '../live/reduce.ts'
import { FLOOD_ABOVE, type Store } from '../store.ts'

const Kpi = (o: { name: string; value: string; label: string; hint?: string; loud?: boolean }) => (
  <div class="kpi" title={o.hint ?? ''}>
    <dt>{o.label}</dt>
    <dd data-testid={`kpi-${o.name}`} class={o.loud === true ? 'loud' : ''}>
      {o.value}
    </dd>
  </div>
)

const devicesHint = (kpis: Kpis | null): string =>
  kpis === null ? t('kpi.not-known') : t('kpi.devices-hint', { stale: count(kpis.devicesStale), unknown: count(kpis.devicesUnknown) })

const online = (kpis: Kpis | null): string =>
  kpis === null || kpis.devicesTotal === 0 ? UNKNOWN : `${count(kpis.devicesOnline)} / ${count(kpis.devicesTotal)}`

export const KpiBar = ({ store }: { store: Store }) => {
  const asOf = store.asOf()
  const past = store.past.value
  const kpis = past === null ? store.kpis.value : null
  const old = store.phase.value === 'lost' && asOf !== null
  const waiting = past === null ? kpis?.unacknowledged : [...past.incidents.values()].filter(needsAnswer).length
  const open = past === null ? kpis?.openIncidents : past.incidents.size
  return (
    <div class={old ? 'kpis old' : 'kpis'}>
      {old && (
        <span class="stamp" data-testid="kpi-stamp">
          {t('stamp.as-of', { at: clockTime(asOf) })}
        </span>
      )}
      {past !== null && (
        <span class="stamp past" data-testid="kpi-past">
          {t('travel.stamp', { at: clockTime(past.atMs) })}
        </span>
      )}
      <dl>
        <Kpi name="unacknowledged" label={t('kpi.unacknowledged')} value={count(waiting)} loud={(waiting ?? 0) > 0} />
        <Kpi
          name="alarms-in-10-min"
          label={t('kpi.alarms-in-10-min')}
          value={count(kpis?.alarmsIn10Min)}
          loud={(kpis?.alarmsIn10Min ?? 0) > FLOOD_ABOVE}
        />
        <Kpi name="mtta-p50" label={t('kpi.mtta-p50')} value={seconds(kpis?.mttaP50S)} hint={t('kpi.mtta-hint')} />
        <Kpi name="mtta-p90" label={t('kpi.mtta-p90')} value={seconds(kpis?.mttaP90S)} hint={t('kpi.mtta-hint')} />
        <Kpi name="open-incidents" label={t('kpi.open-incidents')} value={count(open)} />
        <Kpi name="devices-online" label={t('kpi.devices-online')} value={online(kpis)} hint={devicesHint(kpis)} />
      </dl>
    </div>
  )
}
