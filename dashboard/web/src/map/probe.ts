// Asks this browser what it would draw WebGL2 with.
import { asked, isSoftware, type Renderer } from './renderer.ts'

/** Asked once and given back: a probe must not keep one of the few contexts a browser allows. */
const probe = (): Renderer => {
  const context = document.createElement('canvas').getContext('webgl2')
  if (context === null) return 'canvas'
  const names = context.getExtension('WEBGL_debug_renderer_info')
  const name = String(context.getParameter(names?.UNMASKED_RENDERER_WEBGL ?? context.RENDERER))
  context.getExtension('WEBGL_lose_context')?.loseContext()
  return isSoftware(name) ? 'canvas' : 'webgl'
}

export const chooseRenderer = (search: string): Renderer => asked(search) ?? probe()
