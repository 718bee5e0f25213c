// Incidents on the map as DOM elements that follow the camera: they flash (as flash.ts says) only while unacknowledged, and the
// selected one outside the view leaves an arrow at the edge instead of dragging the map along.
import type { Incident } from '#contracts/incident.ts'
import { say, t } from '../i18n.ts'
import { needsAnswer } from '../live/reduce.ts'
import { compare, flashes } from '../queue/order.ts'
import { NUMERALS, SHAPES } from '../shell/level.tsx'
import type { Camera } from './view.ts'

/** Markers at once; what must be answered comes first, the queue shows all. */
const MARKERS_MAX = 300
const EDGE_PX = 26
const SVG = 'http://www.w3.org/2000/svg'

export type Markers = {
  set(list: readonly Incident[], selectedId: string | null): void
  /** the camera moved */
  place(): void
  destroy(): void
}

const shape = (incident: Incident): SVGSVGElement => {
  const svg = document.createElementNS(SVG, 'svg')
  svg.setAttribute('viewBox', '-2 -2 36 36')
  const path = document.createElementNS(SVG, 'path')
  path.setAttribute('d', SHAPES[incident.severity])
  const text = document.createElementNS(SVG, 'text')
  text.setAttribute('x', '16')
  text.setAttribute('y', incident.severity === 3 ? '26' : '21')
  text.setAttribute('text-anchor', 'middle')
  text.textContent = NUMERALS[incident.severity]
  svg.append(path, text)
  return svg
}

export const createMarkers = (o: {
  host: HTMLElement
  camera: Camera
  onIncident: (id: string) => void
  /** the officer asked to be taken there */
  goTo: (lon: number, lat: number) => void
  /** what takes the wheel: a marker must not stand in its way */
  surface: () => HTMLElement
}): Markers => {
  const { host, camera, onIncident, goTo } = o
  const layer = document.createElement('div')
  layer.className = 'markers'
  host.append(layer)
  // all that flash as one: each by itself is most of the page's work in a flood
  const asking = document.createElement('div')
  asking.className = 'asking'
  layer.append(asking)
  const arrow = document.createElement('button')
  arrow.type = 'button'
  arrow.className = 'edge-arrow'
  arrow.tabIndex = -1
  arrow.hidden = true
  arrow.textContent = '➤'
  layer.append(arrow)
  layer.addEventListener(
    'wheel',
    event => {
      event.preventDefault()
      o.surface().dispatchEvent(new WheelEvent('wheel', event))
    },
    { passive: false },
  )
  const elements = new Map<string, { incident: Incident; element: HTMLButtonElement; drawnAs: string; at: string }>()
  let selected: Incident | undefined

  const dress = (incident: Incident, selectedId: string | null): void => {
    let one = elements.get(incident.id)
    if (one === undefined) {
      const element = document.createElement('button')
      element.type = 'button'
      element.tabIndex = -1
      element.dataset['markerId'] = incident.id
      element.addEventListener('click', event => {
        event.stopPropagation()
        onIncident(incident.id)
      })
      one = { incident, element, drawnAs: '', at: '' }
      elements.set(incident.id, one)
    }
    one.incident = incident
    const asks = needsAnswer(incident)
    const drawnAs = `marker severity-${incident.severity}${asks ? ' asks' : ''}${flashes(incident) ? ' flashing' : ''}${incident.id === selectedId ? ' selected' : ''}`
    if (one.drawnAs === drawnAs) return
    one.drawnAs = drawnAs
    one.element.className = drawnAs
    // the selected one flashes by itself: what is around it must not
    const home = flashes(incident) && incident.id !== selectedId ? asking : layer
    if (one.element.parentElement !== home) home.append(one.element)
    // The graver lies on top, and what waits for an answer on top of what does not.
    one.element.style.zIndex = String((asks ? 10 : 0) + 5 - incident.severity)
    one.element.replaceChildren(shape(incident))
    one.element.setAttribute('aria-label', `${t('level.name', { n: NUMERALS[incident.severity] })} ${say(incident.title)}`)
  }

  const placeArrow = (): void => {
    const position = selected?.position
    const [width, height] = [camera.width(), camera.height()]
    if (position === undefined) {
      arrow.hidden = true
      return
    }
    const { x, y } = camera.project(position.lon, position.lat)
    arrow.hidden = x >= 0 && y >= 0 && x <= width && y <= height
    if (arrow.hidden) return
    const [cx, cy] = [width / 2, height / 2]
    const angle = Math.atan2(y - cy, x - cx)
    const reach = Math.min((cx - EDGE_PX) / Math.abs(Math.cos(angle) || 1e-9), (cy - EDGE_PX) / Math.abs(Math.sin(angle) || 1e-9))
    arrow.style.transform = `translate(${cx + Math.cos(angle) * reach}px, ${cy + Math.sin(angle) * reach}px) rotate(${angle}rad)`
    arrow.setAttribute('aria-label', t('map.selected-outside'))
  }
  arrow.addEventListener('click', event => {
    event.stopPropagation()
    if (selected?.position !== undefined) goTo(selected.position.lon, selected.position.lat)
  })

  const place = (): void => {
    for (const one of elements.values()) {
      const position = one.incident.position
      if (position === undefined) continue
      const { x, y } = camera.project(position.lon, position.lat)
      const at = `translate(${Math.round(x)}px, ${Math.round(y)}px)`
      if (at !== one.at) one.element.style.transform = at
      one.at = at
    }
    placeArrow()
  }

  return {
    set(list, selectedId) {
      const shown = list
        .filter(incident => incident.position !== undefined)
        .sort(compare)
        .slice(0, MARKERS_MAX)
      const ids = new Set(shown.map(incident => incident.id))
      for (const [id, { element }] of elements) {
        if (ids.has(id)) continue
        element.remove()
        elements.delete(id)
      }
      for (const incident of shown) dress(incident, selectedId)
      selected = list.find(incident => incident.id === selectedId)
      place()
    },
    place,
    destroy: () => layer.remove(),
  }
}
