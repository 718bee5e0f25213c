// What the signs mean, drawn by the same code that draws them on the map.
import { useEffect, useRef } from 'preact/hooks'
import { DEVICE_CONDITIONS, type DeviceCondition } from '#contracts/device.ts'
import { t } from '../i18n.ts'
import { theme } from '../preferences.ts'
import { BOX_PX, drawAtlas } from './glyphs.ts'

const Sign = ({ condition }: { condition: DeviceCondition }) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const shown = theme.value
  useEffect(() => {
    const context = canvas.current?.getContext('2d')
    if (context === null || context === undefined) return
    context.clearRect(0, 0, BOX_PX, BOX_PX)
    context.drawImage(drawAtlas(shown), -DEVICE_CONDITIONS.indexOf(condition) * BOX_PX, 0)
  }, [shown])
  return <canvas ref={canvas} width={BOX_PX} height={BOX_PX} aria-hidden="true" />
}

export const Legend = () => (
  <ul class="legend" aria-label={t('map.legend')}>
    {DEVICE_CONDITIONS.map(condition => (
      <li key={condition}>
        <Sign condition={condition} />
        {t(`condition.${condition}`)}
      </li>
    ))}
    <li>
      <i class="station-sign" aria-hidden="true" />
      {t('map.station')}
    </li>
  </ul>
)
