// A fixed thermal and visible camera with detection on board. It sends a pulse as a sign of life with what it ordinarily sees,
// and an event with phases new, update, end when it sees smoke or flame, with the confidence it has.
import { outdoorC, rounded } from '../weather.ts'
import { event, nextRoutine, positionOf, telemetry, type DeviceModel, type Saying } from './device.ts'

/** below this a detector on board keeps quiet */
const CONFIDENCE_MIN = 0.5
const UPDATE_S = 3
const GONE_S = 30
const RANGE_MAX_C = 550
const PASSERS_BY = ['person', 'person', 'vehicle', 'e-bike', 'animal'] as const

export const camera: DeviceModel = o => {
  const { planned, random, scenario } = o
  const broken = scenario.trouble(planned.deviceId)?.what === 'lens-fault'
  const mountedDeg = random.between(0, 359.9)
  const aimDeg = scenario.aimDeg(planned.deviceId) ?? mountedDeg
  const tiltDeg = rounded(random.between(-18, -4), 1)
  const heightM = rounded(random.between(5, 24), 1)
  const box: [number, number, number, number] = [rounded(random.between(0.3, 0.5), 3), rounded(random.between(0.15, 0.35), 3), 0.08, 0.1]
  let eventId = ''
  let events = 0
  let routineAtS = -Infinity
  let updateAtS = -Infinity
  let lastSeenS = -Infinity
  // the crew's lights and passing cars shake confidence; it is smoothed over some seconds
  let smokeSeen = 0
  let flameSeen = 0

  const view = { bearingDeg: rounded(aimDeg, 1) % 360, tiltDeg, hfovDeg: 56, vfovDeg: 33, zoom: 1, heightM }
  const sure = (plainly: number) => Math.min(0.98, Math.max(0, plainly * 1.05 + random.normal() * 0.03))

  function look(atS: number) {
    const sight = scenario.sight(planned.deviceId, atS)
    smokeSeen += ((sight === null ? 0 : sure(sight.smoke)) - smokeSeen) * 0.3
    flameSeen += ((sight === null ? 0 : sure(sight.flame)) - flameSeen) * 0.3
    const detections: Record<string, unknown>[] = []
    const distanceM = sight === null ? {} : { distanceM: rounded(sight.distanceM, 0) }
    if (flameSeen >= CONFIDENCE_MIN)
      detections.push({
        class: 'flame',
        confidence: rounded(flameSeen, 2),
        trackId: 't-1',
        bbox: box,
        temperatureC: rounded(Math.min(RANGE_MAX_C, sight?.hottestC ?? 0), 1),
        ...distanceM,
      })
    if (smokeSeen >= CONFIDENCE_MIN)
      detections.push({
        class: 'smoke',
        confidence: rounded(smokeSeen, 2),
        trackId: 't-2',
        bbox: [box[0], rounded(box[1] - 0.1, 3), 0.2, 0.22],
        ...distanceM,
      })
    return { detections, hottestC: detections.length > 0 ? (sight?.hottestC ?? 0) : 0 }
  }

  function body(atS: number, phase: string, detections: Record<string, unknown>[], hottestC: number) {
    const coolC = outdoorC(scenario.startHour + atS / 3600)
    return {
      position: { ...positionOf(planned), heightM },
      power: { mainsOk: true },
      alarms: {
        flame: detections.some(d => d['class'] === 'flame'),
        preAlarm: detections.some(d => d['class'] === 'smoke'),
        fault: broken,
      },
      camera: {
        ...(phase === 'pulse' ? {} : { eventId }),
        phase,
        ...(broken ? {} : { detections }),
        ...(broken
          ? {}
          : {
              thermal: {
                maxC: rounded(Math.min(RANGE_MAX_C, Math.max(hottestC, coolC + 6 + Math.abs(random.normal()))), 1),
                minC: rounded(coolC - 2, 1),
                rangeMaxC: RANGE_MAX_C,
              },
            }),
        view,
      },
    }
  }

  /** Ordinary life in front of a lens, more of it by day. */
  function passersBy(atS: number): Record<string, unknown>[] {
    const hour = (scenario.startHour + atS / 3600) % 24
    if (!random.chance(hour > 6 && hour < 23 ? 0.35 : 0.08)) return []
    return [
      {
        class: random.pick(PASSERS_BY),
        confidence: rounded(random.between(0.55, 0.95), 2),
        bbox: [rounded(random.between(0.05, 0.8), 3), rounded(random.between(0.4, 0.7), 3), 0.06, 0.15],
      },
    ]
  }

  return {
    about: () => ({
      manufacturer: 'Fengsui simulator',
      model: 'CAM-T2 dual',
      firmware: '3.0.1',
      capabilities: ['smoke', 'flame', 'thermal'],
    }),
    step(atS) {
      const say: Saying[] = []
      const watching = !broken && scenario.alert(planned.deviceId, atS)
      const { detections, hottestC } = watching ? look(atS) : { detections: [], hottestC: 0 }
      if (detections.length > 0) lastSeenS = atS
      if (detections.length > 0 && eventId === '') {
        eventId = `${planned.deviceId}-e${++events}`
        say.push(event(body(atS, 'new', detections, hottestC)))
        updateAtS = atS + UPDATE_S * o.speed
      } else if (eventId !== '' && atS - lastSeenS > GONE_S) {
        say.push(event(body(atS, 'end', [], 0)))
        eventId = ''
      } else if (eventId !== '' && atS >= updateAtS && detections.length > 0) {
        say.push(event(body(atS, 'update', detections, hottestC)))
        updateAtS = atS + UPDATE_S * o.speed
      }
      if (atS >= routineAtS) {
        if (say.length === 0 && eventId === '') say.push(telemetry(body(atS, 'pulse', passersBy(atS), 0)))
        routineAtS = nextRoutine(o, atS)
      }
      return { say, nextS: watching ? Math.min(atS + 1, routineAtS) : routineAtS }
    },
  }
}
