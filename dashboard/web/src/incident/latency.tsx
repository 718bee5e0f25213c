// How fast the alarm came: one bar a stage, from the sensor to the person who took it.
import { dayTime, latency } from '../format.ts'
import { t } from '../i18n.ts'
import type { DetailView } from './detail.ts'
import { barPct, ownLatencyMs, stepsOf } from './waterfall.ts'

export const Latency = ({ view }: { view: DetailView }) => {
  const alarm = view.alarm.value
  const steps = alarm === null ? [] : stepsOf(alarm.waterfall)
  if (alarm === null || steps.length === 0) return null
  const own = ownLatencyMs(alarm.waterfall)
  return (
    <section data-testid="waterfall">
      <h3>
        {t('waterfall.title')} {own !== null && <span class="muted">{t('waterfall.own', { took: latency(own) })}</span>}
      </h3>
      <ol class="waterfall">
        {steps.map(step => (
          <li key={step.stage}>
            <span>{t(`stage.${step.stage}`)}</span>
            <span class="bar">{step.tookMs !== null && <i style={{ width: `${barPct(step.tookMs)}%` }} />}</span>
            <span class="number">{step.tookMs === null ? dayTime(step.atMs, step.atMs) : `+${latency(step.tookMs)}`}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}
