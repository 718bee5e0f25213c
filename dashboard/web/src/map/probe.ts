// Asks this browser what it would draw WebGL2 with.
import { asked, isSoftware, type Renderer } from './renderer.ts'

/** Asked for and given back: a probe must not keep one of the few contexts a browser allows. null = there is no WebGL2. */
const rendererName = (): string | null => {
  const context = document.createElement('canvas').getContext('webgl2')
  if (context === null) return null
  const names = context.getExtension('WEBGL_debug_renderer_info')
  const name = String(context.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER))
  context.getExtension('WEBGL_lose_context')?.loseContext()
  return name
}
let asks: string | null | undefined
const known = (): string | null => (asks === undefined ? (asks = rendererName()) : asks)

/** Also where the CPU emulates it: enough for a picture that is drawn on demand. */
export const hasWebgl2 = (): boolean => known() !== null

export const chooseRenderer = (search: string): Renderer => {
  const wish = asked(search)
  if (wish !== null) return wish
  const name = known()
  return name === null || isSoftware(name) ? 'canvas' : 'webgl'
}
