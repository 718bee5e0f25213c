// A level as shape, numeral and colour together: colour alone never carries it (WCAG 1.4.1, IMO A.1021 5.5).
import type { Severity } from '#contracts/alarm.ts'
import { t } from '../i18n.ts'

export const NUMERALS: Record<Severity, string> = { 1: 'I', 2: 'II', 3: 'III', 4: 'IV' }
/** In a 32 x 32 box: octagon, diamond, triangle, disc. */
export const SHAPES: Record<Severity, string> = {
  1: 'M10 1h12l9 9v12l-9 9H10l-9-9V10z',
  2: 'M16 0l16 16-16 16L0 16z',
  3: 'M16 1l16 29H0z',
  4: 'M16 1a15 15 0 1 0 0 30a15 15 0 1 0 0-30z',
}

export const Level = ({ severity, flashing }: { severity: Severity; flashing: boolean }) => (
  <svg
    class={flashing ? `level severity-${severity} flashing` : `level severity-${severity}`}
    viewBox="0 0 32 32"
    role="img"
    aria-label={t('level.name', { n: NUMERALS[severity] })}
  >
    <path d={SHAPES[severity]} />
    <text x="16" y={severity === 3 ? 26 : 21} text-anchor="middle">
      {NUMERALS[severity]}
    </text>
  </svg>
)
