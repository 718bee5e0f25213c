// What is written into the building's picture: the hatching of rooms that say nothing, and words as sprites that always face the officer.
import { CanvasTexture, RepeatWrapping, Sprite, SpriteMaterial, SRGBColorSpace } from 'three'

export const hatching = (): CanvasTexture => {
  const canvas = document.createElement('canvas')
  canvas.width = 32
  canvas.height = 32
  const c = canvas.getContext('2d')
  if (c !== null) {
    c.fillStyle = '#4a4a4a'
    c.fillRect(0, 0, 32, 32)
    c.strokeStyle = '#fff'
    c.lineWidth = 7
    for (let x = -32; x <= 32; x += 16) {
      c.beginPath()
      c.moveTo(x, 36)
      c.lineTo(x + 40, -4)
      c.stroke()
    }
  }
  const texture = new CanvasTexture(canvas)
  texture.wrapS = RepeatWrapping
  texture.wrapT = RepeatWrapping
  texture.repeat.set(2, 2)
  texture.colorSpace = SRGBColorSpace
  return texture
}

const TEXT_PX = 44
export const label = (text: string, colour: string, ground: string | null, height: number): Sprite => {
  const canvas = document.createElement('canvas')
  const font = `600 ${TEXT_PX}px system-ui, sans-serif`
  const measure = canvas.getContext('2d')
  if (measure !== null) measure.font = font
  canvas.width = Math.ceil((measure?.measureText(text).width ?? 60) + 24)
  canvas.height = TEXT_PX + 20
  const c = canvas.getContext('2d')
  if (c !== null) {
    if (ground !== null) {
      c.fillStyle = ground
      c.beginPath()
      c.roundRect(0, 0, canvas.width, canvas.height, 10)
      c.fill()
    }
    c.font = font
    c.fillStyle = colour
    c.textAlign = 'center'
    c.textBaseline = 'middle'
    c.fillText(text, canvas.width / 2, canvas.height / 2 + 2)
  }
  const texture = new CanvasTexture(canvas)
  texture.colorSpace = SRGBColorSpace
  const sprite = new Sprite(new SpriteMaterial({ map: texture, depthTest: false, transparent: true }))
  sprite.scale.set((height * canvas.width) / canvas.height, height, 1)
  sprite.renderOrder = 10
  return sprite
}
