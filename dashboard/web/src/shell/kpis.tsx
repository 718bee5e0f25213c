// Six numbers, each as old as the last heartbeat and stamped when that is too long ago. Unknown is a dash, never a zero.
import type { Kpis } from '#contracts/live.ts'
import { UNKNOWN, clockTime, count, seconds } from '../format.ts'
import { t } from '../i18n.ts'
import type { Store } from '../store.ts'

/** ISA-18.2 / EEMUA 191: more than ten alarms in ten minutes are a flood for one operator. */
export const FLOOD_ABOVE = 10

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
  const { kpis, asOf } = store.desk.value
  const old = store.phase.value === 'lost' && asOf !== null
  return (
    <div class={old ? 'kpis old' : 'kpis'}>
      {old && (
        <span class="stamp" data-testid="kpi-stamp">
          {t('stamp.as-of', { at: clockTime(asOf) })}
        </span>
      )}
      <dl>
        <Kpi
          name="unacknowledged"
          label={t('kpi.unacknowledged')}
          value={count(kpis?.unacknowledged)}
          loud={(kpis?.unacknowledged ?? 0) > 0}
        />
        <Kpi
          name="alarms-in-10-min"
          label={t('kpi.alarms-in-10-min')}
          value={count(kpis?.alarmsIn10Min)}
          loud={(kpis?.alarmsIn10Min ?? 0) > FLOOD_ABOVE}
        />
        <Kpi name="mtta-p50" label={t('kpi.mtta-p50')} value={seconds(kpis?.mttaP50S)} hint={t('kpi.mtta-hint')} />
        <Kpi name="mtta-p90" label={t('kpi.mtta-p90')} value={seconds(kpis?.mttaP90S)} hint={t('kpi.mtta-hint')} />
        <Kpi name="open-incidents" label={t('kpi.open-incidents')} value={count(kpis?.openIncidents)} />
        <Kpi name="devices-online" label={t('kpi.devices-online')} value={online(kpis)} hint={devicesHint(kpis)} />
      </dl>
    </div>
  )
}
