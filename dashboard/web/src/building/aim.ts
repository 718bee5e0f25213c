// Where the camera stands: near enough that the whole building, and the floor pulled out of it, just fit into the picture.
import { Vector3, type PerspectiveCamera } from 'three'
import type { Scene } from './scene.ts'

export type Aim = { azimuthDeg: number; tiltDeg: number; /** 1 = the building fills the picture */ zoom: number }

export const HOME: Aim = { azimuthDeg: 52, tiltDeg: 24, zoom: 1 }
export const FOV_DEG = 26
const MARGIN = 1.06
/** rooms of a floor that stands out, and their names above them */
const OUT_HEIGHT = 2

/** Corners of what is to be seen: the building, and the floor that stands out of it. */
const cornersOf = ({ slabs, width, depth, height, outBy }: Scene): Vector3[] => {
  const corners: Vector3[] = []
  const box = (x: number, low: number, high: number): void => {
    for (const side of [-width / 2, width / 2])
      for (const y of [low, high]) for (const z of [-depth / 2, depth / 2]) corners.push(new Vector3(x + side, y, z))
  }
  box(0, 0, height)
  for (const { isAlarm, y } of slabs) if (isAlarm) box(outBy, y, y + OUT_HEIGHT)
  return corners
}

export const place = (camera: PerspectiveCamera, scene: Scene, aim: Aim): void => {
  const [azimuth, tilt] = [(aim.azimuthDeg * Math.PI) / 180, (aim.tiltDeg * Math.PI) / 180]
  const towards = new Vector3(Math.cos(tilt) * Math.cos(azimuth), Math.sin(tilt), Math.cos(tilt) * Math.sin(azimuth))
  const right = new Vector3(Math.sin(azimuth), 0, -Math.cos(azimuth))
  const up = new Vector3().crossVectors(towards, right)
  const corners = cornersOf(scene)
  const middle = (along: Vector3): number => {
    const reach = corners.map(corner => corner.dot(along))
    return (Math.min(...reach) + Math.max(...reach)) / 2
  }
  const centre = new Vector3()
  for (const along of [right, up, towards]) centre.addScaledVector(along, middle(along))
  const high = Math.tan(((FOV_DEG / 2) * Math.PI) / 180)
  const fits = corners.map(corner => {
    const from = corner.clone().sub(centre)
    return Math.max(Math.abs(from.dot(up)) / high, Math.abs(from.dot(right)) / (high * camera.aspect)) + from.dot(towards)
  })
  const distance = Math.max(...fits) * MARGIN * aim.zoom
  camera.position.copy(centre).addScaledVector(towards, distance)
  camera.far = distance * 3
  camera.updateProjectionMatrix()
  camera.lookAt(centre)
}
