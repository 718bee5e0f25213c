// Draws a building with three.js, on demand: a frame when the data, the camera or the size changes, none otherwise. Every room is one
// instance of one box; the hatching of silent ones is a texture. Frees all of it when it is taken down.
import {
  AmbientLight,
  BoxGeometry,
  Color,
  DirectionalLight,
  EdgesGeometry,
  Group,
  InstancedMesh,
  LineBasicMaterial,
  LineSegments,
  Matrix4,
  MeshLambertMaterial,
  PerspectiveCamera,
  Raycaster,
  Scene as World,
  Sprite,
  Vector2,
  WebGLRenderer,
} from 'three'
import type { DeviceCondition } from '#contracts/device.ts'
import { THEMES, type Theme } from '../tokens.ts'
import { FOV_DEG, HOME, place } from './aim.ts'
import { clearOf } from './clear.ts'
import { hatching, label } from './signs.ts'
import { ROOM_DEPTH, ROOM_WIDTH, type RoomBox, type Scene, type Slab } from './scene.ts'

export type Building = {
  show(scene: Scene): void
  turn(degrees: number): void
  zoom(by: number): void
  home(): void
  destroy(): void
}
export type BuildingOptions = {
  host: HTMLElement
  theme: Theme
  reducedMotion: boolean
  floorName: (floor: string) => string
  onRoom: (room: RoomBox) => void
  /** the graphics context is gone: the table shows the same */
  onLost: () => void
}

const PULL_MS = 350
const CLICK_PX = 4
const PIXEL_RATIO_MAX = 2

const colourOf = (c: (typeof THEMES)[Theme], condition: DeviceCondition): string =>
  ({
    alarm: c.level1,
    'pre-alarm': c.level2,
    fault: c.level3,
    offline: c.level4,
    stale: c.deviceSilent,
    unknown: c.deviceSilent,
    normal: c.deviceNormal,
  })[condition]

type Freed = { geometry?: { dispose(): void }; material?: { map?: { dispose(): void } | null; dispose(): void } }
const free = (group: Group): void => {
  group.traverse(object => {
    const { geometry, material } = object as Freed
    geometry?.dispose()
    if (object instanceof Sprite) material?.map?.dispose()
    material?.dispose()
  })
  group.clear()
}

/** @throws Error where there is no WebGL2 */
export const openBuilding = (o: BuildingOptions): Building => {
  const colours = THEMES[o.theme]
  const renderer = new WebGLRenderer({ antialias: true, alpha: true, powerPreference: 'low-power' })
  renderer.setPixelRatio(Math.min(PIXEL_RATIO_MAX, devicePixelRatio || 1))
  const canvas = renderer.domElement
  canvas.setAttribute('aria-hidden', 'true')
  o.host.append(canvas)
  const world = new World()
  const sun = new DirectionalLight(0xffffff, 1.6)
  sun.position.set(4, 10, 7)
  world.add(new AmbientLight(0xffffff, 1.5), sun)
  const group = new Group()
  world.add(group)
  const camera = new PerspectiveCamera(FOV_DEG, 1, 0.1, 500)
  const hatch = hatching()
  const camerasAt = { ...HOME }
  let scene: Scene | null = null
  /** 0 = the alarm floor is still in the building, 1 = it is out */
  let out = o.reducedMotion ? 1 : 0
  let pulledAtMs: number | null = null
  let meshes: { mesh: InstancedMesh; rooms: RoomBox[] }[] = []
  let words: Sprite[] = []
  let frame = 0
  let gone = false

  const invalidate = (): void => {
    if (frame === 0 && !gone) frame = requestAnimationFrame(draw)
  }
  const back = ({ isAlarm }: { isAlarm: boolean }): number => (isAlarm ? (scene?.outBy ?? 0) * (1 - out) : 0)

  const aim = (): void => {
    if (scene !== null) place(camera, scene, camerasAt)
  }
  /** Floors first, then rooms in alarm, then the others: what lies over a word before it is left out, and stands in the table. */
  const clear = (): void => {
    const { clientWidth: width, clientHeight: height } = o.host
    camera.updateMatrixWorld()
    const boxes = words.map(word => {
      const pxPerUnit = height / (2 * Math.tan((FOV_DEG * Math.PI) / 360) * camera.position.distanceTo(word.position))
      const at = word.position.clone().project(camera)
      return { x: (at.x * width) / 2, y: (at.y * height) / 2, width: word.scale.x * pxPerUnit, height: word.scale.y * pxPerUnit }
    })
    for (const [at, isClear] of clearOf(boxes).entries()) if (words[at] !== undefined) words[at].visible = isClear
  }
  const draw = (nowMs: number): void => {
    frame = 0
    if (gone) return
    if (out < 1) {
      pulledAtMs ??= nowMs
      out = Math.min(1, (nowMs - pulledAtMs) / PULL_MS)
      build()
      if (out < 1) invalidate()
    }
    aim()
    clear()
    renderer.render(world, camera)
  }

  const slabMesh = (slabs: readonly Slab[], alarm: boolean): InstancedMesh => {
    const { width, depth } = scene ?? { width: 1, depth: 1 }
    const material = new MeshLambertMaterial({
      color: alarm ? colours.raised : colours.mapBuilding,
      transparent: true,
      opacity: alarm ? 0.95 : 0.55,
    })
    const mesh = new InstancedMesh(new BoxGeometry(width + 0.3, 0.08, depth + 0.3), material, slabs.length)
    for (const [at, slab] of slabs.entries()) mesh.setMatrixAt(at, new Matrix4().makeTranslation(slab.x - back(slab), slab.y - 0.05, 0))
    return mesh
  }
  const roomMesh = (rooms: RoomBox[], silent: boolean): void => {
    const material = new MeshLambertMaterial(silent ? { map: hatch } : {})
    const mesh = new InstancedMesh(new BoxGeometry(ROOM_WIDTH - 0.14, 1, ROOM_DEPTH - 0.14), material, rooms.length)
    for (const [at, room] of rooms.entries()) {
      const place = new Matrix4()
        .makeScale(1, room.height, 1)
        .setPosition(room.x - back({ isAlarm: room.isOut }), room.y + room.height / 2, room.z)
      mesh.setMatrixAt(at, place)
      mesh.setColorAt(at, new Color(colourOf(colours, room.condition)))
    }
    meshes.push({ mesh, rooms })
    group.add(mesh)
  }
  const rim = (width: number, depth: number, x: number, y: number, colour: string): LineSegments => {
    const line = new LineSegments(new EdgesGeometry(new BoxGeometry(width, 0.08, depth)), new LineBasicMaterial({ color: colour }))
    line.position.set(x, y - 0.05, 0)
    return line
  }
  const build = (): void => {
    if (scene === null) return
    free(group)
    meshes = []
    words = []
    const { slabs, rooms, width, depth } = scene
    for (const alarm of [false, true]) {
      const some = slabs.filter(slab => slab.isAlarm === alarm && !slab.isEmpty)
      if (some.length > 0) group.add(slabMesh(some, alarm))
    }
    for (const slab of slabs)
      group.add(
        rim(
          width + 0.3,
          depth + 0.3,
          slab.x - back(slab),
          slab.y,
          slab.isAlarm ? colours.level1 : slab.isEmpty ? colours.line : colours.edge,
        ),
      )
    roomMesh(
      rooms.filter(room => !room.isSilent),
      false,
    )
    roomMesh(
      rooms.filter(room => room.isSilent),
      true,
    )
    const size = Math.max(0.7, scene.height / 16)
    const named = slabs.filter((slab, at) => slab.isAlarm || at === 0 || at === slabs.length - 1)
    for (const slab of named) {
      const text = label(
        o.floorName(slab.floor),
        slab.isAlarm ? colours.onLevel : colours.muted,
        slab.isAlarm ? colours.level1 : null,
        size,
      )
      text.position.set(slab.x - back(slab) + (slab.isAlarm ? width / 2 + size : -width / 2 - size), slab.y + 0.3, depth / 2 + 0.3)
      words.push(text)
      group.add(text)
    }
    const told = rooms.filter(one => one.isOut && (one.isAlarm || one.condition !== 'normal'))
    for (const room of told.toSorted((a, b) => Number(b.isAlarm) - Number(a.isAlarm))) {
      const text = label(
        room.room,
        room.isAlarm ? colours.onLevel : colours.text,
        room.isAlarm ? colours.level1 : colours.panel,
        size * 0.85,
      )
      text.position.set(room.x - back({ isAlarm: true }), room.y + room.height + size * 0.7, room.z)
      words.push(text)
      group.add(text)
    }
  }

  const resize = (): void => {
    const { clientWidth, clientHeight } = o.host
    if (clientWidth === 0 || clientHeight === 0) return
    renderer.setSize(clientWidth, clientHeight, false)
    camera.aspect = clientWidth / clientHeight
    invalidate()
  }
  const roomAt = (event: PointerEvent): RoomBox | null => {
    const box = canvas.getBoundingClientRect()
    const at = new Vector2(((event.clientX - box.left) / box.width) * 2 - 1, 1 - ((event.clientY - box.top) / box.height) * 2)
    const ray = new Raycaster()
    ray.setFromCamera(at, camera)
    const [hit] = ray.intersectObjects(
      meshes.map(({ mesh }) => mesh),
      false,
    )
    return meshes.find(({ mesh }) => mesh === hit?.object)?.rooms[hit?.instanceId ?? -1] ?? null
  }
  const turnBy = (azimuthDeg: number, tiltDeg: number): void => {
    camerasAt.azimuthDeg = (camerasAt.azimuthDeg + azimuthDeg) % 360
    camerasAt.tiltDeg = Math.min(80, Math.max(2, camerasAt.tiltDeg + tiltDeg))
    invalidate()
  }
  let drag: { x: number; y: number; moved: number } | null = null
  canvas.addEventListener('pointerdown', event => {
    drag = { x: event.clientX, y: event.clientY, moved: 0 }
    canvas.setPointerCapture(event.pointerId)
  })
  canvas.addEventListener('pointermove', event => {
    if (drag === null) return
    const [dx, dy] = [event.clientX - drag.x, event.clientY - drag.y]
    drag = { x: event.clientX, y: event.clientY, moved: drag.moved + Math.abs(dx) + Math.abs(dy) }
    turnBy(dx * 0.5, dy * 0.3)
  })
  canvas.addEventListener('pointerup', event => {
    const clicked = drag !== null && drag.moved < CLICK_PX
    drag = null
    const room = clicked ? roomAt(event) : null
    if (room !== null) o.onRoom(room)
  })
  canvas.addEventListener('pointercancel', () => {
    drag = null
  })
  canvas.addEventListener('webglcontextlost', event => {
    event.preventDefault()
    if (!gone) o.onLost()
  })
  const watch = new ResizeObserver(resize)
  watch.observe(o.host)
  resize()

  return {
    show(next) {
      scene = next
      build()
      invalidate()
    },
    turn: degrees => turnBy(degrees, 0),
    zoom(by) {
      camerasAt.zoom = Math.min(2, Math.max(0.35, camerasAt.zoom * by))
      invalidate()
    },
    home() {
      Object.assign(camerasAt, HOME)
      invalidate()
    },
    destroy() {
      gone = true
      cancelAnimationFrame(frame)
      watch.disconnect()
      free(group)
      hatch.dispose()
      renderer.dispose()
      renderer.forceContextLoss()
      canvas.remove()
    },
  }
}
