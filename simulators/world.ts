// The district's own time: a queue of "this device steps at this second of the story". Story seconds become wall-clock times by
// start and speed only when a message is stamped, so the same seed gives the same messages whenever it is run.
import { nativeTopic } from '#contracts/topic.ts'
import { DEVICE_MODELS } from './devices/index.ts'
import type { Saying, SimDevice } from './devices/device.ts'
import { createAgenda } from './agenda.ts'
import type { Order } from './orders.ts'
import { createPace, type Pace } from './pace.ts'
import type { Planned } from './plan.ts'
import { createRandom } from './random.ts'
import { SCENARIOS, type ScenarioName } from './scenarios/index.ts'
import type { Summary } from './scenarios/scenario.ts'

export type SimMessage = {
  deviceId: string
  via: string | undefined
  topic: string
  retain: boolean
  urgent: boolean
  atMs: number
  body: Record<string, unknown>
}
export type WorldOptions = {
  planned: readonly Planned[]
  seed: string
  scenario: ScenarioName
  /** story seconds in one second of the wall clock */
  speed: number
  messagesPerS: number
  /** wall clock at story second 0, epoch ms */
  startMs: number
  /** stations wait for the orders of the platform under test; else the story sends the nearest by itself */
  awaitOrders?: boolean
}
export type World = {
  /** everything said up to this wall-clock time and not yet handed out, in order */
  until(wallMs: number): Generator<SimMessage>
  /** retained self-description of a device, fit for native-about.schema.json */
  about(deviceId: string): SimMessage
  /** An order to a station, at this wall-clock time. */
  told(deviceId: string, order: Order, wallMs: number): void
  pace: Pace
  summary(): Summary
  wallMs(storyS: number): number
}

/** wall-clock seconds of ordinary life before the story begins */
const PRELUDE_S = 10

export function createWorld(o: WorldOptions): World {
  const random = createRandom(`world/${o.seed}`)
  const scenario = SCENARIOS[o.scenario]({
    planned: o.planned,
    random: random.fork('scenario'),
    beginsS: PRELUDE_S * o.speed,
    awaitOrders: o.awaitOrders ?? false,
  })
  const pace = createPace(o.planned, o.messagesPerS)
  const wallMs = (storyS: number) => Math.round(o.startMs + (storyS / o.speed) * 1000)
  const boot = Math.floor(o.startMs / 1000)
  const agenda = createAgenda(o.planned.length)
  const index = new Map(o.planned.map((p, i) => [p.deviceId, i]))
  const seqs = new Uint32Array(o.planned.length)
  const devices: SimDevice[] = o.planned.map((planned, i) => {
    const r = random.fork(planned.deviceId)
    const routineS = pace.everyS(planned.kind) * o.speed
    agenda.plan(i, r.between(0, routineS))
    return DEVICE_MODELS[planned.kind]({ planned, random: r, scenario, routineS, speed: o.speed })
  })

  for (const { deviceId, atS } of scenario.wakes) agenda.wake(index.get(deviceId)!, atS)

  const stamp = (i: number, atS: number, said: Saying): SimMessage => {
    const { deviceId, kind, via } = o.planned[i]!
    const seq = seqs[i]!++
    const body = {
      v: 1,
      msgId: `${deviceId}-${boot.toString(36)}-${seq.toString(36)}`,
      deviceId,
      kind,
      ts: new Date(wallMs(atS)).toISOString(),
      seq,
      boot,
      ...said.body,
    }
    return {
      deviceId,
      via,
      topic: nativeTopic({ kind, deviceId, channel: said.channel }),
      retain: false,
      urgent: said.channel === 'event',
      atMs: wallMs(atS),
      body,
    }
  }

  return {
    pace,
    wallMs,
    summary: scenario.summary,
    about(deviceId) {
      const i = index.get(deviceId)!
      return {
        deviceId,
        via: o.planned[i]!.via,
        topic: nativeTopic({ kind: o.planned[i]!.kind, deviceId, channel: 'about' }),
        retain: true,
        urgent: true,
        atMs: o.startMs,
        body: aboutOf(o.planned[i]!, devices[i]!, pace),
      }
    },
    told(deviceId, order, toldMs) {
      const i = index.get(deviceId)
      if (i === undefined) return
      const atS = Math.max(0, ((toldMs - o.startMs) / 1000) * o.speed)
      devices[i]?.told?.(order, atS)
      agenda.wake(i, atS)
    },
    *until(untilMs) {
      for (;;) {
        const due = agenda.next()
        if (due === null || wallMs(due.atS) > untilMs) return
        agenda.take()
        const { say, nextS } = devices[due.who]!.step(due.atS)
        agenda.plan(due.who, nextS)
        for (const said of say) {
          if (isSounding(said))
            for (const call of scenario.alarmed(o.planned[due.who]!.deviceId, due.atS)) agenda.wake(index.get(call.deviceId)!, call.atS)
          yield stamp(due.who, due.atS, said)
        }
      }
    },
  }
}

const isSounding = ({ channel, body }: Saying) =>
  channel === 'event' && (body['alarms'] as Record<string, boolean> | undefined)?.['smoke'] === true

function aboutOf(p: Planned, device: SimDevice, pace: Pace): Record<string, unknown> {
  const place = Object.fromEntries((['grid', 'building', 'floor', 'room'] as const).flatMap(key => (p[key] === '' ? [] : [[key, p[key]]])))
  return {
    v: 1,
    deviceId: p.deviceId,
    kind: p.kind,
    name: p.name,
    ...(p.via === undefined ? {} : { via: p.via }),
    position: { lat: p.lat, lon: p.lon, crs: 'WGS84' },
    ...(Object.keys(place).length === 0 ? {} : { place }),
    telemetryEveryS: Math.max(1, Math.round(pace.everyS(p.kind))),
    expectNextS: pace.expectNextS(p.kind),
    ...device.about(),
  }
}
