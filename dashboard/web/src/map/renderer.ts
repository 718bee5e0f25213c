// Which renderer this computer gets: WebGL2 on a GPU, the flat map without one. WebGL emulated on the CPU counts as none: with 20,000
// devices it draws under ten frames a second where the flat map draws sixty. `?map=webgl` or `?map=canvas` overrides.

export type Renderer = 'webgl' | 'canvas'

const SOFTWARE = /swiftshader|llvmpipe|softpipe|software|basic render/i

export const isSoftware = (rendererName: string): boolean => SOFTWARE.test(rendererName)

export const asked = (search: string): Renderer | null => {
  const wish = new URLSearchParams(search).get('map')
  return wish === 'webgl' || wish === 'canvas' ? wish : null
}
