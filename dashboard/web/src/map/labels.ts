// Short words on the map as DOM elements: how long a force still needs, how old what is shown is. Of two that would cover each other the
// later gives way. Bounded by forces.ts.
import { elapsed } from '../format.ts'
import { t } from '../i18n.ts'
import { covers, type LabelBox } from './label-box.ts'
import type { Label } from './forces.ts'
import type { Camera } from './view.ts'

/** clear of the ring of an incident that the force stands at */
const BESIDE_PX = 26

export type Labels = { set(labels: readonly Label[]): void; place(): void; destroy(): void }

const wordsOf = ({ name, ageMs, etaS, tone }: Label): string => {
  if (tone === 'old') return ageMs === undefined ? t('map.never', { name }) : t('map.age', { name, age: elapsed(ageMs) })
  return t(tone === 'late' ? 'map.late' : 'map.eta', { name, time: elapsed(Math.abs(etaS ?? 0) * 1000) })
}

export const createLabels = (host: HTMLElement, camera: Camera): Labels => {
  const layer = document.createElement('div')
  layer.className = 'map-labels'
  host.append(layer)
  let shown: readonly Label[] = []
  /** of each label, read once when its words change */
  const widths: number[] = []
  const place = (): void => {
    const taken: LabelBox[] = []
    for (const [at, { at: where }] of shown.entries()) {
      const element = layer.children[at]
      if (!(element instanceof HTMLElement)) continue
      const point = camera.project(...where)
      const box = { x: Math.round(point.x) + BESIDE_PX, y: Math.round(point.y) - 10, width: widths[at] ?? 0 }
      const isFree = taken.every(other => !covers(box, other))
      element.style.transform = `translate(${box.x}px, ${box.y}px)`
      element.style.visibility = isFree ? '' : 'hidden'
      if (isFree) taken.push(box)
    }
  }
  return {
    set(labels) {
      shown = labels
      const changed: number[] = []
      while (layer.children.length > labels.length) layer.lastElementChild?.remove()
      for (const [at, label] of labels.entries()) {
        const element = layer.children[at] ?? layer.appendChild(document.createElement('span'))
        const words = wordsOf(label)
        if (element.textContent !== words) {
          element.textContent = words
          changed.push(at)
        }
        if (element.className !== label.tone) element.className = label.tone
      }
      for (const at of changed) widths[at] = (layer.children[at] as HTMLElement).offsetWidth
      place()
    },
    place,
    destroy: () => layer.remove(),
  }
}
