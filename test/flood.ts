// A flood to test with: 10,000 devices in 200 places that say something is wrong within a minute, and three real fires among them. Seeded, so
// that a run can be repeated. What it sends are messages as devices send them; what becomes of them is for who asks.
import type { DeviceKind, Place, Position } from '#contracts/reading.ts'

export type FloodDevice = { deviceId: string; kind: DeviceKind; place: Place; position: Position }
export type FloodMessage = { atMs: number; deviceId: string; topic: string; body: object }
export type Flood = {
  devices: FloodDevice[]
  /** by time */
  messages: FloodMessage[]
  /** buildings that burn */
  fires: string[]
}

const PLACES = 200
const EACH = 50
const LASTS_MS = 60_000
/** seconds after the begin at which each of the fires is smelt for the first time: when the queue is full already */
const FIRES_S = [20, 33, 46]
/** apart in metres: further than what grouping takes for one place */
const APART_M = 400
const M_PER_DEGREE = 111_195

/** Mulberry32: small, and the same everywhere. */
const randomFrom = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), state | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What a power dip and the dust it stirs make devices say. */
const NUISANCE = ['mainPowerFault', 'mainPowerFault', 'mainPowerFault', 'fault', 'fault', 'lowBattery', 'tamper'] as const

const positionOf = (place: number): Position => ({
  lat: 31.7 + (Math.floor(place / 20) * APART_M) / M_PER_DEGREE,
  lon: 118.6 + ((place % 20) * APART_M) / (M_PER_DEGREE * Math.cos((31.7 * Math.PI) / 180)),
})

/**
 * In a third of the places one detector cries fire, in three of them two do (dust: confirmed by the letter, GB 50116-2013 4.1.6, and no
 * fire). Where it burns there is smoke, then heat, then somebody at the call point.
 */
export const makeFlood = (o: { seed: number; beginMs: number }): Flood => {
  const random = randomFrom(o.seed)
  const burning = FIRES_S.map((_, i) => 11 + i * 73)
  const devices: FloodDevice[] = []
  const messages: FloodMessage[] = []
  const say = (deviceId: string, kind: DeviceKind, alarms: object, atMs: number): void =>
    void messages.push({
      atMs: Math.round(atMs),
      deviceId,
      topic: `fire/v1/${kind}/${deviceId}/telemetry`,
      body: { v: 1, deviceId, kind, ts: Math.round(atMs), alarms },
    })
  for (let place = 0; place < PLACES; place += 1) {
    const fireS = FIRES_S[burning.indexOf(place)]
    const criers = fireS !== undefined ? 0 : place % 67 === 5 ? 2 : place % 3 === 0 ? 1 : 0
    for (let n = 0; n < EACH; n += 1) {
      const kind = n === 2 ? 'manual-call' : n === 1 ? 'heat' : 'smoke'
      const deviceId = `fl-${place}-${n}`
      const area = `Street ${place % 8}`
      devices.push({ deviceId, kind, place: { area, building: `Block ${place}`, floor: String(n % 20) }, position: positionOf(place) })
      if (fireS !== undefined && n < 3)
        say(deviceId, kind, [{ smoke: true }, { heat: true }, { manualCall: true }][n] ?? {}, o.beginMs + (fireS + n * 1.5) * 1000)
      else {
        const flag =
          n > 2 && n <= 2 + criers ? 'smoke' : n === 10 ? 'preAlarm' : (NUISANCE[Math.floor(random() * NUISANCE.length)] ?? 'fault')
        say(deviceId, kind, { [flag]: true }, o.beginMs + random() * LASTS_MS)
      }
    }
  }
  return { devices, messages: messages.toSorted((a, b) => a.atMs - b.atMs), fires: burning.map(place => `Block ${place}`) }
}
