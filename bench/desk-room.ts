// A desk with a whole district behind it, for benches of the page: the API as it runs (real port, accounts, dispatch, live socket, the built
// page), and N devices that stand where the simulator would put them. What devices say is put into the directory and pushed, as the
// alarm path does it; no broker takes part, so that the page and its server are what is measured.
import { join } from 'node:path'
import type { Device } from '#contracts/device.ts'
import type { AlarmFlags, DeviceKind, Reading } from '#contracts/reading.ts'
import { chromium, type Browser, type Page } from 'playwright-core'
import { readDistrict } from '../simulators/district/read.ts'
import { plan, type Planned } from '../simulators/plan.ts'
import { createRandom } from '../simulators/random.ts'
import { PASSWORD, startRoom, type Room } from '../test/api/room.ts'

const root = join(import.meta.dirname, '..')
const districtDir = join(root, 'dashboard/district')
const SEED = 'desk-room'

/** Chromium as the tests use it. `gl` false: no WebGL at all. */
export const openBrowser = (gl: boolean): Promise<Browser> =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: [
      '--no-sandbox',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ].concat(gl ? ['--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist'] : ['--disable-3d-apis']),
  })

export type DeskRoom = {
  room: Room
  planned: Planned[]
  random: ReturnType<typeof createRandom>
  /** one device says something now; `alarms` as it says them */
  say(planned: Planned, o?: { alarms?: AlarmFlags } & Partial<Pick<Reading, 'position' | 'metrics' | 'state'>>): Device
  /** share of all devices say something, one in eight of them with another condition; pushed as one */
  tick(share: number): Device[]
  openPage(
    browser: Browser,
    o?: {
      query?: string
      /** where the page is had, when not from the room itself */
      url?: string
      width?: number
      height?: number
      reducedMotion?: boolean
      theme?: 'dark' | 'light'
      english?: boolean
      before?: (page: Page) => Promise<unknown>
    },
  ): Promise<Page>
  [Symbol.asyncDispose](): Promise<void>
}

/** `webDir`: the built page, where it is not the one that ships. */
export async function openDeskRoom(devices: number, webDir = join(root, 'dashboard/web/dist')): Promise<DeskRoom> {
  const room = await startRoom({ roles: ['admin', 'officer'], parts: { webDir, districtDir } })
  const planned = plan({ district: readDistrict(districtDir), devices, seed: SEED })
  const random = createRandom(SEED)
  const changed = { fault: new Set<string>() }
  const say: DeskRoom['say'] = (p, o = {}) => {
    const ts = new Date().toISOString()
    room.directory.apply({
      deviceId: p.deviceId,
      kind: p.kind as DeviceKind,
      ts,
      receivedAt: ts,
      tsSource: 'device',
      metrics: o.metrics ?? {},
      alarms: o.alarms ?? {},
      flags: {},
      source: { family: 'native' },
      ...(o.position === undefined ? {} : { position: o.position }),
      ...(o.state === undefined ? {} : { state: o.state }),
    })
    const device = room.directory.get(p.deviceId)
    if (device === undefined) throw new Error(`${p.deviceId} is not in the directory`)
    return device
  }
  for (const p of planned) {
    const place = { area: p.area, grid: p.grid, building: p.building, floor: p.floor, room: p.room }
    room.directory.register({
      deviceId: p.deviceId,
      kind: p.kind as DeviceKind,
      name: p.name,
      position: { lat: p.lat, lon: p.lon },
      place: Object.fromEntries(Object.entries(place).filter(([, value]) => value !== '')),
    })
    // what a district looks like: a few in fault, a few silent, the rest well
    if (random.chance(0.985)) say(p, random.chance(0.008) ? { alarms: { fault: true } } : {})
  }
  room.api.push({ devices: [...room.directory.all()] })
  return {
    room,
    planned,
    random,
    say,
    tick(share) {
      const said = Array.from({ length: Math.round(planned.length * share) }, () => {
        const p = random.pick(planned)
        if (!random.chance(1 / 8)) return say(p)
        const fault = !changed.fault.has(p.deviceId)
        changed.fault[fault ? 'add' : 'delete'](p.deviceId)
        return say(p, { alarms: { fault } })
      })
      room.api.push({ devices: said })
      return said
    },
    async openPage(browser, o = {}) {
      const context = await browser.newContext({
        viewport: { width: o.width ?? 1920, height: o.height ?? 1080 },
        locale: o.english === true ? 'en' : 'zh-CN',
        reducedMotion: o.reducedMotion === true ? 'reduce' : 'no-preference',
      })
      const page = await context.newPage()
      await page.addInitScript(
        ([theme, locale]) => {
          localStorage.setItem('fengsui.theme', theme ?? 'dark')
          localStorage.setItem('fengsui.locale', locale ?? 'zh-CN')
        },
        [o.theme ?? 'dark', o.english === true ? 'en' : 'zh-CN'],
      )
      await context.addCookies([
        { name: 'fengsui_session', value: (await room.accounts.login('admin', PASSWORD)).token, url: o.url ?? room.url },
      ])
      await o.before?.(page)
      await page.goto(`${o.url ?? room.url}/${o.query ?? ''}`)
      return page
    },
    [Symbol.asyncDispose]: () => room[Symbol.asyncDispose](),
  }
}
