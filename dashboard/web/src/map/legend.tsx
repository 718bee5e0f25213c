// What the signs mean, drawn by the same code that draws them on the map.
import { useEffect, useRef } from 'preact/hooks'
import { DEVICE_CONDITIONS } from '#contracts/device.ts'
import { t } from '../i18n.ts'
import { theme } from '../preferences.ts'
import type { Theme } from '../tokens.ts'
import { FORCE_BOX_PX, drawForceAtlas } from './force-glyphs.ts'
import { FORCE_SIGNS } from './forces.ts'
import { BOX_PX, drawAtlas } from './glyphs.ts'

const Drawn = ({ atlas, at, boxPx }: { atlas: (theme: Theme) => HTMLCanvasElement; at: number; boxPx: number }) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const shown = theme.value
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (context === null || context === undefined) return
    context.clearRect(0, 0, boxPx, boxPx)
    context.drawImage(atlas(shown), -at * boxPx, 0)
  }, [shown])
  return <canvas ref={canvas} width={boxPx} height={boxPx} aria-hidden="true" />
}

const FORCES = ['ready', 'degraded', 'busy', 'not-ready', 'unheard', 'drone', 'dock', 'camera'] as const

export const Legend = () => (
  <ul class="legend" aria-label={t('map.legend')}>
    {DEVICE_CONDITIONS.map((condition, at) => (
      <li key={condition}>
        <Drawn atlas={drawAtlas} at={at} boxPx={BOX_PX} />
        {t(`condition.${condition}`)}
      </li>
    ))}
    {FORCES.map(sign => (
      <li key={sign}>
        <Drawn atlas={drawForceAtlas} at={FORCE_SIGNS.indexOf(sign)} boxPx={FORCE_BOX_PX} />
        {t(`sign.${sign}`)}
      </li>
    ))}
  </ul>
)
