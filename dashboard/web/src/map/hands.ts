// The pointer on the flat map: drag to move, wheel to zoom, click and hover to pick.
import type { Mercator } from './mercator.ts'

export type HandsOptions = {
  canvas: HTMLCanvasElement
  mercator: Mercator
  /** the camera moved by hand */
  moved: () => void
  settled: () => void
  hovered: (x: number, y: number) => void
  left: () => void
  clicked: (x: number, y: number) => void
}

/** A pointer that moved less than this between down and up has clicked. */
const CLICK_PX = 4
/** Wheel travel for one zoom level. */
const WHEEL_PER_ZOOM = 300

export const followHands = ({ canvas, mercator, ...o }: HandsOptions): void => {
  let drag: { x: number; y: number; moved: boolean } | null = null

  const dragTo = (event: PointerEvent, from: { x: number; y: number; moved: boolean }): void => {
    const [dx, dy] = [event.clientX - from.x, event.clientY - from.y]
    if (!from.moved && Math.hypot(dx, dy) < CLICK_PX) return
    drag = { x: event.clientX, y: event.clientY, moved: true }
    mercator.panBy(-dx, -dy)
    o.moved()
  }
  canvas.addEventListener('pointerdown', event => {
    drag = { x: event.clientX, y: event.clientY, moved: false }
    canvas.setPointerCapture(event.pointerId)
  })
  canvas.addEventListener('pointermove', event => {
    if (drag === null) o.hovered(event.offsetX, event.offsetY)
    else dragTo(event, drag)
  })
  canvas.addEventListener('pointerup', event => {
    const clicked = drag?.moved === false
    drag = null
    if (clicked) o.clicked(event.offsetX, event.offsetY)
    else o.settled()
  })
  canvas.addEventListener('pointercancel', () => {
    drag = null
  })
  canvas.addEventListener('pointerleave', () => o.left())
  canvas.addEventListener(
    'wheel',
    event => {
      event.preventDefault()
      mercator.zoomAt(event.offsetX, event.offsetY, -event.deltaY / WHEEL_PER_ZOOM)
      o.moved()
      o.settled()
    },
    { passive: false },
  )
}
